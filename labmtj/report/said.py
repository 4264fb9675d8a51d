"""What the sections of a file have in common: its headline, what is missing, what limits its results."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from labmtj.report.bench import chip_counts
from labmtj.report.contents import Contents
from labmtj.report.digits import plural
from labmtj.report.sections import Section, asked

_MOST, _NAMED = 12, 4


def headline(contents: Contents, found: Sequence[Section]) -> str:
    """Return the result of a run from the first section that has one; else what it has recorded so far."""
    for section in found:
        if text := asked(section, section.headline, lambda why: f"{why}."):
            return text
    counts = [chip_counts(contents, chip) for chip in contents.chips]
    pulses, reads = (sum(sum(each[kind].values()) for each in counts) for kind in (0, 1))
    recorded = f"{plural(pulses, 'pulse')} and {plural(reads, 'read')} of {plural(len(counts), 'chip')} are recorded"
    return f"No result of the experiment {contents.experiment} yet: {recorded if counts else 'nothing is recorded'}."


def missing(contents: Contents, found: Sequence[Section]) -> list[str]:
    """Return what a complete run would have and this file has not."""
    texts = []
    if not contents.run_yaml:
        texts.append(
            "The description of the run (run_yaml in the group provenance) is missing or damaged: settings and "
            "parameters cannot be shown."
        )
    for section in found:
        texts += asked(section, section.missing, lambda why: [f"{why}."], str)
    return texts


def remark_lines(found: Sequence[Section]) -> list[str]:
    """Return a sentence for everything that limits a result, such as the end of a scan; the first dozen."""
    subjects: dict[str, list[str]] = {}
    for section in found:
        said = asked(section, partial(_remarks, section), lambda why: [(why, "report")])
        for text, subject in said:
            subjects.setdefault(text, []).append(subject)
    lines = [f"{_listed(names)}: {text}" for text, names in subjects.items()]
    if len(lines) <= _MOST + 1:
        return lines
    return [*lines[:_MOST], f"and {len(lines) - _MOST} more at the edge of a scan"]


def _remarks(section: Section) -> list[tuple[str, str]]:
    return [(_text(what), _text(subject)) for what, subject in section.remarks()]


def _text(said: object) -> str:
    if not isinstance(said, str):
        raise TypeError(f"{type(said).__name__} in a remark, which is two texts")
    return said


def _listed(names: Sequence[str]) -> str:
    """Return the names, or the first few and how many more: of two or more, because one is as short by its name."""
    return (
        ", ".join(names) if len(names) <= _NAMED + 1 else f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"
    )
