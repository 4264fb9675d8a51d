"""What a rehearsal found, for a terminal of 80 columns: in full for a run, in a few lines for the check of a bench."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator

from labmtj import library
from labmtj.errors import LabmtjError, Stopped
from labmtj.run.costs import ChipGroupCost
from labmtj.run.experiment import load_experiment
from labmtj.run.rehearse import Rehearsal, rehearse
from labmtj.run.size import megabytes

_WIDTH = 80


def full_text(found: Rehearsal) -> str:
    """Return the whole rehearsal, station by station."""
    experiment, total = found.experiment, found.total
    lines = [
        f"{experiment.name} on bench {experiment.bench.name}: {len(found.stations)} stations of {found.blocks} blocks; "
        f"tried the first and {found.tried} more of each",
        *(["on its virtual twin: no instrument was touched"] if experiment.on_instruments else []),
        "",
        f"{'station':<16}{'bench hours':>12}{'pulses':>12}{'per cell, mean':>16}{'max':>8}{'reads':>12}",
        *(_row(station.name, tally) for station, tally in zip(found.stations, found.whole, strict=True)),
        _row("all", total),
        "",
        *_sums(found, total),
    ]
    return "\n".join(_wrapped(*lines))


def short_text(found: Rehearsal) -> str:
    """Return a few lines."""
    total = found.total
    cells = total.cell_pulses
    head = (
        f"rehearsal of {found.experiment.name} on the virtual twin, {found.tried} of {found.blocks - 1} blocks tried: "
        f"{_hours(total):.3g} bench hours"
    )
    pulses = (
        f"pulses: {total.pulses:.0f}, {cells.mean():.0f} per cell, {cells.max():.0f} at most; reads: {total.reads:.0f}"
    )
    return "\n".join(_wrapped(head, *(f"  {line}" for line in (pulses, *_sums(found, total)))))


def bench_rehearsal(bench: str, phase: Callable[[str], None] = lambda _: None) -> str:
    """Return what the default experiment would take on a bench of instruments, or why it is not possible there.

    `phase` is called with what begins.
    """
    name, settings = library.default()
    phase(f"rehearsing {name} on the virtual twin (--no-rehearsal leaves it out)")
    try:
        return short_text(rehearse(load_experiment(name, bench=bench, changes=settings)))
    except Stopped:
        raise
    except LabmtjError as error:
        text = ". ".join([str(error), *getattr(error, "__notes__", ())])
        return "\n".join(_wrapped(f"rehearsal of {name} on the virtual twin: this run would be refused: {text}"))


def _wrapped(*lines: str) -> Iterator[str]:
    """Iterate the lines, long ones over several."""
    for line in lines:
        yield from textwrap.wrap(line, _WIDTH, subsequent_indent="    ") or [""]


def _row(name: str, tally: ChipGroupCost) -> str:
    return (
        f"{name:<16}{_hours(tally):>12.2f}{tally.pulses:>12.0f}{tally.cell_pulses.mean():>16.0f}"
        f"{tally.cell_pulses.max():>8.0f}{tally.reads:>12.0f}"
    )


def _hours(tally: ChipGroupCost) -> float:
    return sum(tally.seconds.values()) / 3600


def _sums(found: Rehearsal, total: ChipGroupCost) -> Iterator[str]:
    yield f"bench hours: {', '.join(_purposes(total))}"
    yield f"energy into the arrays: {total.joules:.3g} J"
    yield f"data.h5: about {megabytes(found.data_bytes)}; journal.lmj: {megabytes(found.journal_bytes)}"
    yield from _relays(total, on_instruments=found.experiment.on_instruments)
    if total.round_trips:
        text = ", ".join(f"{name} {count:.0f}" for name, count in total.round_trips.items())
        yield f"round trips: {sum(total.round_trips.values()):.0f} ({text})"


def _purposes(total: ChipGroupCost) -> Iterator[str]:
    """Iterate the purposes that take a hundredth of the time and more, and the rest together."""
    whole = sum(total.seconds.values())
    large = {name: seconds for name, seconds in sorted(total.seconds.items()) if seconds >= whole / 100}
    yield from (f"{name} {seconds / 3600:.2f}" for name, seconds in large.items())
    if rest := whole - sum(large.values()):
        yield f"others {rest / 3600:.2f}"


def _relays(total: ChipGroupCost, *, on_instruments: bool) -> Iterator[str]:
    used = {relay: count for relay, count in total.closures.items() if count > 0}
    if used:
        relay = max(used, key=lambda each: used[each])
        mean = sum(used.values()) / len(used)
        yield f"closures per relay: {mean:.0f} in the mean of {len(used)}, {used[relay]:.0f} at most ({relay})"
    else:
        which = "no relay closes" if on_instruments else "this bench has a unit on every line"
        yield f"closures per relay: none, {which}"
