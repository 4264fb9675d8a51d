"""What every driver keeps to, whoever wrote it; a new driver joins by one line in `DRIVERS`."""

import importlib
import inspect
import pkgutil
import re
from dataclasses import dataclass, field

import numpy as np
import pytest
import pyvisa.errors
from pymeasure.adapters import Adapter
from pymeasure.instruments import Channel, Instrument

import instruments
from labmtj import verbs
from labmtj.errors import InstrumentError, UsageError
from labmtj.quantities import Flag
from labmtj.testing.instruments import assert_verbs
from labmtj.testing.units import assert_facts, beyond_limits

SMALL, LONG = 1e-7, 0.123456789012345
ALLOWED = re.compile(r"%(d|i|s|r|\.1[67][ge])")
MOVES_SOMETHING = re.compile(
    r"level[vi]\s*=|source\.output\s*=|OUTP\d?\S*\s+(1|ON)|:VOLT\S*\s+[-\d]|\.(open|close)\(|:CLOS\S*\s+\(|:OPEN|\*RST|\breset\(",
    re.IGNORECASE,
)


class Tsp:
    """A TSP box in rest: prints what lines ask for."""

    def __init__(self, identity, values):
        self.identity, self.values, self.errors, self.refused = identity, values, [], False

    def __call__(self, message):
        for line in message.split("\n"):
            if re.fullmatch(r'(\S+) = ("\?"|\1)', line):  # no value, or what cannot be written
                self.refused = True
            elif line == "*ESR?":
                yield str(16 * self.refused)
                self.refused = False
            elif marker := re.match(r'print\("(=\d+)", errorqueue', line):
                yield f"{marker[1]}\t{len(self.errors):.15e}\t1.6e+01"
            elif line.startswith("while errorqueue.count > 0"):
                yield from self.errors
                self.errors = []
            elif line == "*IDN?":
                yield self.identity
            elif asked := re.match(r"print(?:buffer)?\((.*)\)$", line):
                parts = re.split(r", (?![^(]*\))", asked[1])  # not within the parentheses of one
                yield "\t".join(self.value(part) for part in (parts[2:] if "buffer" in line[:12] else parts))

    def value(self, name):
        if re.fullmatch(r"[\d.e-]+", name):
            return name
        return next((text for pattern, text in self.values.items() if re.search(pattern, name)), f"{0:.15e}")

    @property
    def complains(self):
        return "-2.22e+02\tParameter data out of range\t2.0e+01\t1.0e+00"


class Scpi:
    """An SCPI box in rest: answers every query of a message."""

    def __init__(self, identity, values):
        self.identity, self.values, self.errors = identity, values, []

    def __call__(self, message):
        if enabled := re.search(r"\*ESE (\d+)", message):
            self.number = enabled[1]
        replies = [self.value(part.strip()) for part in message.split(";") if "?" in part]
        return [";".join(replies)] if replies else []

    def value(self, query):
        if query.upper().startswith("*IDN?"):
            return self.identity
        if query.upper().startswith("*ESE?"):
            return self.number
        if query.upper().startswith(":SYST:ERR?"):
            return self.errors.pop(0) if self.errors else '0,"No error"'
        return next((text for pattern, text in self.values.items() if re.search(pattern, query)), "0")

    @property
    def complains(self):
        return '-222,"Parameter data out of range"'


@dataclass(frozen=True)
class Driver:
    """How the box of a driver answers."""

    language: type
    identity: str
    sentinel: str = ""
    """what the box gives for a reading that is none; empty for a matrix"""
    values: dict = field(default_factory=dict)
    """answers by a pattern of the question; all else is 0"""
    options: dict = field(default_factory=dict)


def tsp_unit(model):
    values = {"linefreq": "5.0e+01", r"nvbuffer1\.readings": "9.91e+37", "measureranges": "1.0e-04"}
    return Driver(Tsp, f"Keithley Instruments Inc., Model {model}, 4308079, 3.2.2", "9.91e+37", values)


def tsp_matrix(identity, card):
    return Driver(
        Tsp,
        identity,
        values={"getclose": "nil", "connectrule": "1.0e+00", "idn": f"{card},a card,1.0,1"},
        options={"cards": {1: card}},
    )


