"""Dialogues from the 3700 reference manual; identities, cards and lists as real boxes were recorded to send them."""

import pytest
from pymeasure.adapters import Adapter

from instruments.keithley3706 import Keithley3706A
from labmtj.errors import InstrumentError, UsageError
from tests.instruments.conftest import own_names

lua51 = pytest.importorskip("lupa.lua51")

IDENTITY = "KEITHLEY INSTRUMENTS INC.,MODEL 3706A,04349716,01.55a"
CARD = "3730,6x16 High Density Matrix,01.40h,4447332"
CLOSED = 'print(channel.getclose("allslots"))'
OWN = "localnode.channel"
TWO = {1: "3730", 2: "3730"}


def named(driver, cards):
    """Return a driver without a session, for the names that it tests."""
    made = driver.__new__(driver)
    made._take_cards("box", cards)
    return own_names(made)


OWN_NAMES, OWN_NAMES_KEPT = named(Keithley3706A, TWO)


def matrix(tsp, *turns, cards=TWO):
    return tsp(Keithley3706A, *turns, cards=cards)


def names(slot):
    return [f"{slot}{row}{column:02d}" for row in range(1, 7) for column in range(1, 17)]


def set_up(labels=None, forbidden="nil", **answers):
    """Return the turns before a relay moves: names, settings, then questions about what must not stand otherwise."""
    planes = [f'string.find(channel.getbackplane("slot{slot}") or "", "%d") and 1 or 0' for slot in (1, 2)]
    asked = ["scan and scan.state() == 2 and 1 or 0", "channel.connectrule", "channel.connectsequential", *planes]
    sent = (
        "if scan then scan.abort() end",
        "channel.connectrule = channel.BREAK_BEFORE_MAKE",
        "channel.connectsequential = channel.OFF",
        'channel.setdelay("slot1", 0)',
        'channel.setdelay("slot2", 0)',
        *(f"print({each})" for each in asked),
        *(f'print(channel.getlabel("slot{slot}"))' for slot in (1, 2)),
        *(f'print(channel.getforbidden("slot{slot}"))' for slot in (1, 2)),
    )
    numbers = ["0.0e+00", answers.get("rule", "1.0e+00"), "0.0e+00", answers.get("planes", "0.0e+00"), "0.0e+00"]
    kept = (*numbers, ",".join(labels or names(1)), ",".join(names(2)), forbidden, "nil")
    return (OWN_NAMES, OWN_NAMES_KEPT), (sent, kept)


def test_cards_are_asked_and_checked_by_slot(tsp):
    asked = ("print(slot[1].idn)", "print(slot[2].idn)")
    with matrix(tsp, ("*IDN?", IDENTITY), (asked, (CARD, CARD))) as box:
        assert box.identify().model == "3706A"
        assert box.relay_seconds == 0.004


@pytest.mark.parametrize("found", ["Empty Slot", "3720,Dual 1x48 Multiplexer,01.40h,1"])
def test_another_card_is_an_error_that_names_slot_and_card(tsp, found):
    asked = ("print(slot[1].idn)", "print(slot[2].idn)")
    told = f"has {found.split(',')[0]} in slot 2, not 3730"
    with matrix(tsp, ("*IDN?", IDENTITY), (asked, (CARD, found))) as box, pytest.raises(InstrumentError, match=told):
        box.identify()


def test_without_a_list_the_cards_are_what_is_found(tsp):
    asked = tuple(f"print(slot[{slot}].idn)" for slot in range(1, 7))
    found = ("Empty Slot", CARD, *("Empty Slot",) * 4)
    with matrix(tsp, ("*IDN?", IDENTITY), (asked, found), cards=None) as box:
        with pytest.raises(UsageError, match="none known before"):
            box.crosspoint(2, 1, 1)
        box.identify()
        assert box.crosspoint(2, 1, 1) == "2101"
        with pytest.raises(UsageError, match="no card in slot 1"):
            box.crosspoint(1, 1, 1)


@pytest.mark.parametrize(("cards", "slot"), [({7: "3730"}, 7), ({1: "3731"}, 1), ({0: "3730"}, 0)])
def test_an_unknown_card_or_slot_is_refused(tsp, cards, slot):
    with pytest.raises(UsageError, match=f"slot {slot}"), matrix(tsp, cards=cards):
        pass


def test_a_crosspoint_is_slot_row_and_two_digits_of_column(tsp):
    with matrix(tsp) as box:
        assert [box.crosspoint(1, 2, 5), box.crosspoint(2, 6, 16)] == ["1205", "2616"]
        for slot, row, column in ((1, 7, 1), (1, 1, 17), (1, 0, 1), (3, 1, 1)):
            with pytest.raises(UsageError):
                box.crosspoint(slot, row, column)


