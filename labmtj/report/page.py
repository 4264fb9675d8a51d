"""Puts the page together: what is shown, in which order, and the HTML of it."""

from __future__ import annotations

import base64
from functools import partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from labmtj import __version__
from labmtj.report import bench, headline, overview, style
from labmtj.report.blocks import Block, Note, Section, tried
from labmtj.report.budgets import budget_table
from labmtj.report.cell_sections import cell_sections
from labmtj.report.contents import Contents
from labmtj.report.digits import plural
from labmtj.report.edges import edge_blocks
from labmtj.report.health import checked_chips, health_table
from labmtj.report.loading import with_sources_that_load
from labmtj.report.maps import history_maps, solution_maps
from labmtj.report.marked import marked_table
from labmtj.report.method_gains import methods_blocks
from labmtj.report.metrics import metrics_table
from labmtj.report.misses import misses_table
from labmtj.report.pattern_maps import pattern_maps, patterns_group
from labmtj.report.patterns import patterns, patterns_table
from labmtj.report.ports import ports_section
from labmtj.report.provenance import provenance_blocks
from labmtj.report.read_maps import read_map_figure
from labmtj.report.read_words import read_map_groups
from labmtj.report.scatter import predictors
from labmtj.report.station import ALL, TEST, TRAIN, Station
from labmtj.report.tuning import tuning_and_confusion
from labmtj.report.windows import windows
from labmtj.report.wires import port_groups

_LOADING = (
    "Under every figure stands where in data.h5 its numbers are, and one line of Python that loads them; it needs "
    "“pip install 'labmtj[notebook]'”, “import xarray as xr”, and the folder of the run as the working directory."
)


def page_html(contents: Contents) -> str:
    """Return the whole report as one page of HTML that refers to nothing outside itself."""
    with style.look():
        sections = with_sources_that_load(contents, _sections(contents))
    return _environment().get_template("page.html.j2").render(contents=contents, sections=sections, version=__version__)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["base64"] = lambda content: base64.b64encode(content).decode("ascii")
    return environment


def _sections(contents: Contents) -> list[Section]:
    sections = [_result(contents)]
    sections += [_station(contents, station, number) for number, station in enumerate(contents.shown)]
    if not contents.shown:
        known = [chip for chip in contents.chips if contents.has(f"arrays/{chip}/reference/parallel_amperes")]
        sections += [_chip(contents, chip, number) for number, chip in enumerate(known[:8])]
    if maps := read_map_groups(contents)[:8]:
        blocks = [tried("Read map", partial(read_map_figure, contents, group)) for group in maps]
        sections.append(Section("Read maps", "read-maps", blocks))
    sections += [ports_section(contents, group, number) for number, group in enumerate(port_groups(contents)[:8])]
    sections += cell_sections(contents)
    return [*sections, _bench(contents), Section("Provenance", "provenance", provenance_blocks(contents))]


def _result(contents: Contents) -> Section:
    blocks: list[Block] = [tried("Result", lambda: Note(headline.result_sentence(contents), "lead"))]
    blocks += headline.missing_notes(contents)
    if patterns(contents):
        blocks.append(tried("Test patterns", partial(patterns_table, contents)))
    blocks += methods_blocks(contents)
    if checked_chips(contents):
        blocks.append(tried("Health of the cells", partial(health_table, contents)))
    if contents.analysed:
        blocks += [
            tried("Overview", partial(overview.overview_figure, contents)),
            tried("Accuracies", partial(headline.accuracy_table, contents, TRAIN)),
        ]
    blocks += edge_blocks(contents)
    if contents.stations:
        blocks.append(Note(headline.PUBLISHED_TEXT))
    if contents.stations and contents.simulated:
        blocks.append(Note(headline.origin_text(contents), "caveat"))
    if contents.analysed:
        blocks += [
            tried("What tuning recovers", partial(overview.recovery_figure, contents)),
            *(tried("Accuracies", partial(headline.accuracy_table, contents, split)) for split in (TEST, ALL)),
        ]
    return Section("Result", "result", [*blocks, Note(_LOADING)])


def _station(contents: Contents, station: Station, number: int) -> Section:
    blocks = [
        tried("Maps of one solution", partial(solution_maps, station)),
        tried("Windows", partial(windows, contents, station.label, station.chips, station)),
        tried("Maps of pulses and misses", partial(history_maps, station)),
        tried("Cells that will not write", partial(misses_table, station)),
    ]
    if station.analysed:
        blocks += [
            tried("Tuning curve", partial(tuning_and_confusion, station)),
            tried("What tells the accuracy", partial(predictors, station)),
            tried("Candidate metrics", partial(metrics_table, station)),
        ]
    else:
        blocks.append(
            Note(
                "Tuning curve, confusions and metrics follow from the analysis, which this run has not reached.",
                "missing",
            )
        )
    described = (
        f"Chips {', '.join(station.chips)}; {plural(station.count, 'solution')}, nominal conductance step "
        f"{1e6 * station.delta_siemens:.4g} µS{_modes(contents, station)}."
    )
    return Section(f"{station.label} junctions", f"size-{number}", [Note(described), *blocks])


def _modes(contents: Contents, station: Station) -> str:
    """Say how products were measured, if the file tells."""
    told = contents.attributes(f"wine/{station.name}")
    modes = [str(told[name]) for name in ("layer1_mode", "layer2_mode") if name in told]
    return f"; products of layers 1 and 2 measured in modes {' and '.join(modes)}" if modes else ""


def _chip(contents: Contents, chip: str, number: int) -> Section:
    blocks = [tried("Windows", partial(windows, contents, chip, [chip]))]
    if group := patterns_group(contents, chip):
        blocks.insert(0, tried("Test patterns", partial(pattern_maps, contents, group)))
    return Section(f"Chip {chip}", f"chip-{number}", blocks)


def _bench(contents: Contents) -> Section:
    blocks: list[Block] = []
    if contents.has(f"{bench.CONTACT}/open"):
        blocks.append(tried("Contact", partial(bench.contact_table, contents)))
    if contents.shown:
        blocks.append(tried("Time", partial(bench.time_table, contents)))
    if contents.chips:
        blocks.append(tried("Pulses and reads", partial(bench.counts_table, contents)))
        blocks.append(tried("Budgets", partial(budget_table, contents)))
        blocks.append(tried("Cells that are marked", partial(marked_table, contents)))
    return Section("Bench time, pulses and reads", "bench", blocks or [Note("Nothing was measured yet.", "missing")])
