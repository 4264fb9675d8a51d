"""A 2600B box in the helper process: the language, its channels, and what they add to the tree."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path

from instruments.virtual.series2600.calibration import Calibration
from instruments.virtual.series2600.contact import Contact
from instruments.virtual.series2600.factory import Factory
from instruments.virtual.series2600.measure import Meter
from instruments.virtual.series2600.models import FIRMWARE, MODELS, Model
from instruments.virtual.series2600.pulses import Pulses
from instruments.virtual.series2600.source import AMPS, CONSTANTS, VOLTS, Source
from instruments.virtual.series2600.trigger import Sweep
from labmtj.virtual.tsp.buffers import ReadingBuffer, as_table
from labmtj.virtual.tsp.clock import Remote
from labmtj.virtual.tsp.complaints import INVALID_PARAMETER, Complaint
from labmtj.virtual.tsp.engine import Engine, Nature
from labmtj.virtual.tsp.names import SHARED
from labmtj.virtual.tsp.registers import BITS
from labmtj.virtual.tsp.tree import Group, Members, Setting, one_of, text, whole
from labmtj.virtual.tsp.triggers import Triggers

NAMES = Path(__file__).with_name("names.tsv")
NO_BUFFER = 5033
BUFFER_READINGS = 140_000  # of nvbuffer1 and nvbuffer2; from memory, unverified


class Channel:
    """smua or smub: all its parts."""

    def __init__(self, engine: Engine, model: Model, name: str, triggers: Triggers) -> None:
        self._engine, self._name = engine, name
        self.source = Source(engine, model, name)
        self.meter = Meter(engine, model, name, self.source)
        self.buffers = tuple(self._buffer(f"smu{name}.nvbuffer{n}", BUFFER_READINGS) for n in (1, 2))
        self.sweep = Sweep(engine, name, self.source, self.meter, triggers)
        self._calibration = Calibration(f"smu{name}")
        self._contact = Contact(engine, model, f"smu{name}", self.source, self._calibration)
        self.group = Group(f"smu{name}", self._names())

    def condition(self) -> float:
        """Return the measurement condition register; manual 9-283."""
        limited = self.source.in_compliance()
        last = self.meter.last
        bits = {
            0: limited and self.source.kind == AMPS,
            1: limited and self.source.kind == VOLTS,
            7: last is not None and last.overflow,
            8: any(buffer.entries for buffer in self.buffers),
        }
        return float(sum(1 << bit for bit, is_set in bits.items() if is_set))

    def reset(self) -> None:
        """Bring the channel to its defaults, output off; the buffers are emptied."""
        self._abort()
        self.group.reset()
        for buffer in self.buffers:
            buffer.reset(everything=True)
        self.sweep.forget()
        self.meter.forget()
        self._engine.remote("remote_sense", self._name, False)  # noqa: FBT003
        self.source.apply()

    def _abort(self) -> None:
        self.sweep.abort()
        self.meter.abort()

    def _buffer(self, name: str, capacity: int) -> ReadingBuffer:
        return ReadingBuffer(name, capacity, self._engine.utc_seconds)

    def _make_buffer(self, capacity: object = None) -> ReadingBuffer:
        return self._buffer("buffer", int(whole(1, BUFFER_READINGS)(capacity)))

    def _keep_buffer(self, buffer: object = None) -> None:
        """Do what saving to the memory of the box does: nothing that shows before it is switched off."""
        if buffer not in self.buffers:
            raise Complaint(NO_BUFFER, "Reading buffer not found within device")

    def _measure_and_step(self, names: str, level: object) -> tuple[float, ...]:
        values = self.meter.measure(names)
        self.source.level[self.source.kind].write(level)
        return values

    def _names(self) -> Members:
        steps = {
            f"measure{names}andstep": partial(self._measure_and_step, names) for names in ("i", "v", "r", "p", "iv")
        }
        adjust = self._calibration.adjustments("calibratei", "calibratev")
        self.source.group.extend(adjust)
        self.meter.group.extend(adjust)
        return {
            **CONSTANTS,
            **steps,
            "source": self.source.group,
            "measure": self.meter.group,
            "sense": self.source.remote_sense,
            "trigger": self.sweep.group,
            "contact": self._contact.group,
            "cal": self._calibration.group,
            "buffer": Group(f"smu{self._name}.buffer", {"getstats": statistics_of, "recalculatestats": statistics_of}),
            "savebuffer": self._keep_buffer,
            "nvbuffer1": self.buffers[0],
            "nvbuffer2": self.buffers[1],
            "makebuffer": self._make_buffer,
            "abort": self._abort,
            "reset": self.reset,
        }


def build(remote: Remote, model: str, serial: str, line_hertz: float) -> Engine:
    """Return the engine of a 2600B."""
    identity = f"Keithley Instruments Inc., Model {model}, {serial}, {FIRMWARE}"  # as recorded from a 2636B
    engine = Engine(Nature(model, identity, serial, FIRMWARE, line_hertz), remote)
    channels = {name: Channel(engine, MODELS[model], name, engine.triggers) for name in MODELS[model].channels}
    engine.resets += [each.reset for each in channels.values()]
    engine.recalled += [each.source.apply for each in channels.values()]
    engine.extend({f"smu{name}": channel.group for name, channel in channels.items()})
    owners = {part: channel for channel in channels.values() for part in (channel.group, *channel.buffers)}

    def owner(given: object) -> Channel | None:
        return owners.get(given) if isinstance(given, Group) else None

    engine.extend(Pulses(engine.clock, owner).members())
    engine.extend(Factory(engine.clock, owner).members())
    engine.extend({"savebuffer": partial(_save_buffer, engine)})
    engine.extend({"display": _display(channels)})
    absent = {f"smu{name}" for name in "ab" if name not in channels}
    engine.complete(SHARED, NAMES, absent=absent, conditions=_conditions(channels))
    return engine


def _save_buffer(engine: Engine, buffer: object = None, kind: object = "csv", file: object = None) -> None:
    """Write a buffer to the drive, as csv or xml."""
    if not isinstance(buffer, ReadingBuffer):
        raise Complaint(NO_BUFFER, "Reading buffer not found within device")
    if kind not in ("csv", "xml"):
        raise Complaint(INVALID_PARAMETER, "parameter 2 is invalid: csv or xml is expected")
    lines = as_table(buffer)
    rows = "".join(f"<row>{line}</row>\n" for line in lines.split("\n") if line)
    engine.drive.write(text(file), lines if kind == "csv" else f"<buffer>\n{rows}</buffer>\n")


def statistics_of(buffer: object = None) -> dict[str, object]:
    """Return what smua.buffer.getstats returns: n, mean, stddev, and where least and greatest stand."""
    if not isinstance(buffer, ReadingBuffer):
        raise Complaint(NO_BUFFER, "Reading buffer not found within device")
    found = [entry.reading for entry in buffer.entries]
    if not found:
        return {}

    def at(value: float) -> dict[str, object]:
        entry = buffer.entries[found.index(value)]
        return {"reading": value, "timestamp": entry.seconds, "sourcevalue": entry.source_value}

    spread = statistics.stdev(found) if len(found) > 1 else 0.0
    mean = statistics.fmean(found)
    return {"n": float(len(found)), "mean": mean, "stddev": spread, "min": at(min(found)), "max": at(max(found))}


def _conditions(channels: dict[str, Channel]) -> dict[str, Callable[[], float]]:
    """Return what the registers of the measurement say: by channel, and each bit of all channels."""

    def of_all(bit: int) -> float:
        return float(
            sum(1 << place for place, each in enumerate(channels.values(), 1) if int(each.condition()) >> bit & 1)
        )

    bits = BITS["measurement"]
    names = ("voltage_limit", "current_limit", "reading_overflow", "buffer_available")

    def of(name: str, channel: Channel) -> dict[str, Callable[[], float]]:
        return {
            f"measurement.instrument.smu{name}": channel.condition,
            f"operation.instrument.smu{name}.trigger_overrun": channel.sweep.overruns,
        }

    def running() -> float:
        return float(sum(1 << place for place, each in enumerate(channels.values(), 1) if each.sweep.looked_at()))

    every: dict[str, Callable[[], float]] = {"operation.sweeping": running}
    for name, channel in channels.items():
        every |= of(name, channel)
    return {
        **every,
        **{f"measurement.{name}": partial(of_all, bits[name]) for name in names},
    }


def _display(channels: dict[str, Channel]) -> Group:
    constants = {
        "SMUA": 0, "SMUB": 1, "SMUA_SMUB": 2, "USER": 3, "DIGITS_4_5": 4, "DIGITS_5_5": 5, "DIGITS_6_5": 6,
        "MEASURE_DCAMPS": 0, "MEASURE_DCVOLTS": 1, "MEASURE_OHMS": 2, "MEASURE_WATTS": 3, "LIMIT_IV": 0, "LIMIT_P": 1,
        "ENABLE": 1, "DISABLE": 0, "LOCK": 1, "UNLOCK": 0,
    }  # fmt: skip
    both = float(2 if len(channels) == 2 else 0)
    return Group("display", {**constants, "screen": Setting(both, one_of(0, 1, 2, 3))})
