"""What the ledgers of a bench hold, for the record: pulses on every cell, closures of every relay, budgets."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from labmtj.safety import Ledger, Safety
from labmtj.schema import Attribute, Variable
from labmtj.verbs import Log


def put_counts(log: Log, safeties: Mapping[str, Safety]) -> None:
    """Record the counts as they are now, in `arrays/<chip>/pulsed` and `bench/closures`."""
    for chip, safety in safeties.items():
        counts = safety.pulses.counts.reshape(safety.shape)
        meaning = "pulses above half of limits.cell_volts in the life of the cell, as far as it was counted"
        pulses = Variable(counts, "1", meaning, ("row", "column"))
        log.put(f"arrays/{chip}/pulsed", {"pulses": pulses}, signal="pulses", kind="run")
        log.attributes(f"arrays/{chip}/pulsed", _budget([safety.pulses]))
    relays = {name: ledger for safety in safeties.values() for name, ledger in safety.relays.items()}
    if relays:
        _put_closures(log, relays)


def _put_closures(log: Log, relays: Mapping[str, Ledger]) -> None:
    names = [f"{matrix} {relay}" for matrix, ledger in relays.items() for relay in ledger.names]
    counts = np.concatenate([ledger.counts for ledger in relays.values()])
    log.put(
        "bench/closures",
        {
            "relay": Variable(np.array(names), "1", "matrix and name of the relay", ("relay",)),
            "closures": Variable(
                counts, "1", "closures in the life of the relay, as far as they were counted", ("relay",)
            ),
        },
        signal="closures",
        kind="run",
    )
    log.attributes("bench/closures", _budget(list(relays.values())))


def _budget(ledgers: list[Ledger]) -> dict[str, Attribute]:
    return {
        "budget": ledgers[0].budget,
        "kept": ledgers[0].kept,
        "over_budget": ledgers[0].over_budget,
        "warning": "; ".join(ledger.warning for ledger in ledgers if ledger.warning),
    }