def scpi_unit(identity, read, values=()):
    return Driver(Scpi, identity, "9.91E37", {"READ|MEAS": read, "LFR": "50", r"\*OPC": "1", **dict(values)})


def scpi_matrix(identity, card):
    return Driver(Scpi, identity, values={"CLOS": "(@)", r"\*OPC": "1"}, options={"cards": {1: card}})


NOTHING = "+9.91E37"
DRIVERS = {
    "keithley2600.Keithley2602B": tsp_unit("2602B"),
    "keithley2600.Keithley2612B": tsp_unit("2612B"),
    "keithley2600.Keithley2636B": tsp_unit("2636B"),
    "keithley3706.Keithley3706A": tsp_matrix("KEITHLEY INSTRUMENTS INC.,MODEL 3706A,04349716,01.55a", "3730"),
    "keithley707.Keithley707B": tsp_matrix("Keithley Instruments Inc., Model 707B, 1234567, 01.03", "7072"),
    "keithley707.Keithley708B": tsp_matrix("Keithley Instruments Inc., Model 708B, 1234567, 01.03", "7174A"),
    "keithley2400.Keithley2400": scpi_unit(
        "KEITHLEY INSTRUMENTS INC.,MODEL 2400,1234567,C33   Mar 31 2015 09:32:39/A02  /K/J",
        f"{NOTHING},{NOTHING},{NOTHING},0,0",
    ),
    "keithley2450.Keithley2450": scpi_unit(
        "KEITHLEY INSTRUMENTS,MODEL 2450,01234567,1.7.12b", f"{NOTHING},0,0", {"LANG": "SCPI"}
    ),
    "keithley7000.Keithley7001": scpi_matrix("KEITHLEY INSTRUMENTS INC.,MODEL 7001, 503327,A04  /A01", "7012-S"),
    "keithley7000.Keithley7002": scpi_matrix("KEITHLEY INSTRUMENTS INC.,MODEL 7002, 503327,A04  /A01", "7012-S"),
    "keysightb2200.KeysightB2200A": scpi_matrix("AGILENT,B2200A,0,A.01.00", "B2210A"),
    "keysightb2200.KeysightB2201A": scpi_matrix("AGILENT,B2201A,0,A.01.00", "B2211A"),
    "keysightb2200.KeysightE5250A": scpi_matrix("HEWLETT-PACKARD,E5250A,0,A.02.00", "E5252A"),
    **{
        f"keysightb2900.Keysight{model}": scpi_unit(
            f"Keysight Technologies,{model},MY51143745,3.4.2011.5100", f"{NOTHING},0,0"
        )
        for model in ("B2901A", "B2902A", "B2911A", "B2912A")
    },
}
UNITS = [name for name, driver in DRIVERS.items() if driver.sentinel]
MATRICES = [name for name, driver in DRIVERS.items() if not driver.sentinel]


class Wire(Adapter):
    """A connection with a stand-in at the other end; it keeps what was sent."""

    resource_name = "GPIB0::24::INSTR"

    def __init__(self, box):
        super().__init__()
        self.box, self.sent, self.lines, self.connection = box, [], [], Connection()

    def _write(self, command, **_):
        self.sent.append(command)
        self.lines += self.box(command)

    def _read(self, **_):
        if not self.lines:
            raise pyvisa.errors.VisaIOError(pyvisa.constants.StatusCode.error_timeout)
        return self.lines.pop(0)


class Connection:
    timeout = 2000

    def clear(self):
        """Do nothing."""

    def close(self):
        """Do nothing."""


def load(name):
    module, _, cls = name.rpartition(".")
    return getattr(importlib.import_module(f"instruments.{module}"), cls)


def connect(name, **changes):
    driver = DRIVERS[name]
    box = driver.language(changes.pop("identity", driver.identity), driver.values | changes)
    return load(name)(Wire(box), "box", **driver.options)


def modules():
    found = pkgutil.iter_modules(instruments.__path__)
    return [importlib.import_module(f"instruments.{each.name}") for each in found if not each.ispkg]


