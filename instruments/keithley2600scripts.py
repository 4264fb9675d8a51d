"""Lua for a Keithley 2600B: a whole sequence of readings or pulses as one script.

The boxes run Lua 5.0: no `#`, no `%`, no `...`; what stands here runs on 5.1 as well.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from instruments import keithley2600relied as relied
from instruments.relied_on import commands
from instruments.tspnumbers import listing, literal
from labmtj.shots import Pulses, Shots

AUTOZERO_OFF, AUTOZERO_ONCE = 0, 1
PULSE_GAP_SECONDS = 200e-6
"""At 0 V between two pulses: what source and trigger model need to be ready again, generously."""
PULSE_CYCLES = 0.001
"""Aperture, in power-line cycles, of the reading that shows whether a pulse was limited."""
PULSE_MARGIN_SECONDS = 50e-6
"""From the end of that reading to the end of the pulse, so that the reading never stretches the pulse."""


def meter(
    channel: str, cycles: float, range_amperes: float | None, lowest_amperes: float, *, zeroing: bool
) -> list[str]:
    """Return statements that make a channel's meter ready; zeroed now or not at all: all readings take as long."""
    ranging = relied.AUTORANGE if range_amperes is None else relied.FIXED_RANGE
    values = {
        "cycles": literal(cycles), "lowest": literal(lowest_amperes), "amperes": literal(range_amperes or 0.0),
        "zeroing": AUTOZERO_ONCE if zeroing else AUTOZERO_OFF,
    }  # fmt: skip
    parts = (relied.METER, relied.APERTURE, ranging, relied.AUTOZERO, relied.BUFFER)
    return [" ".join(commands(part, channel, **values)) for part in parts]


def shots(shots: Shots, meters: Sequence[str]) -> list[str]:
    """Return a script that holds levels and reads.

    It prints start times, how many channels that are not read held their limit, then readings, statuses and ranges by
    channel.

    Args:
        shots: what to hold and read.
        meters: statements that make the meters ready.
    """
    return [
        *_tables(shots.channels, shots.volts.T.tolist()),
        "local start, limited = {}, {}",
        _outputs_are_on(shots.channels),
        "timer.reset()",  # before the meters, because autozero takes apertures of its own
        *meters,
        f"for k = 1, {len(shots)} do",
        *(f"smu{channel}.source.levelv = v{channel}[k]" for channel in shots.channels),
        f"delay({literal(shots.settle_seconds)})",
        "if errorqueue.count > 0 then break end",
        "start[k] = timer.measure.t()",
        *_measure(shots.read),
        f"limited[k] = {_limited(set(shots.channels) - set(shots.read))}",
        "end",
        *zero(shots.channels),
        'print(table.concat(start, ","))',
        'print(table.concat(limited, ","))',
        *_report(shots.read, len(shots)),
    ]


def reading(channels: Sequence[str], meters: Sequence[str], others: Collection[str]) -> list[str]:
    """Return a script that reads once at the present levels, and prints as `shots` does, without times.

    Args:
        channels: to read.
        meters: statements that make the meters ready.
        others: channels whose outputs are on, too.
    """
    return [*meters, *_measure(channels), f"print({_limited(others)})", *_report(channels, 1)]


