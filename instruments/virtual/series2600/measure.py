"""The meter of one channel of a 2600B: ranges, aperture, filter, and readings into buffers."""

from __future__ import annotations

import statistics
from functools import partial
from inspect import GEN_CLOSED, getgeneratorstate
from typing import NamedTuple

from instruments.virtual.series2600.models import Model
from instruments.virtual.series2600.ranging import CHANGE_SECONDS, Ranging
from instruments.virtual.series2600.source import AMPS, VOLTS, Source, seconds_or_automatic
from labmtj.virtual.tsp.buffers import Entry, ReadingBuffer
from labmtj.virtual.tsp.clock import Course, Wait
from labmtj.virtual.tsp.complaints import INVALID_PARAMETER, Complaint
from labmtj.virtual.tsp.engine import Engine
from labmtj.virtual.tsp.tree import Group, Members, Setting, number, one_of, switch, whole, within

NOT_A_NUMBER = 9.91e37  # from memory, unverified
ZERO_LASTS_SECONDS = 600.0
"""until automatic autozero looks again [assumed]; references of the last ten apertures are kept, manual 9-21x"""
FILTER_AND_COUNT = 5025

# Bits of a reading's status; from memory, as public drivers read them.
AUTO_MEASURE, AUTO_SOURCE, FOUR_WIRE, RELATIVE, COMPLIANCE, FILTERED = 4, 8, 16, 32, 64, 128


class Reading(NamedTuple):
    """One reading of everything at once."""

    amperes: float
    volts: float
    limited: bool
    over_amperes: bool
    over_volts: bool
    start_seconds: float

    @property
    def overflow(self) -> bool:
        """Whether either converter overflowed."""
        return self.over_amperes or self.over_volts


