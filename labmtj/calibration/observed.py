"""What a log says of one chip: every answer to a bias, when the chip was pulsed, and what was assumed of it before.

It comes from `data.h5` alone. Of the settings that lie in the file only the array file that the run was made with is
used: as what was assumed. A virtual bench also knows what its chip was drawn from; that is never looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labmtj import yamlfile
from labmtj.arrays import ArrayDescription
from labmtj.brief import brief
from labmtj.errors import ConfigError, DataError
from labmtj.quantities import BoolArray, Flag, FloatArray
from labmtj.reading.opening import open_recorded
from labmtj.record import DataFile

_NEEDED = (
    "amperes", "flags", "range_amperes", "row_volts", "column_volts", "sign", "shot", "start_seconds", "purpose",
    "solution", "line",
)  # fmt: skip
MOST_READS, MOST_STRETCHES = 1_000_000, 100_000
"""shots of one chip, and stretches between pulses, that are held in memory: up to 1 GB of a 15 x 15 array each"""
_BLOCK = 65_536
"""shots that are read from the file at once"""


@brief
@dataclass(frozen=True, eq=False)
class Answers:
    """What lines answered to biases, one row per bias: the shots of each folded into one value."""

    volts: FloatArray
    """(answers, lines) asked for, rows first, sign of a shot taken out; NaN = floating"""
    lines: NDArray[np.intp]
    """(read,) the lines that the columns of the other arrays stand for"""
    amperes: FloatArray
    """(answers, read) out of the line, mean of sign times shot; NaN where not read, or not to be trusted"""
    rest_amperes: FloatArray
    """(answers, read) the part that does not change sign with the bias; NaN where only one sign was measured"""
    scatter_amperes: FloatArray
    """(answers, read) rms of one shot about the two; NaN where there were not enough shots"""
    both: BoolArray
    """(answers,) whether both signs were measured"""
    range_amperes: FloatArray
    """(answers, read)"""
    shots: NDArray[np.intp]
    """(answers,)"""
    start_seconds: FloatArray
    """(answers,) of the first shot"""
    purpose: NDArray[np.intp]
    solution: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.volts)

    def part(self, chosen: Any) -> Answers:
        """Return some of the answers."""
        names = [name for name in self.__dataclass_fields__ if name != "lines"]
        return Answers(**{name: getattr(self, name)[chosen] for name in names}, lines=self.lines)


@brief
@dataclass(frozen=True, eq=False)
class Observed:
    """The record of one chip."""

    path: Path
    run: str
    procedure: str
    chip: str
    """its name in the run"""
    label: str
    """as the bench file says; empty where it does not say"""
    assumed: ArrayDescription
    columns: Answers
    rows: Answers
    disturbed_seconds: FloatArray
    """(events,) rising: whenever the chip was pulsed, or held at a bias that may disturb a cell"""
    polarity: int | None = None
    """that the run measured: +1 if a row positive against its column drives AP to P; None: it measured none"""
    left_out: int = 0
    """shots that were not looked at, where there are very many: those of the stretches in which least was read"""

    @property
    def answers(self) -> tuple[Answers, Answers]:
        """Reads of columns, and of rows."""
        return self.columns, self.rows


def chips_of(data: DataFile) -> list[str]:
    """Return the names of the chips that something was read of."""
    groups = [group.split("/") for group in data.tree() if group.startswith("arrays/") and group.endswith("/reads")]
    return [parts[1] for parts in groups if len(parts) == 3]


def chips_to_calibrate(path: Path, chip: str | None, alone: str = "") -> Sequence[str | None]:
    """Return the chip that was asked for, else all chips of a data file; None stands for a missing one.

    Raises:
        DataError: several, where an option `alone` is of one chip.
    """
    if chip is not None:
        return [chip]
    with open_recorded(path) as data:
        known = chips_of(data)
    if alone and len(known) > 1:
        names = ", ".join(known[:20])
        raise DataError(f"{path} holds {len(known)} chips, and {alone} is of one; name it with --chip: {names}")
    return known or [None]


def observed(path: Path, chip: str | None = None, on: ArrayDescription | None = None) -> Observed:
    """Return what a data file says of a chip; of its only one if none is named.

    Args:
        path: the data file.
        chip: its name in the run.
        on: what is assumed of the chip, instead of the array file that the run was made with.

    Raises:
        DataError: for a file that is missing, foreign, newer or damaged, a chip that it does not know or that was not
            read, and numbers that are none where there must be some.
    """
    with open_recorded(path) as data:
        known = chips_of(data)
        if not known:
            raise DataError(f"{path} holds no reads of any chip; `labmtj run reference` makes the first ones")
        if chip is None and len(known) > 1:
            raise DataError(f"{path} holds {len(known)} chips; name one with --chip: {', '.join(known[:20])}")
        chosen = known[0] if chip is None else chip
        if chosen not in known:
            raise DataError(f"{path} knows no chip {chosen!r}; it holds {', '.join(known[:20])}")
        seen = _observed(data, path, chosen)
    if on is None:
        return seen
    check_same_chip(on, seen)
    return replace(seen, assumed=on)


def _observed(data: DataFile, path: Path, chip: str) -> Observed:
    run, root = _run_yaml(data), data.attributes()
    assumed = _assumed(path, run, chip)
    pulses = f"arrays/{chip}/pulses"
    pulsed = np.sort(data.read(f"{pulses}/start_seconds")) if pulses in data.tree() else np.empty(0)
    columns, left_out = _answers(data, f"arrays/{chip}/reads", assumed.shape, pulsed)
    rows, also_left_out = _answers(data, f"arrays/{chip}/row_reads", assumed.shape, pulsed)
    if not len(columns) + len(rows):
        long = f" but series of more than {MOST_READS} shots" if left_out + also_left_out else ""
        raise DataError(f"{path} holds no reads of chip {chip}{long}; `labmtj run reference` makes the first ones")
    hot = [
        each.start_seconds[_spread(each.volts) > assumed.limits.disturb_volts * (1 + 1e-9)] for each in (columns, rows)
    ]
    label = data.attributes("bench").get("chip_id", "") if "bench" in data.tree() else ""
    return Observed(
        path, str(root.get("run", "unnamed run")), str(run.get("procedure", "")), chip, str(label), assumed,
        columns, rows, np.sort(np.concatenate([pulsed, *hot])), _polarity(data, path, chip), left_out + also_left_out,
    )  # fmt: skip


def _polarity(data: DataFile, path: Path, chip: str) -> int | None:
    """Return the polarity that procedures recorded of a chip; DataError if they contradict each other."""
    groups = [group for group in data.tree() if group.startswith(f"arrays/{chip}/")]
    found = {group: data.attributes(group).get("polarity") for group in groups}
    recorded = {group: int(value) for group, value in found.items() if value in (-1, 1)}
    if len(set(recorded.values())) > 1:
        each = ", ".join(f"{group} {value:+d}" for group, value in recorded.items())
        raise DataError(
            f"{path}: chip {chip} has more than one polarity: {each}; rows and columns were exchanged during the run"
        )
    return next(iter(recorded.values()), None)


def check_same_chip(on: ArrayDescription, seen: Observed) -> None:
    """Raise DataError for an array file that contradicts a log: of another chip, or another polarity."""
    known, shape = {seen.label, seen.chip} - {""}, seen.assumed.shape
    if on.shape != shape:
        raise DataError(
            f"array file {on.name} has {on.shape} cells, the chip of {seen.run} {shape}: it is of another chip"
        )
    if on.cells is not None and on.cells.chip and on.cells.chip not in known:
        raise DataError(
            f"array file {on.name} is of chip {on.cells.chip!r}, the log of {' or '.join(sorted(map(repr, known)))}; "
            "take the file of that chip, or a log of this one"
        )
    if seen.polarity is not None and seen.polarity != on.polarity:
        raise DataError(
            f"array file {on.name} says polarity {on.polarity:+d}, run {seen.run} measured {seen.polarity:+d} on chip "
            f"{seen.chip}: rows and columns are exchanged, or the file is of another chip; correct polarity in the "
            "file if the wiring is that of the run, or calibrate without --on"
        )


def _run_yaml(data: DataFile) -> dict[str, Any]:
    text = data.attributes("provenance").get("run_yaml") if "provenance" in data.tree() else None
    if not isinstance(text, str):
        raise DataError(f"{data.path} does not say what it was made with: its run.yaml is missing (provenance)")
    try:
        return yamlfile.loads(text, "run.yaml").content
    except ConfigError as error:
        raise DataError(f"{data.path}: the run.yaml in it cannot be read: {error}") from error


def _assumed(path: Path, run: Mapping[str, Any], chip: str) -> ArrayDescription:
    """Return the array file that was given for the chip: on a virtual bench that of the bench it stands for."""
    bench = run.get("bench")
    bench = bench if isinstance(bench, dict) else {}
    if isinstance(of := bench.get("of", bench if bench.get("kind") == "instruments" else None), dict):
        found = of.get("chip", {}).get("array") if isinstance(of.get("chip"), dict) else None
    else:
        arrays = bench.get("arrays")
        named = (
            [each for name, each in arrays.items() if chip.startswith(f"{name}-")] if isinstance(arrays, dict) else []
        )
        found = max(named, key=lambda each: len(str(each.get("name", ""))), default=None)
    if not isinstance(found, dict):
        raise DataError(f"{path} does not say of which array file chip {chip} is (bench in its run.yaml)")
    try:
        return ArrayDescription.from_mapping(found)
    except ConfigError as error:
        raise DataError(f"{path}, array file of chip {chip}: {error}"[:800]) from error


def _answers(data: DataFile, path: str, shape: tuple[int, int], pulsed_seconds: FloatArray) -> tuple[Answers, int]:
    """Return the reads of a table by bias, and how many were left out; shots of a bias follow each other, from 0."""
    if path not in (tree := data.tree()):
        return _none(shape), 0
    if missing := [name for name in _NEEDED if name not in tree[path]]:
        raise DataError(f"{data.path}: {path} has no {missing[0]}: it was written by another version of labmtj")
    if not (count := data.kind(f"{path}/shot").shape[0]):
        return _none(shape), 0
    chosen = _fullest(_begun(data, path, count), pulsed_seconds)
    if not chosen.any():
        return _none(shape), count
    found = {name: _shots(data, f"{path}/{name}", chosen) for name in _NEEDED if name != "line"}
    volts = np.concatenate([found["row_volts"], found["column_volts"]], axis=1).astype(float)
    names = data.read(f"{path}/line")
    if volts.shape[1] != sum(shape) or len(names) != found["amperes"].shape[1]:
        raise DataError(f"{data.path}: {path} is of an array of another shape than {shape[0]} x {shape[1]}")
    lines = np.array([_line(str(name), shape, data.path) for name in names], np.intp)
    return _folded(found, volts, lines), int((~chosen).sum())


def _begun(data: DataFile, path: str, count: int) -> FloatArray:
    """Return when each shot began, (shots,)."""
    parts = [data.part(f"{path}/start_seconds", slice(at, at + _BLOCK)) for at in range(0, count, _BLOCK)]
    return np.concatenate([np.where(np.isnan(each), np.inf, each).min(axis=1) for each in parts])


def _fullest(begun_seconds: FloatArray, pulsed_seconds: FloatArray) -> BoolArray:
    """Return which shots are looked at: all, or those of the stretches between pulses in which most was read."""
    _, stretch, size = np.unique(
        np.searchsorted(pulsed_seconds, begun_seconds, side="right"), return_inverse=True, return_counts=True
    )
    order = np.argsort(-size, kind="stable")
    order = order[size[order] <= MOST_READS][:MOST_STRETCHES]  # one that is larger, such as a noise series, is no map
    return np.asarray(np.isin(stretch, order[np.cumsum(size[order]) <= MOST_READS]), bool)


def _shots(data: DataFile, path: str, chosen: BoolArray) -> NDArray[Any]:
    """Return an array of some shots, read block by block."""
    blocks = range(0, len(chosen), _BLOCK)
    return np.concatenate([data.part(path, slice(at, at + _BLOCK))[chosen[at : at + _BLOCK]] for at in blocks])


def _folded(found: Mapping[str, NDArray[Any]], volts: FloatArray, lines: NDArray[np.intp]) -> Answers:
    first = np.flatnonzero(found["shot"] == 0)
    shots = np.diff(np.append(first, len(found["shot"])))
    sign = found["sign"].astype(float)[:, np.newaxis]
    bad = (found["flags"] & (Flag.COMPLIANCE | Flag.INVALID | Flag.OVERFLOW)) != 0
    scale = found["range_amperes"]
    bad |= np.repeat(np.maximum.reduceat(scale, first) > np.minimum.reduceat(scale, first), shots, axis=0)  # two ranges
    amperes = np.where(bad, np.nan, found["amperes"])
    count = shots[:, np.newaxis]
    odd, even = (np.add.reduceat(each, first, axis=0) / count for each in (sign * amperes, amperes))
    both = np.add.reduceat(sign, first, axis=0) == 0
    spare = count - np.where(both, 2, 1)
    square = np.add.reduceat(amperes**2, first, axis=0) - count * (odd**2 + np.where(both, even**2, 0.0))
    scatter = np.sqrt(np.maximum(square, 0.0) / np.where(spare > 0, spare, np.nan))
    # at 0 V there is no sign: the whole reading is what does not change with it
    even = np.where(both | (volts[first] == 0.0).all(axis=1, keepdims=True), even, np.nan)
    begun = np.where(np.isnan(found["start_seconds"]), np.inf, found["start_seconds"]).min(axis=1)
    return Answers(
        volts[first] * sign[first], lines, odd, even, scatter, both[:, 0],
        found["range_amperes"][first].astype(float), shots, begun[first],
        found["purpose"][first].astype(np.intp), found["solution"][first].astype(np.intp),
    )  # fmt: skip


def _none(shape: tuple[int, int]) -> Answers:
    nothing, none, whole = np.empty((0, 0)), np.empty(0), np.empty(0, np.intp)
    volts, both = np.empty((0, sum(shape))), whole.astype(bool)
    return Answers(volts, whole, nothing, nothing, nothing, both, nothing, whole, none, whole, whole)


def _line(name: str, shape: tuple[int, int], path: Path) -> int:
    if name[:1] in ("r", "c") and name[1:].isdigit() and int(name[1:]) < shape[name[0] == "c"]:
        return int(name[1:]) + (shape[0] if name[0] == "c" else 0)
    raise DataError(f"{path} holds reads of a line {name[:20]!r} that a {shape[0]} x {shape[1]} array does not have")


def _spread(volts: FloatArray) -> FloatArray:
    """Return the largest voltage between two lines of every bias, floating ones aside."""
    known = np.where(np.isnan(volts), 0.0, volts)
    return np.asarray(known.max(axis=1, initial=0.0) - known.min(axis=1, initial=0.0), float)


def driven_alone(answers: Answers) -> tuple[NDArray[np.intp], BoolArray]:
    """Return the line that alone is not at 0 V (-1 for none) of every answer, and whether there is one."""
    off = answers.volts != 0.0  # a floating line counts as driven: such a bias separates no cells
    alone = off.sum(axis=1) == 1
    line = np.where(alone, off.argmax(axis=1), -1)
    return line.astype(np.intp), np.asarray(alone & ~np.isnan(answers.volts).any(axis=1), bool)
