"""The virtual twin of a bench: its instruments, wiring and kind of chip again, on sockets of this machine alone."""

from __future__ import annotations

from labmtj.bench import BenchFile, ReplayFile, VirtualFile
from labmtj.bench.files.loading import AnyBenchFile


def twin_of(file: AnyBenchFile, seed: int) -> VirtualFile:
    """Return a virtual bench that books the time of `file` and touches none of its instruments.

    Of a real bench it has the instruments by driver, the wiring, limits and settle times, and a chip drawn with `seed`
    from the array file. A virtual bench is its own twin, which books time instead of waiting.
    """
    assert not isinstance(file, BenchFile), "a simulated bench has no instruments to stand in for"
    if isinstance(file, VirtualFile):
        return file.model_copy(update={"realtime_factor": 0.0})
    of = file.of if isinstance(file, ReplayFile) else file
    return VirtualFile(name=file.name, kind="virtual", of=of, arrays={of.chip.array.name: of.chip.array}, seed=seed)
