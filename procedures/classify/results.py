"""What the analysis of the Wine campaign finds out, as it is recorded."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from labmtj.edges import edge_name, edges_of
from labmtj.network import Readout, tuning
from labmtj.network.comparison import MatchedGap, RankCorrelation
from labmtj.quantities import FloatArray
from labmtj.results import Fact, Quantity, Result
from procedures.common.networks.campaign import BySplit, Tuned

KIND = "wine.analysis"
VARIANTS = (
    "software",
    "measured",
    "untuned",
    "common",
    "per_layer",
    "per_solution",
    "refit_gain",
    "refit_bias",
    "refit_both",
)
"""software; both layers measured at g = 1; then from layer 1 as measured and the transfer matrix of layer 2:
g = 1, one g for all, one per layer, one per solution, and from there gains, biases or both fitted per neuron"""
_BY_STATION = ("station", "variant", "split")
_Metric = partial(Quantity, "1", dims=("solution",))
_OfStation = partial(Quantity, dims=("station",))
_Counts = partial(Quantity, "1", dims=("reference", "prediction"))


class ByVariant(BySplit):
    """Base of results whose arrays have an axis of variants, and one of samples."""

    @property
    def variant(self) -> Annotated[tuple[str, ...], Quantity("1", "how gains and biases were chosen", ("variant",))]:
        """Names of the variants."""
        return VARIANTS


class Accuracies(ByVariant, kind=KIND, signal="accuracy"):
    """Accuracies of a station."""

    accuracy: Annotated[
        FloatArray, Quantity("1", "fraction of samples classified correctly", ("variant", "split", "solution"))
    ]
    per_solution_gain: Annotated[FloatArray, Quantity("1", "g of each solution", ("solution",))]


class Tuning(Result, kind=KIND, signal="accuracy"):
    """Gains of a station that were found on the training samples."""

    accuracy: Annotated[FloatArray, Quantity("1", "accuracy on the 148 at one g for both layers", ("solution", "gain"))]
    common_gain: Annotated[float, Fact("1", "g for all")]
    layer1_gain: Annotated[float, Fact("1", "g for layer 1")]
    layer2_gain: Annotated[float, Fact("1", "g for layer 2")]
    common_edge: Annotated[str, Fact("1", "which end of the scan that is, if it is one")]
    layer1_edge: Annotated[str, Fact("1", "the same of layer 1")]
    layer2_edge: Annotated[str, Fact("1", "the same of layer 2")]
    per_solution_at_edge: Annotated[int, Fact("1", "solutions with a g of their own at an end of the scan")]

    @classmethod
    def of(cls, tuned: Tuned) -> Tuning:
        """Return what tuning found."""
        common, (first, second), grid = tuned.common, tuned.per_layer, tuning.GAINS
        return cls(
            tuned.curves, common, first, second, edge_name(common, grid), edge_name(first, grid),
            edge_name(second, grid), int(np.count_nonzero(edges_of(tuned.each, grid))),
        )  # fmt: skip

    @property
    def gain(self) -> Annotated[FloatArray, Quantity("1", "g = Gnorm / nominal conductance step", ("gain",))]:
        """Gains of the scan."""
        return tuning.GAINS


class Refit(Result, kind=KIND):
    """Gains and biases fitted per neuron."""

    readout: Annotated[
        Readout,
        Quantity("1", "gain of each hidden neuron", ("solution", "hidden"), name="gain1", part="g1"),
        Quantity("1", "gain of each output", ("solution", "class"), name="gain2", part="g2"),
        Quantity("1", "bias of each hidden neuron", ("solution", "hidden"), name="bias1", part="b1"),
        Quantity("1", "bias of each output", ("solution", "class"), name="bias2", part="b2"),
    ]


class Metrics(Result, kind=KIND):
    """Metrics that could predict the accuracy of a solution, (solutions,) each."""

    write_fidelity: Annotated[FloatArray, _Metric("fraction of both layers' cells whose verify read equals the target")]
    column_error_rms: Annotated[
        FloatArray,
        _Metric("layer 1: rms of (measured - ideal column current) / (dG V_read), ideal from nominal values"),
    ]
    weight_error_mean: Annotated[FloatArray, _Metric("layer 1: mean of effective weight minus target")]
    weight_error_rms: Annotated[FloatArray, _Metric("layer 1: rms of effective weight minus target")]
    product_rmse: Annotated[FloatArray, _Metric("layer 1: rms of measured minus ideal pre-activation")]
    product_gain: Annotated[FloatArray, _Metric("layer 1: slope of measured against ideal pre-activation")]
    product_residual: Annotated[
        FloatArray, _Metric("layer 1: rms of pre-activation over gain minus ideal; no gain recovers it")
    ]
    logit_rmse: Annotated[FloatArray, _Metric("rms of output logits at the common g minus those of the software")]
    margin: Annotated[FloatArray, _Metric("mean lead of the true class's logit at the common g")]
    agreement: Annotated[FloatArray, _Metric("fraction of samples given the software's class at the common g")]
    tuning_width: Annotated[FloatArray, _Metric("width in g within which accuracy stays within 2 points of its best")]
    recovered: Annotated[FloatArray, _Metric("(accuracy at own g - at g = 1) / (software - at g = 1)")]
    gap: Annotated[
        MatchedGap,
        Fact("1", "accuracy at the common g minus software, median", name="matched_gap_median", part="median"),
        Fact("1", "its quartiles over solutions", name="matched_gap_quartiles", part="quartiles"),
        Fact("1", "two-sided p of gaps about zero", name="matched_gap_wilcoxon_p", part="wilcoxon_p"),
    ]


class RankedMetrics(Result, kind=KIND):
    """How the metrics rank the solutions against their accuracy at the common g."""

    metric: Annotated[tuple[str, ...], Quantity("1", "candidate metric", ("metric",))]
    ranks: Annotated[
        tuple[RankCorrelation, ...],
        Quantity("1", "Spearman's rank correlation with accuracy at the common g", ("metric",), part="rho"),
        Quantity("1", "two-sided p of no correlation", ("metric",), part="p"),
    ]


class Confusion(Result, kind=KIND):
    """How often one class was given for another, summed over solutions, on all samples."""

    hardware: Annotated[NDArray[np.intp], _Counts("true class against class by the array at the common g")]
    software: Annotated[NDArray[np.intp], _Counts("true class against class by software")]
    disagreement: Annotated[NDArray[np.intp], _Counts("class by software against class by the array")]


class Summary(ByVariant, kind=KIND):
    """Every station side by side."""

    station: Annotated[list[str], _OfStation("1", "pair of chips")]
    diameter: Annotated[list[float], _OfStation("m", "device diameter")]
    median_accuracy: Annotated[FloatArray, Quantity("1", "median over solutions", _BY_STATION)]
    p5_accuracy: Annotated[FloatArray, Quantity("1", "5th percentile over solutions", _BY_STATION)]
    write_fidelity: Annotated[FloatArray, _OfStation("1", "mean over solutions")]
    write_pulses: Annotated[list[int], _OfStation("1", "write pulses of all solutions")]
    bench_hours: Annotated[list[float], _OfStation("h", "time on the clock of the bench, all solutions")]
