"""How a value of an attribute is written by a script, kept by the meter, and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from labmtj.virtual.tsp.complaints import OUT_OF_RANGE, Complaint
from labmtj.virtual.tsp.tree import number


def refused(value: object) -> Complaint:
    """Return the error about a value that an attribute does not take."""
    return Complaint(OUT_OF_RANGE, f"Parameter data out of range: {value}")


class Kind(Protocol):
    """What an attribute takes."""

    def accept(self, value: object) -> Any:
        """Return the value to keep for what a script wrote; Complaint if it is of another kind."""
        ...

    def word(self, value: Any) -> str:
        """Return what is kept as the meter is given it."""
        ...

    def shown(self, kept: Any) -> Any:
        """Return what a script reads for a kept value."""
        ...


@dataclass(frozen=True)
class Between:
    """Numbers."""

    lowest: float
    highest: float
    whole: bool = False

    def accept(self, value: object) -> float:
        """Return the number."""
        wanted = number(value)
        if not self.lowest <= wanted <= self.highest:
            raise refused(value)
        return float(int(wanted)) if self.whole else wanted

    def word(self, value: Any) -> str:
        """Return it in full."""
        return str(int(value)) if self.whole else repr(float(value))

    def shown(self, kept: Any) -> float:
        """Return it as it is."""
        return float(kept)


@dataclass(frozen=True)
class OneOf:
    """Constants; each stands for a word or a truth of the meter.

    Args:
        words: what the meter keeps, by the name of the constant.
        table: that the constants are in.
    """

    words: Mapping[str, Any]
    table: str = "smu"

    def accept(self, value: object) -> str:
        """Return the constant; off and on may also be 0 and 1, false and true."""
        if isinstance(value, bool | int | float) and {"ON", "OFF"} <= set(self.words) and value in (0, 1):
            return f"{self.table}.{'ON' if value else 'OFF'}"
        if not isinstance(value, str) or value.removeprefix(f"{self.table}.") not in self.words or "." not in value:
            raise refused(value)
        return value

    def word(self, value: Any) -> str:
        """Return the word that the meter has for it."""
        word = self.words[value.rpartition(".")[2]]
        return str(int(word)) if isinstance(word, bool) else str(word)

    def shown(self, kept: Any) -> str:
        """Return the constant."""
        return next((f"{self.table}.{name}" for name, word in self.words.items() if word == kept), str(kept))


FLAG = OneOf({"OFF": False, "ON": True})
