"""Interfaces by ability, not by brand: a `Crossbar` is biased and read, a `Log` keeps results, units source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

from numpy.typing import ArrayLike

from labmtj.quantities import ArrayInfo, Bias, ChipGroup, Currents, Limits, Lines, Pulse, ReadSettings, Refusal
from labmtj.schema import Attribute, Purpose, Table, Tags, Variable
from labmtj.shots import DeliveredPulses, Identity, Pulses, ShotReadings, Shots, UnitFacts


class Clock(Protocol):
    """Seconds since the run began: monotonic time on a bench, booked time in a simulation."""

    def now(self) -> float:
        """Return the seconds since the clock was started."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait, or book the wait."""
        ...


class Crossbar(Protocol):
    """Lines that one can bias and read."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        ...

    @property
    def limits(self) -> Limits:
        """What cells and lines survive."""
        ...

    @property
    def clock(self) -> Clock:
        """The time base of every stamp."""
        ...

    def arm(self) -> None:
        """Make ready for the first bias; nothing to do where nothing can be live."""
        ...

    def refusal(self, bias: Bias, seconds: float = 0.0) -> Refusal | None:
        """Say why the bias (as a pulse, if `seconds` > 0) cannot be given, or None: ask before planning."""
        ...

    def measure(self, bias: Bias, lines: Lines, how: ReadSettings) -> Currents:
        """Hold the bias, settle, integrate the currents of the lines; a batch is answered as a whole.

        From shot to shot and bias to bias the lines step without a rest; they are at 0 V when it returns.
        """
        ...

    def pulse(self, bias: Bias, seconds: float) -> Pulse:
        """Apply the bias for `seconds` and return to zero, each of a batch, which is applied in its order."""
        ...

    def abort(self) -> None:
        """Stop what is running, from any thread."""
        ...

    def make_safe(self) -> None:
        """Bring every source to 0 V and every output off."""
        ...


class Instrument(Protocol):
    """A box on the bench. Connecting changes nothing; every complaint of the box is an InstrumentError."""

    @property
    def address(self) -> str:
        """VISA resource, for messages."""
        ...

    def identify(self) -> Identity:
        """Ask who answers; raise InstrumentError if it is another model or speaks another language than expected."""
        ...

    def self_test(self) -> list[str]:
        """Return what the box itself finds wrong (interlock, missing card, errors in its queue); changes no output."""
        ...

    def confirm(self) -> None:
        """Check that it is still the box that was identified and has kept its settings; InstrumentError if not."""
        ...

    def bounded_wait(self, seconds: float) -> AbstractContextManager[None]:
        """Within, lose no more than about this time on a box that does not answer, however often it is asked."""
        ...

    def abort(self) -> None:
        """Stop a running sequence, from any thread."""
        ...

    def send_safe(self) -> None:
        """Stop what runs and bring every output to 0 V and off, unasked: no answer is waited for, nothing raised.

        Relays stay: whether they may move is not known yet.
        """
        ...

    def make_safe(self) -> None:
        """Bring every channel to 0 V, then every output off; or open (or ground) every relay. Verified."""
        ...


class SourceMeasureUnit(Instrument, Protocol):
    """A box of one or more channels that hold a voltage and read the current."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels."""
        ...

    @property
    def facts(self) -> UnitFacts:
        """What the model can do."""
        ...

    def limit(self, channel: str, amperes: float, highest_volts: float) -> None:
        """Set the compliance and a source range for levels up to `highest_volts`, at level 0 V; both are read back.

        Raises InstrumentError if the box keeps another value, or the level is not 0 V.
        """
        ...

    def switch_output(self, channel: str, *, on: bool) -> None:
        """Switch an output, at level 0 V; on only after `limit`."""
        ...

    def outputs(self) -> Mapping[str, bool]:
        """Ask which outputs are on."""
        ...

    def level(self, volts: Mapping[str, float]) -> None:
        """Set levels, in one message."""
        ...

    def limited(self) -> Mapping[str, bool]:
        """Ask, in one message, which channels with an output on are limited at their present levels."""
        ...

    def read_currents(
        self, channels: Sequence[str], aperture_seconds: float, range_amperes: float | None
    ) -> ShotReadings:
        """Read currents at the present levels, one shot."""
        ...

    def run_shots(self, shots: Shots) -> ShotReadings:
        """Hold and read a whole sequence, in as few messages as the box allows."""
        ...

    def run_pulses(self, pulses: Pulses) -> DeliveredPulses:
        """Apply a whole sequence of pulses and return what was delivered; CannotDo for an impossible width."""
        ...


class SwitchMatrix(Instrument, Protocol):
    """Relays between rows (buses) and columns (lines) of one or more cards."""

    @property
    def relay_seconds(self) -> float:
        """From a command to the end of bounce, for opening as for closing."""
        ...

    @property
    def grounds_open_lines(self) -> bool:
        """Whether a column with no relay closed lies on ground by itself (a ground mode that is switched on)."""
        ...

    def crosspoint(self, slot: int, row: int, column: int) -> str:
        """Return the name of a relay in the language of the box; UsageError if no card has it."""
        ...

    def closed(self) -> frozenset[str]:
        """Ask which relays are closed."""
        ...

    def switch(self, opening: Sequence[str], closing: Sequence[str]) -> None:
        """Open, then close, each verified by asking the box; in as few messages as it allows. Others stay.

        Returns when all contacts have come to rest. The caller has brought every source to 0 V.
        """
        ...

    def closures(self) -> Mapping[str, int]:
        """Return how often each relay has closed, as far as the box counts; empty if it does not."""
        ...


