"""The wires of a chip as all-port reads determined them, in words: for a terminal, and for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labmtj.report.contents import Contents
from labmtj.report.digits import hours

NAMES = {
    "row_segment_ohms": "row segment", "column_segment_ohms": "column segment", "row_lead_ohms": "row lead",
    "column_lead_ohms": "column lead", "meter_lead_ohms": "meter lead, beyond ground",
}  # fmt: skip


def wires_of(network: Mapping[str, Any]) -> list[tuple[str, float | None, float, str]]:
    """Return name, ohms (None: refused), standard error and reason of every wire from the attributes of a fit."""
    found: list[tuple[str, float | None, float, str]] = []
    for name in network["wires"]:
        if name in network:
            found.append((str(name), float(network[name]), float(network[f"{name}_error"]), ""))
        else:
            found.append((str(name), None, float("nan"), str(network.get(f"{name}_refused", "not determined"))))
    return found


def fit_words(network: Mapping[str, Any]) -> str:
    """Return how well the model of a fit describes its reads, and what the model is."""
    reduced = float(network["chi_squared"]) / max(1, int(network["freedom"]))
    paths = [f"a path beside the cells, {each}" for each in network.get("paths", ())]
    model = str(network.get("model", "all lines of a kind alike"))
    return f"chi-squared per degree of freedom {reduced:.3g}, {'; '.join([model, *paths])}"


def port_lines(contents: Contents, groups: Sequence[str]) -> list[str]:
    """Return what is known of each chip for a terminal."""
    lines = []
    for group in groups[:16]:
        network, attrs = contents.attributes(f"{group}/network"), contents.attributes(group)
        wires = ", ".join(
            f"{NAMES.get(name, name)} {'refused' if ohms is None else f'{ohms:.4g} +- {error:.2g} ohm'}"
            for name, ohms, error, _ in wires_of(network)
        )
        siemens, error = (contents.read(f"{group}/network/{name}") for name in ("cell_siemens", "cell_error_siemens"))
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = float(np.nanmedian(error / np.abs(siemens)))
        if network.get("misfit"):
            lines.append(f"{group.removeprefix('arrays/')}: {network['misfit']}")
        lines.append(
            f"{group.removeprefix('arrays/')}: {wires}; cells to {100 * relative:.2g} % each, gain apart; rank "
            f"{network['rank']} of {network['parameters']}, {fit_words(network)}; "
            f"{hours(float(attrs['effort_bench_hours']))} on the bench"
        )
    return lines
