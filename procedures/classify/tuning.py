"""What one number does: accuracy against the gain g, and what the tuned array confuses."""

from __future__ import annotations

import numpy as np

from labmtj.quantities import FloatArray
from labmtj.report import style
from labmtj.report.blocks import Figure, Source
from labmtj.report.canvas import Axes
from procedures.classify.station import StationRecord

_CONFUSIONS = (
    ("software", "software", "true class", "class by software"),
    ("hardware", "array at the common g", "true class", "class by the array"),
    ("disagreement", "array against software", "class by software", "class by the array"),
)


def tuning_and_confusion(station: StationRecord) -> Figure:
    """Return the tuning curve and three confusion matrices."""
    figure, axes = style.canvas(4, height=3.0, widths=(1.75, 1, 1, 1), left=0.055, right=0.98, wspace=0.36)
    tuning_curve(axes[0], station)
    for panel, (name, title, reference, prediction) in zip(axes[1:], _CONFUSIONS, strict=True):
        counts = station.contents.read(f"{station.group}/confusion/{name}")
        _matrix(panel, np.asarray(counts, float), title, reference, prediction)
    gains = station.gains
    text = (
        f"Left: accuracy on the samples tuned on with one g for both layers; line: median over {station.count} "
        "solutions, band: 5th to 95th percentile, thin line: software. The g that serves all solutions best on "
        f"average is {gains['common']:.2f} (dashed); one per layer: {gains['layer1']:.2f} and "
        f"{gains['layer2']:.2f}. Right: confusion matrices over all samples and solutions, each row adds up to 100 "
        "%."
    )
    sources = (
        Source.of(f"{station.group}/tuning", '.accuracy.median("solution").plot()', array="accuracy"),
        Source.of(f"{station.group}/confusion", ".hardware.plot()", array="hardware"),
    )
    alt = (
        f"{station.label}: accuracy rises and falls with the gain g, best at {gains['common']:.2f}; three confusion "
        "matrices of the classes."
    )
    return Figure("Tuning curve and confusions", text, alt, sources, style.svg(figure))


def tuning_curve(axes: Axes, station: StationRecord) -> None:
    """Draw median and 5 to 95 % band of the accuracy against g."""
    gains, accuracy = station.tuning
    low, middle, high = 100 * np.percentile(accuracy, (5, 50, 95), axis=0)
    axes.fill_between(gains, low, high, color=style.SKY, alpha=0.35, linewidth=0)
    axes.plot(gains, middle, color=style.BLUE)
    axes.axhline(100 * float(np.median(station.accuracy("software"))), color=style.GREY, linewidth=0.8)
    axes.axvline(station.gains["common"], color=style.RED, linewidth=1.1, linestyle=(0, (4, 2)))
    axes.axvline(1.0, color=style.GREY, linewidth=0.8, linestyle=":")
    axes.set(xlabel="g = Gnorm / nominal conductance step", title="tuning curve", xlim=(gains[0], gains[-1]))
    style.percent_axis(axes, "accuracy", low=max(0.0, float(low.min()) - 2))


def _matrix(axes: Axes, counts: FloatArray, title: str, reference: str, prediction: str) -> None:
    share = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=130)
    for (row, column), value in np.ndenumerate(share):
        axes.text(column, row, f"{value:.1f}", ha="center", va="center", color="white" if value > 70 else style.INK)
    ticks = range(len(counts))
    axes.set(xticks=ticks, yticks=ticks, xlabel=prediction, title=title)
    axes.set_ylabel(reference, labelpad=1)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
