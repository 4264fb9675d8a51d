"""smua.contact: whether the sense leads touch; a good contact of one ohm, under the conditions of the manual."""

from __future__ import annotations

from instruments.virtual.series2600.calibration import Calibration
from instruments.virtual.series2600.models import Model
from instruments.virtual.series2600.source import AMPS, HIGH_Z, Source
from labmtj.virtual.tsp.complaints import UNAVAILABLE, Complaint
from labmtj.virtual.tsp.engine import Engine
from labmtj.virtual.tsp.tree import Group, Setting, one_of, within

SECONDS = (1e-3, 4e-3, 35e-3)  # fast, medium, slow at 60 Hz; data sheet of a sibling
OHMS = 1.0
"""shown for a good contact [assumed]"""
LEAST_AMPERES = 1e-3
"""of limit, range and off limit (error list: too low for contact check)"""
WITH_HIGH_Z, WITH_CURRENT, LIMIT_TOO_LOW, OFF_LIMIT_TOO_LOW = 5048, 5049, 5050, 5066


class Contact:
    """The contact check of one channel."""

    def __init__(self, engine: Engine, model: Model, name: str, source: Source, calibration: Calibration) -> None:
        self._engine, self._model, self._source = engine, model, source
        self._threshold, self._speed = Setting(50.0, within(0.0, 1e37)), Setting(0.0, one_of(0, 1, 2))
        self.group = Group(
            f"{name}.contact",
            {
                "check": lambda: max(self._ohms()) < self._threshold.value,
                "r": self._ohms,
                "threshold": self._threshold,
                "speed": self._speed,
                **calibration.adjustments("calibratehi", "calibratelo"),
            },
        )

    def _ohms(self) -> tuple[float, float]:
        self._check()
        self._engine.clock.spend(SECONDS[int(self._speed.value)], "contact")
        return OHMS, OHMS

    def _check(self) -> None:
        source = self._source
        if not self._model.checks_contacts:
            raise Complaint(UNAVAILABLE, "Command unavailable")
        if not source.is_on:
            if HIGH_Z in (source.output.value, source.offmode.value):
                raise Complaint(WITH_HIGH_Z, "Contact check not valid with HIGH-Z OUTPUT off")
            if source.off_amperes.value < LEAST_AMPERES:
                raise Complaint(OFF_LIMIT_TOO_LOW, "source.offlimiti too low for contact check")
        elif source.kind == AMPS:
            raise Complaint(WITH_CURRENT, "Contact check not valid while an active current source")
        elif source.limit_amperes.value < LEAST_AMPERES:
            raise Complaint(LIMIT_TOO_LOW, "I limit too low for contact check")
