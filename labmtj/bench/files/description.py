"""The bench file: a simulated bench names the array files that its chips are drawn from, and a meter's data sheet."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, WithJsonSchema, model_validator

from labmtj.arrays import ArrayDescription
from labmtj.errors import UsageError
from labmtj.simulated.crossbar import Timing
from labmtj.simulated.meter import MeterModel, MeterRange
from labmtj.strictmodel import StrictModel


class MeterRangeFile(StrictModel):
    """One current range of the data sheet."""

    full_scale_amperes: float = Field(gt=0)
    gain_fraction: float = Field(ge=0, description="accuracy, fraction of reading")
    offset_amperes: float = Field(ge=0, description="accuracy, offset")
    noise_peak_to_peak_amperes: float = Field(0.0, ge=0, description="0.1 to 10 Hz")


class MeterFile(StrictModel):
    """The data sheet of a source-measure unit."""

    source: str = Field(description="where the numbers come from")
    ranges: list[MeterRangeFile] = Field(min_length=1)
    over_range: float = Field(1.02, ge=1)
    resolution_fraction: float = Field(1e-6, ge=0)
    line_hertz: float = Field(50.0, gt=0)
    source_gain_fraction: float = Field(0.0, ge=0)
    source_offset_volts: float = Field(0.0, ge=0)

    @model_validator(mode="after")
    def _is_a_meter(self) -> Self:
        try:
            self.model()
        except UsageError as error:
            raise ValueError(str(error)) from None
        return self

    def model(self) -> MeterModel:
        """Return the meter; the rms of the noise is taken as a sixth of its peak-to-peak value."""
        ranges = tuple(
            MeterRange(
                each.full_scale_amperes, each.gain_fraction, each.offset_amperes, each.noise_peak_to_peak_amperes / 6
            )
            for each in self.ranges
        )
        return MeterModel(
            ranges, self.over_range, self.resolution_fraction, self.line_hertz,
            self.source_gain_fraction, self.source_offset_volts,
        )  # fmt: skip


class TimingFile(StrictModel):
    """What the bench needs around each bias: an hour at most."""

    source_seconds: float = Field(Timing().source_seconds, ge=0, le=3600)
    transfer_seconds: float = Field(Timing().transfer_seconds, ge=0, le=3600)


class BenchFile(StrictModel):
    """A bench, with its array files read in: everything that is needed to build it again."""

    name: str
    kind: Literal["simulated"]
    arrays: Annotated[
        dict[str, ArrayDescription],
        WithJsonSchema({"type": "array", "items": {"type": "string"}, "description": "array files; chips are drawn"}),
    ] = Field(min_length=1)
    meter: MeterFile
    timing: TimingFile = TimingFile()
    settings: dict[str, Any] = Field(
        {},
        description="of any experiment on this bench, where neither its file nor an option gives them: write: "
        "{pulse_seconds: 0.02}",
    )
    operator: str = ""
    notes: str = ""