@pytest.mark.parametrize(
    ("reply", "closed"),
    [
        ("nil", set()),
        ("1205", {"1205"}),
        ("1205;1306;2101", {"1205", "1306", "2101"}),
        ("1205,1306", {"1205", "1306"}),
        ("1001(1031);1911", {"1001", "1911"}),
    ],
)
def test_the_closed_relays_in_every_form(tsp, reply, closed):
    with matrix(tsp, *set_up(), (CLOSED, reply)) as box:
        assert box.closed() == closed


MOVE = (
    "loadandrunscript",
    'channel.open("1101,1102")',
    "local opened = errorqueue.count == 0",
    'opened = opened and channel.getclose("1101,1102") == nil',
    'if opened then channel.close("1205") end',
    CLOSED,
    "endscript",
)


def test_relays_move_in_one_message_and_others_stay(tsp):
    with matrix(tsp, *set_up(), (MOVE, "1205;2301")) as box:
        box.switch(["1101", "1102"], ["1205"])


@pytest.mark.parametrize(
    ("reply", "complaint"), [("1101;1205", "relays 1101 stay closed"), ("2301", "relays 1205 do not close")]
)
def test_a_relay_that_did_not_move_is_an_error(tsp, reply, complaint):
    with matrix(tsp, *set_up(), (MOVE, reply)) as box, pytest.raises(InstrumentError, match=complaint):
        box.switch(["1101", "1102"], ["1205"])


def test_opening_only_and_closing_only(tsp):
    sound = "local opened = errorqueue.count == 0"
    checked = 'opened = opened and channel.getclose("1101") == nil'
    opening = ("loadandrunscript", 'channel.open("1101")', sound, checked, CLOSED, "endscript")
    closing = ("loadandrunscript", sound, 'if opened then channel.close("1101") end', CLOSED, "endscript")
    with matrix(tsp, *set_up(), (closing, "1101"), (opening, "nil")) as box:
        box.switch([], ["1101"])
        box.switch(["1101"], [])
        box.switch([], [])


def test_an_error_of_the_box_is_raised(tsp):
    entry = "1.401e+03\tParameter 1 is invalid\t2.0e+01\t1.0e+00"
    with matrix(tsp, *set_up(), (MOVE, "nil", [entry])) as box, pytest.raises(InstrumentError, match="error 1401"):
        box.switch(["1101", "1102"], ["1205"])


def test_many_relays_are_named_in_several_short_lines(tsp):
    every = [*names(1), *names(2)]
    parts = [",".join(every[:120]), ",".join(every[120:])]
    script = (
        "loadandrunscript",
        *(f'channel.open("{part}")' for part in parts),
        "local opened = errorqueue.count == 0",
        *(f'opened = opened and channel.getclose("{part}") == nil' for part in parts),
        *(f'if opened then channel.close("{part}") end' for part in parts),
        CLOSED,
        "endscript",
    )
    assert max(map(len, script)) < 1000
    with matrix(tsp, *set_up(), (script, ";".join(every))) as box:
        box.switch(every, every)


def test_closures_are_asked_row_by_row(tsp):
    asked = tuple(f'print(channel.getcount("1{row}01:1{row}16"))' for row in range(1, 7))
    counts = [",".join(str(100 * row + column) for column in range(1, 17)) for row in range(1, 7)]
    with matrix(tsp, (asked, counts), cards={1: "3730"}) as box:
        found = box.closures()
    assert (len(found), found["1101"], found["1616"], found["1305"]) == (96, 101, 616, 305)


def test_counts_that_do_not_fit_are_an_error(tsp):
    asked = tuple(f'print(channel.getcount("1{row}01:1{row}16"))' for row in range(1, 7))
    told = "does not report a count for each of 1101 to 1116"
    with matrix(tsp, (asked, ["1,2,3"] * 6), cards={1: "3730"}) as box, pytest.raises(InstrumentError, match=told):
        box.closures()


@pytest.mark.parametrize(("reply", "stuck"), [("nil", False), ("1205", True)])
def test_safe_is_all_open_and_asked(tsp, reply, stuck):
    last = "errorqueue.count, format.asciiprecision)"
    safe = [
        "if scan then scan.abort() end", "localnode.scan.abort()", f'{OWN}.open("allslots")',
        "print(localnode.scan.state())", f'print({OWN}.getclose("allslots"))', *OWN_NAMES,
    ]  # fmt: skip
    first, *answers = ["3.0e+00\t0.0e+00\t0.0e+00", reply, *OWN_NAMES_KEPT, "=3\t0.0e+00\t1.6e+01"]
    raw = [
        (f'abort\nprint("=2", {last}', None),
        ("\n".join([*safe, f'print("=3", {last}']), first),
        *((None, answer) for answer in answers),
    ]
    with tsp(Keithley3706A, ((), ()), raw=raw, cards=TWO) as box:
        box.check_errors()
        if stuck:
            with pytest.raises(InstrumentError, match="relays 1205 stay closed"):
                box.make_safe()
        else:
            box.make_safe()


