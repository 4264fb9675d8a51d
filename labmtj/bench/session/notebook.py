"""`with labmtj.bench("my.yaml") as array`: any bench as one crossbar, for a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labmtj.bench.files.description import BenchFile
from labmtj.bench.files.healthfile import keep_overstress
from labmtj.bench.files.laboratory import LaboratoryFile, VirtualFile
from labmtj.bench.files.loading import load_any
from labmtj.bench.files.protecting import protected
from labmtj.bench.files.simulated import crossbar_of, drawn_text
from labmtj.bench.session.opening import located
from labmtj.bench.session.standing import open_any
from labmtj.errors import Overstressed, UsageError
from labmtj.safety import Safety

_SEED = 1
"""of the chip of a simulated bench"""


@contextmanager
def open_bench(name: str | Path, array: str | None = None) -> Iterator[Safety]:
    """Return the crossbar of a bench file, within its limits: `with labmtj.bench("my.yaml") as array: ...`.

    Args:
        name: path of the bench file, or the name of one that comes with labmtj.
        array: which array of a simulated bench, the first by default; a bench of instruments has one.

    Raises:
        ConfigError: with file, line and key.
        UsageError: if the bench has no such array.
        InstrumentError, BenchBusy: as `open_laboratory`.
    """
    file = load_any(str(name))
    if isinstance(file, BenchFile):
        description = file.arrays[_chosen(file, array)]
        name = f"{description.name}-0a"
        crossbar = crossbar_of(description, seed=_SEED, name=name, meter=file.meter.model())
        yield protected(crossbar, description, chip_id=name)
    elif array is not None:
        raise UsageError(f"--array {array}: bench {name} has one array, the chip on it; leave the option out")
    else:
        with located(str(name)), open_any(file) as bench:
            try:
                yield bench.protected()
            except Overstressed as error:
                if isinstance(file, LaboratoryFile):
                    keep_overstress(file.chip.id, error)
                raise


def which_chip(name: str, array: str | None) -> str:
    """Return lines that say which array it is where a simulated bench has several, and that no chip is real."""
    file = load_any(name)
    if isinstance(file, VirtualFile):
        return f"\n{drawn_text(file.seed)}"
    if not isinstance(file, BenchFile):
        return ""
    several = f"\nof array {_chosen(file, array)}; --array takes another: {', '.join(file.arrays)}"
    return f"{several if len(file.arrays) > 1 else ''}\n{drawn_text(_SEED)}"


def _chosen(file: BenchFile, array: str | None) -> str:
    if array is not None and array not in file.arrays:
        raise UsageError(f"--array {array}: bench {file.name} has no such array; it has {', '.join(file.arrays)}")
    return array or next(iter(file.arrays))
