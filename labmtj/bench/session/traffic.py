"""Sessions that write down what goes over the wire, and sessions that answer from a tape instead of an instrument."""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from pymeasure.adapters import Adapter

from labmtj.bench.session.tape import Source, Tape, header
from labmtj.filing import append_to

MOST_WAITING = 100_000
"""messages that wait for a disk"""
CLOSE_SECONDS = 5.0
"""longest wait for it at the end"""
_LOG = logging.getLogger(__name__)


class TrafficRecorder:
    """Writes the traffic of all instruments of a bench to one file, in the order in which it happened.

    A thread writes: a disk that hangs or is full keeps no message from an instrument, least of all one that switches it
    off. What cannot be written is missing in the file, and a warning says so.

    Args:
        path: of the file; a run that pauses goes on in it.
        source: what is recorded: instruments, or virtual ones.
        bench: its name.
    """

    def __init__(self, path: Path, source: Source, bench: str) -> None:
        self.path = path
        self._file: TextIO = append_to(path)
        if not self._file.tell():
            self._file.write(header(source, bench))
        self._lines: queue.Queue[str] = queue.Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._begun = time.monotonic()
        self._failure = ""
        self._thread = threading.Thread(target=self._write, name="traffic", daemon=True)
        self._thread.start()

    def note(self, instrument: str, kind: str, text: str) -> None:
        """Append one line; waits for nothing."""
        with self._lock:
            line = {"seconds": round(time.monotonic() - self._begun, 6), "instrument": instrument, kind: text}
            try:
                self._lines.put_nowait(json.dumps(line) + "\n")
            except queue.Full:
                self._fails(f"{MOST_WAITING} messages wait for the disk")

    def _write(self) -> None:
        try:
            while line := self._lines.get():
                self._file.write(line)
        except OSError as error:
            self._fails(str(error))
        with suppress(OSError):
            self._file.close()

    def _fails(self, why: str) -> None:
        if not self._failure:
            self._failure = why
            _LOG.warning("%s: the traffic is not complete: %s; the run goes on", self.path, why)

    def around(self, instrument: str, adapter: Adapter) -> RecordedAdapter:
        """Return a session around another one, whose traffic is recorded."""
        return RecordedAdapter(adapter, instrument, self)

    def close(self) -> None:
        """Write what is left, and close the file; a disk that hangs is given up after some seconds."""
        with suppress(queue.Full):
            self._lines.put("", timeout=CLOSE_SECONDS)
        self._thread.join(CLOSE_SECONDS)
        if self._thread.is_alive():
            self._fails("the disk hangs")


class RecordedAdapter(Adapter):  # type: ignore[misc]  # PyMeasure has no types
    """A session that passes everything on to another one and has it written down."""

    def __init__(self, adapter: Adapter, instrument: str, recorder: TrafficRecorder) -> None:
        super().__init__()
        self.inner, self.connection = adapter, adapter.connection
        self.resource_name = getattr(adapter, "resource_name", "")
        self._instrument, self._recorder = instrument, recorder

    def drawn(self, number: int) -> int:
        """Note a number that the session drew, which a replay is to draw again."""
        self._recorder.note(self._instrument, "drawn", str(number))
        return number

    def close(self) -> None:
        """Close the session within."""
        self.inner.close()

    def flush_read_buffer(self) -> None:
        """Flush the session within."""
        self.inner.flush_read_buffer()

    def _write(self, command: str, **options: Any) -> None:
        self._recorder.note(self._instrument, "write", command)
        self.inner.write(command, **options)

    def _write_bytes(self, content: bytes, **options: Any) -> None:
        self._recorder.note(self._instrument, "write", content.decode("latin-1"))
        self.inner.write_bytes(content, **options)

    def _read(self, **options: Any) -> str:
        return str(self._answered(lambda: self.inner.read(**options)))

    def _read_bytes(self, count: int, break_on_termchar: bool, **options: Any) -> bytes:  # noqa: FBT001 - PyMeasure's
        answer = self._answered(lambda: self.inner.read_bytes(count, break_on_termchar, **options))
        assert isinstance(answer, bytes)
        return answer

    def _answered(self, read: Any) -> str | bytes:
        try:
            answer: str | bytes = read()
        except Exception as error:
            self._recorder.note(self._instrument, "error", f"{type(error).__name__}: {error}")
            raise
        text = answer.decode("latin-1") if isinstance(answer, bytes) else answer
        self._recorder.note(self._instrument, "read", text)
        return answer


class _NoConnection:
    """What drivers find where a session has its connection."""

    timeout = 2000

    def close(self) -> None:
        """There is nothing to close."""

    def clear(self) -> None:
        """There is nothing to clear."""


class ReplayAdapter(Adapter):  # type: ignore[misc]  # PyMeasure has no types
    """A session that answers from a tape."""

    def __init__(self, tape: Tape, instrument: str) -> None:
        super().__init__()
        self.connection = _NoConnection()
        self.resource_name = f"{tape.path}#{instrument}"
        self._tape, self._instrument = tape, instrument

    def drawn(self, number: int) -> int:  # noqa: ARG002 - the session's own number
        """Return the number that the recorded session drew."""
        return int(self._tape.expect(self._instrument, "drawn")[1])

    def flush_read_buffer(self) -> None:
        """There is nothing to flush: only what was read is on the tape."""

    def _write(self, command: str, **options: Any) -> None:  # noqa: ARG002 - PyMeasure's
        self._tape.expect(self._instrument, "write", command)

    def _write_bytes(self, content: bytes, **options: Any) -> None:  # noqa: ARG002
        self._tape.expect(self._instrument, "write", content.decode("latin-1"))

    def _read(self, **options: Any) -> str:  # noqa: ARG002
        kind, text = self._tape.expect(self._instrument, "read")
        if kind == "error":
            raise OSError(text)
        return text

    def _read_bytes(self, count: int, break_on_termchar: bool, **options: Any) -> bytes:  # noqa: ARG002, FBT001
        return self._read().encode("latin-1")
