"""What the manual says of `channel.*`, on relays that lead nowhere."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from instruments.virtual.keithley707 import Keithley707B, Keithley708B
from instruments.virtual.keithley3706 import Keithley3706A
from labmtj.errors import UsageError
from labmtj.virtual.network.terminals import Box

SETTLE = 0.004  # of a 3730


@pytest.fixture(scope="module")
def started() -> Iterator[list[Keithley3706A]]:
    boxes: list[Keithley3706A] = []
    yield boxes
    for box in boxes:
        box.close()


@pytest.fixture
def matrix(started: list[Keithley3706A], relay_box: Callable[..., Box]) -> Keithley3706A:
    if not started:
        started.append(Keithley3706A(relay_box(slot1="3730", slot2="3730", slot4="3720")))
    started[0].handle("reset() errorqueue.clear()")
    relays: Any = started[0].box.relays
    relays.counts.clear()
    relays.moves.clear()
    return started[0]


def ask(matrix: Keithley3706A, expression: str) -> str | None:
    return matrix.handle(f"print({expression})")


def closed(matrix: Keithley3706A) -> str | None:
    return ask(matrix, "channel.getclose('allslots')")


def error(matrix: Keithley3706A) -> float:
    return float(str(ask(matrix, "(errorqueue.next())")))


def seconds(matrix: Keithley3706A, statement: str) -> float:
    before = matrix.box.time.now()
    matrix.handle(statement)
    return matrix.box.time.now() - before


def test_identity_and_slots_answer_as_recorded(matrix: Keithley3706A) -> None:
    assert matrix.handle("*IDN?") == "KEITHLEY INSTRUMENTS INC.,MODEL 3706A,04349716,01.55a"
    assert ask(matrix, "slot[1].idn") == "3730,6x16 High Density Matrix,01.40h,4447332"
    assert ask(matrix, "slot[3].idn") == "Empty Slot"
    assert ask(matrix, "slot[1].rows.matrix, slot[1].columns.matrix") == "6.00000e+00\t1.60000e+01"
    assert ask(matrix, "slot[3].rows.matrix, slot[3].interlock.state") == "nil\tnil"


def test_close_adds_and_open_takes_away(matrix: Keithley3706A) -> None:
    assert closed(matrix) == "nil"
    matrix.handle("channel.close('1101')")
    matrix.handle("channel.close('2616, 1102')")
    assert closed(matrix) == "1101;1102;2616"
    assert matrix.box.relays is not None
    assert matrix.box.relays.closed() == {(1, 1, 1), (1, 1, 2), (2, 6, 16)}
    matrix.handle("channel.open('1101;2616')")
    assert closed(matrix) == "1102"
    assert ask(matrix, "channel.getclose('slot2')") == "nil"
    matrix.handle("channel.open('allslots')")
    assert closed(matrix) == "nil"


def test_ranges_run_along_rows(matrix: Keithley3706A) -> None:
    matrix.handle("channel.close('1115:1202')")
    assert closed(matrix) == "1115;1116;1201;1202"
    assert ask(matrix, "channel.getstate('1114:1116')") == "0,1,1"


@pytest.mark.parametrize("call", ["close", "exclusiveclose", "exclusiveslotclose"])
@pytest.mark.parametrize(
    "channels", ["'1101,1701'", "'1101,1117'", "'1101,3101'", "'1101,slot1'", "'allslots'", "'1101,1103'", "nil", "1101", "'1101:2101'"]
)  # fmt: skip
def test_on_any_error_nothing_moves(matrix: Keithley3706A, call: str, channels: str) -> None:
    matrix.handle("channel.setforbidden('1103') channel.close('1205')")
    assert matrix.box.relays is not None
    relays: Any = matrix.box.relays
    relays.moves.clear()
    matrix.handle(f"channel.{call}({channels})")
    assert error(matrix) != 0
    assert relays.moves == []
    assert closed(matrix) == "1205"


def test_opening_what_an_empty_list_gave_is_an_error(matrix: Keithley3706A) -> None:
    matrix.handle("channel.open(channel.getclose('allslots'))")
    assert error(matrix) == 1401


@pytest.mark.parametrize(
    ("rule", "moves", "settles"),
    [
        ("BREAK_BEFORE_MAKE", ["open", "close"], 2),
        ("MAKE_BEFORE_BREAK", ["close", "open"], 2),
        ("OFF", ["open", "close"], 1),
    ],
)
def test_an_exclusive_close_follows_the_rule(matrix: Keithley3706A, rule: str, moves: list[str], settles: int) -> None:
    matrix.handle(f"channel.connectrule = channel.{rule} channel.close('1101,2101')")
    relays: Any = matrix.box.relays
    relays.moves.clear()
    assert seconds(matrix, "channel.exclusiveslotclose('1102')") == pytest.approx(settles * SETTLE)
    assert [move for move, _ in relays.moves] == moves
    assert closed(matrix) == "1102;2101"
    matrix.handle("channel.exclusiveclose('1102')")
    assert closed(matrix) == "1102"
    matrix.handle("channel.exclusiveclose('')")
    assert closed(matrix) == "nil"


def test_relays_move_together_or_one_after_the_other(matrix: Keithley3706A) -> None:
    assert seconds(matrix, "channel.close('1101:1105')") == pytest.approx(SETTLE)
    assert seconds(matrix, "channel.close('1101:1105')") == 0
    matrix.handle("channel.connectsequential = channel.ON")
    assert seconds(matrix, "channel.open('1101:1105')") == pytest.approx(5 * SETTLE)


def test_a_delay_follows_the_settling(matrix: Keithley3706A) -> None:
    matrix.handle("channel.setdelay('1101', 0.01)")
    assert ask(matrix, "channel.getdelay('1101,1102')") == "1.00000e-02,0.00000e+00"
    assert seconds(matrix, "channel.close('1101,1102')") == pytest.approx(SETTLE + 0.01)


def test_only_real_closures_count(matrix: Keithley3706A) -> None:
    matrix.handle("for i = 1, 3 do channel.close('1101') end channel.open('1101') channel.close('1101,1102')")
    assert ask(matrix, "channel.getcount('1101,1102,1103')") == "2,1,0"


def test_forbidden_channels_are_listed_and_freed(matrix: Keithley3706A) -> None:
    matrix.handle("channel.setforbidden('1101,2101')")
    assert ask(matrix, "channel.getforbidden('allslots')") == "1101,2101"
    matrix.handle("channel.clearforbidden('slot1')")
    assert ask(matrix, "channel.getforbidden('allslots')") == "2101"
    matrix.handle("channel.close('1101')")
    assert closed(matrix) == "1101"


def test_patterns_stand_for_their_channels(matrix: Keithley3706A) -> None:
    matrix.handle("channel.pattern.setimage('1101,2102', 'readrow1') channel.close('readrow1,1203')")
    assert closed(matrix) == "1101;1203;2102"
    matrix.handle("channel.pattern.snapshot('now')")
    assert ask(matrix, "channel.pattern.getimage('now')") == "1101,1203,2102"
    assert matrix.handle("for name in channel.pattern.catalog() do print(name) end") == "readrow1\nnow"
    matrix.handle("channel.pattern.delete('now') channel.open('now')")
    assert error(matrix) != 0


def test_backplane_and_multiplexer_channels_close_in_the_same_list(matrix: Keithley3706A) -> None:
    matrix.handle("channel.close('1101,1911,4060')")
    assert closed(matrix) == "1101;1911;4060"
    assert matrix.box.relays is not None
    assert matrix.box.relays.closed() == {(1, 1, 1), (4, 1, 60)}
    matrix.handle("channel.open('slot1')")
    assert closed(matrix) == "4060"


def test_reset_and_power_cycle_open_everything(matrix: Keithley3706A) -> None:
    for action in (
        lambda: matrix.handle("reset()"),
        lambda: matrix.handle("channel.reset('allslots')"),
        matrix.power_cycle,
    ):
        matrix.handle("channel.close('1101,1102')")
        action()
        assert closed(matrix) == "nil"


@pytest.mark.parametrize(("brand", "model", "slots"), [(Keithley707B, "707B", 6), (Keithley708B, "708B", 1)])
def test_the_707_writes_rows_as_letters(
    relay_box: Callable[..., Box], brand: type[Keithley707B | Keithley708B], model: str, slots: int
) -> None:
    matrix = brand(relay_box(slot1="7072"))
    assert matrix.handle("*IDN?") == f"Keithley Instruments Inc., Model {model}, 04349716, 1.03"
    assert seconds(matrix, "channel.close('1A01,1h12')") == pytest.approx(0.015)
    assert closed(matrix) == "1A01;1H12"
    matrix.handle("channel.close('1101')")
    assert error(matrix) == -222
    assert matrix.handle(f"print(slot[{slots}] ~= nil) print(slot[{slots + 1}])") == "true"
    matrix.close()


def test_closures_of_a_7072_start_anew_at_power_on(relay_box: Callable[..., Box]) -> None:
    for brand, card, name, left in ((Keithley707B, "7072", "1A01", "0"), (Keithley3706A, "3730", "1101", "1")):
        matrix = brand(relay_box(slot1=card))
        matrix.handle(f"channel.close('{name}')")
        matrix.power_cycle()
        assert ask(matrix, f"channel.getcount('{name}')") == left
        matrix.close()


def test_a_card_that_the_mainframe_does_not_take_is_refused(relay_box: Callable[..., Box]) -> None:
    with pytest.raises(
        UsageError, match=r"a 3706A takes no card '7072' in slot 1; slots are 1 to 6, cards are 3730, 3720"
    ):
        Keithley3706A(relay_box(slot1="7072"))
    with pytest.raises(UsageError, match="in slot 2"):
        Keithley708B(relay_box(slot2="7072"))
