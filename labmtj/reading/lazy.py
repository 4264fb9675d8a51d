"""A group of a data file as an xarray.Dataset whose values are read when they are asked for.

As `xarray.open_dataset(path, group=...)` would give it, but from the file that is open and was checked: what another
file is renamed over meanwhile, as a checkpoint does, changes nothing, and h5netcdf is not needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labmtj.errors import UsageError
from labmtj.record import DataFile

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
    except ImportError:
        raise UsageError(
            "datasets need xarray: pip install 'labmtj[notebook]'; `blocks` gives arrays without"
        ) from None
    variables = {name: _variable(data, f"{group}/{name}" if group else name) for name in data.tree()[group]}
    coordinates = {name: each for name, each in variables.items() if name in each.dims}
    others = {name: each for name, each in variables.items() if name not in coordinates}
    return xarray.Dataset(others, coordinates, data.attributes(group))


def _variable(data: DataFile, path: str) -> xarray.Variable:
    import xarray
    from xarray.core.indexing import LazilyIndexedArray

    kind = data.kind(path)
    attributes = data.attributes(path)
    if kind.dtype.kind == "b":
        attributes.pop("dtype", None)  # how truth values are stored
    text = kind.dtype.kind == "O"
    values = data.read(path).astype(object) if text else LazilyIndexedArray(_backend(data, path))
    return xarray.Variable(kind.dims, values, attributes)


def _backend(data: DataFile, path: str) -> Any:
    """Return an array that xarray reads through: it knows its shape and type, and gives what an index selects."""
    from xarray.backends import BackendArray
    from xarray.core.indexing import IndexingSupport, explicit_indexing_adapter

    class InFile(BackendArray):
        def __init__(self) -> None:
            kind = data.kind(path)
            self.shape, self.dtype = kind.shape, kind.dtype

        def __getitem__(self, key: Any) -> NDArray[Any]:
            way = IndexingSupport.OUTER_1VECTOR  # what h5py can do
            return np.asarray(explicit_indexing_adapter(key, self.shape, way, lambda k: data.part(path, k)))

    return InFile()
