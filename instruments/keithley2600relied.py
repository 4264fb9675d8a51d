"""All settings on which readings and pulses of a Keithley 2600B depend, in one table; see `instruments.relied_on`.

AT_LIMITING is set and asked back when a channel gets its limit. What else changes from reading to reading (METER,
BUFFER, SWEEP) is set by every script that needs it; {cycles}, {count} and the like are filled in there. All names and
defaults: Series 2600B web help.
"""

from __future__ import annotations

from instruments.relied_on import ReliedOn

SMU = "smu{ch}"


def _kept(name: str, other: float, wanted: float = 0.0, advice: str = "", *, when: str = "") -> ReliedOn:
    """Return a row for an attribute of a channel that is set to a number, and asked back."""
    full, assignment = f"{SMU}.{name}", f"{SMU}.{name} = {wanted:g}"
    command = f"if {when} then {assignment} end" if when else assignment
    return ReliedOn(full.format(ch="X"), f"{full} = {other:g}", command, full, wanted, advice)


def _set(name: str, value: str, other: str) -> ReliedOn:
    """Return a row for what a script sets before each use."""
    full = f"{SMU}.{name}"
    return ReliedOn(full.format(ch="X"), f"{full} = {other}", f"{full} = {value}")


NO_SWEEP = ReliedOn(
    "status.operation.sweeping.condition",
    "smu{ch}.trigger.source.listv({{0.3}}) smu{ch}.trigger.source.action = 1 smu{ch}.trigger.arm.stimulus = 1 "
    "smu{ch}.trigger.initiate()",
    "smu{ch}.abort()", "status.operation.sweeping.condition", 0,
    "a sweep still runs after smuX.abort(); switch the box off and on",
)  # fmt: skip
"""a sweep that waits for its trigger would move the source later; the answer has a bit for each channel"""
OFF_STATE = (
    _kept("source.offmode", 2),
    _kept("source.offfunc", 0, 1),
    _kept("source.offlimiti", 1e-6, 1e-3),
    _kept("source.offlimitv", 1, 40),
)
"""what an output does while it is off"""
SAFE = (NO_SWEEP, _kept("source.levelv", 0.3), _kept("source.leveli", 1e-6), _kept("source.output", 1), *OFF_STATE)
"""what `make_safe` brings a channel to, in this order, whatever it sources"""

AT_LIMITING = (
    NO_SWEEP,
    # before the ranges, which high capacitance locks
    _kept("source.highc", 1),
    _kept("source.func", 0, 1),
    _kept("source.delay", 0.5),
    _kept("source.limitp", 1e-6),
    _kept("source.sink", 1),
    _kept("source.settling", 1),
    *OFF_STATE,
    _kept("source.outputenableaction", 1),
    # the box takes it only while the output is off
    _kept("sense", 1, advice="switch the output off first", when=f"{SMU}.source.output ~= 1"),
    # with readings in it a buffer keeps what it collects
    ReliedOn("smuX.nvbuffer1", "smu{ch}.nvbuffer1.appendmode = 1 smu{ch}.measure.i(smu{ch}.nvbuffer1)",
             "smu{ch}.nvbuffer1.clear()"),
    _kept("nvbuffer1.fillmode", 1),
    _kept("nvbuffer1.fillcount", 1),
    _kept("nvbuffer1.collectsourcevalues", 1),
    ReliedOn("smuX.nvbuffer1.timestampresolution", "smu{ch}.nvbuffer1.timestampresolution = 1",
             "smu{ch}.nvbuffer1.timestampresolution = 1e-06", "smu{ch}.nvbuffer1.timestampresolution", 1e-6),
    _kept("trigger.autoclear", 1),
)  # fmt: skip
"""set when a channel is limited, at level 0 V, and asked back"""

LIMITS = (
    _set("source.autorangev", "0", "1"),
    _set("source.rangev", "{volts}", "200"),
    _set("source.limiti", "{amperes}", "1e-6"),
)
"""set when a channel is limited; their values are read back"""

