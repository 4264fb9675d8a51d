"""Recorded traffic that somebody has edited, or that is none."""

from pathlib import Path

import pytest

from labmtj.bench.session.tape import Tape
from labmtj.errors import DataError

HEAD = '{"recorded": "virtual", "bench": "x"}\n'
GOOD = '{"instrument": "smu", "write": "*IDN?"}\n'
WRONG = {
    "no JSON": "instrument: smu\n",
    "no kind": '{"instrument": "smu"}\n',
    "two kinds": '{"instrument": "smu", "write": "x", "read": "y"}\n',
    "no instrument": '{"write": "x"}\n',
    "a number for text": '{"instrument": "smu", "read": 1}\n',
    "a drawn word": '{"instrument": "smu", "drawn": "x"}\n',
    "a list for an instrument": '{"instrument": [], "read": "x"}\n',
    "a list": "[1]\n",
    "nested without end": "[" * 100_000 + "\n",
    "digits without end": "9" * 5000 + "\n",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_line_that_is_no_traffic_is_named(tmp_path, name):
    path = tmp_path / "traffic.jsonl"
    path.write_text(HEAD + WRONG[name] + GOOD)
    with pytest.raises(DataError, match=r"traffic\.jsonl:2: not a line of recorded traffic"):
        Tape(path)


@pytest.mark.parametrize("head", ["", "x\n", "[]\n", '{"recorded": ["virtual"]}\n', "[" * 100_000])
def test_traffic_that_does_not_say_what_it_is_of_is_refused(tmp_path, head):
    (tmp_path / "traffic.jsonl").write_text(head + GOOD)
    with pytest.raises(DataError, match=r"traffic\.jsonl:1: does not say what was recorded"):
        Tape(tmp_path / "traffic.jsonl")


def test_bytes_that_are_no_text_are_named(tmp_path):
    (tmp_path / "traffic.jsonl").write_bytes(HEAD.encode() * 5000 + b"\xff\xfe")
    with pytest.raises(DataError, match=r"traffic\.jsonl:"):
        Tape(tmp_path / "traffic.jsonl")


def test_a_line_without_end_is_not_read_to_its_end(tmp_path):
    """Without the cap on a line, this takes all memory: a terabyte of zeros, none of which is on the disk."""
    path = tmp_path / "traffic.jsonl"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(DataError, match=r"traffic\.jsonl:1: "):
        Tape(path)


def test_a_device_is_no_traffic():
    with pytest.raises(DataError, match=r"/dev/zero: .*device"):
        Tape(Path("/dev/zero"))