def pulses(pulses: Pulses, range_amperes: Sequence[float], line_hertz: float) -> list[str]:
    """Return a script that leaves the pulses to the trigger model; it prints statuses by channel, then times.

    Timer 1 begins each pulse and timer 2 ends it, on all channels by the same event. A short reading close to the end
    of each pulse, which timer 3 begins, shows whether the source was limited then.
    """
    names, count = pulses.channels, len(pulses)
    lines = [*_tables(names, pulses.volts.T.tolist()), _outputs_are_on(names), *zero(names)]
    for channel, scale in zip(names, range_amperes, strict=True):
        lines += _pulsed(channel, count, scale)
    return [
        *lines,
        f"trigger.timer[1].delay = {literal(round(pulses.seconds + PULSE_GAP_SECONDS, 9))}",
        f"trigger.timer[1].count = {max(1, count - 1)} trigger.timer[1].passthrough = true",
        f"trigger.timer[1].stimulus = smu{names[-1]}.trigger.ARMED_EVENT_ID",  # the last to be armed
        *_after_the_first(2, pulses.seconds),
        *_after_the_first(3, round(pulses.seconds - PULSE_CYCLES / line_hertz - PULSE_MARGIN_SECONDS, 9)),
        "if errorqueue.count == 0 then",
        *(f"smu{channel}.trigger.initiate()" for channel in names),
        "waitcomplete()",
        "end",
        *zero(names),
        *(f"printbuffer(1, {count}, smu{channel}.nvbuffer1.statuses)" for channel in names),
        f"printbuffer(1, {count}, smu{names[0]}.nvbuffer1.timestamps)",
    ]


def switching_on(channel: str, limit_amperes: float) -> str:
    """Return a statement that switches an output on if its level is 0 V and it keeps a limit."""
    source = f"smu{channel}.source"
    kept = f"{source}.levelv == 0 and math.abs({source}.limiti / {literal(limit_amperes)} - 1) < 1e-6"
    return f"if {kept} then {source}.output = 1 end"


def zero(channels: Sequence[str]) -> list[str]:
    """Return statements that bring levels to 0 V."""
    return [f"smu{channel}.source.levelv = 0" for channel in channels]


def _tables(channels: Sequence[str], volts: Sequence[Sequence[float]]) -> list[str]:
    lines = []
    for channel, levels in zip(channels, volts, strict=True):
        first, *rest = listing(levels)
        lines += [f"local v{channel} = {first}", *rest]
    return lines


def _outputs_are_on(channels: Sequence[str]) -> str:
    """Return a guard: a box with an output off was restarted or never armed, and nothing that it reads is true."""
    off = " or ".join(f"smu{channel}.source.output ~= 1" for channel in channels)
    return f'if {off} then error("an output is off") end'


def _limited(channels: Collection[str]) -> str:
    """Return an expression for how many channels hold their limit now."""
    each = [f"(smu{channel}.source.compliance and 1 or 0)" for channel in sorted(channels)]
    return " + ".join(each) or "0"


def _measure(channels: Sequence[str]) -> list[str]:
    """Several channels integrate at the same time."""
    if len(channels) == 1:
        return [f"smu{channels[0]}.measure.i(smu{channels[0]}.nvbuffer1)"]
    return [*(f"smu{channel}.measure.overlappedi(smu{channel}.nvbuffer1)" for channel in channels), "waitcomplete()"]


def _report(channels: Sequence[str], count: int) -> list[str]:
    columns = ("readings", "statuses", "measureranges")
    return [f"printbuffer(1, {count}, smu{channel}.nvbuffer1.{each})" for channel in channels for each in columns]


def _after_the_first(timer: int, seconds: float) -> list[str]:
    """Return statements for a timer that gives an event some time after each event of timer 1."""
    name = f"trigger.timer[{timer}]"
    return [
        f"{name}.delay = {literal(seconds)} {name}.count = 1 {name}.passthrough = false",
        f"{name}.stimulus = trigger.timer[1].EVENT_ID",
    ]


def _pulsed(channel: str, count: int, range_amperes: float) -> list[str]:
    trigger = f"smu{channel}.trigger"
    values = {
        "cycles": literal(PULSE_CYCLES), "amperes": literal(range_amperes), "zeroing": AUTOZERO_OFF, "count": count
    }  # fmt: skip
    parts = (relied.APERTURE, relied.AUTOZERO, relied.METER, relied.FIXED_RANGE, relied.BUFFER)
    return [
        *(" ".join(commands(part, channel, **values)) for part in parts),
        f"smu{channel}.measure.i()",  # now, so that no change of range falls into the first pulse
        f"{trigger}.source.listv(v{channel})",
        f"{trigger}.measure.i(smu{channel}.nvbuffer1)",
        *commands(relied.SWEEP, channel, **values),
    ]
