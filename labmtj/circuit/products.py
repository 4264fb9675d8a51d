"""Matrix times vector for a batch of vectors, with the bits of each answer independent of its batch."""

from __future__ import annotations

import numpy as np

from labmtj.quantities import FloatArray


def matvec(matrix: FloatArray, vectors: FloatArray) -> FloatArray:
    """Return `matrix` (m, n) times each of `vectors` (n,) or (batch, n).

    One matrix-matrix product would be faster for a batch, but BLAS then orders its sums by the shape of the batch and
    by the place in it. The stacked product calls the matrix-vector routine once per vector.
    """
    product: FloatArray
    if vectors.ndim == 1:
        product = np.matmul(matrix, np.ascontiguousarray(vectors))
    elif len(vectors) == 1:
        product = np.matmul(matrix, np.ascontiguousarray(vectors[0]))[np.newaxis]
    else:
        product = np.matmul(matrix, np.ascontiguousarray(vectors)[:, :, np.newaxis])[:, :, 0]
    return product
