"""The measure ranges of one channel of a 2600B: fixed or automatic, and the time that a change takes."""

from __future__ import annotations

from functools import partial

from instruments.virtual.series2600.models import Model
from instruments.virtual.series2600.source import AMPS, VOLTS, Source, fitting
from labmtj.virtual.tsp.complaints import Complaint
from labmtj.virtual.tsp.engine import Engine
from labmtj.virtual.tsp.tree import Members, Setting, number, one_of

DEFAULT_AMPERES = 0.1
"""range after reset, Series 2600B web help"""
CHANGE_SECONDS = 1e-3
"""of a change of range, also of none that is seen: by a statement while the output is on, or by autorange [assumed]"""
AUTOMATIC_DELAY_SECONDS = {1e-10: 0.3, 1e-9: 0.1, 1e-8: 0.03, 1e-7: 0.01, 1e-6: 1e-3}
"""of the first reading after a change, by current range; from memory, unverified"""
FILTER_SECONDS, FILTERED_RANGES = 1.0, (1e-10, 1e-9)
"""the analog filter of about 1 Hz and where it is; manual 7-198"""
HIGHC_LOCKED = 5069
FOLLOW_LIMIT = 2


class Ranging:
    """The ranges of both quantities.

    Args:
        engine: of the box.
        model: its ranges.
        channel: a or b.
        source: limits what current or voltage there can be.
    """

    def __init__(self, engine: Engine, model: Model, channel: str, source: Source) -> None:
        self._engine, self._channel, self._source = engine, channel, source
        self._scales = {AMPS: model.measure_amperes, VOLTS: model.volts}
        defaults = {AMPS: DEFAULT_AMPERES, VOLTS: model.volts[0]}
        self.auto = {kind: Setting(1.0, one_of(0, 1, 2), self._check_highc) for kind in (AMPS, VOLTS)}
        self.range = {
            kind: Setting(defaults[kind], partial(self._scale, kind), partial(self._fixed, kind))
            for kind in (AMPS, VOLTS)
        }
        self.low = {kind: Setting(self._scales[kind][0], partial(self._scale, kind)) for kind in (AMPS, VOLTS)}
        self.analog_filter = Setting(1.0 if model.low_current else 0.0, one_of(0, 1))
        self._before: dict[int, float] = {}
        self._changed: set[int] = set()
        """ranges that a statement has changed since the last reading"""
        source.high_capacitance_set = self._high_capacitance
        self.forget()

    def members(self) -> Members:
        """Return what a script reads and writes."""
        return {
            "rangei": self.range[AMPS], "rangev": self.range[VOLTS],
            "autorangei": self.auto[AMPS], "autorangev": self.auto[VOLTS],
            "lowrangei": self.low[AMPS], "lowrangev": self.low[VOLTS],
            "analogfilter": self.analog_filter,
        }  # fmt: skip

    def forget(self) -> None:
        """Take the present ranges for those of the last reading, as after a reset."""
        self._before = {kind: self.range[kind].value for kind in (AMPS, VOLTS)}
        self._changed.clear()

    def volts(self) -> float:
        """Return the voltage range: that of the source if it sources volts (manual 10-10)."""
        setting = self._source.range[VOLTS] if self._source.kind == VOLTS else self.range[VOLTS]
        return float(setting.value)

    def settle(self, delay: float, factor: float) -> float:
        """Move automatic ranges to what is there, and return the seconds until a reading may begin.

        Args:
            delay: measure.delay; below 0, a change of the current range brings a delay of its own.
            factor: of that delay.
        """
        if self._source.kind == AMPS:
            self.range[AMPS].value = self._before[AMPS] = self._source.range[AMPS].value
        kind = AMPS if self._source.kind == VOLTS else VOLTS  # the other follows the source
        if self.auto[kind].value:
            volts, amperes, _ = self._engine.remote("look", self._channel)
            self._choose(kind, amperes if kind == AMPS else volts)
        scale = self.range[kind].value
        moved = bool(self._before[kind] != scale)
        if not moved and kind not in self._changed:
            return 0.0
        self._before[kind] = scale
        self._changed.discard(kind)
        return CHANGE_SECONDS * moved + self._delay(kind, factor if delay < 0 else 0.0)

    def widen(self, over_amperes: bool, over_volts: bool) -> bool:  # noqa: FBT001
        """Move up by one range where a reading on automatic overflowed; return whether one was moved."""
        wider = False
        for kind, over in ((AMPS, over_amperes), (VOLTS, over_volts)):
            if over and self.auto[kind].value and self._source.kind != kind:
                scale, highest = self.range[kind].value, self._highest(kind)
                larger = next((each for each in self._scales[kind] if each > scale), scale)
                if scale < highest:
                    self.range[kind].value = self._before[kind] = larger
                    wider = True
        return wider

    def _choose(self, kind: int, value: float) -> None:
        limit, highest = self._limit(kind), self._highest(kind)
        wanted = limit if self.auto[kind].value == FOLLOW_LIMIT else max(abs(value), self.low[kind].value)
        self.range[kind].value = next((scale for scale in self._scales[kind] if scale >= min(wanted, highest)), highest)

    def _limit(self, kind: int) -> float:
        source = self._source
        return float((source.limit_amperes if kind == AMPS else source.limit_volts).value)

    def _highest(self, kind: int) -> float:
        """Return the range that holds the limit: there can be no more."""
        limit = self._limit(kind)
        return next((scale for scale in self._scales[kind] if scale >= limit), self._scales[kind][-1])

    def _delay(self, kind: int, factor: float) -> float:
        if kind != AMPS:
            return 0.0
        scale = self.range[kind].value
        filtered = self.analog_filter.value and scale in FILTERED_RANGES
        return AUTOMATIC_DELAY_SECONDS.get(scale, 0.0) * factor + (FILTER_SECONDS if filtered else 0.0)

    def _scale(self, kind: int, value: object) -> float:
        return fitting(self._scales[kind], number(value))

    def _fixed(self, kind: int) -> None:
        """Leave automatic; with the output on, the range is changed now, and no reading waits for that."""
        self.auto[kind].value = 0.0
        if self.range[kind].value != self._before[kind]:
            self._before[kind] = self.range[kind].value
            self._changed.add(kind)
            if self._source.is_on:
                self._engine.clock.spend(CHANGE_SECONDS, "settle")

    def _check_highc(self) -> None:
        if self._source.high_capacitance.value and self.auto[AMPS].value != FOLLOW_LIMIT:
            raise Complaint(HIGHC_LOCKED, "Autorange locked for HighC mode")

    def _high_capacitance(self) -> None:
        """High capacitance locks the current range to the limit, and no range lies below 1 uA (manual, HighC mode)."""
        if self._source.high_capacitance.value:
            self.auto[AMPS].value = float(FOLLOW_LIMIT)
            self.low[AMPS].value = max(self.low[AMPS].value, 1e-6)
