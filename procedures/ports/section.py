"""What report and terminal say of all-port reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from labmtj.quantities import FloatArray
from labmtj.report import style
from labmtj.report.blocks import Cell, Chapter, Figure, Source, Table, tried
from labmtj.report.contents import Contents
from labmtj.report.digits import MISSING, hours
from labmtj.report.mapping import maps
from labmtj.report.sections import Finding, Section
from procedures.common.cell_maps import usual_map
from procedures.common.cell_section import chip_of


class PortsSection(Section):
    """What report and terminal say of the wires, cells and leaks that all-port reads determine."""

    rank: ClassVar[int] = 50
    places: ClassVar[Mapping[str, str]] = {
        f"arrays/*/{name}": "admittance_siemens" for name in ("ports", "ports_parallel", "ports_antiparallel")
    }

    def finding(self) -> Finding | None:
        """Return a wire of each chip."""
        texts, seen = [], set[str]()
        for group in self.groups:
            if chip_of(group) not in seen:
                seen.add(chip_of(group))
                wires = wires_of(self.contents.attributes(f"{group}/network"))
                values = [
                    f"{NAMES.get(name, name)} {_with_error(ohms, error)}" for name, ohms, error, _ in wires if ohms
                ]
                texts.append(f"{chip_of(group)} {values[0] if values else 'not determined'}")
        return ("Resistance of the wires (standard error)", texts) if texts else None

    def lines(self) -> list[str]:
        """Return the wires of each chip."""
        return port_lines(self.contents, self.groups)

    def chapters(self) -> list[Chapter]:
        """Return a chapter for each set of reads."""
        return [ports_chapter(self.contents, group, number) for number, group in enumerate(self.groups[:8])]


def _with_error(ohms: float, error: float) -> str:
    """Return a resistance with as many decimals as two digits of its standard error have."""
    digits = max(0, 1 - int(np.floor(np.log10(error)))) if error > 0 else 3
    return f"{ohms:.{digits}f} ± {error:.{digits}f} ohm"


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
    paths = [f"a leakage path, {each}" for each in network.get("paths", ())]
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


_SIGMAS = 4.0
"""standard errors above zero beyond which a leak is reported"""


def ports_chapter(contents: Contents, group: str, number: int) -> Chapter:
    """Return the chapter of one set of reads."""
    chip = group.removeprefix("arrays/").removesuffix("/ports")
    blocks = [
        tried("Wires", partial(_wires_table, contents, group)), tried("Cells", partial(_figure, contents, group)),
    ]  # fmt: skip
    return Chapter(f"All ports of chip {chip}", f"ports-{number}", blocks)


def _wires_table(contents: Contents, group: str) -> Table:
    network, attrs = contents.attributes(f"{group}/network"), contents.attributes(group)
    rows = [
        [Cell(NAMES.get(name, name)), Cell(MISSING if ohms is None else f"{ohms:.4g}"),
         Cell(reason if ohms is None else f"{error:.2g}")]
        for name, ohms, error, reason in wires_of(network)
    ]  # fmt: skip
    note = (
        f"The reads have rank {network['rank']} for {network['parameters']} unknowns; chi-squared "
        f"{network['chi_squared']:.4g} at {network['freedom']} degrees of freedom, {network.get('outvoted', 0)} reads "
        f"outvoted by the others; {fit_words(network)}. Where lines differ, their mean is listed. Lines on meters "
        f"and on ground are taken to end alike unless a meter lead is listed. Units may differ by "
        f"{attrs['gain_fraction']:g} in gain (assumed, in the errors); a gain error common to all stands "
        "apart and scales every resistance. "
        f"{attrs['effort_readings']} readings, {hours(float(attrs['effort_bench_hours']))} on the bench, no pulse."
    )
    if network.get("misfit"):
        note = f"{network['misfit']}. {note}"
    source = Source.of(f"{group}/network", ".attrs")
    return Table("Wires", ("resistance", "ohm", "standard error (ohm)"), rows, note, (source,))


def _figure(contents: Contents, group: str) -> Figure:
    """Return the maps of the cells and of their relative errors, and what leaks from every line."""
    siemens, error = (contents.read(f"{group}/network/{name}") for name in ("cell_siemens", "cell_error_siemens"))
    leak, leak_error = (1e6 * contents.read(f"{group}/{name}") for name in ("leak_siemens", "leak_error_siemens"))
    figure, (cells, errors, leaks) = maps(2, siemens.shape, plots=1)
    usual_map(cells, 1e6 * siemens, "µS", "viridis", "conductance of the cell")
    usual_map(errors, 100 * error / np.abs(siemens), "%", "magma_r", "its standard error")
    cells.set_ylabel("row")
    lines = np.arange(len(leak))
    leaks.errorbar(lines, leak, 1.96 * leak_error, fmt="o", color=style.BLUE, markersize=2.5, linewidth=0.8)
    leaks.axhline(0, color=style.GREY, linewidth=0.7)
    leaks.axvline(siemens.shape[0] - 0.5, color=style.PALE, linewidth=0.8)
    leaks.set(xlabel="line, rows first", ylabel="µS", title="to ground")
    text = (
        "Left: conductance of every cell with the wires taken off, at vanishing voltage where two voltages were read. "
        "Middle: its standard error, the common gain of source and meter apart. Right: what goes in at a line and "
        f"comes out at no other, with 95 % intervals; {leaking(leak, leak_error)}."
    )
    alt = "Maps of cell conductance and its error, and the conductance of every line to ground."
    sources = (
        Source.of(f"{group}/network", ".cell_siemens.plot()", array="cell_siemens"),
        Source.of(group, ".leak_siemens.plot()", array="leak_siemens"),
    )
    return Figure("Cells without the wires", text, alt, sources, style.svg(figure))


def leaking(leak: FloatArray, error: FloatArray) -> str:
    """Say how many lines leak for certain, from conductances in µS."""
    known = np.isfinite(leak)
    if not known.any():
        return "no line had all others read, so leaks are not known"
    count = int((leak[known] > _SIGMAS * error[known]).sum())
    most = float((leak + 1.96 * error)[known].max())
    return f"no line leaks for certain, none more than {most:.2g} µS" if not count else f"{count} lines leak"