def classes(base):
    """Return the classes below `base` that are defined in a module of ours."""
    return sorted(
        {
            cls
            for module in modules()
            for cls in vars(module).values()
            if isinstance(cls, type) and issubclass(cls, base) and cls.__module__ == module.__name__
        },
        key=lambda cls: cls.__qualname__,
    )


def declared():
    """Yield (class, name, property) of all properties that are declared as commands, in our own classes."""
    for cls in classes((Instrument, Channel)):
        for name, member in vars(cls).items():
            if isinstance(member, property) and getattr(member.fget, "__name__", "") == "fget":
                yield cls, name, member


DECLARED = [pytest.param(member, id=f"{cls.__name__}.{name}") for cls, name, member in declared()]


def set_command(member):
    return inspect.signature(member.fset).parameters["set_command"].default


def test_every_driver_is_in_the_table():
    concrete = {
        f"{cls.__module__.removeprefix('instruments.')}.{cls.__name__}"
        for cls in classes(Instrument)
        if getattr(cls, "models", ())
    }
    assert concrete == set(DRIVERS)


@pytest.mark.parametrize("member", DECLARED)
def test_a_declared_property_says_what_it_does_with_a_verb(member):
    assert re.match(r"(Control|Measure|Set|Get) \S.*\.(\s|$|\()", member.fget.__doc__, re.DOTALL)


@pytest.mark.parametrize("member", DECLARED)
def test_a_declared_property_loses_no_digit(member):
    command = set_command(member)
    for form in re.findall(r"%[^a-z]*[a-z]", command or ""):
        assert ALLOWED.fullmatch(form), command
        if form[-1] in "ge":
            assert float(form % LONG) == LONG
            assert float(form % SMALL) == SMALL


@pytest.mark.parametrize("member", DECLARED)
def test_a_declared_property_refuses_instead_of_clipping(member):
    validator = inspect.signature(member.fset).parameters["validator"].default
    if set_command(member):
        assert validator.__name__.startswith("strict"), validator


@pytest.mark.parametrize("name", DRIVERS)
def test_a_driver_has_the_verbs_of_its_kind_with_the_same_parameters(name):
    protocol = verbs.SourceMeasureUnit if name in UNITS else verbs.SwitchMatrix
    assert_verbs(load(name), connect(name), protocol, verbs.Instrument)


@pytest.mark.parametrize(
    "message",
    [
        "smua.source.levelv = 0", "smua.source.output = 1", ":OUTP ON", ":OUTP1 1", ":SOUR:VOLT 0.1", "*RST", "reset()",
        'channel.close("1101")', ":ROUT:CLOS (@1!1!1)", ":ROUT:OPEN ALL", ":SOUR2:VOLT:TRIG -1",
    ],
)  # fmt: skip
def test_the_next_test_knows_a_message_that_moves_something(message):
    assert MOVES_SOMETHING.search(message)


@pytest.mark.parametrize("name", DRIVERS)
def test_connecting_and_identifying_moves_nothing(name):
    driver = connect(name)
    assert all(message.startswith(":FORM") for message in driver.adapter.sent)  # how replies look is all it may set
    driver.identify()
    driver.self_test()
    assert driver.adapter.sent
    assert not [message for message in driver.adapter.sent if MOVES_SOMETHING.search(message)]


@pytest.mark.parametrize("name", DRIVERS)
def test_its_own_box_is_accepted(name):
    identity = connect(name).identify()
    assert identity.model.upper() == load(name).models[0]
    assert identity.maker


@pytest.mark.parametrize("name", DRIVERS)
@pytest.mark.parametrize(
    "identity",
    [
        "Keithley Instruments Inc., Model 2651A, 1, 1.0",
        "AGILENT,B1500A,0,A.04.03",
        "HEWLETT-PACKARD,34401A,0,11-5-2",
        "",
    ],
)
def test_another_box_is_refused_by_name_and_address(name, identity):
    driver = connect(name, identity=identity)
    with pytest.raises(InstrumentError) as caught:
        driver.identify()
    assert (caught.value.instrument, caught.value.address) == ("box", "GPIB0::24::INSTR")
    assert identity.split(",")[1].split()[-1] in str(caught.value) if identity else True


