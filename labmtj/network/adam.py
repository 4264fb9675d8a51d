"""Adam, the optimiser of training and of the re-fit after measurement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

DECAY, SQUARE_DECAY = 0.9, 0.999


class Adam:
    """Moves parameter arrays in place, element by element (Kingma and Ba, arXiv 1412.6980, with their defaults)."""

    def __init__(self, parameters: Sequence[NDArray[np.floating]], rate: float) -> None:
        self._parameters = tuple(parameters)
        self._rate = rate
        self._means = [np.zeros_like(parameter) for parameter in parameters]
        self._squares = [np.zeros_like(parameter) for parameter in parameters]
        self._steps = 0

    def step(self, gradients: Sequence[NDArray[np.floating]]) -> None:
        """Take one step down the gradients, given in the order of the parameters."""
        self._steps += 1
        rate = float(self._rate * np.sqrt(1 - SQUARE_DECAY**self._steps) / (1 - DECAY**self._steps))
        states = zip(self._parameters, self._means, self._squares, strict=True)
        for (parameter, mean, square), gradient in zip(states, gradients, strict=True):
            mean += (1 - DECAY) * (gradient - mean)
            square += (1 - SQUARE_DECAY) * (gradient * gradient - square)
            parameter -= rate * mean / (np.sqrt(square) + 1e-8)
