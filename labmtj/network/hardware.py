"""What a classifier needs from an array that holds its weights."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from labmtj.quantities import FloatArray


class Hardware(Protocol):
    """Two layers of device pairs that can be written and multiplied with.

    Layers are 1 and 2. A hardware with one array for both writes a layer again when it is asked to multiply with it. It
    may also have `max_shapes`, the largest (rows, columns) of bits of layer 1 and of layer 2, checked before training.
    """

    def write(self, layer: int, bits: NDArray[Any]) -> None:
        """Write bits (inputs, 2 * neurons), 1 = P, columns + - + - ..."""
        ...

    def multiply(self, layer: int, inputs: FloatArray) -> FloatArray:
        """Return pair differences (samples, neurons) in units of dG * V_read of inputs (samples, inputs) in [-1, 1]."""
        ...
