"""The meter of one channel of a 2600B: ranges, aperture, filter, and readings into buffers."""

from __future__ import annotations

import statistics
from functools import partial
from inspect import GEN_CLOSED, getgeneratorstate
from typing import NamedTuple

from instruments.virtual.series2600.models import Model
from instruments.virtual.series2600.source import AMPS, VOLTS, Source, fitting, seconds_or_automatic
from labmtj.virtual.tsp.buffers import Entry, ReadingBuffer
from labmtj.virtual.tsp.clock import Course, Wait
from labmtj.virtual.tsp.complaints import INVALID_PARAMETER, Complaint
from labmtj.virtual.tsp.engine import Engine
from labmtj.virtual.tsp.tree import Group, Members, Setting, number, one_of, switch, whole, within

NOT_A_NUMBER = 9.91e37  # from memory, unverified
ZERO_LASTS_SECONDS = 600.0
"""until automatic autozero looks again [assumed]; references of the last ten apertures are kept, manual 9-21x"""
RANGE_CHANGE_SECONDS = 1e-3
"""of the meter, per reading that needs one [assumed]"""
AUTOMATIC_DELAY_SECONDS = {1e-10: 0.3, 1e-9: 0.1, 1e-8: 0.03, 1e-7: 0.01, 1e-6: 1e-3}
"""after a change of range, by current range; from memory, unverified"""
FILTER_SECONDS, FILTERED_RANGES = 1.0, (1e-10, 1e-9)
"""the analog filter of about 1 Hz and where it is; manual 7-198"""

# Bits of a reading's status; from memory, as public drivers read them.
AUTO_MEASURE, AUTO_SOURCE, FOUR_WIRE, RELATIVE, COMPLIANCE, FILTERED = 4, 8, 16, 32, 64, 128


class Reading(NamedTuple):
    """One reading of everything at once."""

    amperes: float
    volts: float
    limited: bool
    overflow: bool
    start_seconds: float


