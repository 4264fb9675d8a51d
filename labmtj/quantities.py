"""The values that procedures, crossbars and the record exchange: all frozen, SI inside, units in the names.

Lines are counted rows first, then columns: line `i` is row `i`, line `rows + j` is column `j`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntFlag
from functools import cached_property, partial
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labmtj.brief import brief
from labmtj.errors import Instead, UsageError
from labmtj.pulsewidths import ANY_WIDTH, PulseWidths

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
FLOATING = float("nan")
"""The voltage of a line that is connected to nothing."""


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One junction: zero-based row and column."""

    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines whose currents are read: zero-based rows and columns, in the order of the answer."""

    rows: tuple[int, ...] = ()
    columns: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.rows) + len(self.columns)

    def indices(self, shape: tuple[int, int]) -> NDArray[np.intp]:
        """Return the line numbers, rows first, columns shifted by the number of rows.

        Raises UsageError for a line outside `shape`, and for one that is named twice, which no bench can read at once.
        """
        for name, chosen, count in (("row", self.rows, shape[0]), ("column", self.columns, shape[1])):
            outside = [index for index in chosen if not 0 <= index < count]
            if outside:
                raise UsageError(f"{name} {outside[0]} does not exist: the array has {name}s 0 to {count - 1}")
            if len(set(chosen)) < len(chosen):
                twice = next(index for index in chosen if chosen.count(index) > 1)
                raise UsageError(f"{name} {twice} is named twice among the lines to read; name it once")
        return np.array([*self.rows, *(shape[0] + column for column in self.columns)], dtype=np.intp)


class Bias:
    """The voltage on every line at once, NaN = floating; optionally a batch of such biases.

    Args:
        row_volts: shape (rows,) or (batch, rows).
        column_volts: shape (columns,) or (batch, columns).
        ordered: False if a bench may apply the batch in another order, to move fewer relays.

    Raises:
        UsageError: for shapes that do not match, infinite voltages, or an empty batch.
    """

    __slots__ = ("batched", "line_volts", "ordered", "shape")

    line_volts: FloatArray
    """(batch, rows + columns), read-only; batch is 1 for a single bias."""
    shape: tuple[int, int]
    """rows and columns"""
    batched: bool
    """whether it was given as a batch, even of one"""
    ordered: bool

    def __init__(self, row_volts: ArrayLike, column_volts: ArrayLike, *, ordered: bool = True) -> None:
        rows, columns = np.asarray(row_volts, float), np.asarray(column_volts, float)
        if rows.ndim not in (1, 2) or columns.ndim not in (1, 2) or rows.size == 0 or columns.size == 0:
            raise UsageError(f"a bias needs (rows,) or (batch, rows) voltages; got {rows.shape} and {columns.shape}")
        try:
            batch = np.broadcast_shapes(rows.shape[:-1], columns.shape[:-1])
        except ValueError:
            raise UsageError(
                f"row and column voltages of a bias differ in batch: {rows.shape} and {columns.shape}"
            ) from None
        volts = np.concatenate(
            [np.broadcast_to(rows, (*batch, rows.shape[-1])), np.broadcast_to(columns, (*batch, columns.shape[-1]))],
            axis=-1,
        )
        self._set(np.atleast_2d(volts), (rows.shape[-1], columns.shape[-1]), batched=bool(batch), ordered=ordered)

    def _set(self, line_volts: FloatArray, shape: tuple[int, int], *, batched: bool, ordered: bool) -> None:
        if np.isinf(line_volts).any():
            raise UsageError("a bias holds an infinite voltage; use NaN for a floating line")
        line_volts.flags.writeable = False
        for name, value in (("line_volts", line_volts), ("shape", shape), ("batched", batched), ("ordered", ordered)):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Bias is frozen; build a new one instead of setting {name}")

    def __reduce__(self) -> tuple[Callable[..., Bias], tuple[FloatArray, tuple[int, int]]]:
        volts = self.line_volts if self.batched else self.line_volts[0]
        return partial(Bias.from_lines, ordered=self.ordered), (volts, self.shape)

    @classmethod
    def from_lines(cls, line_volts: ArrayLike, shape: tuple[int, int], *, ordered: bool = True) -> Self:
        """Return a bias from voltages (rows + columns,) or (batch, rows + columns), rows first.

        Raises:
            UsageError: for another number of voltages.
        """
        volts = np.array(line_volts, float)
        if volts.ndim not in (1, 2) or volts.size == 0 or volts.shape[-1] != sum(shape):
            raise UsageError(
                f"a bias of a {shape[0]} x {shape[1]} array needs {sum(shape)} line voltages; got {volts.shape}"
            )
        self = cls.__new__(cls)
        self._set(np.atleast_2d(volts), shape, batched=volts.ndim == 2, ordered=ordered)
        return self

    @property
    def row_volts(self) -> FloatArray:
        """Volts of the rows, (batch, rows)."""
        return self.line_volts[:, : self.shape[0]]

    @property
    def column_volts(self) -> FloatArray:
        """Volts of the columns, (batch, columns)."""
        return self.line_volts[:, self.shape[0] :]

    def __len__(self) -> int:
        return len(self.line_volts)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Bias)
            and (self.shape, self.batched, self.ordered) == (other.shape, other.batched, other.ordered)
            and np.array_equal(self.line_volts, other.line_volts, equal_nan=True)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        driven = (
            "all lines floating"
            if np.isnan(self.line_volts).all()
            else f"{np.nanmin(self.line_volts):g} to {np.nanmax(self.line_volts):g} V"
        )
        return f"Bias({len(self)} x {self.shape[0]}+{self.shape[1]} lines, {driven})"


LONGEST_SECONDS = 3600.0
"""of an aperture or a settle time (a choice): what is longer is a slip of the pen"""
MOST_REPEATS = 1_000_000
"""of a reading (a choice)"""
Polarity = Literal["given", "both"]


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """How a current is measured.

    With polarity "both" each bias is applied as given and with every sign reversed, and the odd part is the answer:
    offsets of the meter cancel, and the disturb of a read is balanced.

    Raises:
        UsageError: for times, repeats or a range that no reading can have.
    """

    aperture_seconds: float = 0.02
    settle_seconds: float = 0.001
    range_amperes: float | None = None
    """Full scale of a fixed range (the smallest range that holds it is taken), or None for autorange.

    Per value, that is; with polarity "both" one range for all shots of a line under a bias, because each range has its
    offset.
    """
    repeats: int = 1
    polarity: Polarity = "given"

    def __post_init__(self) -> None:
        if not (0 < self.aperture_seconds < float("inf") and 0 <= self.settle_seconds < float("inf")):
            raise UsageError(
                f"aperture_seconds = {self.aperture_seconds}, settle_seconds = {self.settle_seconds}: a reading needs "
                "an aperture above 0 s and a settling time of 0 s or more, both finite"
            )
        if max(self.aperture_seconds, self.settle_seconds) > LONGEST_SECONDS:
            raise UsageError(
                f"aperture_seconds = {self.aperture_seconds:g}, settle_seconds = {self.settle_seconds:g}: a reading "
                f"takes up to {LONGEST_SECONDS:g} s each; average over repeats for more"
            )
        if not 1 <= self.repeats <= MOST_REPEATS:
            raise UsageError(f"repeats = {self.repeats}: a reading needs 1 to {MOST_REPEATS}")
        if self.range_amperes is not None and not 0 < self.range_amperes < float("inf"):
            raise UsageError(f"range_amperes = {self.range_amperes} is not a current range; use None for autorange")

    @property
    def signs(self) -> FloatArray:
        """The sign of every shot, shape (shots,): shots = repeats, or 2 x repeats with polarity "both"."""
        once = np.array([1.0]) if self.polarity == "given" else np.array([1.0, -1.0])
        return np.tile(once, self.repeats)


class Flag(IntFlag):
    """What was wrong with a value."""

    COMPLIANCE = 1
    """the source limited: the voltage asked for did not reach the line"""
    OVERFLOW = 2
    """the current is beyond the range; INVALID comes with it, because meters report neither value nor sign"""
    INVALID = 4
    """there is no value (NaN)"""
    UNKNOWN = 8
    """a pulse of unknown outcome: what is recorded of it are upper bounds"""
    BEYOND_LIMITS = 16
    """as delivered it went beyond a limit of time, energy or voltage; of an unknown pulse: it may have"""


@brief
@dataclass(frozen=True, eq=False)
class Currents:
    """What `Crossbar.measure` answers; every array has shape (batch, shots, lines) or broadcasts to it."""

    raw_amperes: FloatArray
    """out of the array into the meter of the line, before signs are folded; NaN where `flags` say INVALID"""
    flags: NDArray[np.uint8]
    range_amperes: FloatArray
    start_seconds: FloatArray
    """clock of the crossbar when the aperture opened"""
    volts: FloatArray
    """delivered at the line while it was read"""
    signs: FloatArray
    """(shots,)"""
    held_seconds: FloatArray | None = None
    """(batch, shots) how long each bias was held, at most; None if that is as was asked for"""

    @cached_property
    def amperes(self) -> FloatArray:
        """Odd part over the shots, (batch, lines): the mean of sign x raw value."""
        return np.asarray(np.einsum("bsl,s->bl", self.raw_amperes, self.signs / len(self.signs)), float)

    def bounded_amperes(self, sign: float) -> FloatArray:
        """Return `amperes` with the end of the range instead of what lies beyond, (batch, lines).

        For currents of a known sign that are compared with something well within the range, such as those of cells.
        """
        beyond = (self.flags & Flag.OVERFLOW).any(axis=1)
        ends = np.broadcast_to(self.range_amperes, self.raw_amperes.shape).max(axis=1)
        return np.where(beyond, np.copysign(ends, sign), self.amperes)

    def part(self, lines: slice) -> Currents:
        """Return the answer for some of the lines."""
        whole = self.raw_amperes.shape
        if lines.indices(whole[2]) == (0, whole[2], 1):
            return self

        def some(array: NDArray[Any]) -> NDArray[Any]:
            return np.broadcast_to(array, whole)[:, :, lines]

        return Currents(
            some(self.raw_amperes), some(self.flags), some(self.range_amperes),
            some(self.start_seconds), some(self.volts), self.signs, self.held_seconds,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.raw_amperes)


@brief
@dataclass(frozen=True, eq=False)
class Waveform:
    """Voltages of every line in steps of constant value: what a pulse is and what a bench delivered.

    Batched like a bias: `step_seconds` is (batch, steps), `line_volts` is (batch, steps, lines), NaN = floating.
    """

    step_seconds: FloatArray
    line_volts: FloatArray

    @classmethod
    def square(cls, bias: Bias, seconds: float) -> Self:
        """Return one step of `seconds` at the bias, for each bias of the batch."""
        return cls(np.full((len(bias), 1), seconds), bias.line_volts[:, np.newaxis, :])


@brief
@dataclass(frozen=True, eq=False)
class Pulse:
    """What `Crossbar.pulse` answers: as asked for, and as delivered."""

    bias: Bias
    seconds: float
    start_seconds: FloatArray
    """(batch,) clock of the crossbar at the first edge"""
    delivered: Waveform
    flags: NDArray[np.uint8]
    """(batch, lines)"""


@dataclass(frozen=True, slots=True)
class Limits:
    """What cells, lines and sources survive; checked before anything is applied.

    Raises:
        UsageError: for a limit that is not a positive number.
    """

    cell_volts: float = 0.9
    """largest voltage across any cell"""
    line_amperes: float = 0.02
    """compliance of every source; no line may need more with all its cells in P"""
    pulse_seconds: float = 0.1
    """longest pulse; also the longest time in one go at voltages that may disturb a cell, over all shots and biases"""
    disturb_volts: float = 0.15
    """a bias whose lines differ by no more than this disturbs no cell"""
    pulse_joules: float = 1e-4
    """largest energy of one pulse, or of one reading at voltages that may disturb, into one cell (assumed: 0.9 V across
    1 kohm for 0.1 s are 8e-5 J)"""
    pulses_per_cell: int = 1_000_000
    """pulses above half of `cell_volts` in the life of a cell (assumed; a campaign of 300 solutions takes some 1e3)"""
    closures_per_relay: int = 10_000_000
    """in the life of a relay (assumed: a tenth of the 1e8 cold closures of data sheets; from memory, unverified)"""

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if not 0 < getattr(self, name) < float("inf"):
                raise UsageError(f"limit {name} = {getattr(self, name)} must be a positive number")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a crossbar cannot give a bias, and what can be done instead."""

    reason: str
    remedy: str
    instead: Instead | None = None
    """the value that is refused and one that works, where a single one decides"""

    def __str__(self) -> str:
        return f"{self.reason}; {self.remedy}"


