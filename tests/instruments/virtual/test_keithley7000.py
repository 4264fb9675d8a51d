"""Dialogues written by hand from the manual of the 7001."""

import pytest

from instruments.virtual.keithley7000 import Keithley7002
from labmtj.virtual.network.resistor import matrix_box


@pytest.fixture
def matrix():
    return Keithley7002(matrix_box({1: "7012-S", 2: "7012-S", 3: "7012-S"}, 4, 10))


def test_closing_adds_and_opening_takes_away(matrix):
    assert matrix.handle("*IDN?") == "KEITHLEY INSTRUMENTS INC.,MODEL 7002, 7654321,A04  /A01"
    assert matrix.handle(":ROUT:CLOS:STAT?") == "(@)"
    matrix.handle(":ROUT:CLOS (@1!1!1,1!2!3)")
    matrix.handle(":CLOS (@2!3!3)")
    assert matrix.handle(":CLOS:STAT?") == "(@1!1!1,1!2!3,2!3!3)"
    assert matrix.handle(":ROUT:CLOS? (@1!1!1,1!1!2)") == "1,0"
    assert matrix.handle(":OPEN? (@1!1!1,1!1!2)") == "0,1"
    matrix.handle(":OPEN (@1!1!1)")
    assert matrix.handle(":CLOS:STAT?") == "(@1!2!3,2!3!3)"
    matrix.handle(":OPEN ALL")
    assert matrix.handle(":CLOS:STAT?") == "(@)"


def test_a_range_goes_row_by_row(matrix):
    matrix.handle(":CLOS (@1!1!9:1!2!2)")
    assert matrix.handle(":CLOS:STAT?") == "(@1!1!9,1!1!10,1!2!1,1!2!2)"


@pytest.mark.parametrize("name", ["1!5!1", "4!1!1", "1!1!11", "1!1", "x", "1!1!1:2!1!1", "1!1!2:1!1!1", "-1!1!1", ""])
def test_a_list_with_a_channel_that_does_not_exist_moves_nothing(matrix, name):
    matrix.handle(f":CLOS (@1!1!1,{name})")
    assert matrix.handle(":CLOS:STAT?") == "(@)"
    assert matrix.handle(":SYST:ERR?").split(",")[0] in ("-222", "-170")


def test_relays_take_their_time_together(matrix):
    matrix.handle(":ROUT:CONF:SLOT1:STIM 0.01;:CLOS (@1!1!1:1!1!5)")
    assert matrix.box.time.booked["relay"] == pytest.approx(0.013)


def test_patterns_and_reset(matrix):
    matrix.handle(":CLOS (@1!1!1);:ROUT:MEM:SAVE M1;:OPEN ALL;:CLOS (@M1)")
    assert matrix.handle(":CLOS:STAT?") == "(@1!1!1)"
    matrix.handle("*RST")
    assert matrix.handle(":CLOS:STAT?") == "(@)"
    assert matrix.handle(":ROUT:CONF:SLOT1:CTYP?") == "C7012S"
