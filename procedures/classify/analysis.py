"""What the Wine campaign's records say: accuracies before and after tuning, and the metrics that could predict them.

Works on data.h5 alone, so last week's data can be analysed again. Everything is tuned on the 148 training samples; the
30 test samples are only reported.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from labmtj.network import comparison, forward, metrics, tuning
from labmtj.quantities import ChipGroup, FloatArray
from labmtj.results import record, variables
from labmtj.schema import OUTCOME
from labmtj.verbs import Data, Log
from procedures.classify.results import VARIANTS, Accuracies, Confusion, Metrics, RankedMetrics, Refit, Summary, Tuning
from procedures.common.networks.campaign import SPLITS, StationRecords
from procedures.common.networks.record import solutions_path


def conclude(station: ChipGroup, data: Data, log: Log, read_volts: float, *, adapted: bool = False) -> None:
    """Tune, and record accuracies, curves, metrics, correlations and confusion matrices of a station."""
    records = StationRecords.read(data, station, read_volts, adapted=adapted)
    tuned = records.tuned
    readouts = {
        "untuned": records.readout(1.0), "common": records.readout(tuned.common),
        "per_layer": records.readout(*tuned.per_layer), "per_solution": records.readout(tuned.each), **tuned.refits,
    }  # fmt: skip
    logits = {"software": records.software_logits} | {
        name: records.logits(readout) for name, readout in readouts.items()
    }
    predicted = {name: forward.predictions(values) for name, values in logits.items()} | {"measured": records.predicted}
    accuracy = np.array([records.accuracies(predicted[name]) for name in VARIANTS])
    at = f"wine/{station.name}"
    record(log, f"{at}/accuracy", Accuracies(accuracy, tuned.each))
    record(log, f"{at}/tuning", Tuning.of(tuned))
    for name, readout in tuned.refits.items():
        record(log, f"{at}/{name}", Refit(readout))
    values = _metrics(station, data, records, logits, predicted, accuracy)
    record(log, f"{at}/metrics", values)
    common = accuracy[VARIANTS.index("common"), SPLITS.index("train")]
    ranks = comparison.rank_correlations({name: each.array for name, each in variables(values).items()}, common)
    record(log, f"{at}/correlations", RankedMetrics(tuple(ranks), tuple(ranks.values())))
    record(log, f"{at}/confusion", _confusion(records, predicted))


def _metrics(
    station: ChipGroup, data: Data, records: StationRecords, logits: dict[str, FloatArray],
    predicted: dict[str, NDArray[np.intp]], accuracy: FloatArray,
) -> Metrics:  # fmt: skip
    """Return every candidate metric."""
    table = solutions_path(station)
    cells = [records.bits[layer][0].size for layer in (0, 1)]
    fidelity = [data.read(f"{table}/layer{layer}_fidelity") for layer in (1, 2)]
    ideal = np.matmul(records.features, records.weights[0])
    product = metrics.product_errors(records.products, ideal)
    weight = metrics.weight_errors(records.transfer1, records.bits[0], records.delta_siemens)
    nominal = np.matmul(records.features, records.bits[0] + records.base)
    column = metrics.column_errors(records.columns1, nominal, 1.0, 1.0)
    train = accuracy[:, SPLITS.index("train")]
    return Metrics(
        write_fidelity=np.average(np.array(fidelity), axis=0, weights=cells),
        column_error_rms=column.total_rms,
        weight_error_mean=weight.bias,
        weight_error_rms=weight.rms,
        product_rmse=product.rmse,
        product_gain=product.beta,
        product_residual=product.corrected,
        logit_rmse=comparison.logit_rmse(logits["common"], logits["software"]),
        margin=comparison.logit_margin(logits["common"], records.labels).mean(axis=1),
        agreement=comparison.agreement(predicted["common"], predicted["software"]),
        tuning_width=comparison.tuning_width(tuning.GAINS, records.tuned.curves),
        recovered=comparison.recovered_fraction(
            train[VARIANTS.index("per_solution")], train[VARIANTS.index("untuned")], train[VARIANTS.index("software")]
        ),
        gap=comparison.matched_gap(train[VARIANTS.index("common")], train[VARIANTS.index("software")]),
    )


def _confusion(records: StationRecords, predicted: dict[str, NDArray[np.intp]]) -> Confusion:
    classes = records.biases[1].shape[1]
    software, hardware = predicted["software"], predicted["common"]

    def counts(first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.intp]:
        found = comparison.confusion(first, second, classes).reshape(-1, classes, classes)
        return np.asarray(found.sum(axis=0), np.intp)

    return Confusion(counts(records.labels, hardware), counts(records.labels, software), counts(software, hardware))


def summarise(stations: Sequence[ChipGroup], data: Data, log: Log) -> None:
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
    record(log, "wine/summary", Summary(
        [station.name for station in stations], [station.info.diameter_metres for station in stations],
        np.median(accuracy, axis=-1), np.percentile(accuracy, 5, axis=-1), fidelity.mean(axis=1), pulses, hours,
    ))  # fmt: skip
