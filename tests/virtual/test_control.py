"""Whatever a bench is asked, it answers, and goes on answering."""

import json
import socket

import pytest

from labmtj.virtual.server.serving import Control

QUESTIONS = {
    "no JSON": b"hello\n",
    "no text": b"\xff\xfe\x00\n",
    "nothing": b"\n",
    "a list": b"[]\n",
    "a number": b"1\n",
    "a list for a name": b'{"ask": []}\n',
    "nobody knows": b'{"ask": "nothing"}\n',
    "left over": b'{"ask": "seconds", "and": 1}\n',
    "no number": b'{"ask": "wait", "seconds": "soon"}\n',
    "beyond the floats": b'{"ask": "wait", "seconds": 1' + b"0" * 400 + b"}\n",
    "nested without end": b"[" * 60_000 + b"\n",
}


@pytest.fixture
def control():
    with Control({"seconds": lambda: 1.0, "wait": lambda seconds: float(seconds)}) as control:
        yield control


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_that_is_none_is_answered_so(control, name):
    """Without errors="replace", bytes that are no text ended the thread, with a trace; a number too large did, too."""
    with socket.create_connection(("127.0.0.1", control.port), timeout=10) as link, link.makefile("r") as answers:
        link.sendall(QUESTIONS[name])
        assert "not a question to this bench" in json.loads(answers.readline())["error"]
        link.sendall(b'{"ask": "seconds"}\n')
        assert json.loads(answers.readline()) == {"answer": 1.0}
