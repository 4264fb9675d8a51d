"""The meter and the source as the helper process sees them: settings by name, and single readings."""

from __future__ import annotations

from typing import Any, NamedTuple

from labmtj.virtual.tsp.clock import Remote
from labmtj.virtual.tsp.complaints import Complaint

TEXTS = {
    -220: "Parameter error",
    -221: "Settings conflict",
    -222: "Parameter data out of range",
    -224: "Illegal parameter value",
    802: "OUTPUT blocked by interlock",
}
VOLT, CURR, RES = "VOLT", "CURR", "RES"


class Taken(NamedTuple):
    """One reading."""

    value: float
    source: float
    seconds: float
    """when it began, on the clock of the bench"""
    limited: bool


class Core:
    """Calls the other process."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def get(self, name: str) -> Any:
        """Return a setting."""
        return self._remote("get", name)[0]

    def set(self, name: str, word: str) -> None:
        """Change a setting; Complaint if the box refuses."""
        code = int(self._remote("set", name, word)[0])
        if code:
            raise Complaint(code, TEXTS.get(code, "Settings conflict"))

    def measured(self) -> str:
        """Return what is measured."""
        return str(self._remote("measured")[0])

    def measure(self, function: str) -> None:
        """Measure something else."""
        self._remote("measure", function)

    def take(self) -> Taken:
        """Take one reading; the time passes."""
        value, source, seconds, limited = self._remote("take")
        return Taken(float(value), float(source), float(seconds), bool(limited))

    def zero(self) -> None:
        """Zero the converter once."""
        self._remote("zero")

    def limited(self) -> bool:
        """Return whether the source holds its limit now."""
        return bool(self._remote("tripped")[0])

    def interlocked(self) -> bool:
        """Return whether the interlock is closed."""
        return bool(self._remote("interlocked")[0])

    def reset(self) -> None:
        """Bring source and meter to their defaults."""
        self._remote("reset")