def test_the_self_test_names_an_open_interlock(tsp):
    asked = ("print(slot[1].interlock.state)", "print(slot[2].interlock.state)")
    free = ('print(channel.getforbidden("slot1"))', 'print(channel.getforbidden("slot2"))')
    with matrix(tsp, ((), ()), (free, ("nil", "nil")), (asked, ("0.0e+00", "3.0e+00"))) as box:
        assert box.self_test() == ["the interlock of slot 1 is open: its backplane relays do not move"]


def test_the_self_test_names_forbidden_crosspoints(tsp):
    asked = ('print(channel.getforbidden("slot1"))', 'print(channel.getforbidden("slot2"))')
    interlocks = ("print(slot[1].interlock.state)", "print(slot[2].interlock.state)")
    turns = ((), ()), (asked, ("1101,1102", "nil")), (interlocks, ("3.0e+00", "3.0e+00"))
    with matrix(tsp, *turns) as box:
        assert box.self_test() == ["crosspoints 1101, 1102 are forbidden to close"]


def test_what_an_earlier_user_left_is_refused_by_name(tsp):
    swapped = ["1102", "first", *names(1)[2:]]  # 1101 is called 1102
    for turns, said in (
        (set_up(labels=swapped), "crosspoint 1101 has the label 1102, which is the name of another one"),
        (set_up(rule="0.0e+00"), "connection rule is 0, not 1"),
        (set_up(planes="1.0e+00"), "number of backplane relays of slot 1 is 1, not 0; free its crosspoints"),
    ):
        with matrix(tsp, *turns) as box, pytest.raises(InstrumentError, match=said):
            box.closed()
    said = r"does not close relays 1205: they are forbidden.*clearforbidden"
    with matrix(tsp, *set_up(forbidden="1101,1205")) as box, pytest.raises(InstrumentError, match=said):
        box.switch(["1101"], ["1205", "1306"])


def test_labels_that_mislead_nobody_are_left_alone(tsp):
    with matrix(tsp, *set_up(labels=["gate", *names(1)[1:]]), (CLOSED, "nil")) as box:
        assert box.closed() == frozenset()


def test_the_rule_of_exclusive_closes(tsp):
    with matrix(tsp, ("print(channel.connectrule)", "1.0e+00"), ("channel.connectrule = 0", ())) as box:
        assert box.connect_rule == "break before make"
        box.connect_rule = "at once"


class Lua(Adapter):
    """Runs what is sent on a Lua that nobody here wrote, with relays of which one is stuck."""

    def __init__(self, stuck):
        super().__init__()
        self.lua, self.lines = lua51.LuaRuntime(), []
        self.lua.globals().print = lambda *values: self.lines.append("\t".join(map(str, values)))
        self.lua.execute(RELAYS)
        self.lua.globals().stuck = stuck

    def _write(self, command, **_):
        lines = command.split("\n")
        if "loadandrunscript" in lines[0]:
            self.lua.execute("\n".join(lines[1:-2]))
        elif lines[0] == "*ESR?":
            self.lines += OWN_NAMES_KEPT
        elif "scan" in lines[0]:
            for line in lines[:-1]:
                self.lua.execute(line)
        self.lines.append(lines[-1].split('"')[1] + "\t0\t16")

    def _read(self, **_):
        return self.lines.pop(0)


RELAYS = """
closed, moved, errorqueue = {["1101"] = true}, {}, {count = 0}
channel = {BREAK_BEFORE_MAKE = 1, OFF = 0}
function channel.setdelay() end
function channel.getbackplane() end
function channel.getlabel() return "" end
function channel.getforbidden() end
function channel.open(list) for name in string.gmatch(list, "%d+") do if name ~= stuck then closed[name] = nil end end end
function channel.close(list) for name in string.gmatch(list, "%d+") do closed[name] = true; moved[name] = true end end
function channel.getclose(list)
  local names = {}
  for name in pairs(closed) do
    if list == "allslots" or string.find(list, name) then table.insert(names, name) end
  end
  if next(names) then return table.concat(names, ";") end
end
"""


def test_the_box_closes_nothing_unless_it_has_opened_everything():
    wire = Lua(stuck="1101")
    with pytest.raises(InstrumentError, match="relays 1101 stay closed"):
        Keithley3706A(wire, cards=TWO).switch(["1101"], ["1205", "1306"])
    assert not list(wire.lua.globals().moved)


def test_the_box_opens_then_closes():
    wire = Lua(stuck="none")
    Keithley3706A(wire, cards=TWO).switch(["1101"], ["1205", "1306"])
    assert set(wire.lua.globals().closed) == {"1205", "1306"}


def test_a_relay_that_is_opened_and_closed_again_is_closed():
    wire = Lua(stuck="none")
    Keithley3706A(wire, cards=TWO).switch(["1101"], ["1101"])
    assert set(wire.lua.globals().moved) == {"1101"}
