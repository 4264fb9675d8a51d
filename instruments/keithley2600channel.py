"""One channel of a Keithley 2600B as declared properties, and the tables in which the models differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pymeasure.instruments import Instrument
from pymeasure.instruments.validators import strict_discrete_set, strict_range

from instruments.tsp import TSPChannel

CYCLES = (0.001, 25.0)
"""Apertures in power-line cycles (2651A reference manual 7-201, same family)."""


@dataclass(frozen=True, slots=True)
class Model:
    """In what the models differ (2600B reference manual 2-44, 9-244)."""

    source_ranges_volts: tuple[float, ...]
    range_amperes: tuple[float, ...]
    limits_amperes: tuple[float, float]
    analog_filter: bool = False
    """whether there is the 1 Hz filter on the lowest current ranges, on by default (2600B reference manual 7-198)"""
    reach: float = 1.01
    """highest level as a fraction of a source range"""


_FROM_100_NANO = (100e-9, 1e-6, 10e-6, 100e-6, 1e-3, 10e-3, 100e-3, 1.0)
MODEL_2602B = Model((0.1, 1.0, 6.0, 40.0), (*_FROM_100_NANO, 3.0), (10e-9, 3.0))
MODEL_2612B = Model((0.2, 2.0, 20.0, 200.0), (*_FROM_100_NANO, 1.5), (10e-9, 1.5))
MODEL_2636B = Model(
    (0.2, 2.0, 20.0, 200.0), (100e-12, 1e-9, 10e-9, *_FROM_100_NANO, 1.5), (100e-12, 1.5), analog_filter=True
)


class Keithley2600Channel(TSPChannel):
    """One source-measure channel, `smua` or `smub`."""

    source_function = Instrument.control(
        "print(smu{ch}.source.func)", "smu{ch}.source.func = %d",
        """Control what is sourced (str "volts" or "amperes").""",
        validator=strict_discrete_set, values={"amperes": 0, "volts": 1}, map_values=True,
    )  # fmt: skip
    level_volts = Instrument.control(
        "print(smu{ch}.source.levelv)", "smu{ch}.source.levelv = %.17g",
        """Control the voltage level (float, strictly within the largest source range).""",
        validator=strict_range, values=(-202.0, 202.0), dynamic=True,
    )  # fmt: skip
    limit_amperes = Instrument.control(
        "print(smu{ch}.source.limiti)", "smu{ch}.source.limiti = %.17g",
        """Control the compliance for both signs (float, strictly within the limits of the model).""",
        validator=strict_range, values=(100e-12, 3.0), dynamic=True,
    )  # fmt: skip
    source_range_volts = Instrument.control(
        "print(smu{ch}.source.rangev)", "smu{ch}.source.rangev = %.17g",
        """Control the source range by a voltage that it must hold (float, strictly up to the largest range).""",
        validator=strict_range, values=(-200.0, 200.0), dynamic=True,
    )  # fmt: skip
    source_autorange = Instrument.control(
        "print(smu{ch}.source.autorangev)", "smu{ch}.source.autorangev = %d",
        """Control whether the source range follows the level (bool).""",
        validator=strict_discrete_set, values={False: 0, True: 1}, map_values=True,
    )  # fmt: skip
    output = Instrument.control(
        "print(smu{ch}.source.output)", "smu{ch}.source.output = %d",
        """Control the output (str "off", "on", or "open" for an open relay, which wears).""",
        validator=strict_discrete_set, values={"off": 0, "on": 1, "open": 2}, map_values=True,
    )  # fmt: skip
    remote_sense = Instrument.control(
        "print(smu{ch}.sense)", "smu{ch}.sense = %d",
        """Control whether the voltage is sensed at the device, with four wires (bool).""",
        validator=strict_discrete_set, values={False: 0, True: 1}, map_values=True,
    )  # fmt: skip
    range_amperes = Instrument.control(
        "print(smu{ch}.measure.rangei)", "smu{ch}.measure.rangei = %.17g",
        """Control the current range by a current that it must hold (float, strictly up to the largest range).""",
        validator=strict_range, values=(-3.0, 3.0), dynamic=True,
    )  # fmt: skip
    autorange = Instrument.control(
        "print(smu{ch}.measure.autorangei)", "smu{ch}.measure.autorangei = %d",
        """Control whether the current range follows the current (bool).""",
        validator=strict_discrete_set, values={False: 0, True: 1}, map_values=True,
    )  # fmt: skip
    lowest_range_amperes = Instrument.control(
        "print(smu{ch}.measure.lowrangei)", "smu{ch}.measure.lowrangei = %.17g",
        """Control the lowest range that autorange takes (float, strictly up to the largest range).""",
        validator=strict_range, values=(0.0, 3.0), dynamic=True,
    )  # fmt: skip
    power_line_cycles = Instrument.control(
        "print(smu{ch}.measure.nplc)", "smu{ch}.measure.nplc = %.17g",
        """Control the aperture in power-line cycles (float strictly from 0.001 to 25).""",
        validator=strict_range, values=CYCLES,
    )  # fmt: skip
    autozero = Instrument.control(
        "print(smu{ch}.measure.autozero)", "smu{ch}.measure.autozero = %d",
        """Control when the meter is zeroed (str "off", "once" or "auto").""",
        validator=strict_discrete_set, values={"off": 0, "once": 1, "auto": 2}, map_values=True,
    )  # fmt: skip
    analog_filter = Instrument.control(
        "print(smu{ch}.measure.analogfilter)", "smu{ch}.measure.analogfilter = %d",
        """Control the 1 Hz filter of the lowest ranges (bool); only the 2634B, 2635B and 2636B have it.""",
        validator=strict_discrete_set, values={False: 0, True: 1}, map_values=True,
    )  # fmt: skip
    in_compliance = Instrument.measurement(
        "print(smu{ch}.source.compliance)",
        """Get whether the source is limited now (bool).""",
        values={False: 0, True: 1}, map_values=True,
    )  # fmt: skip
    amperes = Instrument.measurement(
        "print(smu{ch}.measure.i())",
        """Measure the current out of the channel in amperes (float, NaN if there is none).""",
    )
    volts = Instrument.measurement(
        "print(smu{ch}.measure.v())",
        """Measure the voltage in volts (float, NaN if there is none).""",
    )

    def __init__(self, parent: Any, id: str, model: Model) -> None:  # noqa: A002 - PyMeasure's name
        super().__init__(parent, id)
        highest, reach = model.source_ranges_volts[-1], model.source_ranges_volts[-1] * model.reach
        self.level_volts_values = (-reach, reach)
        self.source_range_volts_values = (-highest, highest)
        self.limit_amperes_values = model.limits_amperes
        self.range_amperes_values = (-model.range_amperes[-1], model.range_amperes[-1])
        self.lowest_range_amperes_values = (0.0, model.range_amperes[-1])
