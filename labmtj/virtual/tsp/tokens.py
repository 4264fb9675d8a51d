"""The words of Lua 5.0: a source is cut into tokens as that version cuts it, and refused where it would not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from labmtj.virtual.tsp.complaints import ScriptFault

_PATTERN = re.compile(
    r"""
    (?P<space>[ \t\r\f\v]+)
  | (?P<line>\n)
  | (?P<comment>--)
  | (?P<long>\[\[)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<number>(?:[0-9]+(?:\.[0-9]*)*|\.[0-9]+)(?:[eE][+-]?[0-9]*)?)
  | (?P<text>["'])
  | (?P<sign>\.\.\.|\.\.|==|~=|<=|>=|[-+*/^=<>(){}\[\];:,.])
    """,
    re.VERBOSE,
)
_QUOTED = {quote: re.compile(rf"(?:[^\\\n{quote}]|\\.)*{quote}", re.DOTALL) for quote in "\"'"}
_BRACKETS = re.compile(r"\[\[|\]\]")


class Token(NamedTuple):
    """A piece of a source; white space and comments are tokens, too, so that all of them together are the source."""

    kind: str
    """name, number, text, long (a string in double brackets), sign, space, comment or end"""
    text: str
    line: int


def tokens(source: str) -> Iterator[Token]:
    """Yield the tokens of a source; ScriptFault where Lua 5.0 knows none."""
    place, line = 0, 1
    while place < len(source):
        found = _PATTERN.match(source, place)
        if found is None:
            raise unexpected(source[place], line)
        kind, end = str(found.lastgroup), found.end()
        if kind == "comment":
            end = _comment_end(source, place, line)
        elif kind == "long":
            end = _long_end(source, place, line)
        elif kind == "text":
            end = _text_end(source, place, line)
        elif kind == "number":
            _check_number(found.group(), source[end : end + 1], line)
        written = source[place:end]
        yield Token("space" if kind == "line" else kind, written, line)
        line += written.count("\n")
        place = end
    yield Token("end", "", line)


def unexpected(near: str, line: int) -> ScriptFault:
    """Return the error of a token that stands where none of its kind may."""
    return ScriptFault(f"TSP:{line}: unexpected symbol near `{near or '<eof>'}'")


def _comment_end(source: str, place: int, line: int) -> int:
    if source.startswith("[[", place + 2):
        return _long_end(source, place + 2, line)
    end = source.find("\n", place)
    return len(source) if end < 0 else end


def _long_end(source: str, place: int, line: int) -> int:
    """Return the end of a string in double brackets; others may be nested in it."""
    depth = 0
    for bracket in _BRACKETS.finditer(source, place):
        depth += 1 if bracket.group() == "[[" else -1
        if not depth:
            return bracket.end()
    raise ScriptFault(f"TSP:{line}: unfinished long string near `<eof>'")


def _text_end(source: str, place: int, line: int) -> int:
    found = _QUOTED[source[place]].match(source, place + 1)
    if found is None:
        raise ScriptFault(f"TSP:{line}: unfinished string near `{source[place : place + 20]}'")
    return found.end()


def _check_number(written: str, following: str, line: int) -> None:
    """Refuse what is no number, and a name that begins within one: 0x10 is a number in 5.1 only."""
    try:
        float(written)
    except ValueError:
        following = "?"
    if following.isidentifier() or following == "?":
        raise ScriptFault(f"TSP:{line}: malformed number near `{written}'")