class Log(Protocol):
    """Keeps what a procedure found; everything is checked when it is handed over, and durable after `commit`."""

    @property
    def tags(self) -> Tags:
        """What rows written now belong to."""
        ...

    def tagged(self, purpose: Purpose, solution: int = -1) -> AbstractContextManager[None]:
        """Tag what is written within."""
        ...

    def table(self, table: Table) -> None:
        """Declare a table; again with the same schema does nothing, with another is a UsageError."""
        ...

    def append(self, path: str, columns: Mapping[str, ArrayLike]) -> None:
        """Append rows to the table at `path`: every column, all with the same first axis; a scalar is for all rows."""
        ...

    def put(self, path: str, variables: Mapping[str, Variable], *, signal: str = "", kind: str = "") -> None:
        """Write a group of named arrays whole, instead of what was put there before; `kind` as in `attributes`."""
        ...

    def attributes(self, path: str, values: Mapping[str, Attribute], *, kind: str = "") -> None:
        """Set attributes of the group at `path` ("" = of the file); others stay.

        `kind` says what the group is: the section of the report that is registered for it shows it.
        """
        ...

    def state(self, name: str, values: Mapping[str, object]) -> None:
        """Keep a snapshot to resume from: numbers, text, lists, mappings and arrays; not part of the HDF5 file."""
        ...

    def mark(self, name: str, values: Mapping[str, object]) -> None:
        """Keep a note about the course of the run, such as the plan of the next block; not part of the HDF5 file."""
        ...

    def commit(self) -> None:
        """Return when everything so far would survive the death of the process and a power cut."""
        ...


class Data(Protocol):
    """A record that is being read."""

    def read(self, path: str) -> Any:
        """Return the array at `path`."""
        ...

    def attributes(self, path: str) -> Mapping[str, Any]:
        """Return the attributes of the group or array at `path`."""
        ...


@runtime_checkable
class Resumable(Protocol):
    """A crossbar that can be kept and gone back to, as one of physics can and one of instruments cannot."""

    def snapshot(self) -> Mapping[str, Any]:
        """Return everything that changes."""
        ...

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go back to a snapshot."""
        ...


@runtime_checkable
class Confirmable(Protocol):
    """A crossbar of instruments, which may have been switched off or changed between two blocks."""

    def confirm(self) -> None:
        """Ask every instrument whether it is as it was left; InstrumentError if not."""
        ...


@runtime_checkable
class Documented(Protocol):
    """A crossbar that says what a run keeps about it: chip, operator, instruments."""

    def provenance(self) -> dict[str, Attribute]:
        """Return the attributes."""
        ...


@runtime_checkable
class CheckedProcedure(Protocol):
    """A procedure that can say beforehand what does not fit an array."""

    def check(self, array: ArrayInfo) -> None:
        """Raise SettingError for what the array does not survive; touches nothing, and may be called often."""
        ...


@runtime_checkable
class SizedProcedure(Protocol):
    """A procedure that knows how much it records."""

    def most_rows(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Return the pulses and the shots of reads, at most, on an array of (rows, columns)."""
        ...


class Procedure(Protocol):
    """What is measured on one array: a strict settings model that executes itself."""

    def execute(self, crossbar: Crossbar, log: Log) -> object:
        """Measure, write to the log, and return the results to a caller that executes it by hand."""
        ...


class Campaign(Protocol):
    """A procedure in blocks over several arrays. Between two blocks all that matters is in arrays and `memory`."""

    def fingerprint(self) -> str:
        """Return a checksum of the input files; a run is not resumed with others."""
        ...

    def stations(self, arrays: Sequence[ArrayInfo]) -> list[ChipGroup]:
        """Return the independent parts of the campaign on a bench with these arrays."""
        ...

    def blocks(self) -> int:
        """Return the number of blocks of every station."""
        ...

    def check_stations(self, stations: Sequence[ChipGroup]) -> None:
        """Raise SettingError for what does not fit the stations; touches nothing, and may be called often."""
        ...

    def declare(self, stations: Sequence[ChipGroup], log: Log) -> None:
        """Describe the tables and write what is known before the first bias; called once for each log."""
        ...

    def block(
        self, station: ChipGroup, index: int, arrays: Mapping[str, Crossbar], memory: dict[str, Any], log: Log
    ) -> None:
        """Do one block of a station."""
        ...

    def reverify_states(
        self, station: ChipGroup, arrays: Mapping[str, Crossbar], memory: dict[str, Any], log: Log
    ) -> None:
        """Read again what is believed of the arrays' states: the run was interrupted, and they may have changed since.

        Called before the first block that is done again on instruments, with `memory` as the block before left it. A
        pulse may have been cut off, or applied for longer: nothing is fired before every cell was read.
        """
        ...

    def conclude(self, station: ChipGroup, data: Data, log: Log) -> None:
        """Work out what follows from the records of a station's blocks."""
        ...

    def summarise(self, stations: Sequence[ChipGroup], data: Data, log: Log) -> None:
        """Work out what follows from all stations together."""
        ...
