import pytest
from pymeasure.test import expected_protocol

from instruments.keysightb2200 import KeysightB2200A, KeysightB2201A, KeysightE5250A
from labmtj.errors import InstrumentError, UsageError

CARDS = {1: "B2211A", 2: "B2211A", 3: "B2211A"}
ACON = (":ROUT:FUNC?;:SYST:ERR?", 'ACON;0,"No error"')
FREE = (
    ACON,
    (
        ":ROUT:CONN:RULE 0,FREE;:ROUT:CONN:SEQ 0,BBM;:ROUT:BIAS 0,OFF;*SRE 0;:ROUT:AGND 0,OFF;:ROUT:COUP 0,OFF;:SYST:ERR?",
        '0,"No error"',
    ),
)
GROUND = (":ROUT:AGND:PORT 0,12;:ROUT:AGND:CHAN:ENAB:CARD 0;:ROUT:AGND 0,ON;:SYST:ERR?", '0,"No error"')
OPEN_ALL = ":ROUT:OPEN:CARD ALL;*OPC?;:ROUT:CLOS:CARD? 0;:SYST:ERR?"


@pytest.fixture
def dialogue(numbered):
    def opened(*pairs, cls=KeysightB2201A, **kwargs):
        return expected_protocol(cls, numbered(pairs), name="matrix", **({"cards": CARDS} | kwargs))

    return opened


@pytest.mark.parametrize(
    ("cls", "reply"), [(KeysightB2200A, "AGILENT,B2200A,0,A.01.00"), (KeysightB2201A, "AGILENT,B2201A,0,A.01.00")]
)
def test_connecting_sends_nothing_and_the_identity_is_checked(dialogue, cls, reply):
    with dialogue(("*IDN?", reply), (":SYST:ERR?", '0,"No error"'), cls=cls) as matrix:
        assert matrix.identify().firmware == "A.01.00"
    with (
        dialogue(("*IDN?", "AGILENT,B2210A,0,A.01.00"), cls=cls) as matrix,
        pytest.raises(InstrumentError, match="is a B2210A"),
    ):
        matrix.identify()


def test_outputs_of_all_cards_are_counted_through(dialogue):
    with dialogue() as matrix:
        assert matrix.crosspoint(1, 2, 5) == "00205"
        assert matrix.crosspoint(3, 14, 12) == "01436"
        for place in ((4, 1, 1), (1, 15, 1), (1, 1, 13)):
            with pytest.raises(UsageError):
                matrix.crosspoint(*place)


def test_one_message_opens_closes_and_verifies_once_the_rule_is_set(dialogue):
    sent = ":ROUT:OPEN (@00101);:ROUT:CLOS (@00201,01036);*OPC?;:ROUT:CLOS:CARD? 0;:SYST:ERR?"
    again = ":ROUT:OPEN (@00201);*OPC?;:ROUT:CLOS:CARD? 0;:SYST:ERR?"
    with dialogue(*FREE, (sent, '1;(@201,01036);0,"No error"'), (again, '1;(@01036);0,"No error"')) as matrix:
        matrix.switch(["00101"], ["00201", "01036"])  # a leading zero may be missing in the reply
        matrix.switch(["00201"], [])


def test_a_relay_that_did_not_follow_is_named(dialogue):
    sent = ":ROUT:CLOS (@00201);*OPC?;:ROUT:CLOS:CARD? 0;:SYST:ERR?"
    with (
        dialogue(*FREE, (sent, '1;(@);0,"No error"')) as matrix,
        pytest.raises(InstrumentError, match="00201 stayed open"),
    ):
        matrix.switch([], ["00201"])


def test_ground_mode_is_set_up_before_the_first_relay_and_asked_with_every_move(dialogue):
    sent = ":ROUT:AGND? 0;:ROUT:AGND:PORT? 0;:ROUT:CLOS (@00201);*OPC?;:ROUT:CLOS:CARD? 0;:SYST:ERR?"
    with dialogue(*FREE, GROUND, (sent, '1;12;1;(@00201,01202,01203);0,"No error"'), ground_mode=True) as matrix:
        assert matrix.grounds_open_lines
        matrix.switch([], ["00201"])


def test_a_restart_that_lost_ground_mode_is_noticed_and_set_up_again(dialogue):
    sent = ":ROUT:AGND? 0;:ROUT:AGND:PORT? 0;:ROUT:CLOS (@00201);*OPC?;:ROUT:CLOS:CARD? 0;:SYST:ERR?"
    with dialogue(
        *FREE,
        GROUND,
        (sent, '0;12;1;(@00201);0,"No error"'),
        *FREE,
        GROUND,
        (sent, '1;12;1;(@00201);0,"No error"'),
        ground_mode=True,
    ) as matrix:
        for _ in range(2):
            with pytest.raises(InstrumentError, match="no ground mode on input 12"):
                matrix.switch([], ["00201"])
        matrix.expect_nothing()
        matrix.switch([], ["00201"])


def test_the_ground_input_cannot_be_closed_by_hand(dialogue):
    with dialogue(ground_mode=True) as matrix, pytest.raises(UsageError, match="input 12 is its ground"):
        matrix.crosspoint(1, 12, 1)


def test_make_safe_opens_everything_even_if_ground_mode_fails(dialogue):
    with dialogue(*FREE, (OPEN_ALL, '1;(@);0,"No error"')) as matrix:
        matrix.make_safe()
    broken = (GROUND[0], '-221,"Settings conflict"')
    with (
        dialogue(
            *FREE,
            broken,
            (":SYST:ERR?", '0,"No error"'),
            (":ROUT:OPEN:CARD ALL;:SYST:ERR?", '0,"No error"'),
            *FREE,
            broken,
            (":SYST:ERR?", '0,"No error"'),
            ground_mode=True,
        ) as matrix,
        pytest.raises(InstrumentError, match="-221, Settings conflict"),
    ):
        matrix.make_safe()


def test_bias_mode_has_a_port_and_the_outputs_that_take_part(dialogue):
    pairs = [
        (":ROUT:BIAS:PORT 0,10", None), (":SYST:ERR?", '0,"No error"'),
        (":ROUT:BIAS:CHAN:ENAB (@00101,00103);:SYST:ERR?", '0,"No error"'),
        (":ROUT:BIAS:CHAN:DIS (@00102,00104,00105,00106,00107,00108,00109,00110,00111,00112);:SYST:ERR?", '0,"No error"'),
        (":ROUT:BIAS 0,1", None), (":SYST:ERR?", '0,"No error"'),
        (":ROUT:BIAS? 0", "1"),
    ]  # fmt: skip
    with dialogue(*pairs, cards={1: "B2211A"}) as matrix:
        matrix.bias_port = 10
        matrix.enable_bias([1, 3])
        matrix.bias_enabled = True
        assert matrix.bias_enabled is True


def test_the_older_mainframe_has_ten_inputs_and_no_ground_mode(dialogue):
    with dialogue(cls=KeysightE5250A, cards={1: "E5252A"}) as matrix, pytest.raises(UsageError, match="rows 1 to 10"):
        matrix.crosspoint(1, 11, 1)
    with (
        pytest.raises(UsageError, match="no ground mode"),
        dialogue(cls=KeysightE5250A, cards={1: "E5252A"}, ground_mode=True),
    ):
        pass
