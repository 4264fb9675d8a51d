"""From a bench file to a crossbar that is ready to be biased, and back to a safe bench, whatever happens between."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path

from labmtj import library, yamlfile
from labmtj.bench.checks.contact import Contact
from labmtj.bench.crossbar import BenchCrossbar
from labmtj.bench.files.laboratory import LaboratoryFile
from labmtj.bench.files.loading import complaint
from labmtj.bench.files.protecting import protected, relay_ledger
from labmtj.bench.files.wiring import Wiring, wiring_of
from labmtj.bench.session.clock import ResumableClock
from labmtj.bench.session.idling import Idling
from labmtj.bench.session.sessions import Sessions, Wrap, at_resources, open_sessions
from labmtj.bench.session.watch import NoWatch, Watch
from labmtj.bench.session.watchdog import Watchdog
from labmtj.errors import LabmtjError, SettingError, UsageError
from labmtj.forking import closed_in_forks
from labmtj.instrumentlocks import owning
from labmtj.safety import Safety
from labmtj.schema import Attribute
from labmtj.stopping import undisturbed
from labmtj.verbs import Clock

_LOG = logging.getLogger(__name__)


class MonotonicClock:
    """Seconds since it was made, and real waiting."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def now(self) -> float:
        """Return the seconds since the clock was made."""
        return time.monotonic() - self._begun

    def sleep(self, seconds: float) -> None:
        """Wait."""
        if seconds > 0:
            time.sleep(seconds)


class OpenBench(BenchCrossbar):
    """The crossbar of a bench file, with its watchdog, and with what goes into the record about it."""

    file: LaboratoryFile
    sessions: Sessions
    clock: ResumableClock
    kept: bool
    """whether chip and relays are real, and their counts outlive the run"""
    dozes: bool
    """whether its outputs go off when nothing is done; not if its traffic is recorded: a replay has no clock"""
    contact: Contact | None = None
    """what the check of this touch-down found, once there was one"""
    idling: Idling | None = None
    arming_begun = False
    """whether its outputs are switched; before, they are as they were found"""

    def begin(self, watch: Watch) -> None:
        """Be watched from now on."""
        self.watch = watch
        if not isinstance(watch, NoWatch):
            self.idling = Idling(self._nothing_done)

    def arm(self) -> None:
        """Arm, once the watchdog watches; raise WatchdogLost if there is none, InstrumentError if anything fails."""
        self.check_owner()
        self.watch.begin()
        super().arm()
        if self.idling is not None:
            self.idling.begin()

    def close(self) -> None:
        """Stop the idle watch."""
        if self.idling is not None:
            self.idling.end()

    def _idle(self) -> None:
        super()._idle()
        if self.idling is not None:
            self.idling.touch()

    def _nothing_done(self) -> None:
        """Switch off what is on, from another thread; if an instrument does not answer, say so, and try again later."""
        if not self._turn.acquire(blocking=False):
            return
        try:
            if self.idling is not None and self.idling.is_idle:
                self.doze() if self.dozes else super()._idle()
        except LabmtjError as error:
            _LOG.warning("the bench is idle, and its outputs could not be switched off: %s", error)
        finally:
            self._turn.release()

    def protected(self) -> Safety:
        """Return the layer around this crossbar."""
        chip = self.file.chip
        return protected(self, chip.array, chip_id=chip.id, kept=self.kept)

    def take_over_counts(self) -> None:
        """Take over the counts of the matrices where they are larger: other users close relays, too."""
        for name, matrix in self.matrices.items():
            self.relays[name].take_over(matrix.closures())

    def provenance(self) -> dict[str, Attribute]:
        """Return the provenance: chip, wiring and its checksum, instruments, operator, conditions."""
        file, chip = self.file, self.file.chip
        found: dict[str, Attribute] = {
            "bench": file.name, "chip_id": chip.id, "die": chip.die, "array": chip.array.name,
            "wiring": self.wiring.canonical, "wiring_sha256": self.wiring.sha256,
            "instruments": [f"{name}: {identity}" for name, identity in self.sessions.identities.items()],
            "relays_without_sources": file.relays_without_sources,
            "operator": file.operator, "notes": file.notes,
        }  # fmt: skip
        known = {"temperature_kelvin": file.temperature_kelvin, "field_tesla": file.field_tesla}
        return found | {name: value for name, value in known.items() if value is not None}


