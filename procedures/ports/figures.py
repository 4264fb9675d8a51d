"""What all-port reads show: the wires with their errors or why there are none, the cells behind them, the leaks."""

from __future__ import annotations

from functools import partial

import numpy as np

from labmtj.quantities import FloatArray
from labmtj.report import style
from labmtj.report.blocks import Cell, Chapter, Figure, Source, Table, tried
from labmtj.report.contents import Contents
from labmtj.report.digits import MISSING, hours
from labmtj.report.mapping import maps
from procedures.common.cell_maps import usual_map
from procedures.ports.wires import NAMES, fit_words, wires_of

_SIGMAS = 4.0
"""a leak is worth a word when it is so many standard errors above zero"""


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
    return Figure("Cells behind the wires", text, alt, sources, style.svg(figure))


def leaking(leak: FloatArray, error: FloatArray) -> str:
    """Say how many lines leak for certain, from conductances in µS."""
    known = np.isfinite(leak)
    if not known.any():
        return "no line had all others read, so leaks are not known"
    count = int((leak[known] > _SIGMAS * error[known]).sum())
    most = float((leak + 1.96 * error)[known].max())
    return f"no line leaks for certain, none more than {most:.2g} µS" if not count else f"{count} lines leak"
