"""The instruments of a bench from arming to making safe: outputs on, off while idle, recovered after a lost answer.

Every step reports to the watchdog how long it may take. Between arming and making safe there is one operation at a
time: see `labmtj.bench.crossbar`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial

from labmtj.bench.files.wiring import Wiring
from labmtj.bench.routing import longest
from labmtj.bench.routing.abilities import Units
from labmtj.bench.routing.switching import Switching
from labmtj.bench.session.trust import again, all_of, asked, cleanup_deadline
from labmtj.bench.session.watch import IDLE_LEASE_SECONDS, MAKE_SAFE_SECONDS, NoWatch, Watch
from labmtj.bench.sources import Sources
from labmtj.errors import LabmtjError, UsageError
from labmtj.forking import Owner
from labmtj.quantities import Limits
from labmtj.safety import STEP_SECONDS, RelaysWithoutSources, attempt, shut_down
from labmtj.safety import Step as CleanUp
from labmtj.verbs import Instrument, SwitchMatrix
from labmtj.watchdog.leases import IDLE


class ArmedInstruments:
    """What a bench does with its instruments whatever is measured on it; the base of `BenchCrossbar`.

    Args:
        wiring: what is connected to what.
        units, matrices: by name on the bench; connected, untouched.
        limits: what cells, lines and sources survive.
        sources: all channels.
        switching: all relays.
        relays_without_sources: whether relays stay or open while a source is not known to be off.
        rest_seconds: from sources at 0 V to the first relay, and from relays at rest to the first level.
    """

    def __init__(
        self,
        wiring: Wiring,
        units: Units,
        matrices: Mapping[str, SwitchMatrix],
        limits: Limits,
        sources: Sources,
        switching: Switching,
        *,
        relays_without_sources: RelaysWithoutSources,
        rest_seconds: float,
    ) -> None:
        self.wiring, self.shape, self.limits = wiring, wiring.shape, limits
        self.units, self.matrices = units, matrices
        self.sources, self.switching = sources, switching
        self.relays_without_sources: RelaysWithoutSources = relays_without_sources
        self._instruments: Sequence[Instrument] = (*units.values(), *matrices.values())
        self._armed = self._may_be_on = False
        self._owner = Owner()
        self._turn = threading.RLock()
        """held by an operation, and by the thread that switches off what is idle"""
        self.watch: Watch = NoWatch()
        self._routing_seconds = longest.routing(len(self._instruments), len(wiring.channels), rest_seconds)

    def check_owner(self) -> None:
        """Raise UsageError in a process that was forked from the one that opened the bench."""
        self._owner.check()

    @property
    def armed(self) -> bool:
        """Whether a bias may be applied."""
        return self._armed

    def arm(self) -> None:
        """Switch sources off, bring relays to rest; set limits, outputs on; raise InstrumentError if any fails."""
        self.check_owner()
        with self._turn:
            self._may_be_on = True
            try:
                again(self._arm, self._disarm)
                self._armed = True
            finally:
                self._idle()

    def _idle(self) -> None:
        """Say that no operation is on: from now on the caller computes for any time."""
        if self._may_be_on:
            self.watch.announce(IDLE, IDLE_LEASE_SECONDS)
        else:
            self.watch.rest()

    def _arm(self) -> None:
        self._lease_for("arming", len(self._instruments) + len(self.units) + len(self.wiring.channels))
        self.sources.forget()
        self.sources.switch_off()  # an earlier user may have left a current on, or a sweep: no relay moves before
        self.switching.arm()
        self.sources.arm(self.limits.line_amperes, self.limits.cell_volts)

    def _lease_for(self, phase: str, boxes: int) -> None:
        self.watch.extend(phase, self._routing_seconds + boxes * longest.BOX_SECONDS)

    def doze(self) -> None:
        """Switch all outputs off, relays as they are, until the next operation; does nothing during one.

        Raises:
            InstrumentError: a unit could not be made safe.
        """
        if not self._turn.acquire(blocking=False):
            return
        try:
            if self._may_be_on:
                self.watch.announce(IDLE, MAKE_SAFE_SECONDS)  # the caller may compute, and hold up this thread
                self._switch_off()
                self._may_be_on = False
        finally:
            self._idle()
            self._turn.release()

    def _wake(self) -> None:
        """Switch the outputs on again that `doze` has switched off."""
        if self._armed and not self._may_be_on:
            self._may_be_on = True
            again(self._rearm, self._disarm)

    def _rearm(self) -> None:
        self._lease_for("arming", len(self._instruments) + len(self.wiring.channels))
        self.sources.forget()
        self.switching.confirm()
        self.sources.arm(self.limits.line_amperes, self.limits.cell_volts)

    def _disarm(self) -> None:
        """Bring the units to rest: if an answer was lost, it is unknown which of their outputs are on."""
        self.watch.announce("making safe", MAKE_SAFE_SECONDS)
        self._switch_off()

    def _switch_off(self) -> None:
        self.sources.forget()
        with cleanup_deadline(self._instruments):
            if failed := self._at_once({name: unit.make_safe for name, unit in self.units.items()}):
                raise failed[0]

    def confirm(self) -> None:
        """Ask every instrument whether it is the one that was armed and still has the settings it was given.

        Raises InstrumentError for another one, a restarted one, and settings or relays that have changed.
        """
        with self._operation("confirming") if self._armed else nullcontext():
            again(self._confirm, self._recover)

    def _confirm(self) -> None:
        for instrument in self._instruments:
            self._lease_for("confirming", 1)
            instrument.confirm()
        self.switching.confirm()

    def _recover(self) -> None:
        """Bring sources to 0 V after a lost answer and confirm everything; relays stay, or go to rest."""
        self.watch.announce("recovering", MAKE_SAFE_SECONDS)
        self.sources.forget()
        with cleanup_deadline(self._instruments):
            if failed := self._at_once(self._zeros()):
                raise failed[0]
            for instrument in self._instruments:
                instrument.confirm()
            self.switching.recover()

    def abort(self) -> None:
        """Stop what runs on any unit, from any thread."""
        self.check_owner()
        self.sources.abort()

    def make_safe(self) -> None:
        """Bring sources to 0 V, then outputs off, then relays open (or grounded); see `safety.shut_down`.

        All instruments at the same time, and none is waited for beyond a deadline: those that do not answer cost
        `trust.CLEANUP_SECONDS` together, at most. While a source is not known to be off, relays stay as they are,
        unless `relays_without_sources` is "open". A process that was forked leaves the bench alone.
        Raises InstrumentError that lists everything that failed: make those instruments safe by hand.
        """
        self._armed = False
        if not self._owner.is_here:
            return
        self.watch.announce("making safe", MAKE_SAFE_SECONDS)
        mine = self._turn.acquire(timeout=STEP_SECONDS)  # `doze` may be at it; it has a deadline
        try:
            self._make_safe()
        finally:
            self._idle()
            if mine:
                self._turn.release()

    def _make_safe(self) -> None:
        self.sources.forget()
        offs = {name: unit.make_safe for name, unit in self.units.items()}
        rests = {name: matrix.make_safe for name, matrix in self.matrices.items()}
        asks = {name: partial(asked, matrix) for name, matrix in self.matrices.items()}
        with cleanup_deadline(self._instruments):
            failed = shut_down(
                self._clean_ups(offs), self._clean_ups(rests),
                zeros=self._clean_ups(self._zeros()), asks=self._clean_ups(asks),
                relays_without_sources=self.relays_without_sources,
            )  # fmt: skip
        if failed:
            raise all_of(failed) from failed[0]
        self._may_be_on = False

    def _zeros(self) -> dict[str, Callable[[], None]]:
        return {name: partial(self.sources.zero, name) for name in self.sources.names}

    def _at_once(self, steps: Mapping[str, Callable[[], None]]) -> list[LabmtjError]:
        """Do a step for every instrument of these names and return what failed."""
        return attempt(self._clean_ups(steps))

    def _clean_ups(self, steps: Mapping[str, Callable[[], None]]) -> list[CleanUp]:
        found = {**self.units, **self.matrices}
        return [CleanUp(name, found[name].address, do) for name, do in steps.items()]

    @contextmanager
    def _operation(self, phase: str) -> Iterator[None]:
        """Do an operation under a lease of the watchdog; forget what is known of the sources if it breaks off.

        Raises:
            WatchdogLost, UsageError: nothing was applied.
        """
        self.check_owner()
        with self._turn:
            if not self._armed:  # any more, perhaps: another thread may have made it safe
                raise UsageError("the bench is not armed: call arm(), or use it as `with labmtj.bench(...) as array`")
            self.watch.require(phase, self._routing_seconds)
            try:
                self._wake()
                yield
            except BaseException:
                self.sources.forget()
                raise
            finally:
                self._idle()
