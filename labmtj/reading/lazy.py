"""A group of a data file as an xarray.Dataset whose values are read when they are asked for.

As `xarray.open_dataset(path, group=...)` would give it, but from the file that is open and was checked: a checkpoint
that replaces the file meanwhile changes nothing, and h5netcdf is not needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labmtj.errors import UsageError
from labmtj.extras import what_is_missing
from labmtj.record import DataFile
from labmtj.record.portable import portable

if TYPE_CHECKING:
    import xarray


def dataset(data: DataFile, group: str) -> xarray.Dataset:
    """Return the group as a Dataset.

    Raises:
        UsageError: if xarray is not installed.
        DataError: if there is no such group, or an array in it is damaged.
    """
    try:
        import xarray
    except ImportError as error:
        missing = what_is_missing(error) or str(error)
        raise UsageError(f"a dataset {missing}; `blocks` gives arrays without") from None
    variables = {name: _variable(data, f"{group}/{name}" if group else name) for name in data.tree()[group]}
    coordinates = {name: each for name, each in variables.items() if name in each.dims}
    others = {name: each for name, each in variables.items() if name not in coordinates}
    return xarray.Dataset(others, coordinates, portable(data.attributes(group)))


def _variable(data: DataFile, path: str) -> xarray.Variable:
    import xarray
    from xarray.core.indexing import LazilyIndexedArray

    from labmtj.reading.infile import InFile

    kind = data.kind(path)
    attributes = portable(data.attributes(path), kind.dtype)
    if kind.dtype.kind == "b":
        attributes.pop("dtype", None)  # how truth values are stored
    text = kind.dtype.kind == "O"
    values = data.read(path).astype(object) if text else LazilyIndexedArray(InFile(data, path))
    return xarray.Variable(kind.dims, values, attributes)
