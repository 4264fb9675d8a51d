"""Attributes as netCDF can hold them: HDF5 knows truth values and types that netCDF does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

TYPED_AS_VARIABLE = ("flag_values", "flag_masks", "valid_min", "valid_max", "valid_range", "_FillValue")
"""attributes that the CF conventions want in the type of their variable (CF 1.11, section 3.5)"""


def portable(attributes: Mapping[str, Any], dtype: np.dtype[Any] | None = None) -> dict[str, Any]:
    """Return attributes that every netCDF program reads.

    Truth values become int8, because HDF5 has them as an enumeration, which netCDF refuses; text stays text.

    Args:
        attributes: by name, as `DataFile.attributes` returns them.
        dtype: of the variable that they describe, if it is one; its flags get the same.
    """
    return {name: _portable(value, dtype if name in TYPED_AS_VARIABLE else None) for name, value in attributes.items()}


def _portable(value: Any, dtype: np.dtype[Any] | None) -> Any:
    if dtype is not None and dtype.kind in "iuf":
        return np.asarray(value, dtype)
    first = value[0] if isinstance(value, Sequence) and not isinstance(value, str) and len(value) else value
    return np.asarray(value, np.int8)[()] if isinstance(first, bool | np.bool_) else value
