"""Settings against what an array survives and has: refused with their key, before the first volt.

    class Blink(Settings):
        volts: CellVolts = Field(0.5, description="of each pulse")
        widths_seconds: Annotated[list[float], Within("pulse_seconds")] = Field([1e-3], description="one after another")

`Blink().check(array)` raises SettingError for a voltage, or a width, that the array does not survive.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import Field

from labmtj.errors import SettingError, UsageError
from labmtj.quantities import ArrayInfo
from labmtj.safety import ROUNDING_VOLTS
from labmtj.strictmodel import StrictModel
from labmtj.verbs import Crossbar

Key = tuple[str, ...]
Limited = ArrayInfo | Crossbar
"""whose limits count: an array by design, or, where a procedure is executed by hand, the crossbar itself"""
Place = Annotated[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]], Field(strict=False)]
"""row and column of a cell"""


@runtime_checkable
class Bound(Protocol):
    """An annotation of a setting: what it must be for an array."""

    def check(self, array: Limited, key: Key, value: object) -> None:
        """Raise SettingError if the value is not."""
        ...


@dataclass(frozen=True)
class Within:
    """A number, or each of a list, lies above 0 and within a limit of the array."""

    limit: Literal["cell_volts", "disturb_volts", "pulse_seconds"]

    def check(self, array: Limited, key: Key, value: float | Sequence[float]) -> None:
        """Raise SettingError if it does not, or a simulation refuses the width.

        A simulated array warns of widths below 1 us when it is pulsed; for one of instruments it is done here.
        """
        unit, noun, more = _LIMITS[self.limit]
        for each in value if isinstance(value, Sequence) else (value,):
            if each <= 0:
                raise SettingError(key, f"{each:g} {unit}: the {noun} must be above 0")
            if self.limit == "pulse_seconds" and isinstance(array, ArrayInfo):
                try:
                    array.pulse_widths.check(each, allowed=array.short_pulses, where=f"array {array.name}")
                except UsageError as error:
                    raise SettingError(key, str(error)) from None
            largest = getattr(array.limits, self.limit)
            if each > largest + ROUNDING_VOLTS:
                limit = f"limits.{self.limit} of array {name_of(array)}{more}"
                raise SettingError(key, f"{each:g} {unit} exceeds {largest:g} {unit} ({limit}); lower it")


_LIMITS = {
    "cell_volts": ("V", "amplitude", ""),
    "disturb_volts": ("V", "read voltage", ", above which a read may disturb"),
    "pulse_seconds": ("s", "width", ""),
}
CellVolts = Annotated[float, Field(gt=0), Within("cell_volts")]
"""across a cell"""
ReadVolts = Annotated[float, Field(gt=0), Within("disturb_volts")]
"""that disturb no cell"""
PulseSeconds = Annotated[float, Field(gt=0, le=3600), Within("pulse_seconds")]
ApertureSeconds = Annotated[float, Field(gt=0, le=3600)]


@dataclass(frozen=True)
class ForEachStateBetween:
    """One voltage for each state between the lowest and the highest, all within limits.cell_volts."""

    def check(self, array: Limited, key: Key, value: Sequence[float]) -> None:
        """Raise SettingError if there are more or fewer, or a cell does not survive one."""
        Within("cell_volts").check(array, key, value)
        if isinstance(array, ArrayInfo) and len(value) != len(array.states) - 2:
            between = ", ".join(array.states[1:-1]) or "none"
            raise SettingError(
                key,
                f"has {len(value)} values; the states of array {array.name} between its lowest and its highest: "
                f"{between}; give one voltage for each",
            )


VoltsBetween = Annotated[list[Annotated[float, Field(gt=0)]], ForEachStateBetween()]


@dataclass(frozen=True)
class OnArray:
    """Cells by row and column that the array has; None and "all" name none of their own."""

    def check(self, array: Limited, key: Key, value: Sequence[tuple[int, int]] | str | None) -> None:
        """Raise SettingError for an empty list, or a cell that the array does not have."""
        rows, columns = array.shape
        places = () if value is None or isinstance(value, str) else value
        if value is not None and not value:
            raise SettingError(key, "names no cell; name some, or give null")
        for row, column in places:
            if row >= rows or column >= columns:
                raise SettingError(
                    key, f"[{row}, {column}] is outside the {rows} x {columns} array; rows and columns count from 0"
                )


@dataclass(frozen=True)
class OnDiagonal:
    """A number of cells of which no two share a line."""

    def check(self, array: Limited, key: Key, value: int) -> None:
        """Raise SettingError for more than the array has."""
        if value > (most := min(array.shape)):
            raise SettingError(key, f"{value} cells are more than the {most} of which no two share a line; give fewer")


class Settings(StrictModel):
    """Base of the settings of procedures."""

    binary: ClassVar[str] = ""
    """what works on cells of two states alone, for the message; "" where any number does"""

    @property
    def unused(self) -> Collection[str]:
        """Settings that have no effect given the others, such as "write.parallel_volts": they are not checked."""
        return ()

    def check(self, array: Limited, *key: str, unused: Collection[str] = ()) -> None:
        """Compare every setting, and those within it, with what an array survives and has.

        Args:
            array: whose limits count.
            key: where the settings stand, for messages.
            unused: as in the property.

        Raises:
            SettingError: for the first that does not fit.
            UsageError: for cells of more states than two where two are needed.
        """
        if self.binary:
            check_binary(array, self.binary)
        unused = {*self.unused, *unused}
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if name in unused:
                continue
            for bound in field.metadata:
                if isinstance(bound, Bound):
                    bound.check(array, (*key, name), value)
            if isinstance(value, Settings):
                within = {each.removeprefix(f"{name}.") for each in unused if each.startswith(f"{name}.")}
                value.check(array, *key, name, unused=within)
        self.check_together(array, key)

    def check_together(self, array: Limited, key: Key) -> None:
        """Raise SettingError for settings that do not fit each other, or the array together."""


def check_binary(array: Limited, what: str) -> None:
    """Raise UsageError if a cell has other than two states."""
    if isinstance(array, ArrayInfo) and len(array.states) != 2:
        raise UsageError(
            f"{what} works on cells of two states; those of array {array.name} have {len(array.states)}: "
            f"{', '.join(array.states)}; `labmtj run patterns --amplitude null`, with between_volts in reference and "
            "write, writes any number"
        )


def check_pulses(array: Limited, key: Key, pulses: int) -> None:
    """Raise SettingError if one cell would get more pulses than in its life."""
    most = array.limits.pulses_per_cell
    if pulses > most:
        limit = f"limits.pulses_per_cell of array {name_of(array)}"
        raise SettingError(key, f"{pulses} pulses of a cell exceed {most} per cell ({limit}); lower it")


def name_of(array: Limited) -> str:
    """Return the name of an array, for messages."""
    return str(getattr(array, "name", "at hand"))
