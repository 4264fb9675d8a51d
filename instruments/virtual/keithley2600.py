"""Virtual Keithley 2600B source-measure units: the side of the terminals, and the errors of the meters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from instruments.virtual.series2600.models import MODELS
from labmtj.simulated.meter import MeterModel, MeterRange, VoltageRange
from labmtj.virtual.network.converter import Converter
from labmtj.virtual.network.terminals import Box, Channel
from labmtj.virtual.tsp.instrument import TSPInstrument
from labmtj.virtual.tsp.names import SHARED
from labmtj.virtual.tsp.process import Functions

# Full scale: gain (fraction), offset (A) of one year; SPEC-2602B, for 2635B and 2636B from memory, unverified.
AMPERES_60X = {
    1e-7: (5e-4, 1e-10), 1e-6: (2.5e-4, 5e-10), 1e-5: (2.5e-4, 1.5e-9), 1e-4: (2e-4, 2.5e-8), 1e-3: (2e-4, 2e-7),
    1e-2: (2e-4, 2.5e-6), 0.1: (2e-4, 2e-5), 1.0: (3e-4, 1.5e-3), 3.0: (5e-4, 3.5e-3),
}  # fmt: skip
AMPERES_61X = {**{scale: AMPERES_60X[scale] for scale in list(AMPERES_60X)[:-1]}, 1.5: (5e-4, 3.5e-3)}
AMPERES_63X = {
    **AMPERES_61X,
    1e-10: (1.5e-3, 1.2e-13), 1e-9: (1.5e-3, 2.4e-13), 1e-8: (1.5e-3, 3e-12), 1e-7: (6e-4, 4e-11),
    1e-6: (2.5e-4, 4e-10),
}  # fmt: skip
# Noise, peak to peak, by range: SPEC-2602B; below 100 nA scaled down [assumed]. The rms is a sixth of it.
NOISE_PEAK_TO_PEAK = {
    1e-10: 1e-14, 1e-9: 5e-14, 1e-8: 5e-13, 1e-7: 5e-12, 1e-6: 2.5e-11, 1e-5: 6e-11, 1e-4: 3e-9, 1e-3: 6e-9,
    1e-2: 2e-7, 0.1: 6e-7, 1.0: 7e-5, 1.5: 7e-5, 3.0: 7e-5,
}  # fmt: skip

# Full scale: gain and offset (V) of the meter, then of the source; SPEC-2602B, for the others scaled [assumed].
VOLTS_60X = {
    0.1: (1.5e-4, 1.5e-4, 2e-4, 2.5e-4), 1.0: (1.5e-4, 2e-4, 2e-4, 4e-4),
    6.0: (1.5e-4, 1e-3, 2e-4, 1.8e-3), 40.0: (1.5e-4, 8e-3, 2e-4, 1.2e-2),
}  # fmt: skip
VOLTS_61X = {
    0.2: (1.5e-4, 2.25e-4, 2e-4, 3.75e-4), 2.0: (2e-4, 3.5e-4, 2e-4, 6e-4),
    20.0: (1.5e-4, 5e-3, 2e-4, 5e-3), 200.0: (1.5e-4, 5e-2, 2e-4, 5e-2),
}  # fmt: skip
VOLTS_NOISE_FRACTION = 1e-6
"""rms at one power-line cycle, of full scale [assumed]"""


def meter_of(model: str, line_hertz: float) -> MeterModel:
    """Return the data sheet of one channel."""
    table = {"260": AMPERES_60X, "261": AMPERES_61X, "263": AMPERES_63X}[model[:3]]
    ranges = tuple(
        MeterRange(scale, *table[scale], NOISE_PEAK_TO_PEAK[scale] / 6) for scale in MODELS[model].measure_amperes
    )
    volts = tuple(
        VoltageRange(scale, gain, offset, scale * VOLTS_NOISE_FRACTION, source_gain, source_offset)
        for scale, (gain, offset, source_gain, source_offset) in (
            VOLTS_60X if model[:3] == "260" else VOLTS_61X
        ).items()
    )
    return MeterModel(ranges, over_range=1.02, resolution_fraction=1e-6, line_hertz=line_hertz, voltage_ranges=volts)


class Keithley2600B(TSPInstrument):
    """What the family has in common; the models below differ by name."""

    engine_module = "instruments.virtual.series2600.engine"
    series = "Series 2600B"
    tables = (SHARED, Path(__file__).with_name("series2600") / "names.tsv")

    def __init__(self, box: Box, *, script_seconds: float = 10.0) -> None:
        self.model = type(self).__name__.removeprefix("Keithley")
        self.interlock_open = False
        """a fault hook: the 200 V range cannot be switched on"""
        meter = meter_of(self.model, box.line_hertz)
        self._channels: dict[str, Channel] = {name: box.channels[name] for name in MODELS[self.model].channels}
        self._converters = {
            name: Converter(meter, box.seed, box.name, name, noise=box.noise) for name in self._channels
        }
        self._opened: dict[str, float] = {}
        """when the aperture of a channel was opened"""
        super().__init__(box, script_seconds=script_seconds)

    @classmethod
    def channel_names(cls) -> tuple[str, ...]:
        """Return the channels of the model."""
        return tuple(MODELS[cls.__name__.removeprefix("Keithley")].channels)

    @property
    def settings(self) -> Mapping[str, object]:
        """Plain values that the engine is built from."""
        return {"model": self.model, "serial": self.box.serial, "line_hertz": self.box.line_hertz}

    @property
    def functions(self) -> Functions:
        """What the engine may call."""
        return {
            "now": lambda: (self.box.time.now(),),
            "spend": self._spend,
            "source_volts": self._source_volts,
            "source_amperes": self._source_amperes,
            "release": self._release,
            "remote_sense": self._remote_sense,
            "look": lambda name: self._channels[name].sense(0.0),
            "open_aperture": self._open_aperture,
            "close_aperture": self._close_aperture,
            "drop_aperture": self._drop_aperture,
            "interlock_open": lambda: (self.interlock_open,),
        }

    def handle(self, message: str) -> str | None:
        """Do what a message says; a script that was stopped leaves no aperture open."""
        reply = super().handle(message)
        for name in list(self._opened):
            self._drop_aperture(name)
        return reply

    def terminals_off(self) -> None:
        """Bring every channel to 0 V with the limit of the NORMAL off mode."""
        for name, channel in self._channels.items():
            channel.remote_sense(on=False)
            self._source_volts(name, 0.0, MODELS[self.model].volts[0], 1e-3)

    def _spend(self, seconds: float, purpose: str) -> tuple[float, ...]:
        self.box.time.spend(seconds, purpose)
        return ()

    def _source_volts(self, name: str, volts: float, range_volts: float, limit_amperes: float) -> tuple[float, ...]:
        self._channels[name].source_volts(self._converters[name].source_volts(volts, range_volts), limit_amperes)
        return ()

    def _source_amperes(self, name: str, amperes: float, limit_volts: float) -> tuple[float, ...]:
        self._channels[name].source_amperes(amperes, limit_volts)
        return ()

    def _release(self, name: str) -> tuple[float, ...]:
        self._channels[name].release()
        return ()

    def _remote_sense(self, name: str, on: bool) -> tuple[float, ...]:  # noqa: FBT001
        self._channels[name].remote_sense(on=on)
        return ()

    def _open_aperture(self, name: str) -> tuple[float, ...]:
        """Let current and voltage be integrated, whatever time passes for, until the aperture is closed."""
        self._opened[name] = self.box.time.now()
        self._channels[name].open_aperture()
        return ()

    def _close_aperture(self, name: str, seconds: float, range_amperes: float, range_volts: float) -> tuple[float, ...]:
        """Convert what was integrated since the aperture was opened, some seconds ago."""
        start = self._opened.pop(name, self.box.time.now())
        sensed, converter = self._channels[name].close_aperture(), self._converters[name]
        amperes, over_amperes = converter.amperes(sensed.amperes, range_amperes, seconds)
        volts, over_volts = converter.volts(sensed.volts, range_volts, seconds)
        return start, amperes, over_amperes, volts, over_volts, sensed.limited

    def _drop_aperture(self, name: str) -> tuple[float, ...]:
        if self._opened.pop(name, None) is not None:
            self._channels[name].close_aperture()
        return ()


class Keithley2601B(Keithley2600B):
    """One channel, 40 V, 3 A."""


class Keithley2602B(Keithley2600B):
    """Two channels, 40 V, 3 A."""


class Keithley2604B(Keithley2600B):
    """Two channels, 40 V, 3 A, for the bench top."""


class Keithley2611B(Keithley2600B):
    """One channel, 200 V, 1.5 A."""


class Keithley2612B(Keithley2600B):
    """Two channels, 200 V, 1.5 A."""


class Keithley2614B(Keithley2600B):
    """Two channels, 200 V, 1.5 A, for the bench top."""


class Keithley2634B(Keithley2600B):
    """Two channels, 200 V, 1.5 A, down to 1 nA, for the bench top."""


class Keithley2635B(Keithley2600B):
    """One channel, 200 V, 1.5 A, down to 100 pA."""


class Keithley2636B(Keithley2600B):
    """Two channels, 200 V, 1.5 A, down to 100 pA."""