class Meter:
    """The meter of one channel."""

    def __init__(self, engine: Engine, model: Model, channel: str, source: Source) -> None:
        self._engine, self._channel, self._source = engine, channel, source
        self.ranging = Ranging(engine, model, channel, source)
        self.nplc = Setting(1.0, within(0.001, 25.0))
        self.autozero = Setting(2.0, one_of(0, 1, 2), self._autozero_changed)
        self.filter_on, self.filter_count = Setting(0.0, switch), Setting(1.0, whole(1, 100), self._check_filter)
        self.filter_type = Setting(1.0, one_of(0, 1, 2))
        self.delay = Setting(-1.0 if model.low_current else 0.0, seconds_or_automatic)
        self.delay_factor = Setting(1.0, within(0.0, 1000.0))
        self.count, self.interval = Setting(1.0, whole(1, 60_000)), Setting(0.0, within(0.0, 1.0))
        self.rel_on = {name: Setting(0.0, switch) for name in "ivrp"}
        self.rel = {name: Setting(0.0, number) for name in "ivrp"}
        self.last: Reading | None = None
        self._overlapped: Course[Reading] | None = None
        self._zeroed: dict[float, float] = {}
        self.group = Group(f"smu{channel}.measure", self._names())

    @property
    def aperture_seconds(self) -> float:
        """How long one conversion takes."""
        return float(self.nplc.value / self._engine.line_hertz)

    def reading(self) -> Course[Reading]:
        """Take one reading: ranges, delay, autozero, aperture."""
        settling = self.ranging.settle(self.delay.value, self.delay_factor.value)
        yield Wait(settling + max(self.delay.value, 0.0), "settle")
        yield Wait(self._zero(), "autozero")
        found = []
        for _ in range(int(self.filter_count.value) if self.filter_on.value else 1):
            reading = yield from self._convert()
            while reading.overflow and self.ranging.widen(reading.over_amperes, reading.over_volts):
                yield Wait(CHANGE_SECONDS, "settle")
                reading = yield from self._convert()
            found.append(reading)
        self.last = found[0] if len(found) == 1 else self._filtered(found)
        return self.last

    def read(self) -> Reading:
        """Take one reading while the caller waits for it."""
        return self._engine.clock.run(self.reading())

    def store(self, names: str, buffers: tuple[ReadingBuffer, ...], reading: Reading) -> None:
        """Put what one reading gave into a buffer per name."""
        for name, buffer in zip(names, buffers, strict=False):  # without buffers the readings are only returned
            buffer.store(self._entry(name, reading), reading.start_seconds)

    def value(self, name: str, reading: Reading) -> float:
        """Return amperes, volts, ohms or watts, relative if asked for."""
        amperes, volts = reading.amperes, reading.volts
        if (reading.over_amperes and name != "v") or (reading.over_volts and name != "i"):
            return NOT_A_NUMBER
        if name == "r":
            shown = volts / amperes if amperes else NOT_A_NUMBER
        else:
            shown = {"i": amperes, "v": volts, "p": volts * amperes}[name]
        return shown - self.rel[name].value if self.rel_on[name].value else shown

    def measure(self, names: str, *buffers: object) -> tuple[float, ...]:
        """Take the readings that one call of `measure.x()` takes; return the last."""
        self._finish()
        reading = self._engine.clock.run(self._readings(names, buffers))
        return tuple(self.value(name, reading) for name in names)

    def measure_overlapped(self, names: str, *buffers: object) -> None:
        """Take them in the background: other channels may integrate at the same time."""
        self._finish()
        self._overlapped = self._readings(names, buffers)
        self._engine.clock.start(self._overlapped)

    def _finish(self) -> None:
        """Wait for what is still measured: a channel has one converter."""
        if self._overlapped is not None and getgeneratorstate(self._overlapped) != GEN_CLOSED:
            self._engine.clock.finish()

    def _readings(self, names: str, buffers: tuple[object, ...]) -> Course[Reading]:
        targets = reading_buffers(buffers, len(names))
        for buffer in targets:
            buffer.begin()
        reading = yield from self.reading()
        self.store(names, targets, reading)
        for _ in range(int(self.count.value) - 1):
            yield Wait(self._until_next(reading), "interval")
            reading = yield from self.reading()
            self.store(names, targets, reading)
        return reading

    def _until_next(self, reading: Reading) -> float:
        if not self.interval.value:
            return 0.0
        due: float = reading.start_seconds + self.interval.value
        return max(0.0, due - self._engine.clock.now())

    def abort(self) -> None:
        """End what is measured in the background."""
        if self._overlapped is not None:
            self._overlapped.close()
        self._engine.remote("drop_aperture", self._channel)

    def forget(self) -> None:
        """Be as after reset."""
        self._zeroed.clear()
        self.ranging.forget()
        self.last = None

    def _convert(self) -> Course[Reading]:
        scale_amperes, scale_volts = self.ranging.range[AMPS].value, self.ranging.volts()
        seconds = self.aperture_seconds
        self._engine.remote("open_aperture", self._channel)
        yield Wait(seconds, "aperture")
        start, amperes, over_amperes, volts, over_volts, limited = self._engine.remote(
            "close_aperture", self._channel, seconds, scale_amperes, scale_volts
        )
        limited = bool(limited) and self._source.is_on
        return Reading(amperes, volts, limited, bool(over_amperes), bool(over_volts), start)

    def _filtered(self, found: list[Reading]) -> Reading:
        middle = statistics.median if self.filter_type.value == 2 else statistics.fmean
        return Reading(
            middle(each.amperes for each in found),
            middle(each.volts for each in found),
            any(each.limited for each in found),
            any(each.over_amperes for each in found),
            any(each.over_volts for each in found),
            found[0].start_seconds,
        )

    def _zero(self) -> float:
        """Return the seconds of the two extra conversions of autozero, where the stored ones do not serve."""
        if self.autozero.value != 2:
            return 0.0
        now = self._engine.clock.now()
        if now - self._zeroed.get(self.nplc.value, -ZERO_LASTS_SECONDS) < ZERO_LASTS_SECONDS:
            return 0.0
        self._zeroed[self.nplc.value] = now
        if len(self._zeroed) > 10:
            del self._zeroed[next(iter(self._zeroed))]
        return 2 * self.aperture_seconds

    def _autozero_changed(self) -> None:
        if self.autozero.value == 1:
            self._engine.clock.spend(2 * self.aperture_seconds, "autozero")

    def _check_filter(self) -> None:
        if self.filter_count.value > 1 and self.count.value > 1:
            raise Complaint(FILTER_AND_COUNT, "Cannot set filter.count > 1 when measure.count > 1")

    def _entry(self, name: str, reading: Reading) -> Entry:
        source = self._source
        kind = VOLTS if name == "v" else AMPS
        flags = (
            (AUTO_MEASURE, self.ranging.auto[kind].value), (AUTO_SOURCE, source.auto[source.kind].value),
            (FOUR_WIRE, source.remote_sense.value), (RELATIVE, self.rel_on[name].value),
            (COMPLIANCE, reading.limited), (FILTERED, self.filter_on.value),
        )  # fmt: skip
        return Entry(
            reading=self.value(name, reading),
            source_value=source.shown_level,
            seconds=0.0,
            status=sum(bit for bit, is_set in flags if is_set),
            measure_range=self.ranging.range[AMPS].value if kind == AMPS else self.ranging.volts(),
            source_range=source.range[source.kind].value,
            source_function=source.kind,
            measure_function="ivrp".index(name),
            output=int(source.is_on),
        )

    def _names(self) -> Members:
        calls: Members = {}
        for names in ("i", "v", "r", "p", "iv"):
            calls[names] = partial(self.measure, names)
            calls[f"overlapped{names}"] = partial(self.measure_overlapped, names)
        rel = {f"enable{name}": self.rel_on[name] for name in "ivrp"} | {
            f"level{name}": self.rel[name] for name in "ivrp"
        }
        filters = {"enable": self.filter_on, "count": self.filter_count, "type": self.filter_type}
        return calls | self.ranging.members() | {
            "nplc": self.nplc, "autozero": self.autozero,
            "delay": self.delay, "delayfactor": self.delay_factor,
            "highcrangedelayfactor": Setting(10.0, within(1.0, 99.0)),
            "count": self.count, "interval": self.interval,
            "filter": Group(f"smu{self._channel}.measure.filter", filters),
            "rel": Group(f"smu{self._channel}.measure.rel", rel),
        }  # fmt: skip


def reading_buffers(given: tuple[object, ...], most: int) -> tuple[ReadingBuffer, ...]:
    """Return the buffers of a call; no buffer at all is fine. Complaint for anything else."""
    wanted = given if given and given[0] is not None else ()
    found = tuple(each for each in wanted if isinstance(each, ReadingBuffer))
    if len(found) != len(wanted) or len(found) not in (0, most):
        raise Complaint(INVALID_PARAMETER, "parameter 1 is invalid: a reading buffer is expected")
    return found
