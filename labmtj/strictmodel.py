"""The base of every model of settings and files: strict, finite, frozen; NumPy's numbers are accepted as Python's."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator


class StrictModel(BaseModel):
    """A model that takes each value in its own type alone, and no key that it does not know.

    NumPy scalars and arrays are taken for the Python numbers, truth values and lists that they hold: settings in a
    notebook come out of arrays.
    """

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_numpy(cls, values: Any) -> Any:
        return plain(values)


def plain(value: Any) -> Any:
    """Return the value with every NumPy scalar and array in it as Python's own, through mappings and sequences."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    return value
