"""The record of the traffic keeps no message from an instrument."""

import contextlib
import json
import os
import time

import pytest
from pymeasure.adapters import Adapter

from labmtj.bench.session import traffic
from labmtj.bench.session.traffic import TrafficRecorder


class Echo(Adapter):
    """A session that answers with what was sent."""

    def __init__(self):
        super().__init__()
        self.connection, self.sent = self, []

    def close(self):
        pass

    def _write(self, command, **_):
        self.sent.append(command)

    def _read(self, **_):
        return self.sent[-1]


@pytest.fixture(params=["hangs", "is full"])
def disk(request):
    """A file as on a disk that hangs (a pipe that is not read), or that is full."""
    reader, writer = os.pipe()
    if request.param == "is full":
        os.dup2(os.open("/dev/full", os.O_WRONLY), writer)
    file = os.fdopen(writer, "w", buffering=1, encoding="utf-8")
    yield file
    os.close(reader)
    with contextlib.suppress(OSError):
        file.close()


def test_a_disk_that_hangs_or_is_full_keeps_no_message_from_the_instrument(disk, tmp_path, monkeypatch, caplog):
    """Fails if a message is noted before it is sent: the run, and its way to 0 V, end with the disk."""
    monkeypatch.setattr(traffic, "CLOSE_SECONDS", 0.2)
    recorder = TrafficRecorder(tmp_path / "traffic.jsonl", "instruments", "mine")
    recorder._file.close()
    recorder._file = disk
    inner = Echo()
    session = recorder.around("smu", inner)
    begun = time.monotonic()
    for _ in range(30):
        session.write("x" * 10_000)
    recorder.close()
    assert len(inner.sent) == 30
    assert time.monotonic() - begun < 30
    assert "the traffic is not complete" in caplog.text


def test_what_was_said_stands_in_the_file_in_its_order(tmp_path):
    recorder = TrafficRecorder(tmp_path / "traffic.jsonl", "instruments", "mine")
    session = recorder.around("smu", Echo())
    for number in range(1000):
        session.write(str(number))
        assert session.read() == str(number)
    recorder.close()
    _, *lines = map(json.loads, (tmp_path / "traffic.jsonl").read_text().splitlines())
    assert [line.get("write", line.get("read")) for line in lines] == [str(n) for n in range(1000) for _ in "wr"]
    assert [line["seconds"] for line in lines] == sorted(line["seconds"] for line in lines)
