"""Dialogues from the 707B reference manual, where it differs from the 3706A."""

import pytest

from instruments.keithley707 import Keithley707B, Keithley708B
from labmtj.errors import InstrumentError, UsageError
from tests.instruments.conftest import own_names

IDENTITY = "Keithley Instruments Inc., Model 707B, 1234567, 01.03"
CARDS = {1: "7072", 2: "7174A", 3: "7173-50"}


def test_a_crosspoint_is_slot_row_letter_and_two_digits_of_column(tsp):
    with tsp(Keithley707B, cards=CARDS) as box:
        assert [box.crosspoint(1, 1, 1), box.crosspoint(2, 8, 12), box.crosspoint(3, 4, 5)] == ["1A01", "2H12", "3D05"]
        for slot, row, column in ((3, 5, 1), (1, 1, 13), (1, 9, 1)):
            with pytest.raises(UsageError):
                box.crosspoint(slot, row, column)


def test_the_slowest_card_tells_the_time_of_a_move(tsp):
    with tsp(Keithley707B, cards=CARDS) as box:
        assert box.relay_seconds == 0.015
    with tsp(Keithley707B, cards={1: "7174A"}) as box:
        assert box.relay_seconds == 0.003


def test_the_708b_has_one_slot_and_another_name(tsp):
    told = "is 707B, not 708B"
    with tsp(Keithley708B, ("*IDN?", IDENTITY), cards={1: "7072"}) as box, pytest.raises(InstrumentError, match=told):
        box.identify()
    with pytest.raises(UsageError, match="no slot 2"), tsp(Keithley708B, cards={2: "7072"}):
        pass


def test_relays_move_in_one_message(tsp):
    script = (
        "loadandrunscript",
        'channel.open("1A01")',
        "local opened = errorqueue.count == 0",
        'opened = opened and channel.getclose("1A01") == nil',
        'if opened then channel.close("1B02,2C03") end',
        'print(channel.getclose("allslots"))',
        "endscript",
    )
    settings = (
        "if scan then scan.abort() end",
        "channel.connectrule = channel.BREAK_BEFORE_MAKE",
        "channel.connectsequential = channel.OFF",
        *(f'channel.setdelay("slot{slot}", 0)' for slot in CARDS),
        "print(scan and scan.state() == 2 and 1 or 0)",
        "print(channel.connectrule)",
        "print(channel.connectsequential)",
        *(f'print(channel.getlabel("slot{slot}"))' for slot in CARDS),
        *(f'print(channel.getforbidden("slot{slot}"))' for slot in CARDS),
    )
    answers = ("0.0e+00", "1.0e+00", "0.0e+00", "", "", "", "nil", "nil", "nil")
    driver = Keithley707B.__new__(Keithley707B)
    driver._take_cards("box", CARDS)
    names, kept = own_names(driver)
    with tsp(Keithley707B, (names, kept), (settings, answers), (script, "1B02;2C03"), cards=CARDS) as box:
        box.switch(["1A01"], ["1B02", "2C03"])


def test_closures_are_asked_row_by_row(tsp):
    asked = tuple(f'print(channel.getcount("3{row}01:3{row}12"))' for row in "ABCD")
    with tsp(Keithley707B, (asked, [",".join(["7.00000e+00"] * 12)] * 4), cards={3: "7173-50"}) as box:
        assert set(box.closures().values()) == {7}
