"""Names of the candidate metrics, what each of them needs to be known, and the table that ranks them."""

from __future__ import annotations

import math

from labmtj.report.blocks import Cell, Source, Table
from labmtj.report.digits import chance, fixed
from procedures.classify.station import StationRecord

_KNOWN = {
    "write_fidelity": ("write fidelity", "verify reads"),
    "column_error_rms": ("column current error, rms", "currents of layer 1"),
    "weight_error_mean": ("effective weight error, mean", "transfer matrix 1"),
    "weight_error_rms": ("effective weight error, rms", "transfer matrix 1"),
    "product_rmse": ("product error, rms", "currents of layer 1"),
    "product_gain": ("product gain", "currents of layer 1"),
    "product_residual": ("product residual after gain, rms", "currents of layer 1"),
    "logit_rmse": ("output error, rms", "outputs"),
    "agreement": ("agreement with software", "decided classes"),
    "margin": ("margin of the true class", "outputs and labels"),
    "tuning_width": ("width of the tuning curve", "outputs and labels"),
    "recovered": ("fraction recovered by tuning", "outputs and labels"),
}
BLIND = frozenset(name for name, (_, needs) in _KNOWN.items() if needs not in ("decided classes", "outputs and labels"))
"""metrics that see neither labels nor decided classes, and so cannot contain the accuracy"""


def metric_name(name: str) -> str:
    """Return the metric in words."""
    return _KNOWN.get(name, (name, ""))[0]


def metrics_table(station: StationRecord) -> Table:
    """Return the candidate metrics of a station, the strongest rank correlation first."""
    rows = [
        [
            Cell(metric_name(name), "faint" if name not in BLIND else "strong" if name == "write_fidelity" else ""),
            Cell(fixed(rho), share=rho if math.isfinite(rho) else None),
            Cell(chance(p)),
            Cell(_KNOWN.get(name, ("", ""))[1], "faint"),
        ]
        for name, rho, p in station.correlations
    ]
    return Table(
        f"Candidate metrics, {station.label}: Spearman's rank correlation with accuracy at the common g",
        ("metric", "ρ", "p (two-sided)", "needs"),
        rows,
        f"Over {station.count} solutions on the samples tuned on. p is not corrected for trying {len(rows)} "
        "metrics. Metrics in grey use labels, or classes as decided: part of what they predict is the accuracy "
        "itself. A dash: the metric, or the accuracy, is the same for all solutions.",
        (Source.of(f"{station.group}/correlations", '.to_dataframe().sort_values("rho")', array="rho"),),
    )
