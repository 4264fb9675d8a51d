"""Dialogues are lists of (sent, received), written by hand from the manuals; the number of each question is added."""

from itertools import count

import pytest
from pymeasure.test import expected_protocol

from instruments.factorynames import SMALL


@pytest.fixture(autouse=True)
def _counted_from_one(monkeypatch):
    """Have sessions count from the same number every time: dialogues are written out."""
    monkeypatch.setattr("instruments.trust.randbelow", lambda _: 0)


@pytest.fixture
def numbered():
    """Return what puts the number in front of every question and its answer; those before identity are asked plainly.

    The question "" is the echo behind a failure.
    """

    def pairs(plain):
        numbers = count(101)
        for sent, received in plain:
            if sent is None or received is None or sent in ("*IDN?", "*LANG?"):
                yield sent, received
            else:
                number = next(numbers)
                before = 0 if number == 101 else number - 1
                yield f"*ESE?;*ESE {number};*ESE?;{sent}".rstrip(";"), f"{before};{number};{received}".rstrip(";")

    return lambda plain: list(pairs(plain))


OPENING = (
    "",
    "return",
    "do end",
    "endscript",
    "localnode.prompts = 0",
    "localnode.showerrors = 0",
    "format.data = 1 format.asciiprecision = 16",
    "while errorqueue.count > 0 do print(errorqueue.next()) end",
)


def _lines(text):
    return (text,) if isinstance(text, str) else tuple(text)


@pytest.fixture
def tsp():
    """Return a function: driver class and turns of (lines sent, lines printed, lines of the error queue) -> driver."""

    def turn(number, sent, printed=(), errors=()):
        message = "\n".join([*_lines(sent), f'print("={number}", errorqueue.count, format.asciiprecision)'])
        first, *rest = [*_lines(printed), f"={number}\t{len(errors):.15e}\t1.600000000000000e+01"]
        return [(message, first), *((None, line) for line in rest)]

    def dialogue(driver, *turns, opening=(), raw=(), **kwargs):
        pairs, number = turn(1, OPENING, opening) if turns or raw else [], 1
        for each in turns:
            number += 1
            pairs += turn(number, *each)
            if len(each) == 3:
                number += 1
                pairs += turn(number, "while errorqueue.count > 0 do print(errorqueue.next()) end", each[2])
        return expected_protocol(driver, [*pairs, *raw], **kwargs)

    return dialogue


def own_names(driver):
    """Return the lines by which a TSP driver tests the names of its box, and what a box with its own names answers."""
    tests = [*driver._names_to_make_safe(), *driver._names_to_work()]
    events = ["16" if test.refused else "0" for test in tests if not test.by_value]
    settings = ["16", "0"] if any(test.by_value for test in tests) else []
    return tuple(driver._asking(tests)), ("0", repr(SMALL), *events, *settings, "0")
