"""`with labmtj.bench("my.yaml") as array`: any bench as one crossbar, for a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labmtj.bench.description import BenchFile
from labmtj.bench.healthfile import keep_overstress
from labmtj.bench.laboratory import LaboratoryFile
from labmtj.bench.loading import load_any
from labmtj.bench.opening import located
from labmtj.bench.protecting import protected
from labmtj.bench.simulated import crossbar_of
from labmtj.bench.standing import open_any
from labmtj.errors import Overstressed
from labmtj.safety import Safety


@contextmanager
def open_bench(name: str | Path) -> Iterator[Safety]:
    """Return the crossbar of a bench file, behind its limits: `with labmtj.bench("my.yaml") as array: ...`.

    Of a simulated bench it is a chip of the first array file.

    Raises:
        ConfigError: with file, line and key.
        InstrumentError, BenchBusy: as `open_laboratory`.
    """
    file = load_any(str(name))
    if isinstance(file, BenchFile):
        array = next(iter(file.arrays.values()))
        name = f"{array.name}-0a"
        yield protected(crossbar_of(array, seed=1, name=name, meter=file.meter.model()), array, chip_id=name)
    else:
        with located(str(name)), open_any(file) as bench:
            try:
                yield bench.protected()
            except Overstressed as error:
                if isinstance(file, LaboratoryFile):
                    keep_overstress(file.chip.id, error)
                raise
