"""What the Wine campaign's records say: accuracies before and after tuning, and the metrics that could predict them.

Works on data.h5 alone, so last week's data can be analysed again. Everything is tuned on the 148 training samples; the
30 test samples are only reported.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from labmtj.edges import edge_name, edges_of
from labmtj.perceptron import comparison, metrics, network, tuning
from labmtj.quantities import FloatArray, Station
from labmtj.schema import OUTCOME, Variable
from labmtj.verbs import Data, Log
from procedures.common.perceptron.campaign import SPLITS, Campaign, Tuned
from procedures.common.perceptron.record import solutions_path

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


def conclude(station: Station, data: Data, log: Log, read_volts: float, *, adapted: bool = False) -> None:
    """Tune, and record accuracies, curves, metrics, correlations and confusion matrices of a station."""
    records = Campaign.read(data, station, read_volts, adapted=adapted)
    tuned = records.tuned
    readouts = {
        "untuned": records.readout(1.0), "common": records.readout(tuned.common),
        "per_layer": records.readout(*tuned.per_layer), "per_solution": records.readout(tuned.each), **tuned.refits,
    }  # fmt: skip
    logits = {"software": records.software_logits} | {
        name: records.logits(readout) for name, readout in readouts.items()
    }
    predicted = {name: network.predictions(values) for name, values in logits.items()} | {"measured": records.predicted}
    accuracy = np.array([records.accuracies(predicted[name]) for name in VARIANTS])
    _put_accuracy(station, log, accuracy, tuned)
    values = _metrics(station, data, records, logits, predicted, accuracy)
    _put_metrics(station, log, values, accuracy)
    _put_confusion(station, log, records, predicted)


def _put_accuracy(station: Station, log: Log, accuracy: FloatArray, tuned: Tuned) -> None:
    log.put(
        f"wine/{station.name}/accuracy",
        {
            "accuracy": Variable(
                accuracy, "1", "fraction of samples classified correctly", ("variant", "split", "solution")
            ),
            "variant": Variable(np.array(VARIANTS), "1", "how gains and biases were chosen", ("variant",)),
            "split": Variable(np.array(SPLITS), "1", "148 tuned on, 30 only reported, all 178", ("split",)),
            "per_solution_gain": Variable(tuned.each, "1", "g of each solution", ("solution",)),
        },
        signal="accuracy",
        kind="wine.analysis",
    )
    log.put(
        f"wine/{station.name}/tuning",
        {
            "accuracy": Variable(
                tuned.curves, "1", "accuracy on the 148 at one g for both layers", ("solution", "gain")
            ),
            "gain": Variable(tuning.GAINS, "1", "g = Gnorm / nominal conductance step", ("gain",)),
        },
        signal="accuracy",
        kind="wine.analysis",
    )
    log.attributes(
        f"wine/{station.name}/tuning",
        {
            "common_gain": tuned.common, "layer1_gain": tuned.per_layer[0], "layer2_gain": tuned.per_layer[1],
            "common_edge": edge_name(tuned.common, tuning.GAINS),
            "layer1_edge": edge_name(tuned.per_layer[0], tuning.GAINS),
            "layer2_edge": edge_name(tuned.per_layer[1], tuning.GAINS),
            "per_solution_at_edge": int(np.count_nonzero(edges_of(tuned.each, tuning.GAINS))),
        },
    )  # fmt: skip
    for name, readout in tuned.refits.items():
        log.put(
            f"wine/{station.name}/{name}",
            {
                "gain1": Variable(readout.g1, "1", "gain of each hidden neuron", ("solution", "hidden")),
                "gain2": Variable(readout.g2, "1", "gain of each output", ("solution", "class")),
                "bias1": Variable(readout.b1, "1", "bias of each hidden neuron", ("solution", "hidden")),
                "bias2": Variable(readout.b2, "1", "bias of each output", ("solution", "class")),
            },
            kind="wine.analysis",
        )


METRICS = {
    "write_fidelity": "fraction of both layers' cells whose verify read equals the target",
    "column_error_rms": "layer 1: rms of (measured - ideal column current) / (dG V_read), ideal from nominal values",
    "weight_error_mean": "layer 1: mean of effective weight minus target",
    "weight_error_rms": "layer 1: rms of effective weight minus target",
    "product_rmse": "layer 1: rms of measured minus ideal pre-activation",
    "product_gain": "layer 1: slope of measured against ideal pre-activation",
    "product_residual": "layer 1: rms of pre-activation over gain minus ideal; no gain recovers it",
    "logit_rmse": "rms of output logits at the common g minus those of the software",
    "margin": "mean lead of the true class's logit at the common g",
    "agreement": "fraction of samples given the software's class at the common g",
    "tuning_width": "width in g within which accuracy stays within 2 points of its best",
    "recovered": "(accuracy at own g - at g = 1) / (software - at g = 1)",
}


def _metrics(
    station: Station, data: Data, records: Campaign, logits: dict[str, FloatArray],
    predicted: dict[str, NDArray[np.intp]], accuracy: FloatArray,
) -> dict[str, FloatArray]:  # fmt: skip
    """Return every candidate metric, (solutions,) each."""
    table = solutions_path(station)
    cells = [records.bits[layer][0].size for layer in (0, 1)]
    fidelity = [data.read(f"{table}/layer{layer}_fidelity") for layer in (1, 2)]
    ideal = np.matmul(records.features, records.weights[0])
    product = metrics.product_errors(records.products, ideal)
    weight = metrics.weight_errors(records.transfer1, records.bits[0], records.delta_siemens)
    nominal = np.matmul(records.features, records.bits[0] + records.base)
    column = metrics.column_errors(records.columns1, nominal, 1.0, 1.0)
    train = accuracy[:, SPLITS.index("train")]
    return {
        "write_fidelity": np.average(np.array(fidelity), axis=0, weights=cells),
        "column_error_rms": column.total_rms,
        "weight_error_mean": weight.bias,
        "weight_error_rms": weight.rms,
        "product_rmse": product.rmse,
        "product_gain": product.beta,
        "product_residual": product.corrected,
        "logit_rmse": comparison.logit_rmse(logits["common"], logits["software"]),
        "margin": comparison.logit_margin(logits["common"], records.labels).mean(axis=1),
        "agreement": comparison.agreement(predicted["common"], predicted["software"]),
        "tuning_width": comparison.tuning_width(tuning.GAINS, records.tuned.curves),
        "recovered": comparison.recovered_fraction(
            train[VARIANTS.index("per_solution")], train[VARIANTS.index("untuned")], train[VARIANTS.index("software")]
        ),
    }


def _put_metrics(station: Station, log: Log, values: dict[str, FloatArray], accuracy: FloatArray) -> None:
    log.put(
        f"wine/{station.name}/metrics",
        {name: Variable(values[name], "1", text, ("solution",)) for name, text in METRICS.items()},
        kind="wine.analysis",
    )
    common = accuracy[VARIANTS.index("common"), SPLITS.index("train")]
    ranks = comparison.rank_correlations(values, common)
    gap = comparison.matched_gap(common, accuracy[VARIANTS.index("software"), SPLITS.index("train")])
    log.put(
        f"wine/{station.name}/correlations",
        {
            "metric": Variable(np.array(list(ranks)), "1", "candidate metric", ("metric",)),
            "rho": Variable(
                [rank.rho for rank in ranks.values()],
                "1",
                "Spearman's rank correlation with accuracy at the common g",
                ("metric",),
            ),
            "p": Variable([rank.p for rank in ranks.values()], "1", "two-sided p of no correlation", ("metric",)),
        },
        kind="wine.analysis",
    )
    log.attributes(
        f"wine/{station.name}/metrics",
        {
            "matched_gap_median": gap.median, "matched_gap_quartiles": list(gap.quartiles),
            "matched_gap_wilcoxon_p": gap.wilcoxon_p,
        },
    )  # fmt: skip


def _put_confusion(station: Station, log: Log, records: Campaign, predicted: dict[str, NDArray[np.intp]]) -> None:
    """Record how often one class was given for another, summed over solutions, on all samples."""
    classes = records.biases[1].shape[1]
    software, hardware = predicted["software"], predicted["common"]

    def table(first: NDArray[np.intp], second: NDArray[np.intp], text: str) -> Variable:
        counts = comparison.confusion(first, second, classes).reshape(-1, classes, classes).sum(axis=0)
        return Variable(counts, "1", text, ("reference", "prediction"))

    log.put(
        f"wine/{station.name}/confusion",
        {
            "hardware": table(records.labels, hardware, "true class against class by the array at the common g"),
            "software": table(records.labels, software, "true class against class by software"),
            "disagreement": table(software, hardware, "class by software against class by the array"),
        },
        kind="wine.analysis",
    )


def summarise(stations: Sequence[Station], data: Data, log: Log) -> None:
    """Record medians of every station side by side, for the table of the report."""
    accuracy = np.array([data.read(f"wine/{station.name}/accuracy/accuracy") for station in stations])
    common = np.median(accuracy, axis=-1)[:, VARIANTS.index("common"), SPLITS.index("train")]
    log.attributes(OUTCOME, {"accuracy": float(common.max())})
    fidelity = np.array([data.read(f"wine/{station.name}/metrics/write_fidelity") for station in stations])
    pulses = [
        sum(data.read(f"{solutions_path(station)}/layer{layer}_pulses").sum() for layer in (1, 2))
        for station in stations
    ]
    hours = [data.read(f"{solutions_path(station)}/bench_seconds").sum() / 3600 for station in stations]
    log.put(
        "wine/summary",
        {
            "station": Variable(np.array([station.name for station in stations]), "1", "pair of chips", ("station",)),
            "diameter": Variable(
                [station.info.diameter_metres for station in stations], "m", "device diameter", ("station",)
            ),
            "median_accuracy": Variable(
                np.median(accuracy, axis=-1), "1", "median over solutions", ("station", "variant", "split")
            ),
            "p5_accuracy": Variable(
                np.percentile(accuracy, 5, axis=-1),
                "1",
                "5th percentile over solutions",
                ("station", "variant", "split"),
            ),
            "variant": Variable(np.array(VARIANTS), "1", "how gains and biases were chosen", ("variant",)),
            "split": Variable(np.array(SPLITS), "1", "148 tuned on, 30 only reported, all 178", ("split",)),
            "write_fidelity": Variable(fidelity.mean(axis=1), "1", "mean over solutions", ("station",)),
            "write_pulses": Variable(np.array(pulses), "1", "write pulses of all solutions", ("station",)),
            "bench_hours": Variable(hours, "h", "time on the clock of the bench, all solutions", ("station",)),
        },
        kind="wine.analysis",
    )
