"""A TSP box with nothing in it: an empty 708B is as bare as one can get."""

from collections.abc import Callable, Iterator

import pytest

from instruments.virtual.keithley707 import Keithley708B
from labmtj.virtual.network.terminals import Box


@pytest.fixture(scope="module")
def started() -> Iterator[list[Keithley708B]]:
    boxes: list[Keithley708B] = []
    yield boxes
    for box in boxes:
        box.close()


@pytest.fixture
def tsp(started: list[Keithley708B], relay_box: Callable[..., Box]) -> Keithley708B:
    """Return a box as after power-on; one process serves all tests of a file."""
    if not started:
        started.append(Keithley708B(relay_box(), script_seconds=1.0))
    started[0].handle("reset() errorqueue.clear() localnode.prompts = 0 localnode.showerrors = 0")
    return started[0]


@pytest.fixture
def fault(tsp: Keithley708B) -> Callable[[], str]:
    """Return a function that takes the next error: its code and text."""

    def take() -> str:
        code, text, _, _ = str(tsp.handle("print(errorqueue.next())")).split("\t")
        return f"{int(float(code))} {text}"

    return take