@brief
@dataclass(frozen=True, eq=False)
class ArrayInfo:
    """What is known of an array by design or calibration, before it is measured."""

    name: str
    """of the device family, such as "50nm" """
    shape: tuple[int, int]
    delta_siemens: float
    """nominal conductance step of one cell: of a junction P minus AP, else from the lowest state to the highest"""
    antiparallel_siemens: float
    """nominal conductance of a cell in AP, or in its lowest state"""
    diameter_metres: float
    delivered_fraction: FloatArray
    """(rows, columns): part of a selected cell's voltage that the wires leave to it, nominal cells in a checkerboard"""
    limits: Limits = Limits()
    chips: int | None = None
    """how many of them the bench holds; None = as many as are asked for"""
    health: NDArray[np.uint8] | None = None
    """(rows, columns) the `Health` of each cell as earlier runs found it; None if there are none"""
    short_pulses: bool = False
    """whether pulses may be simulated that are so short that the switching law is wrong"""
    pulse_widths: PulseWidths = ANY_WIDTH
    """for which the switching law of a simulation holds"""
    states: tuple[str, ...] = ("AP", "P")
    """names of the states of a cell, by number"""


@brief
@dataclass(frozen=True, slots=True)
class ChipGroup:
    """A set of arrays that one part of a campaign works on, independent of all other stations."""

    name: str
    arrays: tuple[str, ...]
    """names of the chips, each a crossbar of the bench"""
    info: ArrayInfo
