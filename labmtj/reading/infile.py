"""An array in a data file as xarray reads through it. A copy in another process opens the file again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core.indexing import IndexingSupport, explicit_indexing_adapter

from labmtj.record import DataFile


class InFile(BackendArray):  # type: ignore[misc,unused-ignore]
    """Knows its shape and type, and gives what an index selects."""

    def __init__(self, data: DataFile, path: str) -> None:
        kind = data.kind(path)
        self.shape, self.dtype = kind.shape, kind.dtype
        self._data, self._path = data, path

    def __getitem__(self, key: Any) -> NDArray[Any]:
        way = IndexingSupport.OUTER_1VECTOR  # what h5py can do
        return np.asarray(explicit_indexing_adapter(key, self.shape, way, lambda k: self._data.part(self._path, k)))
