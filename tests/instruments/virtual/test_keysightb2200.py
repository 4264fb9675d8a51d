"""Dialogues written by hand from the user's guide; relays that close by themselves in bias and ground mode."""

import pytest

from instruments.virtual.keysightb2200 import KeysightB2200A, KeysightB2201A, KeysightE5250A
from labmtj.virtual.network.resistor import matrix_box


@pytest.fixture
def matrix():
    return KeysightB2201A(matrix_box({1: "B2211A", 2: "B2211A"}, 14, 12))


def error(matrix):
    return int(matrix.handle(":SYST:ERR?").split(",")[0])


def test_identities():
    for kind, plate in (
        (KeysightB2200A, "AGILENT,B2200A,0,A.01.00"),
        (KeysightB2201A, "AGILENT,B2201A,0,A.01.00"),
        (KeysightE5250A, "HEWLETT-PACKARD,E5250A,0,A.02.00"),
    ):
        assert kind(matrix_box({1: "x"}, 14, 12)).handle("*IDN?") == plate


def test_in_auto_configuration_outputs_count_through_all_cards(matrix):
    assert matrix.handle(":FUNC?") == "ACON"
    matrix.handle(":ROUT:CLOS (@00113,01012)")
    assert matrix.relays.closed() == {(2, 1, 1), (1, 10, 12)}
    assert matrix.handle(":CLOS:CARD? 0") == "(@00113,01012)"
    assert matrix.handle(":CLOS? (@00113,00112);:OPEN? (@00113,00112)") == "1,0;0,1"
    matrix.handle(":OPEN:CARD 0")
    assert matrix.relays.closed() == set()


def test_in_normal_configuration_each_card_counts_its_own(matrix):
    matrix.handle(":ROUT:FUNC NCON;:CLOS (@10102,21412)")
    assert matrix.relays.closed() == {(1, 1, 2), (2, 14, 12)}
    assert matrix.handle(":CLOS:CARD? 2") == "(@21412)"
    matrix.handle(":OPEN:CARD 1")
    assert matrix.relays.closed() == {(2, 14, 12)}
    matrix.handle(":OPEN:CARD ALL")
    assert matrix.relays.closed() == set()
    matrix.handle(":CLOS (@00101)")
    assert error(matrix) == -222


@pytest.mark.parametrize("word", ["00125", "01501", "10101", "00100", "00001", "x", "123456", "00102:00101"])
def test_a_list_with_a_channel_that_does_not_exist_moves_nothing(matrix, word):
    matrix.handle(f":CLOS (@00101,{word})")
    assert matrix.relays.closed() == set()
    assert error(matrix) in (-222, -104)


def test_a_range(matrix):
    matrix.handle(":CLOS (@00111:00114)")
    assert matrix.relays.closed() == {(1, 1, 11), (1, 1, 12), (2, 1, 1), (2, 1, 2)}


def test_a_single_route_frees_both_its_ports(matrix):
    matrix.handle(":CONN:RULE 0,SROU;:CLOS (@00101,00202)")
    assert matrix.handle(":CONN:RULE? 0") == "SROU"
    matrix.handle(":CLOS (@00102)")
    assert matrix.relays.closed() == {(1, 1, 2)}


def test_the_manuals_example_of_a_chained_level(matrix):
    assert matrix.handle("ROUT:CONN:RULE ALL,FREE;SEQ ALL,BBM;SEQ? 0") == "BBM"
    assert error(matrix) == 0


def test_bias_mode_ties_every_output_that_has_nothing_else(matrix):
    matrix.handle(":CLOS (@00101)")
    matrix.handle(":BIAS:CHAN:DIS (@00124)")
    matrix.handle(":BIAS 0,ON")
    assert matrix.handle(":BIAS? 0;:BIAS:PORT? 0") == "1;10"
    closed = matrix.relays.closed()
    assert closed == {(1, 1, 1), *((1, 10, n) for n in range(2, 13)), *((2, 10, n) for n in range(1, 12))}
    assert matrix.handle(":CLOS:CARD? 0") == "(@00101)"
    matrix.handle(":OPEN (@00101)")
    assert (1, 10, 1) in matrix.relays.closed()
    matrix.handle(":CLOS (@01001)")  # the port belongs to the mode
    assert error(matrix) == -221
    matrix.handle(":BIAS:PORT 0,9")
    assert {port for _, port, _ in matrix.relays.closed()} == {9}
    matrix.handle(":BIAS 0,OFF")
    assert matrix.relays.closed() == set()


def test_ground_mode_and_bias_mode_exclude_each_other(matrix):
    matrix.handle(":AGND 0,ON")
    assert len(matrix.relays.closed()) == 24
    assert {port for _, port, _ in matrix.relays.closed()} == {12}
    matrix.handle(":BIAS 0,ON")
    assert error(matrix) == -221
    assert matrix.handle(":BIAS? 0;:AGND? 0") == "0;1"
    matrix.handle(":CLOS (@00105)")
    assert (1, 12, 5) not in matrix.relays.closed()
    matrix.handle("*RST")
    assert matrix.relays.closed() == set()
    assert matrix.handle(":AGND? 0") == "0"


def test_a_closing_relay_breaks_the_implied_one_first(matrix):
    matrix.handle(":AGND 0,ON")
    moves = len(matrix.relays.moves)
    matrix.handle(":CLOS (@00101)")
    assert matrix.relays.moves[moves:] == [({(1, 12, 1)}, set()), (set(), {(1, 1, 1)})]
    assert matrix.box.time.booked["relay"] == pytest.approx(0.02)


def test_kelvin_pairs_move_together(matrix):
    matrix.handle(":COUP:PORT 0,'1,3';:COUP 0,ON;:CLOS (@00101)")
    assert matrix.handle(":COUP:PORT? 0") == "'1,3'"
    assert matrix.relays.closed() == {(1, 1, 1), (1, 2, 2)}
    matrix.handle(":OPEN (@00101)")
    assert matrix.relays.closed() == set()
    matrix.handle(":CLOS (@00107,00112)")  # there is no output behind the last for the second input
    assert error(matrix) == -222
    assert matrix.relays.closed() == set()


def test_the_ancestor_has_ten_inputs_and_neither_ground_mode_nor_pairs():
    matrix = KeysightE5250A(matrix_box({1: "E5252A"}, 10, 12))
    matrix.handle(":AGND 0,ON")
    assert error(matrix) == -113
    matrix.handle(":CLOS (@01101)")
    assert error(matrix) == -222
    matrix.handle(":BIAS 0,ON")
    assert len(matrix.relays.closed()) == 12
    assert matrix.handle(":SYST:ERR?") == '+0,"No error"'
