"""The main figure of a procedure on every chip, with its interval and unit: the first sentence of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike

from labmtj.fitting.proportions import one_trial_of_each
from labmtj.health import Health
from labmtj.report.bench import chip_counts
from labmtj.report.cells import found_groups
from labmtj.report.contents import Contents
from labmtj.report.digits import counted, percent, plural
from labmtj.report.lost import exposures_of, fraction_text, lost_of
from labmtj.report.methods import TUNINGS, Comparison, comparisons
from labmtj.report.patterns import patterns
from labmtj.report.read_words import read_map_groups
from labmtj.report.station import TEST
from labmtj.report.wires import NAMES, port_groups, told_wires

_NAMED = 4
"""chips in the sentence"""
_OF_CELLS = "median (5 to 95 % of the cells)"
_TOWARDS = ("to P", "to AP")
Finding = tuple[str, list[str]]
"""what the figures are, and a text of each chip"""


def finding_sentence(contents: Contents) -> str:
    """Return what a run of another procedure than `wine` found; else what it has recorded so far."""
    for look in (_methods, _patterns, _single_cells, _health, _ports, _read_maps, _amplitudes, _references):
        for what, texts in look(contents):
            more = f"; and {plural(len(texts) - _NAMED, 'more chip')}" if len(texts) > _NAMED else ""
            return f"{what}: {'; '.join(texts[:_NAMED])}{more}."
    counts = [chip_counts(contents, chip) for chip in contents.chips]
    pulses, reads = (sum(sum(each[kind].values()) for each in counts) for kind in (0, 1))
    recorded = f"{plural(pulses, 'pulse')} and {plural(reads, 'read')} of {plural(len(counts), 'chip')} are recorded"
    return f"No result of the experiment {contents.experiment} yet: {recorded if counts else 'nothing is recorded'}."


def _methods(contents: Contents) -> Iterator[Finding]:
    found = comparisons(contents)
    if found:
        of = (
            f"accuracy gained over {found[0].baseline}, {contents.samples[TEST]}, one gain per solution (95 % interval)"
        )
        yield f"Best way, {of}", [_best_way(each) for each in found]


def _best_way(found: Comparison) -> str:
    others = [number for number, name in enumerate(found.names) if name != found.baseline]
    gains = 100 * found.gain[others, found.tunings.index(next(iter(TUNINGS))), found.splits.index(TEST)]
    best = int(np.argmax(gains[:, 0]))
    mean, low, high = gains[best].tolist()
    bounds = "" if np.isnan(low) else f" ({low:.2f} to {high:.2f})"
    return f"{found.family} {found.names[others[best]]} {mean:+.2f} points{bounds}"


def _patterns(contents: Contents) -> Iterator[Finding]:
    if found := patterns(contents):
        yield (
            f"Write fidelity of {plural(max(each.count for each in found), 'test pattern')}, median (worst)",
            [f"{each.name} {percent(each.median, 2)} % ({percent(each.worst, 2)})" for each in found],
        )


def _single_cells(contents: Contents) -> Iterator[Finding]:
    groups = found_groups(contents)
    for name, (what, text) in _MAIN.items():
        if chips := [chip for chip, procedure in groups if procedure == name]:
            first = f"arrays/{chips[0]}/{name}"
            yield what(contents, first), [f"{chip} {text(contents, f'arrays/{chip}/{name}')}" for chip in chips]


def _health(contents: Contents) -> Iterator[Finding]:
    states = {
        chip: contents.read(f"arrays/{chip}/health/state") for chip in contents.chips
        if contents.has(f"arrays/{chip}/health/state")
    }  # fmt: skip
    if states:
        yield (
            "Usable cells",
            [f"{chip} {int((each == Health.USABLE).sum())} of {each.size}" for chip, each in states.items()],
        )


def _ports(contents: Contents) -> Iterator[Finding]:
    if groups := _by_chip(port_groups(contents)):
        texts = []
        for chip, group in groups.items():
            wires = told_wires(contents.attributes(f"{group}/network"))
            values = [f"{NAMES.get(name, name)} {_with_error(ohms, error)}" for name, ohms, error, _ in wires if ohms]
            texts.append(f"{chip} {values[0] if values else 'not determined'}")
        yield "Resistance of the wires (standard error)", texts


def _with_error(ohms: float, error: float) -> str:
    """Return a resistance with as many decimals as two digits of its standard error have."""
    digits = max(0, 1 - int(np.floor(np.log10(error)))) if error > 0 else 3
    return f"{ohms:.{digits}f} ± {error:.{digits}f} ohm"


def _by_chip(groups: list[str]) -> dict[str, str]:
    """Return the first of the groups arrays/CHIP/... of every chip."""
    found: dict[str, str] = {}
    for group in groups:
        found.setdefault(group.split("/")[1], group)
    return found


def _read_maps(contents: Contents) -> Iterator[Finding]:
    if groups := _by_chip(read_map_groups(contents)):
        texts = [f"{chip} {_siemens(contents.read(f'{group}/siemens'))}" for chip, group in groups.items()]
        yield f"Conductance of the cells, wires included, {_OF_CELLS}", texts


def _siemens(siemens: ArrayLike) -> str:
    return _spread(1e6 * np.asarray(siemens), "µS", 1)


def _amplitudes(contents: Contents) -> Iterator[Finding]:
    if contents.experiment != "amplitude":  # other procedures scan, too, before what they are for
        return
    texts = []
    for chip in contents.chips:
        group = f"arrays/{chip}/amplitude"
        if contents.has(f"{group}/volts"):
            attrs, volts = contents.attributes(group), contents.read(f"{group}/volts")
            parts = [
                f"{name} at {float(attrs[f'{state}_volts']):.3g} V "
                f"({percent(_nearest(volts, attrs[f'{state}_volts'], contents.read(f'{group}/{state}_fidelity')))} %)"
                for state, name in (("parallel", "P"), ("antiparallel", "AP"))
            ]
            texts.append(f"{chip} {', '.join(parts)}")
    if texts:
        yield "Write amplitudes (fidelity of one write there)", texts


def _nearest(volts: ArrayLike, chosen: float, fidelity: ArrayLike) -> float:
    """Return the fidelity at the amplitude of the scan that is nearest to the one chosen."""
    return float(np.asarray(fidelity)[np.argmin(np.abs(np.asarray(volts) - abs(float(chosen))))])


def _references(contents: Contents) -> Iterator[Finding]:
    texts = []
    for chip in contents.chips:
        group = f"arrays/{chip}/reference"
        if contents.has(f"{group}/parallel_amperes"):
            usable = contents.read(f"{group}/outcome") == 0
            high, low = (contents.read(f"{group}/{name}_amperes")[usable] for name in ("parallel", "antiparallel"))
            texts.append(f"{chip} {_spread(100 * (high - low) / low, '%', 1)}, {usable.sum()} of {usable.size} usable")
    if texts:
        yield f"Contrast (P - AP) / AP of the read currents, {_OF_CELLS}", texts


def _spread(values: ArrayLike, unit: str, digits: int) -> str:
    """Return the median with the 5th and 95th percentile of the values that are numbers."""
    finite = np.asarray(values, float)[np.isfinite(values)]
    if not finite.size:
        return "unknown"
    low, middle, high = (f"{each:.{digits}f}" for each in np.percentile(finite, (5, 50, 95)))
    return f"{middle} {unit} ({low} to {high})"


def _loops(contents: Contents, group: str) -> str:
    volts = [contents.read(f"{group}/to_{name}_volts") for name in ("parallel", "antiparallel")]
    both = int(np.isfinite(volts).all(axis=0).sum())
    taken = len(contents.read(f"{group}/cells")) if contents.has(f"{group}/cells") else volts[0].size
    parts = [f"{text} {_spread(each, 'V', 3)}" for text, each in zip(_TOWARDS, volts, strict=True)]
    return f"{', '.join(parts)}, {both} of {counted(taken)} cells both ways"


def _medians(contents: Contents, group: str) -> str:
    volts = contents.read(f"{group}/median_volts")
    middle = len(contents.read(f"{group}/width")) // 2
    return ", ".join(f"{text} {_spread(volts[d, :, middle], 'V', 3)}" for d, text in enumerate(_TOWARDS))


def _medians_what(contents: Contents, group: str) -> str:
    width = contents.read(f"{group}/width")
    where = "across the cell" if contents.attributes(group).get("voltage") == "cell" else "between the lines"
    return f"V50 {where} at {width[len(width) // 2]:g} s, {_OF_CELLS}"


def _write_errors(contents: Contents, group: str) -> str:
    volts, rates = contents.read(f"{group}/volts"), _pooled(contents, group)
    parts = []
    for direction, text in enumerate(_TOWARDS):
        best = int(rates["high"][direction].argmin())
        rate, low, high = (float(rates[name][direction, best]) for name in ("rate", "low", "high"))
        value = f"below {high:.2g}" if rate == 0 else f"{rate:.2g} ({low:.2g} to {high:.2g})"
        parts.append(f"{text} {value} at {volts[best]:g} V")
    return ", ".join(parts)


def _pooled(contents: Contents, group: str) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    return {name: contents.read(f"{group}/pooled_{name}") for name in ("rate", "low", "high")}


def _disturb(contents: Contents, group: str) -> str:
    lost, kinds = lost_of(contents, group), contents.read(f"{group}/kind").astype(str)
    worst = np.unravel_index(int(lost.high[..., -1].argmax()), lost.high.shape[:-1])
    kind, direction = (int(each) for each in worst)
    return f"{kinds[kind]} {_TOWARDS[direction]} {fraction_text(lost, (kind, direction, -1))}"


def _retention(contents: Contents, group: str) -> str:
    lost = lost_of(contents, group)
    return ", ".join(f"{text} {fraction_text(lost, (d, -1))}" for d, text in enumerate(_TOWARDS))


def _noise(contents: Contents, group: str) -> str:
    noisy, judged = (int(contents.read(f"{group}/{name}").sum()) for name in ("noisy", "judged"))
    return f"{_spread(100 * contents.read(f'{group}/rms'), '%', 3)}, {noisy} of {judged} cells noisy"


def _endurance(contents: Contents, group: str) -> str:
    broken = contents.read(f"{group}/broken_at")
    gone = int((broken >= 0).sum())
    share = one_trial_of_each(np.array([gone]), len(broken))
    return f"{gone} of {len(broken)}, of the family {fraction_text(share, (0,))}"


def _always(what: str) -> Callable[[Contents, str], str]:
    return lambda contents, group: what  # noqa: ARG005 - others need both


_MAIN: dict[str, tuple[Callable[[Contents, str], str], Callable[[Contents, str], str]]] = {
    "hysteresis": (_always(f"Switching voltages, {_OF_CELLS}"), _loops),
    "switching": (_medians_what, _medians),
    "write_errors": (_always("Lowest write error rate, mean over the cells tested (95 % interval)"), _write_errors),
    "disturb": (
        lambda contents, group: (
            f"Cells of the family lost after {exposures_of(contents, group):g} half-selects at "
            f"{contents.read(f'{group}/volts')[-1]:g} V, in the worst case (95 % interval)"
        ),
        _disturb,
    ),
    "retention": (
        lambda contents, group: (
            f"Cells of the family lost after {contents.read(f'{group}/seconds')[0, -1]:.4g} s (95 % interval)"
        ),
        _retention,
    ),
    "noise": (_always(f"Noise of the reads, rms over mean, {_OF_CELLS}"), _noise),
    "endurance": (
        lambda contents, group: (
            f"Cells broken down within {int(contents.read(f'{group}/cycles')[-1])} cycles (95 % interval)"
        ),
        _endurance,
    ),
}
"""by group: what the figures are, and the figures"""
