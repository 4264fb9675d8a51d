"""Random numbers by name: a stream depends on the seed and its name alone, so adding one moves no other."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, *name: str | int) -> np.random.Generator:
    """Return the generator of the stream `name` under `seed`, at its beginning.

    The name is hashed into the key of a counter-based generator (Philox), so the streams of ("chip", 3) and ("chip", 4)
    are independent and neither depends on the other having been drawn.
    """
    digest = hashlib.blake2b(repr(name).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=tuple(np.frombuffer(digest, np.uint32).tolist()))))
