"""The bench file of a laboratory: instruments, buses, lines, the chip; and of a virtual bench that stands for one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from labmtj.arrays import ArrayDescription
from labmtj.bench.files.visalibrary import visa_library
from labmtj.bench.session.tape import Source
from labmtj.quantities import Limits
from labmtj.safety import RelaysWithoutSources
from labmtj.schema import NAME_PATTERN
from labmtj.strictmodel import StrictModel


def _slots(cards: Any) -> Any:
    """Return the cards with numbers as slots and text as models: YAML and JSON read either as the other."""
    if not isinstance(cards, Mapping):
        return cards
    return {
        int(slot) if re.fullmatch("[1-9][0-9]{0,2}", str(slot)) else slot: str(model) for slot, model in cards.items()
    }


Name = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,64}$")]
"""of an instrument or a bus: other files, faults and lines such as matrix.1.4 name it"""
VisaLibrary = Annotated[str, AfterValidator(visa_library)]
Cards = Annotated[dict[int, str], BeforeValidator(_slots)]
ArrayFile = Annotated[ArrayDescription, WithJsonSchema({"type": "string", "description": "array file"})]


class InstrumentFile(StrictModel):
    """One instrument: which driver speaks to it, and where it is."""

    driver: str = Field(description="dotted name of the class, such as instruments.keithley2600.Keithley2636B")
    resource: str = Field(description="VISA resource, such as TCPIP::192.168.1.20::5025::SOCKET")
    cards: Cards = Field({}, description="of a switch matrix: card model by slot, counted from 1 as on the box")
    visa_library: VisaLibrary = Field("@py", description="@py, or @ivi for an installed NI or Keysight VISA")
    timeout_seconds: float = Field(10.0, gt=0, le=3600, description="how long an answer may take")
    options: dict[str, bool | int | float | str] = Field(
        {}, description="further arguments of the driver, such as ground_mode: true"
    )


class BusFile(StrictModel):
    """A row of the matrix and what feeds it. One that is fed by nothing holds one floating line."""

    row: int = Field(ge=1, description="row of the matrix, counted from 1 as on the box; an input of a B2200A")
    channel: str = Field("", description="source-measure channel such as smu.a")
    ground: bool = Field(default=False, description="true if the row is tied to LO of the sources")


class DirectFile(StrictModel):
    """A line that no relay switches."""

    channel: str = Field("", description="source-measure channel such as smu3.a")
    ground: bool = Field(default=False, description="true if the line is tied to ground")


LineFile = Annotated[str, Field(description="matrix.SLOT.COLUMN, or a run of lines: matrix.1.1-15")] | DirectFile


class LinesFile(StrictModel):
    """Where every line of the array ends, in the order of the array."""

    rows: list[LineFile] = Field(min_length=1)
    columns: list[LineFile] = Field(min_length=1)


class LimitsFile(StrictModel):
    """Limits of the bench; of these and the array's, the stricter one counts."""

    cell_volts: float | None = Field(None, gt=0)
    line_amperes: float | None = Field(
        None,
        gt=0,
        description="compliance of a line with a channel of its own; N lines that share a channel share N times this, "
        "and a shorted cell on one of them may draw what the others leave",
    )
    pulse_seconds: float | None = Field(None, gt=0)
    disturb_volts: float | None = Field(None, gt=0)
    pulse_joules: float | None = Field(None, gt=0, description="largest energy of one pulse into one cell")
    pulses_per_cell: int | None = Field(None, gt=0, description="budget of the chip, over all runs")
    closures_per_relay: int | None = Field(None, gt=0, description="budget of every relay, over all runs")

    def within(self, limits: Limits) -> Limits:
        """Return the stricter of both, limit by limit."""
        own = {name: value for name, value in self.model_dump().items() if value is not None}
        return Limits(
            **{name: min(getattr(limits, name), own.get(name, float("inf"))) for name in Limits.__dataclass_fields__}
        )


