"""From what files say of a chip and of relays to the layer that protects them, and to the counts kept of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from labmtj.arrays import ArrayDescription
from labmtj.circuit import Wires
from labmtj.quantities import FloatArray, Limits
from labmtj.safety import Delivered, Envelope, Ledger, Safety, cell_names, kept_counts, ledger_path, most_cell_volts
from labmtj.verbs import Crossbar


def protected(crossbar: Crossbar, array: ArrayDescription, *, chip_id: str = "", kept: bool = False) -> Safety:
    """Return the layer around a crossbar to an array of this kind.

    Args:
        crossbar: what is protected.
        array: what is known of the chip.
        chip_id: of the chip, for messages and as the key of its counts.
        kept: True for a real chip: its counts are read from a file, and go on in it.
    """
    envelope = _envelope(crossbar, array)
    safety = Safety(crossbar, envelope, pulse_ledger(array, crossbar.limits, chip_id, kept=kept))
    safety.insert(partial(Delivered, envelope=envelope))
    return safety


def _envelope(crossbar: Crossbar, array: ArrayDescription) -> Envelope:
    siemens = 1 / array.nominal_ohms
    lowest, highest = float(siemens.min()), float(siemens.max())
    network = most_cell_volts(wires_of(array), lowest, highest) if array.calibrated else None
    return Envelope(crossbar.limits, crossbar.shape, highest, network)


def pulse_ledger(array: ArrayDescription, limits: Limits, chip_id: str = "", *, kept: bool = False) -> Ledger:
    """Return the count of the pulses on every cell of a chip."""
    names = cell_names(array.shape)
    counts = kept_counts(ledger_path("chip", chip_id), names) if kept else None
    what = f"pulses on a cell of chip {chip_id}" if chip_id else "pulses on a cell"
    return Ledger(names, limits.pulses_per_cell, what=what, limit="limits.pulses_per_cell", counts=counts)


def relay_ledger(
    limits: Limits, matrix: str, relays: Sequence[str], addresses: Mapping[str, str] | None = None
) -> Ledger:
    """Return the count of the closures of a matrix's relays; kept in a file if its address is given."""
    counts = None if addresses is None else kept_counts(ledger_path("matrix", _address(addresses[matrix])), relays)
    what = f"closures of a relay of {matrix}"
    return Ledger(relays, limits.closures_per_relay, what=what, limit="limits.closures_per_relay", counts=counts)


def _address(resource: str) -> str:
    """Return a VISA resource as one key: case and blanks do not matter."""
    return "".join(resource.split()).upper()


def wires_of(description: ArrayDescription, contact_ohms: FloatArray | float = 0.0) -> Wires:
    """Return the wires of an array file: rows driven from the left, columns read at the bottom."""
    ohms = description.wires.pieces(description.shape)
    row_leads, column_leads = ohms["row_lead_ohms"], ohms["column_lead_ohms"]
    return Wires(
        ohms["row_segment_ohms"], ohms["column_segment_ohms"],
        np.hstack([row_leads, np.full_like(row_leads, np.inf)]),
        np.hstack([np.full_like(column_leads, np.inf), column_leads]), contact_ohms,
    )  # fmt: skip