@pytest.mark.parametrize("name", DRIVERS)
def test_silence_is_an_error_that_names_instrument_and_address(name):
    driver = load(name)(Wire(lambda _: []), "box", **DRIVERS[name].options)
    for act in (driver.identify, driver.make_safe):
        with pytest.raises(InstrumentError) as caught:
            act()
        assert (caught.value.instrument, caught.value.address) == ("box", "GPIB0::24::INSTR")
        assert caught.value.command


@pytest.mark.parametrize("name", DRIVERS)
def test_a_complaint_of_the_box_is_raised_with_code_and_text(name):
    driver = connect(name)
    driver.identify()
    driver.self_test()
    driver.outputs() if name in UNITS else driver.closed()
    driver.adapter.box.errors = [driver.adapter.box.complains]
    with pytest.raises(InstrumentError, match=r"-222.*Parameter data out of range"):
        driver.outputs() if name in UNITS else driver.closed()
    driver.outputs() if name in UNITS else driver.closed()  # and then it is over


@pytest.mark.parametrize("name", UNITS)
def test_levels_are_sent_without_loss(name):
    driver = connect(name)
    channel = driver.channels[0]
    driver._limits[channel] = (1e-3, 1.0)
    for volts in (LONG, -SMALL):
        driver.level({channel: volts})
        assert volts in [float(text) for text in re.findall(r"-?\d[\d.]*(?:e[-+]?\d+)?", driver.adapter.sent[-1])]


@pytest.mark.parametrize("name", UNITS)
def test_a_reading_that_is_none_is_nan_with_a_flag(name):
    driver = connect(name)
    channel = driver.channels[0]
    driver._limits[channel] = (1e-3, 1.0)
    reading = driver.read_currents((channel,), 0.02, 1e-4)
    assert reading.amperes.shape == reading.flags.shape == reading.range_amperes.shape == (1, 1)
    assert np.isnan(reading.amperes).all()
    assert (reading.flags & Flag.INVALID).all()


@pytest.mark.parametrize("name", UNITS)
def test_what_goes_beyond_a_limit_is_refused_before_anything_is_sent(name):
    driver = connect(name)
    driver._limits[driver.channels[0]] = (1e-3, 1.0)
    cases, sent = beyond_limits(driver, 1.0), len(driver.adapter.sent)
    for refused, act in cases:
        with pytest.raises(refused):
            act()
    assert len(driver.adapter.sent) == sent


@pytest.mark.parametrize("name", UNITS)
def test_an_output_needs_a_limit_first(name):
    driver = connect(name)
    sent = len(driver.adapter.sent)
    with pytest.raises(UsageError, match="limit"):
        driver.switch_output(driver.channels[0], on=True)
    assert len(driver.adapter.sent) == sent


@pytest.mark.parametrize("name", UNITS)
def test_facts_hold_together(name):
    assert_facts(connect(name).facts)


@pytest.mark.parametrize("name", MATRICES)
def test_every_crosspoint_has_its_own_name_and_no_other_exists(name):
    driver = connect(name)
    driver.identify()
    (model,) = DRIVERS[name].options["cards"].values()
    card = driver.known_cards[model]
    names = {driver.crosspoint(1, row + 1, column + 1) for row in range(card.rows) for column in range(card.columns)}
    assert len(names) == card.rows * card.columns
    for place in ((1, 0, 1), (1, 1, 0), (1, card.rows + 1, 1), (1, 1, card.columns + 1), (2, 1, 1)):
        with pytest.raises(UsageError):
            driver.crosspoint(*place)
    assert driver.relay_seconds == card.relay_seconds


@pytest.mark.parametrize("name", MATRICES)
def test_a_relay_that_does_not_close_is_an_error(name):
    driver = connect(name)
    driver.identify()
    with pytest.raises(InstrumentError, match=driver.crosspoint(1, 1, 1)):
        driver.switch([], [driver.crosspoint(1, 1, 1)])


@pytest.mark.parametrize("name", MATRICES)
def test_the_closed_relays_of_a_box_in_rest(name):
    assert connect(name).closed() == frozenset()
