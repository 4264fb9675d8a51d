"""What report and terminal say of switching probability."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from labmtj.quantities import FloatArray
from labmtj.report import style
from labmtj.report.blocks import Cell, Figure, Source, Table, cells
from labmtj.report.contents import Group
from labmtj.report.digits import fixed, spread_text
from procedures.common.cell_section import OF_CELLS, TOWARDS, CellSection, Drawing, median
from procedures.common.curves import LOOKS

if TYPE_CHECKING:
    from labmtj.report.canvas import Axes


class SwitchingSection(CellSection):
    """What report and terminal say of groups of this kind."""

    title: ClassVar[str] = "Switching probability"
    places: ClassVar[Mapping[str, str]] = {"arrays/*/switching": "median_volts"}

    def what(self, of: Group) -> str:
        """Return what the main figures are."""
        width = of["width"]
        where = "across the cell" if of.facts.get("voltage") == "cell" else "between the lines"
        return f"V50 {where} at {width[len(width) // 2]:g} s, {OF_CELLS}"

    def figure_text(self, of: Group) -> str:
        """Return the main figures of one chip."""
        volts = of["median_volts"]
        middle = len(of["width"]) // 2
        return ", ".join(f"{text} {spread_text(volts[d, :, middle], 'V', 3)}" for d, text in enumerate(TOWARDS))

    def sentence(self, of: Group) -> str:
        """Return all that was found of one chip."""
        volts, width = of["median_volts"], of["width"]
        slope = 1e3 * of["volts_per_decade"]
        middle = len(width) // 2
        parts = [
            f"{text} {median(volts[direction, :, middle]):.3f} V and {median(slope[direction]):.1f} mV per decade"
            for direction, text in enumerate(("to P", "to AP"))
        ]
        where = "across the cell" if of.facts["voltage"] == "cell" else "between the lines"
        what = f"median V50 {where} at {width[middle]:g} s and its slope"
        return f"switching of {volts.shape[1]} cells, {what}: {', '.join(parts)}{_law(of)}"

    def drawings(self) -> list[Drawing]:
        """Return what draws one chip."""
        return [switching_figure, switching_table]

    def cautions(self, of: Group) -> Iterator[str]:
        """Yield the results that lie at the edge of their scan."""
        outside = of["outside"] if "outside" in of else np.zeros(0)
        for side, name in ((1, "above"), (-1, "below")):
            if count := int((outside == side).sum()):
                yield f"V50 of {count} of {outside.size} curves lies {name} the amplitudes tried: a bound, not a value"


def _law(of: Group) -> str:
    """Return medians of Delta and Vc0 with the error of the law, if the record holds it."""
    if "stability_model_low" not in of:
        return ""
    parts = []
    for name, value, low, high, digits in (
        ("Delta", "stability", "stability_model_low", "stability_model_high", 1),
        ("Vc0", "critical_volts", "critical_model_low_volts", "critical_model_high_volts", 3),
    ):
        texts = [" and ".join(f"{median(each):.{digits}f}" for each in of[array]) for array in (value, low, high)]
        parts.append(f"{name} {texts[0]} (with the error of the law from {texts[1]} to {texts[2]})")
    return f"; medians to P and to AP: {', '.join(parts)}"


def switching_table(of: Group) -> Table:
    """Return Delta, Vc0 and the slope of every cell, with what they are conditional on."""
    attrs = of.facts
    places = of["cells"]
    rows: list[list[Cell]] = []
    for direction, name in enumerate(("to P", "to AP")):
        for number, (row, column) in enumerate(places[:30]):
            rows.append(
                cells(f"({row}, {column}) {name}", *(
                    _interval(of, names, (direction, number), scale, digits)
                    for names, scale, digits in _COLUMNS
                ))
            )  # fmt: skip
    return Table(
        "Laws of the cells", ("cell", "V50 per decade of width (mV)", "Δ", "Vc0 (V)"), rows,
        f"95 % intervals in brackets. Δ and Vc0 hold at τ0 = {float(attrs['attempt_seconds']):g} s and exponent "
        f"{attrs['assumed_exponent']} alone: see the ridge. After “law”: the same with the error of the law itself, "
        "for τ0 of 0.3 to 1 ns and, at exponent 2, the attempt rate of a macrospin.",
        [Source.of(of.path, ".stability.to_pandas()", array="stability")],
    )  # fmt: skip


_COLUMNS = (
    (("volts_per_decade", "volts_per_decade_low", "volts_per_decade_high"), 1e3, 1),
    (("stability", "stability_low", "stability_high", "stability_model_low", "stability_model_high"), 1.0, 1),
    (
        (
            "critical_volts",
            "critical_low_volts",
            "critical_high_volts",
            "critical_model_low_volts",
            "critical_model_high_volts",
        ),
        1.0,
        3,
    ),
)


def _interval(of: Group, names: tuple[str, ...], place: tuple[int, int], scale: float, digits: int) -> str:
    known = [name for name in names if name in of]  # older records have no error of the law
    value, low, high, *law = (fixed(scale * float(of[name][place]), digits) for name in known)
    of_law = f"; law {law[0]} to {law[1]}" if len(law) == 2 else ""
    return f"{value} ({low} to {high}{of_law})"


_BINS = 12


EXCLUDED = 1.92
"""fall of the log likelihood that excludes at 95 %"""


def switching_figure(of: Group) -> Figure:
    """Return S-curves of one cell, V50 of all cells against width, and the ridge of Delta and Vc0."""
    figure, (curves, medians, ridge) = style.canvas(3, height=3.0, widths=(1.25, 1, 1))
    found = {name: of[name] for name in of.contents.tree[of.path] if name != "trials"}
    cell = found["cells"][0]
    _curves(curves, of, found)
    for direction, (name, colour) in enumerate(LOOKS):
        low, high = found["median_low_volts"][direction], found["median_high_volts"][direction]
        for number, volts in enumerate(found["median_volts"][direction]):
            reach = np.abs(np.stack([volts - low[number], high[number] - volts]))
            medians.errorbar(found["width"], volts, reach, color=colour, marker="o", markersize=2.5, linewidth=0.8)
        medians.plot([], [], color=colour, label=name)
        kept = found["ridge_fall"][direction, 0] < EXCLUDED
        delta, critical = found["ridge_stability"][direction, 0], found["ridge_critical_volts"][direction, 0]
        ridge.plot(critical, delta, color=style.PALE, linewidth=1)
        ridge.plot(critical[kept], delta[kept], color=colour, label=name)
        ridge.plot(
            found["critical_volts"][direction, 0], found["stability"][direction, 0], "o", color=colour, markersize=4
        )
    style.log_axis(medians, "x")
    medians.set(xlabel="pulse width (s)", ylabel="V50 (V)", title="median voltage, every cell")
    ridge.set(xlabel="Vc0 (V)", ylabel="Δ", title="equally good fits, τ0 free")
    medians.legend()
    told = of.facts
    text = (
        f"Left: fraction of the pulses that switched cell ({cell[0]}, {cell[1]}), and the fitted curves. Middle: V50 "
        f"with 95 % intervals; voltages are {_voltage(told)}. Right: Δ and Vc0 of that cell at τ0 = "
        f"{float(told['attempt_seconds']):g} s and exponent {told['assumed_exponent']} (points), both assumed; along "
        "the line other pairs fit as well with another τ0, coloured where 95 % do not exclude them. "
        f"Exponent, all cells together: to P {told['told'][0]}; to AP {told['told'][1]}."
    )
    alt = "Switching probability against voltage, V50 falling with the logarithm of the width, Delta against Vc0."
    source = Source.of(of.path, '.median_volts.plot.line(x="width")', array="median_volts")
    return Figure("Switching probability", text, alt, (source,), style.svg(figure))


def _voltage(told: dict[str, object]) -> str:
    if told.get("voltage") == "cell":
        return "across the cell"
    return "between the two lines of the cell, of which the wires take a part: a cell that conducts much bends the law"


def _curves(axes: Axes, of: Group, found: dict[str, FloatArray]) -> None:
    """Draw what the trials of the first cell gave, in bins of voltage, and its fitted curves."""
    trials = {
        name: of[f"trials/{name}"] for name in ("row", "column", "to_parallel", "width_seconds", "volts", "switched")
    }
    mine = (trials["row"] == found["cells"][0, 0]) & (trials["column"] == found["cells"][0, 1])
    for direction, (_, colour) in enumerate(LOOKS):
        for number, width in enumerate(found["width"]):
            chosen = (
                mine & (trials["to_parallel"].astype(bool) == (direction == 0)) & (trials["width_seconds"] == width)
            )
            median, steep = found["median_volts"][direction, 0, number], found["efolds_per_volt"][direction, 0, number]
            if not chosen.any() or not np.isfinite(median * steep):
                continue
            volts, switched = trials["volts"][chosen], trials["switched"][chosen]
            for part in np.array_split(np.argsort(volts), _BINS):
                if len(part):
                    place, height = float(volts[part].mean()), float(switched[part].mean())
                    axes.plot(place, height, "o", color=colour, markersize=2.2, alpha=0.7)
            grid = median + np.linspace(-4, 2, 60) / steep
            axes.plot(grid, 1 - np.exp(-np.log(2) * np.exp(steep * (grid - median))), color=colour, linewidth=0.9)
    axes.set(xlabel="amplitude (V)", ylabel="switched", ylim=(-0.03, 1.03), title="one cell, every width")
