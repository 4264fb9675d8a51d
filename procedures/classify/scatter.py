"""Does write fidelity predict the accuracy? Every solution as a point, and the candidates for a better metric."""

from __future__ import annotations

import numpy as np

from labmtj.quantities import FloatArray
from labmtj.report import style
from labmtj.report.blocks import Figure, Source
from labmtj.report.canvas import Axes
from labmtj.report.digits import chance, fixed
from procedures.classify.headline import published_line
from procedures.classify.metrics import BLIND, metric_name
from procedures.classify.station import StationRecord


def predictors(station: StationRecord) -> Figure:
    """Return accuracy against write fidelity and against the strongest other metric, and the matched gap."""
    figure, (first, second, third) = style.canvas(3, height=2.9, left=0.055, wspace=0.25)
    accuracy = station.accuracy("common")
    rho = {name: value for name, value, _ in station.correlations}
    best = next(
        (name for name, value, _ in station.correlations if name in BLIND and np.isfinite(value)), "product_residual"
    )
    _points(first, 100 * style.spread_fractions(station.fidelity, step=1 / 192, phase=0.3), accuracy)
    style.percent_axis(first, "write fidelity", which="x")
    first.set(title=f"ρ = {fixed(rho.get('write_fidelity', np.nan))}")
    _points(second, station.metric(best), accuracy)
    second.set(xlabel=metric_name(best), title=f"ρ = {fixed(rho.get(best, np.nan))}")
    second.locator_params(axis="x", nbins=5)
    for axes in (first, second):
        published_line(axes)
        style.percent_axis(axes, "accuracy at common g", low=max(0.0, 100 * float(accuracy.min()) - 3))
    first.legend(loc="lower left", handlelength=1.6, borderaxespad=0.1)
    text = _gap(third, station) + (
        " Points are moved by less than half a step of the counts, so that equal ones do not hide each other."
    )
    sources = (
        Source.of(
            f"{station.group}/accuracy", '.accuracy.sel(variant="common", split="train").plot.hist()', array="accuracy"
        ),
        Source.of(f"{station.group}/metrics", ".write_fidelity.plot.hist()", array="write_fidelity"),
    )
    alt = (
        f"{station.label}: accuracy against write fidelity, accuracy against {metric_name(best)}, histogram of "
        "hardware minus software."
    )
    return Figure("What predicts the accuracy", text, alt, sources, style.svg(figure))


def _points(axes: Axes, across: FloatArray, accuracy: FloatArray) -> None:
    count, up = len(across), 100 * style.spread_fractions(accuracy, step=1 / 148, phase=0.0)
    axes.plot(across, up, "o", color=style.BLUE, alpha=0.45, markersize=4, markeredgewidth=0, rasterized=count > 100)


def _equals(text: str) -> str:
    return text if text.startswith("below") else f"= {text}"


def _gap(axes: Axes, station: StationRecord) -> str:
    """Draw the accuracy lost between software and array, solution by solution."""
    gaps = 100 * (station.accuracy("common") - station.accuracy("software"))
    edges = np.arange(np.floor(gaps.min()) - 0.5, max(np.ceil(gaps.max()), 0) + 1.5).tolist()
    axes.hist(gaps, edges, color=style.SKY)
    axes.axvline(0, color=style.GREY, linewidth=0.9)
    axes.axvline(np.median(gaps), color=style.RED, linestyle=(0, (4, 2)))
    axes.set(xlabel="array \u2212 software (points)", title="matched gap")
    style.count_axis(axes, "solutions")
    found = station.contents.attributes(f"{station.group}/metrics")
    quartiles = found.get("matched_gap_quartiles")
    low, high = (
        (100 * value for value in quartiles)
        if isinstance(quartiles, list) and len(quartiles) == 2
        else (np.nan, np.nan)
    )
    return (
        "Left and middle: every solution at the common g, by write fidelity and by the metric of largest |ρ| among "
        "those that use neither labels nor decided classes. Right: accuracy of the array minus that of software "
        f"for the same solution; median {fixed(float(np.median(gaps)), 1)} points, quartiles {fixed(low, 1)} and "
        f"{fixed(high, 1)}, Wilcoxon test p {_equals(chance(float(found.get('matched_gap_wilcoxon_p', np.nan))))}."
    )
