"""A walk over all names of a manual: what a table of facts says of them, asked of a box."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

FACTS = Path(__file__).parents[4] / "shared" / "facts" / "commands"
OTHERS = ("1", "2", "0", "3", "5", "0.5", "20", "true", "false", "'10.0.0.7'", "'yes'")
"""what an attribute may be set to, whatever it is"""


def names_of(table: str) -> list[list[str]]:
    """Return the rows of a table of facts beside the checkout; skip where it is absent."""
    path = FACTS / table
    if not path.exists():
        pytest.skip(f"no table {table} beside the checkout")
    return [line.split("\t") for line in path.read_text(encoding="utf-8").split("\n")[1:] if line]


def first_number(text: str) -> str | None:
    """Return the default of an attribute as Lua writes it, where the table states one."""
    found = re.match(r'(-?[\d.]+(e-?\d+)?|true|false|"[^"]*"|[a-z]+\.[A-Z][A-Z0-9_]+)(?=\s|$)', text)
    return found[1] if found else None


class Walk:
    """Asks a box about one name after the other.

    Args:
        handle: a message to the box.
        errors: takes all errors from the box.
        others: further values that an attribute may be set to, as Lua writes them.
    """

    def __init__(self, handle: Callable[[str], Any], errors: Callable[[], str], others: tuple[str, ...] = ()) -> None:
        self.handle, self._errors, self._others = handle, errors, (*OTHERS, *others)

    def exists(self, name: str) -> bool:
        """Whether a name can be read without an error."""
        self._errors()
        self.handle(f"local it = {name.removesuffix('()')}")
        return not self._errors()

    def is_function(self, name: str) -> bool:
        return self.handle(f"print(type({name.removesuffix('()')}))") == "function"

    def read(self, name: str) -> Any:
        return self.handle(f"print({name})")

    def set_otherwise(self, name: str) -> str:
        """Set an attribute to another value than it has, and return what it reads then; "" if none was taken."""
        before = self.read(name)
        like = (before or "").partition(".")[0] + "."
        for other in sorted(self._others, key=lambda other: not other.startswith(like)):
            self._errors()
            self.handle(f"{name} = {other}")
            if not self._errors() and self.read(name) != before:
                return str(self.read(name))
        return ""

    def wrong(self, name: str, affected: str, default: str) -> Iterator[str]:
        """Yield what is wrong with a readable and writable attribute."""
        first = self.read(name)
        stated = first_number(default)
        if stated is not None and first != self.read(stated):
            yield f"{name} is {first}, not {stated}"
        other = self.set_otherwise(name)
        if not other:
            yield f"{name} takes no other value"
            return
        self.handle("reset()")
        by_reset = re.search(r"(Instrument r|^R|\bR)eset", affected) is not None
        now = self.read(name)
        if by_reset and now != first:
            yield f"{name} is {now} after a reset, not {first}"
        if affected in ("Not applicable", "Never", "None", "Power cycle") and now != other:
            yield f"{name} is {now} after a reset, not {other} as it was set"
        self.handle(f"{name} = {_literal(first)}")


def _literal(shown: str) -> str:
    plain = re.fullmatch(r"-?[\d.]+(e[-+]?\d+)?|true|false|nil|[a-z]+\.[A-Z][A-Z0-9_]+", shown)
    return shown if plain else f"'{shown}'"


@pytest.fixture
def walk() -> type[Walk]:
    return Walk


@pytest.fixture
def facts() -> Callable[[str], list[list[str]]]:
    return names_of
