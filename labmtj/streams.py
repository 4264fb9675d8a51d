"""Random numbers by name: a stream depends on the seed and its name alone, so adding one moves no other."""

from __future__ import annotations

import hashlib
from typing import Literal

import numpy as np
from numpy.typing import NDArray


def stream(seed: int, *name: str | int) -> np.random.Generator:
    """Return the generator of the stream `name` under `seed`, at its beginning.

    The name is hashed into the key of a counter-based generator (Philox), so the streams of ("chip", 3) and ("chip", 4)
    are independent and neither depends on the other having been drawn.
    """
    plain = tuple(str(part) if isinstance(part, str) else int(part) for part in name)  # NumPy's print otherwise
    digest = hashlib.blake2b(repr(plain).encode(), digest_size=16).digest()
    key = tuple(np.frombuffer(digest, np.uint32).tolist())
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=key)))


class Draws:
    """An endless table of standard random numbers: element (row, column) depends on seed, name and place alone.

    It makes a simulation restartable and independent of batching: a snapshot keeps the row number and nothing else.
    """

    BLOCK = 256

    def __init__(
        self, kind: Literal["exponential", "normal", "uniform"], width: int, seed: int, *name: str | int
    ) -> None:
        self.width = width
        self._kind, self._seed, self._name = kind, seed, name
        self._blocks: dict[int, NDArray[np.float64]] = {}

    def _block(self, number: int) -> NDArray[np.float64]:
        block = self._blocks.get(number)
        if block is None:
            generator = stream(self._seed, *self._name, number)
            size = (self.BLOCK, self.width)
            if self._kind == "exponential":
                block = generator.standard_exponential(size)
            elif self._kind == "normal":
                block = generator.standard_normal(size)
            else:
                block = generator.random(size)
            while len(self._blocks) >= 4:  # rows are used in rising order: the oldest block will hardly return
                del self._blocks[next(iter(self._blocks))]
            self._blocks[number] = block
        return block

    def at(self, row: int, column: int) -> float:
        """Return one element."""
        number, offset = divmod(row, self.BLOCK)
        return float(self._block(number)[offset, column])

    def rows(self, start: int, count: int) -> NDArray[np.float64]:
        """Return rows `start` to `start + count - 1`, shape (count, width)."""
        pieces = []
        while count > 0:
            number, offset = divmod(start, self.BLOCK)
            piece = self._block(number)[offset : offset + count]
            pieces.append(piece)
            start, count = start + len(piece), count - len(piece)
        return pieces[0] if len(pieces) == 1 else np.concatenate([np.empty((0, self.width)), *pieces])
