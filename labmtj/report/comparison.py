"""Two runs side by side, for a terminal of 80 columns: what was set differently, and what came out differently."""

from __future__ import annotations

import itertools
import math
import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from labmtj.escaped import escaped
from labmtj.reading.opened import Run
from labmtj.report.blocks import left_out
from labmtj.report.contents import Contents
from labmtj.report.measures import Measure
from labmtj.report.sections import Section, asked, sections
from labmtj.report.spread import Difference, difference

_WIDTH = 80
_NAME_WIDTH = 30
_ROW = "{name:<30}{first:>10}{second:>11}{mean:>11}{half:>10} {verdict}"
_HEAD = _ROW.format(name="means", first="first", second="second", mean="difference", half="+-95 %", verdict="").rstrip()
_LONGEST_VALUE, _BEFORE_DIFFERENCE = 60, 20
_LISTED = 8
_SCREEN_LINES, _SETTINGS_SHOWN, _RESULT_LINES = 24, 4, 10
"""a comparison of more lines than a terminal has shows so many settings, and so many lines of results"""
_IGNORED = {"provenance.created_utc", "tags"}
_ABSENT = object()


def comparison_text(first: Run, second: Run, *, everything: bool = False) -> str:
    """Return the comparison of two open runs; what fits a terminal, the largest differences first, or everything."""
    whole = _text(first, second, everything=True)
    return whole if everything or whole.count("\n") < _SCREEN_LINES else _text(first, second, everything=False)


def _text(first: Run, second: Run, *, everything: bool) -> str:
    lines = [f"first   {_description_of(first)}", f"second  {_description_of(second)}"]
    lines += [f"{which}: {remark}" for which, run in (("first", first), ("second", second)) for remark in run.remarks]
    paragraphs = [*_settings(first, second, everything=everything), *_found(first, second, everything=everything)]
    paragraphs += [] if everything else ["Everything: the same command with --all"]
    return "\n".join(line for each in [*lines, *paragraphs] for line in _fitted(each))


def _description_of(run: Run) -> str:
    return f"{run.name}  {run.experiment}, {run.ended}, seed {run.seed}"


def _fitted(line: str) -> list[str]:
    shown = escaped(line, keep="")
    return [shown] if len(shown) <= _WIDTH else textwrap.wrap(shown, _WIDTH, subsequent_indent="  ")


def _settings(first: Run, second: Run, *, everything: bool) -> list[str]:
    """Return the settings that differ, one a line: all, or the first, each cut to its line."""
    one, other = (dict(_flat(run.resolved)) for run in (first, second))
    keys = [key for key in dict.fromkeys((*one, *other)) if key not in _IGNORED]
    if first.procedure != second.procedure:
        keys = [key for key in keys if not key.startswith(("settings.", "inputs_sha256"))]
    differing = [key for key in keys if one.get(key, _ABSENT) != other.get(key, _ABSENT)]
    if not first.resolved or not second.resolved:
        return ["", "What a run was resolved to is missing or damaged: settings cannot be compared."]
    if not differing:
        return ["", "All settings are the same."]
    shown = [f"{key}: {' -> '.join(_values(_value(one, key), _value(other, key)))}" for key in differing]
    if not everything and len(shown) > _SETTINGS_SHOWN:
        shown[_SETTINGS_SHOWN:] = [f"and {len(shown) - _SETTINGS_SHOWN} more"]
    if not everything:
        shown = [line if len(line) <= _WIDTH - 2 else f"{line[: _WIDTH - 5]}..." for line in shown]
    return ["", f"{len(differing)} of {len(keys)} settings differ:", *(f"  {line}" for line in shown)]


