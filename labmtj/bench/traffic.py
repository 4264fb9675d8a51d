"""What went over the wire, kept line by line; and a session that answers from such a file instead of an instrument.

A line is `{"seconds": ..., "instrument": ..., "write": ...}` or the same with "read" or "error". Text is kept as it was
sent, without terminators; bytes as latin-1.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from pymeasure.adapters import Adapter

from labmtj.errors import DataError, InstrumentError

_KINDS = ("write", "read", "error")
LONGEST_LINE = 16_000_000
"""characters; a longer line is no traffic of an instrument"""


class TrafficRecorder:
    """Writes the traffic of all instruments of a bench to one file, in the order in which it happened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: TextIO = path.open("a", encoding="utf-8", buffering=1)  # "a": a run that pauses goes on in it
        self._lock = threading.Lock()
        self._begun = time.monotonic()

    def note(self, instrument: str, kind: str, text: str) -> None:
        """Append one line."""
        line = {"seconds": round(time.monotonic() - self._begun, 6), "instrument": instrument, kind: text}
        with self._lock:
            self._file.write(json.dumps(line) + "\n")

    def around(self, instrument: str, adapter: Adapter) -> RecordedAdapter:
        """Return a session around another one, whose traffic is recorded."""
        return RecordedAdapter(adapter, instrument, self)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class RecordedAdapter(Adapter):  # type: ignore[misc]  # PyMeasure has no types
    """A session that passes everything on to another one and has it written down."""

    def __init__(self, adapter: Adapter, instrument: str, recorder: TrafficRecorder) -> None:
        super().__init__()
        self.inner, self.connection = adapter, adapter.connection
        self.resource_name = getattr(adapter, "resource_name", "")
        self._instrument, self._recorder = instrument, recorder

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


class Tape:
    """The recorded traffic of a bench, to be answered from. What belongs to one instrument is played in its order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._diverged: InstrumentError | None = None
        found: dict[str, list[tuple[int, str, str]]] = {}
        for number, instrument, kind, text in _read(path):
            found.setdefault(instrument, []).append((number, kind, text))
        self._lines = {name: iter(lines) for name, lines in found.items()}

    def adapter(self, instrument: str) -> ReplayAdapter:
        """Return a session that answers in the place of an instrument."""
        return ReplayAdapter(self, instrument)

    def expect(self, instrument: str, kind: str, text: str | None = None) -> tuple[str, str]:
        """Return kind and text of the next line of an instrument.

        Raises:
            InstrumentError: the first divergence from the record: another command, or a reply where there was none.
                Nothing that comes behind it means anything: it is raised again.
        """
        if self._diverged is not None:
            raise self._diverged
        number, recorded, content = next(self._lines.get(instrument, iter(())), (0, "nothing more", ""))
        wanted = ("read", "error") if kind == "read" else (kind,)
        if recorded not in wanted or (text is not None and text != content):
            where = f"line {number}" if number else "its end"
            self._diverged = InstrumentError(
                instrument, str(self.path),
                f"the traffic diverges from the record at {where}: the record has {recorded} {content[:200]!r}. Replay "
                "answers only what was recorded; record anew if the procedure, its settings or the driver have changed",
                command=text or "(wants a reply)",
            )  # fmt: skip
            raise self._diverged
        return recorded, content


def _read(path: Path) -> Iterable[tuple[int, str, str, str]]:
    """Iterate (line number, instrument, kind, text)."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), ""), 1):
                yield (number, *_parsed(path, number, line))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as recorded traffic: {error}") from error


def _parsed(path: Path, number: int, line: str) -> tuple[str, str, str]:
    try:
        entry = json.loads(line)
        (kind,) = (name for name in _KINDS if name in entry)
        return str(entry["instrument"]), kind, str(entry[kind])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DataError(
            f"{path}:{number}: not a line of recorded traffic; it needs an instrument and one of {', '.join(_KINDS)}"
        ) from None


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
