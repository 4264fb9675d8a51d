"""The sections of the page on what single cells did, chip by chip."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from labmtj.report import cell_figures
from labmtj.report.blocks import Block, Cell, Figure, Note, Section, Source, Table, cells, tried
from labmtj.report.cells import found_groups, told_of
from labmtj.report.contents import Contents
from labmtj.report.digits import fixed
from labmtj.report.loops import loops_figure

FIGURES: Mapping[str, Callable[[Contents, str], Figure]] = {
    "hysteresis": loops_figure,
    "switching": cell_figures.switching_figure,
    "write_errors": cell_figures.write_errors_figure,
    "disturb": cell_figures.disturb_figure,
    "noise": cell_figures.noise_figure,
    "endurance": cell_figures.endurance_figure,
}


def cell_sections(contents: Contents) -> list[Section]:
    """Return a section for each of the first eight chips that something was found of."""
    found = found_groups(contents)
    chips = list(dict.fromkeys(chip for chip, _ in found))[:8]
    return [
        Section(f"Cells of chip {chip}", f"cells-{number}", _blocks(contents, chip, [n for c, n in found if c == chip]))
        for number, chip in enumerate(chips)
    ]


def _blocks(contents: Contents, chip: str, names: list[str]) -> list[Block]:
    blocks: list[Block] = []
    for name in names:
        group = f"arrays/{chip}/{name}"
        if name in FIGURES:
            blocks.append(tried(name, partial(FIGURES[name], contents, group)))
        if name == "switching":
            blocks.append(tried(name, partial(switching_table, contents, group)))
        blocks.append(tried(name, partial(_cost, contents, group, name)))
    return blocks


def _cost(contents: Contents, group: str, name: str) -> Note:
    return Note(f"{told_of(contents, group, name)}.")


def switching_table(contents: Contents, group: str) -> Table:
    """Return Delta, Vc0 and the slope of every cell, with what they are conditional on."""
    attrs = contents.attributes(group)
    places = contents.read(f"{group}/cells")
    rows: list[list[Cell]] = []
    for direction, name in enumerate(("to P", "to AP")):
        for number, (row, column) in enumerate(places[:30]):
            rows.append(
                cells(f"({row}, {column}) {name}", *(
                    _interval(contents, group, names, (direction, number), scale, digits)
                    for names, scale, digits in _COLUMNS
                ))
            )  # fmt: skip
    return Table(
        "Laws of the cells", ("cell", "V50 per decade of width (mV)", "Δ", "Vc0 (V)"), rows,
        f"95 % intervals in brackets. Δ and Vc0 hold at τ0 = {float(attrs['attempt_seconds']):g} s and exponent "
        f"{attrs['assumed_exponent']} alone: see the ridge. After “law”: the same with the error of the law itself, "
        "for τ0 of 0.3 to 1 ns and, at exponent 2, the attempt rate of a macrospin.",
        [Source.of(group, ".stability.to_pandas()", array="stability")],
    )  # fmt: skip


_COLUMNS = (
    (("volts_per_decade", "volts_per_decade_low", "volts_per_decade_high"), 1e3, 1),
    (("stability", "stability_low", "stability_high", "stability_model_low", "stability_model_high"), 1.0, 1),
    (
        (
            "critical_volts",
            "critical_low_volts",
            "critical_high_volts",
            "critical_model_low_volts",
            "critical_model_high_volts",
        ),
        1.0,
        3,
    ),
)


def _interval(
    contents: Contents, group: str, names: tuple[str, ...], place: tuple[int, int], scale: float, digits: int
) -> str:
    known = [name for name in names if contents.has(f"{group}/{name}")]  # older records have no error of the law
    value, low, high, *law = (fixed(scale * float(contents.read(f"{group}/{name}")[place]), digits) for name in known)
    of_law = f"; law {law[0]} to {law[1]}" if len(law) == 2 else ""
    return f"{value} ({low} to {high}{of_law})"