class ChipFile(StrictModel):
    """What lies under the probes."""

    id: str = Field(
        min_length=1, max_length=64, pattern=NAME_PATTERN, description="as on its label; goes into every record"
    )
    die: str = ""
    array: ArrayFile


class ContactFile(StrictModel):
    """The check after a touch-down: the current of every line alone against all others on ground."""

    read_volts: float = Field(0.05, gt=0, description="not more than limits.disturb_volts")
    lowest_fraction: float = Field(0.2, gt=0, lt=1, description="of the nominal line current, all cells AP")
    highest_factor: float = Field(3.0, gt=1, description="times the nominal line current, all cells P")


class LaboratoryFile(StrictModel):
    """A bench of instruments."""

    name: str
    kind: Literal["instruments"]
    instruments: dict[Name, InstrumentFile] = Field(min_length=1)
    buses: dict[Name, BusFile] = Field(default_factory=dict)
    lines: LinesFile
    chip: ChipFile
    limits: LimitsFile = LimitsFile()
    settle_seconds: float = Field(1e-3, ge=0, le=3600, description="from sources at 0 V to the first relay that opens")
    relay_settle_seconds: float = Field(
        5e-3,
        ge=0,
        le=3600,
        description="from the last relay at rest to the first level, beyond the bounce of the relay",
    )
    relays_without_sources: RelaysWithoutSources = Field(
        "hold", description="while a source is not known to be off: hold leaves relays as they are, open opens them"
    )
    contact: ContactFile = ContactFile()
    settings: dict[str, Any] = Field(
        {},
        description="of any experiment on this bench, where neither its file nor an option gives them: write: "
        "{pulse_seconds: 0.02}",
    )
    temperature_kelvin: float | None = Field(
        None,
        gt=0,
        description="recorded with every run; a simulation uses temperature_kelvin of its array file",
    )
    field_tesla: float | None = None
    operator: str = ""
    notes: str = ""

    @property
    def bench_limits(self) -> Limits:
        """The stricter of the bench's and the array's limits."""
        return self.limits.within(self.chip.array.limits.as_limits())


class ReplayFile(StrictModel):
    """A laboratory that answers from the recorded traffic of an earlier run, and says where it first differs."""

    name: str
    kind: Literal["replay"]
    of: Annotated[LaboratoryFile, WithJsonSchema({"type": "string", "description": "bench file of kind instruments"})]
    traffic: str = Field(description="file that `labmtj run --record-traffic` has left in the folder of the run")
    recorded: Source = Field(description="kind of the bench that was recorded; read from the file of traffic")
    operator: str = ""
    notes: str = ""


class CablesFile(StrictModel):
    """What lies between instruments and pads, beyond the lead resistances of the array file."""

    series_ohms: float = Field(0.0, ge=0, description="of the cable of every line")
    relay_ohms: float = Field(0.0, ge=0, description="of a closed contact")
    relay_leak_ohms: float = Field(1e12, gt=0, description="of an open contact")


class VirtualFile(StrictModel):
    """A laboratory whose instruments are virtual and whose chip is simulated."""

    name: str
    kind: Literal["virtual"]
    of: Annotated[LaboratoryFile, WithJsonSchema({"type": "string", "description": "bench file of kind instruments"})]
    arrays: Annotated[
        dict[str, ArrayDescription],
        WithJsonSchema({"type": "array", "items": {"type": "string"}, "description": "array files; chips are drawn"}),
    ] = Field(min_length=1)
    seed: int = Field(1, ge=0, lt=2**63)
    realtime_factor: float = Field(0.0, ge=0, le=1, description="0 books time, 1 waits as the bench would")
    noise: bool = True
    message_seconds: float = Field(1e-3, ge=0, le=3600, description="a message over the network")
    languages: dict[Name, Literal["SCPI", "TSP"]] = Field(
        {}, description="language that an instrument with several was left in, by its name; of a Keithley 2450"
    )
    cables: CablesFile = CablesFile()
    operator: str = ""
    notes: str = ""