def _flat(content: object, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield plain values, and lists as a whole, by dotted key."""
    if isinstance(content, Mapping) and content:
        for name, value in content.items():
            yield from _flat(value, f"{key}.{name}" if key else str(name))
    else:
        yield key, content


def _value(values: Mapping[str, Any], key: str) -> str:
    if key not in values:
        return "(not there)"
    return "null" if values[key] is None else str(values[key])


def _values(first: str, second: str) -> list[str]:
    """Return two values, of long ones the part that holds the first difference."""
    begin = 0
    if max(len(first), len(second)) > _LONGEST_VALUE:
        differing = (place for place, (one, other) in enumerate(zip(first, second, strict=False)) if one != other)
        begin = max(0, next(differing, min(len(first), len(second))) - _BEFORE_DIFFERENCE)
    return [_part(text, begin) for text in (first, second)]


def _part(text: str, begin: int) -> str:
    rest = text[begin:]
    return ("..." if begin else "") + (rest if len(rest) <= _LONGEST_VALUE else f"{rest[: _LONGEST_VALUE - 3]}...")


def _found(first: Run, second: Run, *, everything: bool) -> list[str]:
    """Return the table of what both runs have, and what one of them has alone."""
    one, other = (_measures(run) for run in (first, second))
    common = [key for key in one if key in other and one[key].unit == other[key].unit]
    lines = [""]
    if first.procedure != second.procedure:
        lines += ["The procedures differ: settings are not compared; of the results, those that both runs have.", ""]
    if not common:
        return [*lines, "Nothing can be compared: " + _nothing(one, other)]
    lines += (_table if everything else _largest)([(one[key], other[key]) for key in common])
    alone = (("first", set(one) - set(other)), ("second", set(other) - set(one)))
    return [*lines, *(f"only in the {which}: {_listed(keys)}" for which, keys in alone if keys)]


def _measures(run: Run) -> dict[tuple[str, str], Measure]:
    """Return everything of a run that can be compared with another, by what it is of and its name."""
    found: dict[tuple[str, str], Measure] = {}
    for section in sections(Contents(run.data)):
        for each in asked(section, partial(_of, section), partial(_left_out, run), Measure):
            found[each.where, each.name] = each
    return found


def _left_out(run: Run, why: str) -> list[Measure]:
    return left_out(f"compare: results of {run.name} are left out", why, [])


def _of(section: Section) -> list[Measure]:
    return list(section.measures())


def _nothing(one: Mapping[tuple[str, str], Measure], other: Mapping[tuple[str, str], Measure]) -> str:
    return "; ".join(f"the {which} has {_listed(set(each)) if each else 'no results yet'}"
                     for which, each in (("first", one), ("second", other)))  # fmt: skip


def _listed(keys: set[tuple[str, str]]) -> str:
    counts = Counter(where for where, _ in keys)
    names = [f"{where} ({count})" for where, count in sorted(counts.items())]
    if len(names) > _LISTED + 1:
        names[_LISTED:] = [f"{len(names) - _LISTED} more"]
    return "results of " + ", ".join(names)


def _table(pairs: list[tuple[Measure, Measure]]) -> list[str]:
    """Return a block per station or chip: means, difference, half of its 95 % interval, and what that says."""
    blocks: dict[str, list[tuple[Measure, Difference]]] = {}
    for first, second in pairs:
        found = difference(first, second)
        blocks.setdefault(f"{first.where}: {_how(found, first, second)}", []).append((first, found))
    rows = [line for heading, found in blocks.items() for line in _block(heading, found)]
    note = (
        "within: the 95 % interval of the difference contains 0. Of 20 equal results, 1 is said to differ on average."
    )
    return [_HEAD, *rows, "", note]


def _largest(pairs: list[tuple[Measure, Measure]]) -> list[str]:
    """Return how many results differ, and the largest differences, by their 95 % intervals, within some lines."""
    found = [(first, difference(first, second)) for first, second in pairs]
    counts = Counter(each.verdict for _, each in found)
    said = {
        "differs": "beyond their 95 % interval (by chance 1 of 20)",
        "within": "within it",
        "equal": "equal",
        "too few": "too few values",
    }
    not_compared = f", {counts['-']} not compared" if counts["-"] else ""
    counted = ", ".join(f"{counts[verdict]} {words}" for verdict, words in said.items() if counts[verdict])
    blocks = [
        _lines(replace(measure, name=f"{measure.where}: {measure.name}"), each)
        for measure, each in sorted(found, key=lambda pair: -_in_intervals(pair[1]))
        if each.verdict in ("differs", "within")
    ]
    ends = list(itertools.accumulate(map(len, blocks)))
    shown = sum(end <= _RESULT_LINES for end in ends)
    heading = f"{len(found)} results: {counted}{not_compared}.{' The largest by their interval:' if shown else ''}"
    return [heading, *([_HEAD, *itertools.chain(*blocks[:shown])] if shown else [])]


def _in_intervals(found: Difference) -> float:
    """Return the size of a difference as a multiple of half its 95 % interval."""
    return abs(found.mean) / found.half_interval if found.half_interval else math.inf


def _block(heading: str, found: list[tuple[Measure, Difference]]) -> list[str]:
    if all(each.verdict == "equal" for _, each in found):
        return [f"{heading}: all {len(found)} results equal"]
    return [heading, *(line for measure, each in found for line in _lines(measure, each))]


def _how(found: Difference, first: Measure, second: Measure) -> str:
    if found.pairs:
        return f"{found.pairs} pairs of the same {first.of}"
    if first.paired_only:
        return f"not compared, too few of the same {first.of}"
    return f"not paired, {len(first.values)} and {len(second.values)} values"


def _lines(measure: Measure, found: Difference) -> list[str]:
    """Return a row; a name that is too long for its column has a line of its own."""
    unit = "" if measure.unit in ("1", "") else f" ({measure.unit})"
    bare = re.sub(r"_(amperes|volts|ohms|siemens|seconds)$", "", measure.name) if unit else measure.name
    name = f"  {bare}{unit}"
    numbers = (found.first, found.second, found.mean, found.half_interval)
    first, second, mean, half = ("-" if math.isnan(each) else f"{each:.4g}" for each in numbers)
    alone, name = ([], name) if len(name) <= _NAME_WIDTH else ([name], "")
    return [*alone, _ROW.format(name=name, first=first, second=second, mean=mean, half=half, verdict=found.verdict)]
