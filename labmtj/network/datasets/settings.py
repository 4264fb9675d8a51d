"""The settings of a data set: the block `data` of an experiment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from labmtj.network.datasets.places import file_of
from labmtj.strictmodel import StrictModel

Row = Annotated[int, Field(ge=0)]
ScalingName = Literal["minmax", "standard", "none"]
ScaledOver = Literal["all", "train"]
MOST_FOLDS = 1000


class SplitSettings(StrictModel):
    """Which samples are held back for the test: a fraction of each class, rows by number, or k folds in turn."""

    test_fraction: float | None = Field(
        None,
        gt=0.0,
        lt=1.0,
        description="fraction of the samples to hold back, the same of every class but for rounding",
    )
    test_rows: list[Row] | None = Field(
        None, min_length=1, description="numbers of the samples to hold back, from 0 in the order of the source"
    )
    folds: int | None = Field(
        None, ge=2, le=MOST_FOLDS, description="number of folds, each of which is held back in turn; stratified"
    )
    seed: int = Field(0, ge=0, description="of the draw for test_fraction or folds")

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        ways = [name for name in ("test_fraction", "test_rows", "folds") if getattr(self, name) is not None]
        if len(ways) != 1:
            raise ValueError(
                f"needs exactly one of test_fraction, test_rows and folds; got {' and '.join(ways) or 'none of them'}"
            )
        if self.test_rows is not None and len(set(self.test_rows)) < len(self.test_rows):
            twice = next(row for row in self.test_rows if self.test_rows.count(row) > 1)
            raise ValueError(f"test_rows: row {twice} is given more than once; keep one of them")
        return self

    @property
    def text(self) -> str:
        """How samples are held back, in words."""
        if self.folds is not None:
            return f"{self.folds} folds, stratified, seed {self.seed}"
        if self.test_fraction is not None:
            return f"{100 * self.test_fraction:.4g} % of every class held back, seed {self.seed}"
        return "a fixed list held back"


class DataSettings(StrictModel):
    """Samples to classify: where they come from, which columns count, how they are scaled and parted."""

    source: str = Field(
        "wine",
        min_length=1,
        description="wine, iris, breast_cancer, digits, a name of the entry-point group labmtj.datasets, or the path "
        "of a .csv or .npz file, relative to this file, too",
    )
    features: list[str] | None = Field(
        None, min_length=1, description="names of the features to use, in this order; default all"
    )
    class_column: str = Field("class", min_length=1, description="name of the column of classes of a .csv file")
    scaling: ScalingName | None = Field(
        None,
        description="minmax: to [0, 1]; standard: to mean 0 and standard deviation 1; none; default what the source "
        "recommends, minmax for a file",
    )
    scaled_over: ScaledOver | None = Field(
        None,
        description="samples that minimum and maximum, or mean and deviation, are taken over; default what the source "
        "recommends, train for a file; with folds all",
    )
    split: SplitSettings | None = Field(
        None, description="default what the source recommends, for a file a quarter of every class with seed 0"
    )

    @field_validator("source")
    @classmethod
    def _found(cls, source: str, info: ValidationInfo) -> str:
        """Keep the whole path of a file, found beside the one that names it, too: a run is resumed from any folder.

        A file that is not there is refused when it is read.
        """
        beside: Path | None = (info.context or {}).get("beside")
        file = file_of(source, beside)
        return source if file is None else str(file)

    @field_validator("features")
    @classmethod
    def _differ(cls, features: list[str] | None) -> list[str] | None:
        twice = [name for at, name in enumerate(features or ()) if name in (features or ())[:at]]
        if twice:
            raise ValueError(f"{twice[0]!r} is given more than once; keep one of them")
        return features