class Meter:
    """The meter of one channel."""

    def __init__(self, engine: Engine, model: Model, channel: str, source: Source) -> None:
        self._engine, self._channel, self._source, self._model = engine, channel, source, model
        self._scales = {AMPS: model.measure_amperes, VOLTS: model.volts}
        self.auto = {AMPS: Setting(1.0, one_of(0, 1, 2)), VOLTS: Setting(1.0, one_of(0, 1, 2))}
        self.range = {
            kind: Setting(self._scales[kind][-2], partial(self._scale, kind), partial(self._fixed, kind))
            for kind in (AMPS, VOLTS)
        }
        self.low = {kind: Setting(self._scales[kind][0], partial(self._scale, kind)) for kind in (AMPS, VOLTS)}
        self.nplc = Setting(1.0, within(0.001, 25.0))
        self.autozero = Setting(2.0, one_of(0, 1, 2), self._autozero_changed)
        self.filter_on, self.filter_count = Setting(0.0, switch), Setting(1.0, whole(1, 100))
        self.filter_type = Setting(1.0, one_of(0, 1, 2))
        self.analog_filter = Setting(1.0 if model.low_current else 0.0, switch)
        self.delay = Setting(-1.0 if model.low_current else 0.0, seconds_or_automatic)
        self.delay_factor = Setting(1.0, within(0.0, 1000.0))
        self.count, self.interval = Setting(1.0, whole(1, 1_000_000)), Setting(0.0, within(0.0, 1.0))
        self.rel_on = {name: Setting(0.0, switch) for name in "ivrp"}
        self.rel = {name: Setting(0.0, number) for name in "ivrp"}
        self.last: Reading | None = None
        self._overlapped: Course[Reading] | None = None
        self._zeroed: dict[float, float] = {}
        self._range_before: dict[int, float] = {}
        self.group = Group(f"smu{channel}.measure", self._names())

    @property
    def aperture_seconds(self) -> float:
        """How long one conversion takes."""
        return float(self.nplc.value / self._engine.line_hertz)

    def reading(self) -> Course[Reading]:
        """Take one reading: ranges, delay, autozero, aperture."""
        yield Wait(self._choose_ranges() + max(self.delay.value, 0.0), "settle")
        yield Wait(self._zero(), "autozero")
        found = []
        for _ in range(int(self.filter_count.value) if self.filter_on.value else 1):
            found.append((yield from self._convert()))  # noqa: PERF401 (a generator cannot be delegated to in there)
        self.last = found[0] if len(found) == 1 else self._filtered(found)
        return self.last

    def read(self) -> Reading:
        """Take one reading while whoever asks waits for it."""
        return self._engine.clock.run(self.reading())

    def store(self, names: str, buffers: tuple[ReadingBuffer, ...], reading: Reading) -> None:
        """Put what one reading gave into a buffer per name."""
        for name, buffer in zip(names, buffers, strict=False):  # without buffers the readings are only returned
            buffer.store(self._entry(name, reading), reading.start_seconds)

    def value(self, name: str, reading: Reading) -> float:
        """Return amperes, volts, ohms or watts, relative if asked for."""
        amperes, volts = reading.amperes, reading.volts
        if reading.overflow:
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
        self._range_before.clear()
        self.last = None

    def _convert(self) -> Course[Reading]:
        scale_amperes, scale_volts, seconds = self.range[AMPS].value, self._volts_range(), self.aperture_seconds
        self._engine.remote("open_aperture", self._channel)
        yield Wait(seconds, "aperture")
        start, amperes, over_amperes, volts, over_volts, limited = self._engine.remote(
            "close_aperture", self._channel, seconds, scale_amperes, scale_volts
        )
        return Reading(amperes, volts, bool(limited) and self._source.is_on, bool(over_amperes or over_volts), start)

    def _filtered(self, found: list[Reading]) -> Reading:
        middle = statistics.median if self.filter_type.value == 2 else statistics.fmean
        return Reading(
            middle(each.amperes for each in found),
            middle(each.volts for each in found),
            any(each.limited for each in found),
            any(each.overflow for each in found),
            found[0].start_seconds,
        )

    def _volts_range(self) -> float:
        """Return the voltage range: that of the source if it sources volts (manual 10-10)."""
        setting = self._source.range[VOLTS] if self._source.kind == VOLTS else self.range[VOLTS]
        return float(setting.value)

    def _choose_ranges(self) -> float:
        """Move automatic ranges, and return the seconds that this takes."""
        if self._source.kind == AMPS:
            self.range[AMPS].value = self._source.range[AMPS].value
        moving = [AMPS] if self._source.kind == VOLTS else [VOLTS]
        automatic = [kind for kind in moving if self.auto[kind].value]
        if automatic:
            volts, amperes, _ = self._engine.remote("look", self._channel)
            for kind in automatic:
                self._choose(kind, amperes if kind == AMPS else volts)
        changed = [kind for kind in moving if self._range_before.get(kind) != self.range[kind].value]
        for kind in changed:
            self._range_before[kind] = self.range[kind].value
        return sum(self._after_change(kind) for kind in changed)

    def _choose(self, kind: int, value: float) -> None:
        limit = self._source.limit_amperes.value if kind == AMPS else self._source.limit_volts.value
        highest = next((scale for scale in self._scales[kind] if scale >= limit), self._scales[kind][-1])
        wanted = limit if self.auto[kind].value == 2 else max(abs(value), self.low[kind].value)
        self.range[kind].value = next((scale for scale in self._scales[kind] if scale >= min(wanted, highest)), highest)

    def _after_change(self, kind: int) -> float:
        scale = self.range[kind].value
        seconds = RANGE_CHANGE_SECONDS
        if kind == AMPS and self.delay.value < 0:
            seconds += AUTOMATIC_DELAY_SECONDS.get(scale, 0.0) * self.delay_factor.value
        if kind == AMPS and self.analog_filter.value and scale in FILTERED_RANGES:
            seconds += FILTER_SECONDS
        return seconds

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

    def _scale(self, kind: int, value: object) -> float:
        return fitting(self._scales[kind], number(value))

    def _fixed(self, kind: int) -> None:
        self.auto[kind].value = 0.0

    def _entry(self, name: str, reading: Reading) -> Entry:
        source = self._source
        kind = VOLTS if name == "v" else AMPS
        flags = (
            (AUTO_MEASURE, self.auto[kind].value), (AUTO_SOURCE, source.auto[source.kind].value),
            (FOUR_WIRE, source.remote_sense.value), (RELATIVE, self.rel_on[name].value),
            (COMPLIANCE, reading.limited), (FILTERED, self.filter_on.value),
        )  # fmt: skip
        return Entry(
            reading=self.value(name, reading),
            source_value=source.shown_level,
            seconds=0.0,
            status=sum(bit for bit, is_set in flags if is_set),
            measure_range=self.range[AMPS].value if kind == AMPS else self._volts_range(),
            source_range=source.range[source.kind].value,
            source_function=source.kind,
            measure_function="ivrp".index(name),
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
        return calls | {
            "rangei": self.range[AMPS], "rangev": self.range[VOLTS],
            "autorangei": self.auto[AMPS], "autorangev": self.auto[VOLTS],
            "lowrangei": self.low[AMPS], "lowrangev": self.low[VOLTS],
            "nplc": self.nplc, "autozero": self.autozero, "analogfilter": self.analog_filter,
            "delay": self.delay, "delayfactor": self.delay_factor, "highcrangedelayfactor": Setting(10.0, number),
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