@contextmanager
def open_laboratory(
    file: LaboratoryFile,
    *,
    resources: Mapping[str, str] | None = None,
    adapters: Mapping[str, object] | None = None,
    clock: Clock | None = None,
    wrap: Wrap | None = None,
    run: str = "",
    arm: bool = True,
    kept: bool = False,
    guarded: bool = True,
    record: Path | None = None,
    keep: Sequence[int] = (),
    server: int | None = None,
) -> Iterator[OpenBench]:
    """Take the instruments of a bench, connect, check that they have what the wiring needs, arm; make safe at the end.

    A watchdog process starts together with the sessions, before anything is armed.

    Args:
        file: of the bench.
        resources: VISA resources that replace those of the file.
        adapters: PyMeasure adapters used instead of sessions.
        clock: of the bench; default the monotonic clock.
        wrap: puts something around each session's adapter.
        run: name of the run, for another process that is refused.
        arm: False leaves relays and outputs as they are, to identify and to self-test only.
        kept: True for real instruments: closures are counted in files, from what the boxes have counted on.
        guarded: False only for instruments that end with this process.
        record: file for the watchdog to note in what it did.
        keep: descriptors for the watchdog to hold open, see `Watchdog`.
        server: process that virtual instruments end with.

    Raises:
        SettingError, InstrumentError, BenchBusy, WatchdogLost: nothing was changed on any instrument. Once connected,
            a note says that outputs of instruments that outlive this process may be on.
    """
    wiring, time_base = wiring_of(file), ResumableClock(clock or MonotonicClock())
    built: list[OpenBench] = []
    outlive = not adapters and server is None

    def build(drivers: Mapping[str, object]) -> None:
        built.append(_crossbar(file, wiring, drivers, time_base, addresses if kept else None))

    reached = at_resources(file.instruments, resources or {})
    addresses = {name: each.resource for name, each in reached.items()}
    watched = guarded and not adapters
    watchdog = partial(
        Watchdog,
        reached,
        run=run,
        record=record,
        keep=keep,
        relays_without_sources=file.relays_without_sources,
        server=server,
    )
    with (
        owning({} if adapters else addresses, run) as locks,
        _watched(watchdog(locks=locks) if watched else None) as watch,
        _outputs_unknown(file.name, built) if outlive else nullcontext(),
        open_sessions(file.instruments, resources=resources, adapters=adapters, wrap=wrap, before=build) as sessions,
    ):
        (bench,) = built
        bench.sessions, bench.kept, bench.dozes = sessions, kept, wrap is None
        bench.begin(watch)
        if kept:
            bench.take_over_counts()
        with closing(bench), _armed(bench) if arm else nullcontext():
            yield bench


def _crossbar(
    file: LaboratoryFile, wiring: Wiring, drivers: Mapping[str, object], clock: Clock, kept_by: Mapping[str, str] | None
) -> OpenBench:
    units = {name: each for name, each in drivers.items() if hasattr(each, "run_shots")}
    matrices = {name: each for name, each in drivers.items() if hasattr(each, "crosspoint")}
    bench = OpenBench(
        wiring, units, matrices, file.bench_limits, clock,  # type: ignore[arg-type]
        settle_seconds=file.settle_seconds, relay_settle_seconds=file.relay_settle_seconds,
        cell_siemens=float((1 / file.chip.array.nominal_ohms).max()),
        ledger_of=partial(relay_ledger, file.bench_limits, addresses=kept_by),
        relays_without_sources=file.relays_without_sources,
    )  # fmt: skip
    bench.file = file
    return bench


@contextmanager
def _outputs_unknown(name: str, built: Sequence[OpenBench]) -> Iterator[None]:
    """Add to whatever ends a bench before its arming begins, also a stop, that an earlier user may have left it on.

    Not to a wrong file, which is found before anything is sent.
    """
    try:
        yield
    except BaseException as error:
        if not (built and built[0].arming_begun) and not isinstance(error, UsageError):
            error.add_note(
                f"bench {name} was not switched off: the state of its outputs is unknown, they may be on. "
                "`labmtj safe BENCH` switches them off"
            )
        raise


@contextmanager
def _watched(watchdog: Watchdog | None) -> Iterator[Watch]:
    """End the watchdog after the sessions; a bench that could not be made safe is its to try."""
    if watchdog is None:
        yield NoWatch()
        return
    try:
        with closed_in_forks(watchdog.leave):
            yield watchdog
    except BaseException as error:
        if said := watchdog.end():
            error.add_note(said)
        raise
    else:
        watchdog.end()


@contextmanager
def _armed(bench: OpenBench) -> Iterator[None]:
    bench.watch.begin()  # a bench without a watchdog is not touched
    bench.arming_begun = True
    try:
        bench.arm()
        yield
    except BaseException as error:
        with undisturbed():
            try:
                bench.make_safe()
            except Exception as worse:  # noqa: BLE001 - the first error is the one to raise
                error.add_note(str(worse))
        raise
    else:
        with undisturbed():
            bench.make_safe()


@contextmanager
def located(name: str) -> Iterator[None]:
    """Turn a SettingError about a bench into a ConfigError that names file and line; one about a procedure passes."""
    try:
        yield
    except SettingError as error:
        if error.key[:1] not in {(name,) for name in LaboratoryFile.model_fields}:
            raise
        found = complaint(yamlfile.load(library.find(name, "benches")), error)
        for note in getattr(error, "__notes__", ()):
            found.add_note(note)
        raise found from error
