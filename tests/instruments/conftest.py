"""Dialogues are lists of (sent, received), written by hand from the manuals; the number of each question is added."""

from itertools import count

import pytest


@pytest.fixture
def numbered():
    """Return what puts the number in front of every question and its answer; those before identity are asked plainly."""

    def pairs(plain):
        numbers = count(101)
        for sent, received in plain:
            if sent is None or received is None or sent in ("*IDN?", "*LANG?"):
                yield sent, received
            else:
                number = next(numbers)
                yield f"*ESE {number};*ESE?;{sent}", f"{number};{received}"

    return lambda plain: list(pairs(plain))
