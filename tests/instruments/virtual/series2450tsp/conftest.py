"""A 2450 that was left in its TSP language, on 10 kilohm; one process for a whole file."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from instruments.virtual.keithley2450 import Keithley2450
from labmtj.virtual.network.resistor import unit_box


class Asked:
    """A box and what one asks of it."""

    def __init__(self, box: Any) -> None:
        self.box = box

    def __call__(self, *expressions: str) -> str:
        """Print some expressions in one message and return what came."""
        return str(self.box.handle(f"print({', '.join(expressions)})"))

    def do(self, *statements: str) -> Any:
        """Send statements in one message."""
        return self.box.handle(" ".join(statements))

    def lines(self, text: str) -> Any:
        """Run a script of several lines."""
        return self.box.handle(f"loadandrunscript\n{text}\nendscript")

    def errors(self) -> str:
        """Take all errors: nothing if there is none."""
        found = self.box.handle(
            "while eventlog.getcount(eventlog.SEV_ERROR) > 0 do print(eventlog.next(eventlog.SEV_ERROR)) end"
        )
        return found or ""

    def now(self) -> float:
        return float(self.box.box.time.now())

    @property
    def terminals(self) -> Any:
        return self.box.box.channels["1"]


@pytest.fixture(scope="module")
def started() -> Iterator[list[Any]]:
    boxes: list[Any] = []
    yield boxes
    for box in boxes:
        box.close()


@pytest.fixture
def smu(started: list[Any]) -> Asked:
    if not started:
        started.append(Keithley2450(replace(unit_box("1"), language="TSP")))
    started[0].handle("reset() eventlog.clear()")
    return Asked(started[0])
