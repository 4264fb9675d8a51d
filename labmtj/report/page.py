"""Puts the page together: what is shown, in which order, and the HTML of it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from labmtj import __version__
from labmtj.report import bench, style
from labmtj.report.blocks import Block, Chapter, Note, tried
from labmtj.report.budgets import budget_table
from labmtj.report.contents import Contents
from labmtj.report.loading import with_sources_that_load
from labmtj.report.marked import marked_table
from labmtj.report.provenance import provenance_blocks
from labmtj.report.said import headline, missing, remark_lines
from labmtj.report.sections import Section, asked, missing_block, sections

_LOADING = (
    "Below every figure: where in data.h5 its numbers are, and one line of Python that loads them; it needs "
    "“pip install 'labmtj[notebook]'”, “import xarray as xr”, and the folder of the run as the working directory."
)


def page_html(contents: Contents) -> str:
    """Return the whole report as one page of HTML that refers to nothing outside itself."""
    with style.look():
        chapters = with_sources_that_load(contents, _chapters(contents))
    return _environment().get_template("page.html.j2").render(contents=contents, sections=chapters, version=__version__)


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


def _chapters(contents: Contents) -> list[Chapter]:
    found = sections(contents)
    chapters = [_result(contents, found)]
    for section in found:
        name = type(section).__name__
        chapters += asked(name, section.chapters, lambda why: [Chapter("Not shown", "not-shown", missing_block(why))])
    return [*chapters, _bench(contents, found), Chapter("Provenance", "provenance", provenance_blocks(contents))]


def _result(contents: Contents, found: Sequence[Section]) -> Chapter:
    blocks: list[Block] = [tried("Result", lambda: Note(headline(contents, found), "lead"))]
    blocks += [Note(text, "missing") for text in missing(contents, found)]
    for section in found:
        blocks += asked(type(section).__name__, section.result, missing_block)
    if remarks := remark_lines(found):
        blocks.append(Note(". ".join(remarks), "caveat"))
    return Chapter("Result", "result", [*blocks, Note(_LOADING)])


def _bench(contents: Contents, found: Sequence[Section]) -> Chapter:
    blocks: list[Block] = []
    if contents.has(f"{bench.CONTACT}/open"):
        blocks.append(tried("Contact", partial(bench.contact_table, contents)))
    for section in found:
        blocks += asked(type(section).__name__, section.bench, missing_block)
    if contents.chips:
        blocks.append(tried("Pulses and reads", partial(bench.counts_table, contents)))
        blocks.append(tried("Budgets", partial(budget_table, contents)))
        blocks.append(tried("Cells that are marked", partial(marked_table, contents, found)))
    return Chapter("Bench time, pulses and reads", "bench", blocks or [Note("Nothing was measured yet.", "missing")])
