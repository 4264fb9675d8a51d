"""What a run found, for a terminal of 80 columns."""

from __future__ import annotations

import textwrap

from labmtj.escaped import escaped
from labmtj.report.bench import chip_counts, contact_findings
from labmtj.report.contents import Contents
from labmtj.report.said import headline, missing, remark_lines
from labmtj.report.sections import asked, sections

_WIDTH = 80


def summary_lines(contents: Contents) -> list[str]:
    """Return the lines on the experiment, those of every section, and what is missing."""
    found = sections(contents)
    lines = [escaped(f"run {contents.run}, experiment {contents.experiment}, seed {contents.seed}", keep=""), ""]
    lines += _wrapped(headline(contents, found))
    said = [asked(section, section.lines, lambda why: [f"{why}."], str) for section in found]
    for texts in said if any(said) else [_chips(contents)]:
        lines += _shown(texts)
    for remark in remark_lines(found):
        lines += ["", *_wrapped(remark)]
    if bad := contact_findings(contents):
        lines += ["", *_wrapped(f"contact: {'; '.join(bad)}")]
    for text in missing(contents, found):
        lines += ["", *_wrapped(text)]
    return lines


def _shown(texts: list[str]) -> list[str]:
    """Return the lines of a section: rows of a table stay together, each sentence stands apart."""
    lines: list[str] = []
    table = False
    for text in texts:
        if text.startswith(" ") or not text:
            lines += ([] if table else [""]) + [escaped(text.removeprefix(" "), keep="")]
            table = True
        else:
            lines += ["", *_wrapped(text)]
            table = False
    return lines


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(escaped(text, keep=""), _WIDTH)


def _chips(contents: Contents) -> list[str]:
    if not contents.chips:
        return ["Nothing was measured yet."]
    rows = [f" {'chip':<30}{'pulses':>10}{'reads':>10}"]
    for chip in contents.chips[:40]:
        pulses, reads = chip_counts(contents, chip)
        name = escaped(chip, keep="")[:30]
        rows.append(f" {name:<30}{sum(pulses.values()):>10}{sum(reads.values()):>10}")
    return rows
