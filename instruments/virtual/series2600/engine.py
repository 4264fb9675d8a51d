"""A 2600B box in the helper process: the language, its channels, and what they add to the tree."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from instruments.virtual.series2600.measure import Meter
from instruments.virtual.series2600.models import FIRMWARE, MODELS, Model
from instruments.virtual.series2600.pulses import Pulses
from instruments.virtual.series2600.source import AMPS, CONSTANTS, VOLTS, Source
from instruments.virtual.series2600.trigger import Sweep
from labmtj.virtual.tsp.buffers import ReadingBuffer
from labmtj.virtual.tsp.clock import Remote
from labmtj.virtual.tsp.complaints import UNAVAILABLE, Complaint
from labmtj.virtual.tsp.engine import Engine, Nature
from labmtj.virtual.tsp.names import SHARED
from labmtj.virtual.tsp.registers import BITS
from labmtj.virtual.tsp.tree import Group, Members, Setting, one_of, whole, within
from labmtj.virtual.tsp.triggers import Triggers

NAMES = Path(__file__).with_name("names.tsv")
BUFFER_READINGS = 140_000  # of nvbuffer1 and nvbuffer2; from memory, unverified
CONTACT_SECONDS = (1e-3, 4e-3, 35e-3)  # fast, medium, slow at 60 Hz; data sheet of a sibling
CONTACT_OHMS = 1.0
"""shown for a good contact [assumed]"""


class Channel:
    """smua or smub: all its parts."""

    def __init__(self, engine: Engine, model: Model, name: str, triggers: Triggers) -> None:
        self._engine, self._name, self._model = engine, name, model
        self.source = Source(engine, model, name)
        self.meter = Meter(engine, model, name, self.source)
        self.buffers = tuple(ReadingBuffer(f"smu{name}.nvbuffer{n}", BUFFER_READINGS) for n in (1, 2))
        self.sweep = Sweep(engine, name, self.source, self.meter, triggers)
        self._threshold, self._speed = Setting(50.0, within(0.0, 1e37)), Setting(0.0, one_of(0, 1, 2))
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
        self.meter.forget()
        self._engine.remote("remote_sense", self._name, False)  # noqa: FBT003
        self.source.apply()

    def _abort(self) -> None:
        self.sweep.abort()
        self.meter.abort()

    def _make_buffer(self, capacity: object = None) -> ReadingBuffer:
        return ReadingBuffer("buffer", int(whole(1, BUFFER_READINGS)(capacity)))

    def _contact_ohms(self) -> tuple[float, float]:
        if not self._model.checks_contacts:
            raise Complaint(UNAVAILABLE, "command unavailable on this model")
        self._engine.clock.spend(CONTACT_SECONDS[int(self._speed.value)], "contact")
        return CONTACT_OHMS, CONTACT_OHMS

    def _measure_and_step(self, names: str, level: object) -> tuple[float, ...]:
        values = self.meter.measure(names)
        self.source.level[self.source.kind].write(level)
        return values

    def _names(self) -> Members:
        contact = {
            "check": lambda: max(self._contact_ohms()) < self._threshold.value,
            "r": self._contact_ohms,
            "threshold": self._threshold,
            "speed": self._speed,
        }
        steps = {
            f"measure{names}andstep": partial(self._measure_and_step, names) for names in ("i", "v", "r", "p", "iv")
        }
        return {
            **CONSTANTS,
            **steps,
            "source": self.source.group,
            "measure": self.meter.group,
            "sense": self.source.remote_sense,
            "trigger": self.sweep.group,
            "contact": Group(f"smu{self._name}.contact", contact),
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
    nvbuffers = {each: (it.source, it.meter) for it in channels.values() for each in it.buffers}
    engine.extend(Pulses(engine.clock, nvbuffers.get).members())
    engine.extend({"display": _display(channels)})
    absent = {f"smu{name}" for name in "ab" if name not in channels}
    engine.complete(SHARED, NAMES, absent=absent, conditions=_conditions(channels))
    return engine


def _conditions(channels: dict[str, Channel]) -> dict[str, Callable[[], float]]:
    """Return what the registers of the measurement tell: by channel, and each bit of all channels."""

    def of_all(bit: int) -> float:
        return float(
            sum(1 << place for place, each in enumerate(channels.values(), 1) if int(each.condition()) >> bit & 1)
        )

    bits = BITS["measurement"]
    names = ("voltage_limit", "current_limit", "reading_overflow", "buffer_available")
    return {
        **{f"measurement.instrument.smu{name}": channel.condition for name, channel in channels.items()},
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