METER = (
    _set("measure.count", "1", "3"),
    _set("measure.interval", "0", "0.5"),
    _set("measure.delay", "0", "0.5"),
    _set("measure.filter.enable", "0", "1 smu{ch}.measure.filter.count = 10"),
    _set("measure.rel.enablei", "0", "1 smu{ch}.measure.rel.leveli = 1"),
)
"""set before every reading and every train of pulses"""

APERTURE = (_set("measure.nplc", "{cycles}", "25"),)
FIXED_RANGE = (
    _set("measure.autorangei", "0", "1"),
    _set("measure.rangei", "{amperes}", "1e-9"),
)
AUTORANGE = (
    _set("measure.lowrangei", "{lowest}", "1"),
    _set("measure.autorangei", "1", "0 smu{ch}.measure.rangei = 1"),
)
ANALOG_FILTER = (_set("measure.analogfilter", "0", "1"),)
"""on models that have it"""
AUTOZERO = (_set("measure.autozero", "{zeroing}", "2"),)

BUFFER = (
    ReliedOn("smuX.nvbuffer1.n", "smu{ch}.measure.i(smu{ch}.nvbuffer1)", "smu{ch}.nvbuffer1.clear()"),
    _set("nvbuffer1.appendmode", "1", "0"),
    _set("nvbuffer1.collecttimestamps", "1", "0"),
)

SWEEP = (
    _set("trigger.source.limiti", "smu{ch}.source.limiti", "1e-6"),
    _set("trigger.source.action", "1", "0"),
    _set("trigger.measure.action", "1", "2"),
    _set("trigger.arm.count", "1", "2"),
    _set("trigger.count", "{count}", "7"),
    _set("trigger.arm.stimulus", "0", "trigger.EVENT_ID"),
    _set("trigger.measure.stimulus", "trigger.timer[3].EVENT_ID", "trigger.EVENT_ID"),
    _set("trigger.source.stimulus", "trigger.timer[1].EVENT_ID", "trigger.EVENT_ID"),
    _set("trigger.endpulse.action", "0", "1"),
    _set("trigger.endpulse.stimulus", "trigger.timer[2].EVENT_ID", "trigger.EVENT_ID"),
    _set("trigger.endsweep.action", "0", "1"),
)
"""of every channel that pulses"""

TIMERS = tuple(
    ReliedOn(f"trigger.timer[{timer}].{name}", f"trigger.timer[{timer}].{name} = {other}", "")
    for timer in (1, 2, 3)
    for name, other in (
        ("delay", "1"), ("delaylist", "{{1, 2}}"), ("count", "9"), ("passthrough", "true"), ("stimulus", "1"),
    )
)  # fmt: skip
"""every script of pulses writes all of them but the list, which a delay replaces"""

BOX = (
    ReliedOn("localnode.linefreq", "localnode.linefreq = 60", ask="localnode.linefreq"),
    ReliedOn("format.data", "format.data = 3", "format.data = 1"),
    ReliedOn("format.asciiprecision", "format.asciiprecision = 2", "format.asciiprecision = 16"),
    ReliedOn("localnode.prompts", "localnode.prompts = 1", "localnode.prompts = 0"),
    ReliedOn("localnode.showerrors", "localnode.showerrors = 1", "localnode.showerrors = 0"),
    ReliedOn("errorqueue.count", "smua.source.levelv = 1e9", "errorqueue.clear()"),
)
"""set when the session opens (`instruments.tspsession`), or asked for (the line frequency, by which apertures count)"""

EVERYTHING = (
    *AT_LIMITING, *LIMITS, *METER, *APERTURE, *FIXED_RANGE, *AUTORANGE, *ANALOG_FILTER, *AUTOZERO, *BUFFER, *SWEEP,
    *TIMERS, *BOX,
)  # fmt: skip
