"""The figures over all device sizes: the one to look at first, and what each step of tuning brings."""

from __future__ import annotations

import numpy as np

from labmtj.errors import DataError
from labmtj.report import style
from labmtj.report.blocks import Figure, Source
from labmtj.report.canvas import Axes, Canvas
from procedures.classify.headline import published_line
from procedures.classify.maps import conductance_and_state
from procedures.classify.station import StationRecord, WineRun
from procedures.common.networks.samples import TEST, TRAIN

STEPS = (
    ("measured", "g = 1"), ("common", "common g"), ("per_layer", "per layer"), ("per_solution", "per solution"),
    ("refit_gain", "+ gains"), ("refit_bias", "+ biases"), ("refit_both", "+ both"), ("software", "software"),
)  # fmt: skip
"""variants of the analysis in the order of how much is tuned, and what a figure calls them"""


_WIDE = 1.6
"""columns per row"""


def overview_figure(contents: WineRun) -> Figure:
    """Return accuracy against write fidelity, tuning curves of all sizes, and the maps of one solution."""
    stations, example = _chosen(contents)
    names = (
        " and ".join([", ".join(s.label for s in stations[:-1]), stations[-1].label])
        if len(stations) > 1
        else stations[0].label
    )
    text = (
        "Left: every solution on every device size at the size's common g; what solutions of equal write fidelity "
        "differ in accuracy is what write fidelity does not predict. Middle: median accuracy against g = Gnorm / "
        "nominal conductance step, the common g marked; the further it lies below 1, the more the lines in series "
        f"take. Right: one solution on the {example.label} junctions, those of the lowest mean write fidelity, "
        "layer 1; × marks cells that differ from the target. Points are moved by less than half a count, so that "
        "equal ones do not hide each other."
    )
    sources = (
        Source.of(f"{example.group}/metrics", ".write_fidelity.plot.hist()", array="write_fidelity"),
        Source.of(f"{example.group}/tuning", '.accuracy.median("solution").plot()', array="accuracy"),
        Source.of(
            f"{example.group}/solutions",
            f".layer1_verify_amperes[{example.typical}].plot()",
            array="layer1_verify_amperes",
        ),
    )
    alt = (
        f"Accuracy against write fidelity and tuning curves for {names}, and conductance and state maps of one "
        "written solution."
    )
    return Figure("Overview", text, alt, sources, style.svg(_overview(stations, example)))


def overview_png(contents: WineRun) -> bytes:
    """Return the overview as a PNG 1500 pixels wide."""
    with style.look():
        return style.png(_overview(*_chosen(contents)), 150)


def recovery_figure(contents: WineRun) -> Figure:
    """Return median and 5 to 95 % of the accuracy after each step of tuning, for every size."""
    stations = contents.analysed[:8]
    figure, panels = style.canvas(2, height=3.2, left=0.06, wspace=0.14, bottom=0.15)
    for axes, split in zip(panels, (TRAIN, TEST), strict=True):
        _recovery(axes, stations, split)
        axes.set_title(contents.samples[split])
    published_line(panels[0])
    panels[0].legend(loc="lower right", ncols=2)
    text = (
        "Median (mark) and 5th to 95th percentile (line) over solutions. g = 1: both layers measured, nothing "
        "tuned. From the common g on, layer 1 is as measured and layer 2 is its measured transfer matrix; biases "
        "and gains per neuron are fitted from the g of each solution. All tuning uses the left samples only; the "
        "published 95.3 % is drawn where it very probably belongs."
    )
    sources = [
        Source.of("wine/summary", '.median_accuracy.sel(split="train").plot.line(x="variant")', array="median_accuracy")
        if contents.has("wine/summary/median_accuracy")
        else Source.of(f"{stations[0].group}/accuracy", '.accuracy.median("solution").plot()', array="accuracy")
    ]
    alt = (
        "Accuracy after each step of tuning from g = 1 to re-fitted gains and biases, for every device size, on "
        "tuned and held-back samples."
    )
    return Figure("What tuning recovers", text, alt, sources, style.svg(figure))


