"""A 3706A with two matrix cards, a multiplexer and a card of ports, and a 707B; one process each for a whole file."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from instruments.virtual.keithley707 import Keithley707B
from instruments.virtual.keithley3706 import Keithley3706A
from labmtj.virtual.network.terminals import Box


class Asked:
    """A box and what one asks of it."""

    def __init__(self, box: Any) -> None:
        self.box = box

    def __call__(self, *expressions: str) -> str:
        """Print some expressions in one message and return what came."""
        return str(self.box.handle(f"print({', '.join(expressions)})"))

    def do(self, *statements: str) -> str | None:
        """Send statements in one message."""
        reply: str | None = self.box.handle(" ".join(statements))
        return reply

    def error(self) -> int:
        """Take the next error."""
        return int(float(self("(errorqueue.next())")))

    def errors(self) -> str:
        """Take all errors: nothing if there is none."""
        return self.box.handle("while errorqueue.count > 0 do print(errorqueue.next()) end") or ""

    def now(self) -> float:
        return float(self.box.box.time.now())

    @property
    def relays(self) -> Any:
        return self.box.box.relays


def _fresh(started: list[Any], make: Callable[[], Any]) -> Asked:
    if not started:
        started.append(make())
    started[0].handle("reset() errorqueue.clear()")
    started[0].box.relays.counts.clear()
    started[0].box.relays.moves.clear()
    return Asked(started[0])


@pytest.fixture(scope="module")
def started_3706() -> Iterator[list[Any]]:
    boxes: list[Any] = []
    yield boxes
    for box in boxes:
        box.close()


@pytest.fixture(scope="module")
def started_707() -> Iterator[list[Any]]:
    boxes: list[Any] = []
    yield boxes
    for box in boxes:
        box.close()


@pytest.fixture
def m3706(started_3706: list[Any], relay_box: Callable[..., Box]) -> Asked:
    return _fresh(
        started_3706, lambda: Keithley3706A(relay_box(slot1="3730", slot2="3730", slot4="3720", slot6="3750"))
    )


@pytest.fixture
def m707(started_707: list[Any], relay_box: Callable[..., Box]) -> Asked:
    return _fresh(started_707, lambda: Keithley707B(relay_box(slot1="7072", slot2="7174A")))
