"""A number with its spread and its provenance: nothing about a device is stated without saying where it comes from."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from labmtj.strictmodel import StrictModel

Provenance = Literal["published", "typical", "fitted", "assumed", "misfit", "not identified"]
"""published: a cited text gives it; typical: as texts report; fitted: to a measured chip; assumed: a choice; misfit:
the best of a model that does not describe the reads, errors as wide as it misses them; not identified: the reads do
not determine it"""

TRUNCATION = 4.0
"""normal spreads end at this many sigma, so that no drawn value can change sign"""


LARGEST, SMALLEST = 1e40, 1e-40
"""of any number about a device, in SI units: products of a few of them stay within what a float holds"""


class DescribedModel(StrictModel):
    """A strict model whose fields take their descriptions from their docstrings."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Parameter(DescribedModel):
    """A value and how it varies from cell to cell: `sigma` in its own unit or `relative_sigma`, not both."""

    value: float
    sigma: float = Field(default=0.0, ge=0.0)
    """standard deviation over cells, in the unit of the value"""
    relative_sigma: float = Field(default=0.0, ge=0.0)
    """standard deviation over cells, as a fraction of the value"""
    provenance: Provenance
    source: str = ""
    """a citation, a fit, or why this was assumed"""

    @model_validator(mode="after")
    def _one_spread(self) -> Self:
        for name, size in (("value", abs(self.value)), ("sigma", self.sigma), ("relative_sigma", self.relative_sigma)):
            if size and not SMALLEST <= size <= LARGEST:
                raise ValueError(f"{name} = {size:g} is not a number of a device; check its unit and its exponent")
        if self.sigma and self.relative_sigma:
            raise ValueError("give sigma or relative_sigma, not both")
        if self.provenance in ("published", "fitted") and not self.source:
            raise ValueError(f"a {self.provenance} value needs its source")
        return self

    @property
    def spread(self) -> float:
        """Standard deviation over cells in the unit of the value."""
        return self.sigma or self.relative_sigma * abs(self.value)

    @property
    def relative_spread(self) -> float:
        """Standard deviation over cells as a fraction of the value."""
        return self.relative_sigma or (self.sigma / abs(self.value) if self.sigma else 0.0)


class Range(DescribedModel):
    """Two positive ends between which a number is drawn, evenly in its logarithm."""

    lowest: float = Field(ge=SMALLEST)
    highest: float = Field(le=LARGEST)
    provenance: Provenance
    source: str = ""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.lowest > self.highest:
            raise ValueError(f"lowest = {self.lowest:g} lies above highest = {self.highest:g}")
        if self.provenance in ("published", "fitted") and not self.source:
            raise ValueError(f"a {self.provenance} range needs its source")
        return self


def _positive(parameter: Parameter) -> Parameter:
    if parameter.value <= 0.0:
        raise ValueError(f"value = {parameter.value:g} must be positive")
    if parameter.relative_spread * TRUNCATION >= 1.0:
        raise ValueError(f"relative spread {parameter.relative_spread:g} lets values reach zero; keep it below 0.25")
    return parameter


def _not_negative(parameter: Parameter) -> Parameter:
    if parameter.value < TRUNCATION * parameter.spread:
        raise ValueError(f"value = {parameter.value:g} must stay above zero by {TRUNCATION:g} sigma")
    return parameter


def _constant(parameter: Parameter) -> Parameter:
    if parameter.spread:
        raise ValueError("this is one number for the whole array; leave its sigma out")
    return parameter


def _fraction(parameter: Parameter) -> Parameter:
    if not 0.0 <= parameter.value <= 1.0:
        raise ValueError(f"value = {parameter.value:g} must be a fraction from 0 to 1")
    return parameter


Constant = Annotated[Parameter, AfterValidator(_constant)]
"""a parameter that is the same for all cells"""
Positive = Annotated[Parameter, AfterValidator(_positive)]
PositiveConstant = Annotated[Positive, AfterValidator(_constant)]
NotNegative = Annotated[Parameter, AfterValidator(_not_negative)]
NotNegativeConstant = Annotated[NotNegative, AfterValidator(_constant)]
Fraction = Annotated[Constant, AfterValidator(_fraction)]
