"""Puts the page together: what is shown, in which order, and the HTML of it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from labmtj import __version__
from labmtj.report import bench, style
from labmtj.report.blocks import BLOCKS, Block, Chapter, Note, tried
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
        return _page(contents, _chapters(contents))


def _page(contents: Contents, chapters: Sequence[Chapter]) -> str:
    shown = with_sources_that_load(contents, chapters)
    return _environment().get_template("page.html.j2").render(contents=contents, sections=shown, version=__version__)


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
        chapters += asked(section, partial(_chapters_of, contents, section), _not_shown, Chapter)
    return [*chapters, _bench(contents, found), Chapter("Provenance", "provenance", provenance_blocks(contents))]


def _not_shown(why: str) -> list[Chapter]:
    return [Chapter("Not shown", "not-shown", missing_block(why))]


def _chapters_of(contents: Contents, section: Section) -> list[Chapter]:
    """Return the chapters of a section; raise what a page of those of a plug-in would end with."""
    chapters = section.chapters()
    if section.is_foreign and isinstance(chapters, list) and all(isinstance(each, Chapter) for each in chapters):
        _page(contents, chapters)
    return chapters


def _blocks_of(contents: Contents, section: Section, ask: Callable[[], list[Block]]) -> list[Block]:
    """Return blocks of a section; raise as `_chapters_of`."""
    found = ask()
    if section.is_foreign and isinstance(found, list) and all(isinstance(each, BLOCKS) for each in found):
        _page(contents, [Chapter("", "", found)])
    return found


def _result(contents: Contents, found: Sequence[Section]) -> Chapter:
    blocks: list[Block] = [tried("Result", lambda: Note(headline(contents, found), "lead"))]
    blocks += [Note(text, "missing") for text in missing(contents, found)]
    for section in found:
        blocks += asked(section, partial(_blocks_of, contents, section, section.result), missing_block, BLOCKS)
    if remarks := remark_lines(found):
        blocks.append(Note(". ".join(remarks), "caveat"))
    return Chapter("Result", "result", [*blocks, Note(_LOADING)])


def _bench(contents: Contents, found: Sequence[Section]) -> Chapter:
    blocks: list[Block] = []
    if contents.has(f"{bench.CONTACT}/open"):
        blocks.append(tried("Contact", partial(bench.contact_table, contents)))
    for section in found:
        blocks += asked(section, partial(_blocks_of, contents, section, section.bench), missing_block, BLOCKS)
    if contents.chips:
        blocks.append(tried("Pulses and reads", partial(bench.counts_table, contents)))
        blocks.append(tried("Budgets", partial(budget_table, contents)))
        blocks.append(tried("Cells that are marked", partial(marked_table, contents, found)))
    return Chapter("Bench time, pulses and reads", "bench", blocks or [Note("Nothing was measured yet.", "missing")])
