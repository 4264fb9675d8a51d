"""A file of recorded traffic, line by line, from which a replay answers.

The first line is `{"recorded": "instruments" or "virtual", "bench": ...}`: what is replayed is no better than what was
recorded. The others are `{"seconds": ..., "instrument": ..., "write": ...}`, or the same with "read", "error" or
"drawn": a number that a session drew to begin counting its messages at. Text is kept as it was sent, without
terminators; bytes as latin-1.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TextIO, get_args

from labmtj.errors import DataError, InstrumentError
from labmtj.filing import open_plain

Source = Literal["instruments", "virtual"]
"""kind of the bench that was recorded"""
_KINDS = ("write", "read", "error", "drawn")
LONGEST_LINE = 16_000_000
"""characters; a longer line is no traffic of an instrument"""


def header(source: Source, bench: str) -> str:
    """Return the first line of a file."""
    return json.dumps({"recorded": source, "bench": bench}) + "\n"


def source_of(path: Path) -> Source:
    """Return what was recorded; raise DataError if the file does not say so in its first line."""
    with _opened(path) as file:
        return _source(path, file)


def _source(path: Path, file: TextIO) -> Source:
    try:
        found: Source = json.loads(file.readline(LONGEST_LINE))["recorded"]
    except (ValueError, KeyError, TypeError, RecursionError):
        found = None  # type: ignore[assignment]
    if found not in get_args(Source):
        raise DataError(
            f"{path}:1: does not say what was recorded, instruments or virtual ones; record it with this version of "
            "labmtj (`labmtj run --record-traffic`)"
        )
    return found


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    try:
        with io.TextIOWrapper(open_plain(path), encoding="utf-8") as file:
            yield file
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as recorded traffic: {error}") from error


class Tape:
    """The recorded traffic of a bench, to be answered from. What belongs to one instrument is played in its order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._diverged: InstrumentError | None = None
        found: dict[str, list[tuple[int, str, str]]] = {}
        for number, instrument, kind, text in _read(path):
            found.setdefault(instrument, []).append((number, kind, text))
        self._lines = {name: iter(lines) for name, lines in found.items()}

    def expect(self, instrument: str, kind: str, text: str | None = None) -> tuple[str, str]:
        """Return kind and text of the next line of an instrument.

        Raises:
            InstrumentError: the first divergence from the record: another command, or a reply where there was none.
                Nothing after it means anything: it is raised again.
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
                "answers only what was recorded; record again after a change of procedure, settings or driver",
                command=text or "(wants a reply)",
            )  # fmt: skip
            raise self._diverged
        return recorded, content


def _read(path: Path) -> Iterable[tuple[int, str, str, str]]:
    """Iterate (line number, instrument, kind, text)."""
    with _opened(path) as file:
        _source(path, file)
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), ""), 2):
            yield (number, *_parsed(path, number, line))


def _parsed(path: Path, number: int, line: str) -> tuple[str, str, str]:
    try:
        entry = json.loads(line)
        (kind,) = (name for name in _KINDS if name in entry)
        instrument, text = entry["instrument"], entry[kind]
        if not (isinstance(instrument, str) and isinstance(text, str)):
            raise TypeError
        if kind == "drawn":
            int(text)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DataError(
            f"{path}:{number}: not a line of recorded traffic; it needs an instrument and one of {', '.join(_KINDS)}"
        ) from None
    return instrument, kind, text
