"""Every name that a TSP driver sends, replaced by a script with `rawset`, one after another: refused by this name.

The names are those in the driver's tables and in all that it has sent while it armed, read, pulsed and was made safe.
"""

import re

import numpy as np
import pytest
from pymeasure.adapters import Adapter

from instruments import keithley2600relied as relied
from instruments.factorynames import FORGETTING, asking, redefined
from instruments.keithley707 import Keithley707B
from instruments.keithley2600 import Keithley2602B, Keithley2636B
from instruments.keithley3706 import Keithley3706A
from instruments.virtual import keithley707, keithley2600, keithley3706
from labmtj.errors import InstrumentError
from labmtj.shots import Pulses, Shots
from labmtj.virtual.network.resistor import matrix_box, unit_box

CARDS = {"3706A": {1: "3730", 2: "3730"}, "707B": {1: "7174A"}}
LIBRARY = ("math", "string", "table")
EVERY_NAME = r"(?<![\w.])[a-z]\w*(?:\[\d\])?(?:\.\w+(?:\[\d\])?)+"


class Wire(Adapter):
    """A cable to a virtual box in the same process, which keeps what was sent."""

    resource_name = "GPIB0::26::INSTR"

    def __init__(self, box):
        super().__init__()
        self.box, self.lines, self.sent = box, [], []

    def _write(self, command, **_):
        self.sent.append(command)
        self.lines += (self.box.handle(command) or "").split("\n")

    def _read(self, **_):
        return self.lines.pop(0)


def source(driver, virtual):
    box = virtual(unit_box("ab"))
    smu = driver(Wire(box), name="smu")
    smu.identify()
    smu.make_safe()
    for channel in "ab":
        smu.limit(channel, 1e-3, 0.9)
        smu.switch_output(channel, on=True)
    volts = np.array([[0.1, 0.2]])
    smu.run_shots(Shots(("a", "b"), volts, ("a",), 1e-3, 0.02, 1e-3))
    smu.run_shots(Shots(("a", "b"), volts, ("a", "b"), 1e-3, 0.02, None))
    smu.level({"a": 0.1, "b": 0.0})
    smu.limited()
    smu.outputs()
    smu.read_currents(("a",), 0.02, None)
    smu.run_pulses(Pulses(("a", "b"), volts, 1e-3))
    smu.confirm()
    smu.make_safe()
    rows = (*relied.EVERYTHING, *relied.SAFE)
    if not smu.model.analog_filter:
        rows = tuple(row for row in rows if row not in relied.ANALOG_FILTER)
    texts = [text for row in rows for text in (row.other, row.set, row.ask)]
    return smu, [re.sub(r"{ch}", channel, text) for channel in "ab" for text in texts]


def matrix(driver, virtual, name):
    card = {"3730": (6, 16), "7174A": (8, 12)}[CARDS[name][1]]
    box = virtual(matrix_box(CARDS[name], *card))
    matrix = driver(Wire(box), name="matrix", cards=CARDS[name])
    matrix.identify()
    matrix.make_safe()
    some = matrix.crosspoint(1, 1, 1)
    matrix.switch([], [some])
    matrix.switch([some], [])
    matrix.closed()
    matrix.make_safe()
    return matrix, [text for row in matrix.relied_on() for text in (row.other, row.set, row.ask)]


BOXES = {
    "2636B": lambda: source(Keithley2636B, keithley2600.Keithley2636B),
    "2602B": lambda: source(Keithley2602B, keithley2600.Keithley2602B),
    "3706A": lambda: matrix(Keithley3706A, keithley3706.Keithley3706A, "3706A"),
    "707B": lambda: matrix(Keithley707B, keithley707.Keithley707B, "707B"),
}


def names_in(texts):
    """Return all names with a dot, and the tables that lead to them."""
    found = set()
    for text in texts:
        for name in re.findall(EVERY_NAME, re.sub(r'"[^"]*"', "", text)):
            parts = re.findall(r"\.?\w+|\[\d+\]", re.sub(r"\[\d\]$", "", name))  # without elements of buffers
            found |= {"".join(parts[:length]) for length in range(2, len(parts) + 1)}
    return sorted(name for name in found if name not in LIBRARY)


def replaced(name):
    """Return lines that replace a name by a stand-in of its kind, keeping what it was, and that bring it back."""
    table, key = re.fullmatch(r"(.*?)(?:\.(\w+)|\[\d\])", name).groups()
    key = f'"{key}"' if key else name[len(table) + 1 : -1]
    stand_in = (
        f"local own = {name} local made = own "
        'if type(own) == "table" then made = setmetatable({}, {__index = own}) '
        'elseif type(own) == "function" then made = function() end end '
        f"rawset({table}, {key}, made)"
    )
    if table in LIBRARY:
        return f"kept = {name} function {name}() end", f"{name} = kept"
    return stand_in, f"rawset({table}, {key}, nil)"


@pytest.fixture(scope="module", params=BOXES)
def box(request):
    driver, table = BOXES[request.param]()
    tests = set(asking([*driver._names_to_make_safe(), *driver._names_to_work()])) - {FORGETTING}
    sent = [line for message in driver.adapter.sent for line in message.split("\n") if line not in tests]
    yield driver, names_in([*table, *sent])
    driver.adapter.box.close()


def test_each_name_that_is_replaced_is_found_by_name(box):
    """Fails where a name of the table is not tested: what it stands for does something else, and nothing is flagged."""
    driver, names = box
    tests = [*driver._names_to_make_safe(), *driver._names_to_work()]
    instrument = driver.adapter.box
    instrument.handle("errorqueue.clear()")
    by_name = {test.name: test for test in tests}
    assert sorted(set(names) - set(by_name)) == []
    for name in names:
        stand_in, back = replaced(name)
        instrument.handle(stand_in)
        assert instrument.handle("print(errorqueue.count)").startswith("0"), name
        other = "errorqueue.count" if name == "errorqueue.next" else "errorqueue.next"
        some = [by_name[name], by_name[other]]
        assert name in redefined(some, instrument.handle("\n".join(asking(some))).split("\n")), name
        instrument.handle(back)
    printed = instrument.handle("\n".join(asking(tests))).split("\n")
    assert redefined(tests, printed) == []


def test_a_driver_refuses_a_name_that_is_replaced(box, request):
    """The same by what a bench calls before a relay moves; every name with --torture."""
    driver, names = box
    instrument = driver.adapter.box
    for name in names if request.config.getoption("--torture") else names[::29]:
        stand_in, back = replaced(name)
        instrument.handle(stand_in)
        try:
            with pytest.raises(InstrumentError, match=rf"has a {or_its_table(name)} that a script has redefined"):
                arm(driver)
        finally:
            instrument.handle(back)
            instrument.handle("errorqueue.clear()")
            driver.make_safe()


def or_its_table(name):
    """Return a pattern: what makes a box safe goes by `localnode`; the queue of errors is tested as a whole, too."""
    return rf"(localnode\.)?({re.escape(name)}|{name.split('.')[0]}|print or format)"


def arm(driver):
    """Do what arming does in a new session before the first relay moves."""
    driver.expect_nothing()
    driver.make_safe()
    if hasattr(driver, "closed"):
        driver.closed()
    else:
        driver.level({"a": 0.0})
