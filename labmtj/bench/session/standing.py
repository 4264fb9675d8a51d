"""A bench of instruments as a campaign sees it: one chip, opened for a run, its wiring and contact measured first."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from labmtj.bench.checks.contact import Contact, Expected, contact_check
from labmtj.bench.checks.wiring_check import wiring_check
from labmtj.bench.files.healthfile import kept_health
from labmtj.bench.files.laboratory import LaboratoryFile, ReplayFile, VirtualFile
from labmtj.bench.files.protecting import protected
from labmtj.bench.files.simulated import describe
from labmtj.bench.session.opening import OpenBench, open_laboratory
from labmtj.bench.session.served import BookedClock, ServedBench
from labmtj.bench.session.tape import Source, Tape
from labmtj.errors import ProcedureFailed, UsageError
from labmtj.forking import closed_in_forks
from labmtj.quantities import ArrayInfo, ChipGroup
from labmtj.safety import Safety
from labmtj.simulated import VirtualClock
from labmtj.verbs import Crossbar

_LOG = logging.getLogger(__name__)
AnyLaboratory = LaboratoryFile | VirtualFile | ReplayFile


def laboratory_of(file: AnyLaboratory) -> LaboratoryFile:
    """Return the instruments and wiring of a bench: its own, or those that it stands for."""
    return file if isinstance(file, LaboratoryFile) else file.of


def source_of(file: AnyLaboratory) -> Source:
    """Return whose answers come from a bench: those of instruments, or of virtual ones."""
    return file.recorded if isinstance(file, ReplayFile) else file.kind


class InstrumentBench:
    """Instruments on a table, real or virtual, and one chip.

    Args:
        file: of the bench.
        run: name of the run, for another process that wants the same instruments.
        traffic: file to record what goes over the wire in, or None.
        record: file for the watchdog to note in what it did, or None.
        begun_seconds: what its clock shows at the beginning: later than all that an earlier part of the run recorded.
    """

    def __init__(
        self,
        file: AnyLaboratory,
        run: str = "",
        traffic: Path | None = None,
        record: Path | None = None,
        begun_seconds: float = 0.0,
    ) -> None:
        self.file, self._run, self._traffic, self._record = file, run, traffic, record
        self._begun_seconds = begun_seconds

    def arrays(self) -> list[ArrayInfo]:
        """Return what is known of the array on the chip by design and from earlier runs, within the bench's limits."""
        of = laboratory_of(self.file)
        real = isinstance(self.file, LaboratoryFile)
        health = kept_health(of.chip.id, of.chip.array.shape) if real else None
        known = None if health is None else health.states
        return [replace(describe(of.chip.array), limits=of.bench_limits, chips=1, health=known)]

    def check(self, stations: list[ChipGroup]) -> None:
        """Raise UsageError if a campaign wants more chips than there are."""
        chips = [chip for station in stations for chip in station.arrays]
        if len(chips) > 1:
            raise UsageError(
                f"bench {self.file.name} holds one chip, and {len(chips)} are wanted ({', '.join(chips)}); write both "
                "layers to it in turn (--mapping sequential) and take one chip (--chips 1)"
            )

    def protected(self, station: ChipGroup, name: str, crossbar: Crossbar) -> Safety:  # noqa: ARG002 - there is one chip
        """Return the layer around the crossbar; counts of a real chip are kept in a file, others go with a snapshot."""
        chip = laboratory_of(self.file).chip
        return protected(crossbar, chip.array, chip_id=chip.id, kept=isinstance(self.file, LaboratoryFile))

    @contextmanager
    def opened(self, station: ChipGroup) -> Iterator[dict[str, OpenBench]]:
        """Connect, arm, measure the wiring and the contact of every line; make safe at the end.

        Lines without contact and shorted ones are reported and kept in the bench's `contact`; the run goes on without
        what lies on them.

        Raises:
            SettingError, InstrumentError, BenchBusy: as `open_laboratory`.
            ProcedureFailed: naming every relay and cable that is not as the file says; or if no row, or no column, has
                contact.
        """
        (chip,) = station.arrays
        with open_any(self.file, run=self._run, traffic=self._traffic, record=self._record) as bench:
            bench.clock.resume_at(self._begun_seconds)
            self._check(bench)
            yield {chip: bench}

    def _check(self, bench: OpenBench) -> None:
        expected = Expected.of(laboratory_of(self.file))
        if found := [str(each) for each in wiring_check(bench, expected) if not each.on_chip]:
            raise ProcedureFailed(
                f"bench {self.file.name} is not wired as its file says:\n  " + "\n  ".join(found) + "\nSources are "
                "at 0 V, outputs off, relays open; correct the wiring or the file, then run `labmtj check`"
            )
        bench.contact = contact_check(bench, expected)
        if bench.contact.lost:
            raise ProcedureFailed(lost_text(self.file.name, bench.contact, expected))
        if bench.contact.outside:
            _LOG.warning("bench %s: %s are outside of the run", self.file.name, bench.contact.outside)
        for each in bench.contact.findings():
            _LOG.warning("bench %s: %s; the run goes on without its cells", self.file.name, each)


def lost_text(name: str, contact: Contact, expected: Expected) -> str:
    """Return the message for a chip without contact, with what to do."""
    largest = float(np.nanmax(np.abs(contact.amperes[contact.open])))
    return (
        f"bench {name}: no {contact.lost} has contact: {expected.read_volts:g} V gives it {largest:.2g} A at most. Are "
        "the probes down, and is the chip under them? Sources are at 0 V, outputs off, relays open; no cell was written"
    )


@contextmanager
def open_any(
    file: AnyLaboratory, *, run: str = "", traffic: Path | None = None, record: Path | None = None, arm: bool = True,
    faults: tuple[str, ...] = (),
) -> Iterator[OpenBench]:  # fmt: skip
    """Open a bench of any kind but simulated; a virtual one is served, a replayed one answers from its tape."""
    with ExitStack() as stack:
        wrap = None
        if traffic is not None:
            from labmtj.bench.session.traffic import TrafficRecorder

            recorder = TrafficRecorder(traffic, source_of(file), file.name)
            stack.callback(recorder.close)
            wrap = recorder.around
        if isinstance(file, VirtualFile):
            served = stack.enter_context(ServedBench(file, faults))
            stack.enter_context(closed_in_forks(served.leave))
            bench = open_laboratory(
                file.of, resources=served.resources, clock=BookedClock(served), wrap=wrap, run=run, arm=arm,
                record=record, keep=(served.lifeline,), server=served.pid,
            )  # fmt: skip
        elif isinstance(file, ReplayFile):
            from labmtj.bench.session.traffic import ReplayAdapter

            tape = Tape(Path(file.traffic))
            adapters: Mapping[str, object] = {name: ReplayAdapter(tape, name) for name in file.of.instruments}
            bench = open_laboratory(file.of, adapters=adapters, clock=VirtualClock(), run=run, arm=arm)
        else:
            bench = open_laboratory(file, wrap=wrap, run=run, arm=arm, record=record, kept=True)
        yield stack.enter_context(bench)
