"""The source side of one channel of a 2600B: levels, ranges, limits and the output."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from instruments.virtual.series2600.models import Model
from labmtj.virtual.tsp.complaints import (
    OUTPUT_BLOCKED,
    OUTPUT_IS_ON,
    TOO_BIG,
    TOO_BIG_FOR_RANGE,
    UNSAFE_AREA,
    Complaint,
    Severity,
)
from labmtj.virtual.tsp.engine import Engine
from labmtj.virtual.tsp.tree import Group, Members, Reading, Setting, number, one_of, switch, within

STATEMENT_SECONDS = 30e-6
"""that the box takes for a statement that moves its output [assumed]: two channels never step together"""
SOURCE_REACH = 1.01  # of the range; 2600B manual 2-44

AMPS, VOLTS = 0, 1
OFF, ON, HIGH_Z = 0, 1, 2
NORMAL, ZERO = 0, 1
OE_NONE, OE_OUTPUT_OFF = 0, 1
NOT_ENABLED = 5041

CONSTANTS = {
    "OUTPUT_DCAMPS": AMPS, "OUTPUT_DCVOLTS": VOLTS, "OUTPUT_OFF": OFF, "OUTPUT_ON": ON, "OUTPUT_HIGH_Z": HIGH_Z,
    "OUTPUT_NORMAL": NORMAL, "OUTPUT_ZERO": ZERO, "SENSE_LOCAL": 0, "SENSE_REMOTE": 1, "SENSE_CALA": 3,
    "AUTORANGE_OFF": 0, "AUTORANGE_ON": 1, "AUTORANGE_FOLLOW_LIMIT": 2, "AUTOZERO_OFF": 0, "AUTOZERO_ONCE": 1,
    "AUTOZERO_AUTO": 2, "DELAY_OFF": 0, "DELAY_AUTO": -1, "FILTER_MOVING_AVG": 0, "FILTER_REPEAT_AVG": 1,
    "FILTER_MEDIAN": 2, "DISABLE": 0, "ENABLE": 1, "OFF": 0, "ON": 1, "SOURCE_HOLD": 1, "SOURCE_IDLE": 0,
    "CONTACT_FAST": 0, "CONTACT_MEDIUM": 1, "CONTACT_SLOW": 2, "SETTLE_SMOOTH": 0, "SETTLE_FAST_RANGE": 1,
    "SETTLE_FAST_POLARITY": 2, "SETTLE_DIRECT_IRANGE": 3, "SETTLE_SMOOTH_100NA": 4, "SETTLE_FAST_ALL": 128,
    "FILTER_OFF": 0, "FILTER_ON": 1, "REL_OFF": 0, "REL_ON": 1, "LIMIT_AUTO": 0, "FILL_ONCE": 0, "FILL_WINDOW": 1,
    "ASYNC": 2, "CAL_AUTO": 0, "CAL_POSITIVE": 1, "CAL_NEGATIVE": 2, "CALSTATE_LOCKED": 0, "CALSTATE_CALIBRATING": 1,
    "CALSTATE_UNLOCKED": 2, "CALSET_DEFAULT": 0, "CALSET_FACTORY": 1, "CALSET_NOMINAL": 2, "CALSET_PREVIOUS": 3,
    "OE_NONE": 0, "OE_OUTPUT_OFF": 1, "MEASURE_DCAMPS": 0, "MEASURE_DCVOLTS": 1, "MEASURE_OHMS": 2, "MEASURE_WATTS": 3,
}  # fmt: skip


def fitting(scales: tuple[float, ...], value: float) -> float:
    """Return the smallest range that holds a value; Complaint if none does."""
    for scale in scales:
        if abs(value) <= scale * SOURCE_REACH:
            return scale
    raise Complaint(TOO_BIG, f"parameter too big: {value!r} is above the largest range {scales[-1]!r}")


class Source:
    """The source of one channel."""

    def __init__(self, engine: Engine, model: Model, channel: str) -> None:
        self._engine, self._model, self._channel = engine, model, channel
        volts, amperes = model.volts, model.source_amperes
        self.func = Setting(float(VOLTS), one_of(AMPS, VOLTS), self._changed_func)
        self.output = Setting(float(OFF), one_of(OFF, ON, HIGH_Z), self._switched)
        self.scales = {VOLTS: volts, AMPS: amperes}
        self.level = {kind: self._level_setting(kind) for kind in (VOLTS, AMPS)}
        self.range = {kind: self._range_setting(kind) for kind in (VOLTS, AMPS)}
        self.auto = {kind: Setting(1.0, switch, partial(self._moved, kind)) for kind in (VOLTS, AMPS)}
        self.low = {
            VOLTS: Setting(volts[0], partial(self._scale, VOLTS), partial(self._moved, VOLTS)),
            AMPS: Setting(amperes[0], partial(self._scale, AMPS), partial(self._moved, AMPS)),
        }
        self.limit_amperes = Setting(
            model.default_amperes, within(model.least_limit_amperes, model.most_amperes), self._limited
        )
        self.limit_volts = Setting(model.default_volts, within(model.least_limit_volts, volts[-1]), self._limited)
        self.limit_watts = Setting(0.0, within(0.0, 1000.0), self._limited)
        self.offmode = Setting(float(NORMAL), one_of(NORMAL, ZERO, HIGH_Z), self.apply)
        self.offfunc = Setting(float(VOLTS), one_of(AMPS, VOLTS), self.apply)
        self.off_amperes = Setting(1e-3, within(model.least_limit_amperes, model.most_amperes), self.apply)
        self.off_volts = Setting(40.0, within(model.least_limit_volts, volts[-1]), self.apply)
        self.remote_sense = Setting(0.0, one_of(0, 1, 3), self._sense_changed)
        self.delay = Setting(0.0, seconds_or_automatic)
        self.high_capacitance_set: Callable[[], None] = lambda: None
        self.high_capacitance = Setting(0.0, switch, lambda: self.high_capacitance_set())
        self.enable_action = Setting(float(OE_NONE), one_of(OE_NONE, OE_OUTPUT_OFF))
        self.shown_level = 0.0
        """what buffers keep as the source value"""
        self.group = Group(f"smu{channel}.source", self._names())

    @property
    def is_on(self) -> bool:
        """Whether the output is on."""
        return bool(self.output.value == ON)

    @property
    def kind(self) -> int:
        """What is sourced: VOLTS or AMPS."""
        return int(self.func.value)

    def step(self, level: float, limit: float | None = None) -> None:
        """Move the output to a level (under another limit) that is not kept as the setting, as sweeps do."""
        self.shown_level = level
        if self.is_on:
            self._source(self.kind, level, limit)

    def apply(self) -> None:
        """Bring the terminals to what the settings say."""
        self.shown_level = self.level[self.kind].value
        if self.is_on:
            self._source(self.kind, self.level[self.kind].value)
        elif self.output.value == HIGH_Z or self.offmode.value == HIGH_Z:
            self._engine.remote("release", self._channel)
        elif self.offmode.value == ZERO:
            self._volts(0.0, self.limit_amperes.value)
        elif self.offfunc.value == VOLTS:
            self._volts(0.0, self.off_amperes.value)
        else:
            self._engine.remote("source_amperes", self._channel, 0.0, self.off_volts.value)

    def in_compliance(self) -> bool:
        """Return whether the output holds its limit right now."""
        return self.is_on and bool(self._engine.remote("look", self._channel)[2])

    def _source(self, kind: int, level: float, limit: float | None = None) -> None:
        most = limit or (self.limit_amperes if kind == VOLTS else self.limit_volts).value
        if self.limit_watts.value and level:
            most = min(most, self.limit_watts.value / abs(level))
        if kind == VOLTS:
            self._volts(level, most)
        else:
            self._engine.remote("source_amperes", self._channel, level, most)

    def _volts(self, volts: float, limit_amperes: float) -> None:
        self._engine.remote("source_volts", self._channel, volts, self.range[VOLTS].value, limit_amperes)

    def _statement(self) -> None:
        """Do what a statement changed, and let the time pass that the box takes for it."""
        self.apply()
        self._engine.clock.spend(STATEMENT_SECONDS, "statement")

    def _moved(self, kind: int) -> None:
        """Check a level against its range, which follows it on automatic."""
        level, scale = self.level[kind].value, self.range[kind].value
        if self.auto[kind].value:
            scale = fitting(self.scales[kind], max(abs(level) / SOURCE_REACH, self.low[kind].value))
        if abs(level) > scale * SOURCE_REACH:
            raise Complaint(TOO_BIG_FOR_RANGE, f"value too big for range: {level!r} on the range of {scale!r}")
        self._check_area(**{("scale_volts" if kind == VOLTS else "scale_amperes"): scale})
        self.range[kind].value = scale
        if self.kind == kind:
            self.shown_level = level
            if self.is_on:
                self._statement()

    def _level_setting(self, kind: int) -> Setting:
        most = self.scales[kind][-1] * SOURCE_REACH
        return Setting(0.0, within(-most, most), partial(self._moved, kind))

    def _range_setting(self, kind: int) -> Setting:
        return Setting(self.scales[kind][0], partial(self._scale, kind), partial(self._fixed, kind))

    def _scale(self, kind: int, value: object) -> float:
        return fitting(self.scales[kind], number(value) / SOURCE_REACH)

    def _fixed(self, kind: int) -> None:
        before, self.auto[kind].value = self.auto[kind].value, 0.0
        try:
            self._moved(kind)
        except Complaint:
            self.auto[kind].value = before
            raise

    def _limited(self) -> None:
        self._check_area()
        if self.is_on:
            self._statement()

    def _check_area(self, scale_volts: float = 0.0, scale_amperes: float = 0.0) -> None:
        """Refuse limit and range that together go beyond what the source can take."""
        if self.kind == VOLTS:
            scale, amperes = scale_volts or self.range[VOLTS].value, self.limit_amperes.value
        else:
            scale = next(s for s in self._model.volts if s >= self.limit_volts.value)
            amperes = scale_amperes or self.range[AMPS].value
        if amperes > self._model.safe_amperes[self._model.volts.index(scale)]:
            raise Complaint(
                UNSAFE_AREA, f"operation would exceed safe operating area: {amperes!r} A on the range of {scale!r} V"
            )

    def _changed_func(self) -> None:
        if self.is_on:
            self._statement()

    def _sense_changed(self) -> None:
        if self.is_on:
            raise Complaint(OUTPUT_IS_ON, "not permitted while output is on")
        self._engine.remote("remote_sense", self._channel, self.remote_sense.value == 1)

    def _switched(self) -> None:
        high = self.range[VOLTS].value if self.kind == VOLTS else self.limit_volts.value
        guarded = self.is_on and self._model.needs_interlock and high > self._model.volts[-2]
        if guarded and self._engine.remote("interlock_open")[0]:
            raise Complaint(OUTPUT_BLOCKED, "OUTPUT blocked by interlock")
        if self.is_on and not self._model.needs_interlock and self.enable_action.value == OE_OUTPUT_OFF:
            raise Complaint(NOT_ENABLED, "Output Enable not asserted", Severity.SERIOUS)  # nothing is connected there
        self._statement()

    def _names(self) -> Members:
        return {
            "func": self.func, "output": self.output, "compliance": Reading(self.in_compliance),
            "levelv": self.level[VOLTS], "leveli": self.level[AMPS],
            "rangev": self.range[VOLTS], "rangei": self.range[AMPS],
            "autorangev": self.auto[VOLTS], "autorangei": self.auto[AMPS],
            "lowrangev": self.low[VOLTS], "lowrangei": self.low[AMPS],
            "limiti": self.limit_amperes, "limitv": self.limit_volts, "limitp": self.limit_watts,
            "offmode": self.offmode, "offfunc": self.offfunc,
            "offlimiti": self.off_amperes, "offlimitv": self.off_volts, "delay": self.delay,
            "highc": self.high_capacitance, "sink": Setting(0.0, switch),
            "settling": Setting(0.0, one_of(0, 1, 2, 3, 4, 128)), "outputenableaction": self.enable_action,
        }  # fmt: skip


def seconds_or_automatic(value: object) -> float:
    """Accept a time, or -1 for automatic."""
    return -1.0 if value == -1 else within(0, 100_000)(value)