def _chosen(contents: WineRun) -> tuple[list[StationRecord], StationRecord]:
    stations = contents.analysed[:8]
    if not stations:
        raise DataError("the run was not analysed, so there are no accuracies to draw; `labmtj resume RUN` finishes it")
    return stations, min(stations, key=lambda each: float(each.fidelity.mean()))


def _map_places(shape: tuple[int, ...]) -> list[tuple[float, float, float, float]]:
    """Return the places of two maps at the right: side by side, or one above the other where they are wide."""
    if shape[-1] <= _WIDE * shape[-2]:
        return [(0.604, 0.256, 0.152, 0.498), (0.842, 0.256, 0.152, 0.498)]
    return [(0.63, 0.59, 0.3, 0.3), (0.63, 0.14, 0.3, 0.3)]


def _overview(stations: list[StationRecord], example: StationRecord) -> Canvas:
    figure = Canvas(figsize=(10.0, 3.05))
    grid = {"bottom": 0.16, "top": 0.89}
    first, second = figure.subplots(1, 2, gridspec_kw={"left": 0.053, "right": 0.57, "wspace": 0.24, **grid})
    third, fourth = (figure.add_axes(place) for place in _map_places(example.column("layer1_achieved").shape))
    _accuracy_against_fidelity(first, stations)
    _curves(second, stations)
    conductance_and_state(third, fourth, example)
    third.set_ylabel("row")
    third.set_title(f"{example.label}: conductance")
    fourth.set_title("state, × wrong")
    return figure


def _accuracy_against_fidelity(axes: Axes, stations: list[StationRecord]) -> None:
    lowest = 100.0
    for station, (colour, marker) in zip(stations, style.looks(len(stations)), strict=True):
        accuracy, count = station.accuracy("common"), station.count
        axes.plot(
            100 * style.spread_fractions(station.fidelity, step=1 / 192, phase=0.3),
            100 * style.spread_fractions(accuracy, step=1 / 148, phase=0.0),
            marker, color=colour, alpha=0.45, markersize=3.5, markeredgewidth=0, rasterized=count * len(stations) > 200,
        )  # fmt: skip
        axes.plot([], [], marker, color=colour, markersize=5, markeredgewidth=0, label=station.label)
        lowest = min(lowest, 100 * float(np.percentile(accuracy, 0.5)))
    axes.set_title("accuracy and write fidelity")
    style.percent_axis(axes, "write fidelity", which="x")
    style.percent_axis(axes, "accuracy at common g", low=lowest - 2)
    published_line(axes)
    axes.legend(loc="lower left", handlelength=1.4, handletextpad=0.4, borderaxespad=0.1, labelspacing=0.25)


def _curves(axes: Axes, stations: list[StationRecord]) -> None:
    for station, (colour, marker) in zip(stations, style.looks(len(stations)), strict=True):
        gains, accuracy = station.tuning
        middle = 100 * np.median(accuracy, axis=0)
        axes.plot(gains, middle, color=colour)
        best = int(np.argmin(np.abs(gains - station.gains["common"])))
        axes.plot(gains[best], middle[best], marker, color=colour, markersize=6, markeredgecolor="white")
    axes.set(xlabel="g = Gnorm / conductance step", title="one gain for all solutions", xlim=(0, 2))
    style.percent_axis(axes, "median accuracy", low=30)
    published_line(axes)


def _recovery(axes: Axes, stations: list[StationRecord], split: str) -> None:
    places = np.arange(len(STEPS))
    for number, (station, (colour, marker)) in enumerate(zip(stations, style.looks(len(stations)), strict=True)):
        low, middle, high = (
            100 * np.array([np.percentile(station.accuracy(name, split), (5, 50, 95)) for name, _ in STEPS]).T
        )
        across = places + 0.6 * ((number + 0.5) / len(stations) - 0.5)
        axes.vlines(across, low, high, color=colour, linewidth=1.6, alpha=0.6)
        axes.plot(
            across,
            middle,
            marker,
            color=colour,
            markersize=5.5,
            markeredgecolor="white",
            markeredgewidth=0.6,
            label=station.label,
        )
    axes.set_xticks(places, [name.replace(" ", "\n", 1) for _, name in STEPS], fontsize=7.5)
    axes.set_xlim(-0.6, len(STEPS) - 0.4)
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y", color=style.PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    style.percent_axis(axes, "accuracy")
