import pytest
from pymeasure.test import expected_protocol

from instruments.keithley7000 import Keithley7001, Keithley7002
from labmtj.errors import AnswerLost, InstrumentError, UsageError

CARDS = {1: "7012-S", 2: "7012-S", 3: "7012-S"}

TAKE_OVER = (
    ":ABOR;:ROUT:CONF:SCH 0;:ROUT:CONF:CPA 0;:ROUT:CONF:BBM 1;*SRE 0;:ROUT:CONF:SLOT1:STIM 0;:ROUT:CONF:SLOT2:STIM 0;"
    ":ROUT:CONF:SLOT3:STIM 0;:SYST:ERR?",
    '0,"No error"',
)


@pytest.fixture
def dialogue(numbered):
    def opened(*pairs, cls=Keithley7002, cards=CARDS):
        return expected_protocol(cls, numbered(pairs), name="matrix", cards=cards)

    return opened


def test_connecting_sends_nothing_and_the_identity_is_checked(dialogue, numbered):
    told = (":SYST:ERR?", '0,"No error"')
    with dialogue(("*IDN?", "KEITHLEY INSTRUMENTS INC.,MODEL 7002, 503327,A04  /A01"), told) as matrix:
        assert matrix.identify().serial == "503327"
    with expected_protocol(
        Keithley7001, numbered([("*IDN?", "KEITHLEY INSTRUMENTS INC.,MODEL 7001, 503327,A04  /A01"), told])
    ) as matrix:
        assert matrix.identify().model == "7001"


def test_crosspoints_are_named_and_checked_against_the_card(dialogue):
    with dialogue() as matrix:
        assert matrix.crosspoint(1, 2, 5) == "1!2!5"
        assert matrix.crosspoint(3, 4, 10) == "3!4!10"
        for place in ((4, 1, 1), (1, 5, 1), (1, 1, 11), (1, 0, 1), (1, 1, 0)):
            with pytest.raises(UsageError):
                matrix.crosspoint(*place)
        assert matrix.relay_seconds == 0.003
        assert not matrix.grounds_open_lines


def test_an_unknown_card_or_slot_is_a_wrong_use(dialogue):
    with (
        pytest.raises(UsageError, match="card '7012' in slot 1 is unknown; known are 7012-S"),
        dialogue(cards={1: "7012"}),
    ):
        pass
    with pytest.raises(UsageError, match="no slot 11"), dialogue(cards={11: "7012-S"}):
        pass


def test_one_message_opens_closes_and_verifies(dialogue):
    sent = ":ROUT:OPEN (@1!1!1);:ROUT:CLOS (@1!2!1,2!3!4);*OPC?;:ROUT:CLOS:STAT?;:SYST:ERR?"
    with dialogue(TAKE_OVER, (sent, '1;(@1!2!1,2!3!4,3!1!1);0,"No error"')) as matrix:
        matrix.switch(["1!1!1"], ["1!2!1", "2!3!4"])


@pytest.mark.parametrize(
    ("listed", "complaint"), [("(@1!1!1,1!2!1)", "1!1!1 stayed closed"), ("(@)", "1!2!1 stayed open")]
)
def test_a_relay_that_did_not_follow_is_named(dialogue, listed, complaint):
    sent = ":ROUT:OPEN (@1!1!1);:ROUT:CLOS (@1!2!1);*OPC?;:ROUT:CLOS:STAT?;:SYST:ERR?"
    with (
        dialogue(TAKE_OVER, (sent, f'1;{listed};0,"No error"')) as matrix,
        pytest.raises(InstrumentError, match=complaint),
    ):
        matrix.switch(["1!1!1"], ["1!2!1"])


def test_a_list_with_ranges_and_spaces_is_understood(dialogue):
    with dialogue(TAKE_OVER, (":ROUT:CLOS:STAT?;:SYST:ERR?", '(@1!1!1, 1!2!3:1!2!5);0,"No error"')) as matrix:
        assert matrix.closed() == {"1!1!1", "1!2!3", "1!2!4", "1!2!5"}


def test_a_reply_that_is_no_list_is_an_error(dialogue):
    with (
        dialogue(TAKE_OVER, (":ROUT:CLOS:STAT?;:SYST:ERR?", '1,0;0,"No error"')) as matrix,
        pytest.raises(InstrumentError, match="not a channel list"),
    ):
        matrix.closed()


def test_make_safe_opens_everything_and_verifies(dialogue):
    sent = ":ROUT:OPEN ALL;*OPC?;:ROUT:CLOS:STAT?;:SYST:ERR?"
    with dialogue(TAKE_OVER, (sent, '1;(@);0,"No error"')) as matrix:
        matrix.make_safe()
    with (
        dialogue(TAKE_OVER, (sent, '1;(@1!4!10);0,"No error"')) as matrix,
        pytest.raises(InstrumentError, match="1!4!10 stayed closed"),
    ):
        matrix.make_safe()


def test_the_self_test_names_a_slot_with_another_card(dialogue):
    pairs = [
        (":SYST:ERR?", '0,"No error"'),
        (":ROUT:CONF:SLOT1:CTYP?;:SYST:ERR?", 'C7012S;0,"No error"'),
        (":ROUT:CONF:SLOT2:CTYP?;:SYST:ERR?", 'NONE;0,"No error"'),
    ]
    with dialogue(*pairs, cards={1: "7012-S", 2: "7012-S"}) as matrix:
        assert matrix.self_test() == ["slot 2 holds NONE, not 7012-S"]


@pytest.mark.parametrize(
    ("listed", "closed"),
    [
        ("(@1!1!9:1!2!1)", {"1!1!9", "1!1!10", "1!2!1"}),
        ("(@1!1!9:1!1!10,3!4!10)", {"1!1!9", "1!1!10", "3!4!10"}),
        ("(@ )", set()),
        ("(@7!1!1)", {"7!1!1"}),  # a card that is not on the bench
    ],
)
def test_a_range_runs_on_over_rows(dialogue, listed, closed):  # use/26
    with dialogue(TAKE_OVER, (":ROUT:CLOS:STAT?;:SYST:ERR?", f'{listed};0,"No error"')) as matrix:
        assert matrix.closed() == closed


def test_a_card_is_closed_from_end_to_end(dialogue):
    with dialogue(TAKE_OVER, (":ROUT:CLOS:STAT?;:SYST:ERR?", '(@1!1!1:1!4!10);0,"No error"')) as matrix:
        assert len(matrix.closed()) == 40


@pytest.mark.parametrize(
    "listed",
    ["(@1!4!10:2!1!1)", "(@1!2!1:1!1!9)", "(@1!5)", "(@1!1:1!4)", "(@1!1!1,)", "(@1!1!9:1!2!11)", "(@7!1!1:7!1!3)",
     "(@1!1!1:1!1!2:1!1!3)", "(@1!1!1 1!1!2)", "(@1!1!x)", "(@)(@1!1!1)", "@1!1!1"],
)  # fmt: skip
def test_a_list_that_is_half_understood_is_not_believed(dialogue, listed):  # use/26
    with (
        dialogue(TAKE_OVER, (":ROUT:CLOS:STAT?;:SYST:ERR?", f'{listed};0,"No error"')) as matrix,
        pytest.raises(AnswerLost),
    ):
        matrix.closed()
