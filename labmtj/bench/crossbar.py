"""A crossbar made of instruments: every bias is routed, every relay moves cold, every batch goes out whole."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from labmtj.bench import longest
from labmtj.bench.abilities import Units, check_channels, check_reading
from labmtj.bench.answers import delivered, empty_currents, enter, on_two_ranges, only_current
from labmtj.bench.by_messages import Given, Shown
from labmtj.bench.planning import Planning
from labmtj.bench.protecting import relay_ledger
from labmtj.bench.routing import Buses, Router
from labmtj.bench.sequence import Step
from labmtj.bench.sources import Sources
from labmtj.bench.switching import LedgerOf, Switching
from labmtj.bench.trust import again, all_of, asked, hurried
from labmtj.bench.watch import IDLE_LEASE_SECONDS, MAKE_SAFE_SECONDS, NoWatch, Watch
from labmtj.bench.wiring import Channel, Wiring
from labmtj.errors import CannotDo, LabmtjError, UsageError
from labmtj.forking import Owner
from labmtj.quantities import Bias, Currents, Flag, FloatArray, Limits, Lines, Pulse, Reading, Refusal
from labmtj.safety import STEP_SECONDS, Ledger, RelaysWithoutSources, attempt, shut_down
from labmtj.safety import Step as CleanUp
from labmtj.verbs import Clock, Instrument, SwitchMatrix
from labmtj.watchdog.leases import IDLE


class BenchCrossbar:
    """A `Crossbar` on source-measure units and switch matrices.

    Arm it before the first bias; make it safe behind the last, whatever happened. Between two calls every source is at
    0 V with its output on. No channel gives more than `limits.line_amperes` for each line that it holds; lines that
    share a channel share that, see `labmtj.bench.compliance`.

    Args:
        wiring: what hangs on what.
        units, matrices: by name on the bench; connected, untouched.
        limits: what cells, lines and sources survive.
        clock: of the bench.
        settle_seconds: from sources at 0 V to the first relay that moves.
        relay_settle_seconds: from relays at rest to the first level.
        cell_siemens: nominal conductance of a cell in P.
        ledger_of: returns the ledger of a matrix's closures, from its name and those of its relays; default new ones.
        relays_without_sources: whether relays stay or open while a source is not known to be off.

    Raises:
        SettingError: for a relay or channel that the instruments do not have, naming its place in the bench file.
    """

    def __init__(
        self,
        wiring: Wiring,
        units: Units,
        matrices: Mapping[str, SwitchMatrix],
        limits: Limits,
        clock: Clock,
        *,
        settle_seconds: float = 1e-3,
        relay_settle_seconds: float = 5e-3,
        cell_siemens: float = 1e-3,
        ledger_of: LedgerOf | None = None,
        relays_without_sources: RelaysWithoutSources = "hold",
    ) -> None:
        check_channels(wiring, units)
        self.wiring, self.shape, self.limits, self.clock = wiring, wiring.shape, limits, clock
        self.units, self.matrices = units, matrices
        self.relays_without_sources: RelaysWithoutSources = relays_without_sources
        self.router = Router(wiring, [name for name, matrix in matrices.items() if matrix.grounds_open_lines])
        self.sources = Sources(units, wiring.channels, clock)
        self.switching = Switching(
            matrices, self.router, self.sources, clock,
            settle_seconds=settle_seconds, relay_settle_seconds=relay_settle_seconds,
            ledger_of=ledger_of or partial(relay_ledger, limits),
        )  # fmt: skip
        self._plan = Planning(wiring, units, limits, self.router, self.sources, self.switching, cell_siemens)
        self._instruments: Sequence[Instrument] = (*units.values(), *matrices.values())
        self._armed = self._may_be_on = False
        self._owner = Owner()
        self._turn = threading.RLock()
        """held by an operation, and by the thread that switches off what is idle"""
        self.watch: Watch = NoWatch()
        self._routing_seconds = longest.routing(
            len(self._instruments), len(wiring.channels), settle_seconds + relay_settle_seconds
        )

    @property
    def relays(self) -> Mapping[str, Ledger]:
        """Closures of every relay, by matrix."""
        return self.switching.ledgers

    # -- life --------------------------------------------------------------------------------------------------------

    def check_owner(self) -> None:
        """Raise UsageError in a process that was forked from the one that opened the bench."""
        self._owner.check()

    @property
    def armed(self) -> bool:
        """Whether a bias may be applied."""
        return self._armed

    def arm(self) -> None:
        """Bring sources to 0 V, relays to rest; set limits, switch outputs on; raise InstrumentError if any fails."""
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
        self._lease_for("arming", len(self._instruments) + len(self.wiring.channels))
        self.sources.forget()
        self.sources.to_zero()
        self.switching.arm()
        self.sources.arm(self.limits.line_amperes, self.limits.cell_volts)

    def _lease_for(self, phase: str, boxes: int) -> None:
        self.watch.extend(phase, self._routing_seconds + boxes * longest.BOX_SECONDS)

    def doze(self) -> None:
        """Switch all outputs off, relays as they are, until the next operation; does nothing in the midst of one.

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
        """Bring the units to rest: if an answer was lost, nobody knows which of their outputs are on."""
        self.watch.announce("making safe", MAKE_SAFE_SECONDS)
        self._switch_off()

    def _switch_off(self) -> None:
        self.sources.forget()
        with hurried(self._instruments):
            if failed := self._at_once({name: unit.make_safe for name, unit in self.units.items()}):
                raise failed[0]

    def confirm(self) -> None:
        """Ask every instrument whether it is the one that was armed and keeps what it was told.

        Raises InstrumentError for another one, a restarted one, settings or relays that are not as they were left.
        """
        with self._operation("confirming") if self._armed else nullcontext():
            again(self._confirm, self._recover)

    def _confirm(self) -> None:
        for instrument in self._instruments:
            self._lease_for("confirming", 1)
            instrument.confirm()
        self.switching.confirm()

    def _recover(self) -> None:
        """Bring sources to 0 V behind a lost answer, and have everything confirmed; relays as they are, or to rest."""
        self.watch.announce("recovering", MAKE_SAFE_SECONDS)
        self.sources.forget()
        with hurried(self._instruments):
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
        Raises InstrumentError telling everything that failed: see to those instruments by hand.
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
        with hurried(self._instruments):
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

    # -- Crossbar ----------------------------------------------------------------------------------------------------

    def can(self, bias: Bias, seconds: float = 0.0) -> Refusal | None:
        """Say which voltage has no channel, which channel would give too much, which width is too short; or None."""
        if refusal := self._plan.refusal(bias, ()):
            return refusal
        steps = self._plan.steps(bias, (), ordered=True)
        return self._plan.current_refusal(bias, steps) or (
            self._plan.width_refusal(bias, steps, seconds) if seconds else None
        )

    def measure(self, bias: Bias, lines: Lines, how: Reading) -> Currents:
        """Read the lines, as many at a time as channels are left; all shots on one routing are one call of the unit.

        A reading whose answer is lost, or holds a value that is none, is taken again if no cell could change in it.

        Raises:
            CannotDo: if a bias has no routing under which a line can be read, or needs more current than the lines
                survive; nothing was applied.
        """
        chosen = lines.indices(self.shape).tolist()
        check_reading(self.wiring, self.units, how)
        self._begin(self._plan.refusal(bias, chosen))
        disturbing = self._plan.disturbs(bias)
        steps = self._plan.steps(bias, chosen, ordered=bias.ordered or disturbing)
        self._begin(self._plan.current_refusal(bias, steps))
        currents = empty_currents(bias, chosen, how)
        with self._operation("measuring"):
            for step in steps:
                enter(currents, self._read(step, bias, how, once=disturbing), step, chosen)
                if how.polarity == "given" or disturbing:
                    continue
                for part, scale in on_two_ranges(currents, step, chosen):  # their offsets would not cancel
                    enter(currents, self._read(part, bias, replace(how, range_amperes=scale), once=False), part, chosen)
        return currents

    def hold_seconds(self, how: Reading) -> float:
        """Return how long each shot of a reading is held: units that messages read take their turns."""
        return self.sources.hold_seconds(how)

    def pulse(self, bias: Bias, seconds: float) -> Pulse:
        """Pulse in order; delivered are the steps of each channel as the unit tells them, or as messages timed them.

        Raises:
            CannotDo: for a bias without a routing, more current than the lines survive, or a width that the units
                cannot do; nothing was applied.
        """
        if not 0 < seconds < np.inf:
            raise UsageError(f"a pulse of {seconds} s is not a pulse; give seconds > 0")
        self._begin(self.can(bias, seconds))
        given: list[tuple[Step, Given]] = []
        with self._operation("pulsing"):
            for step in self._plan.steps(bias, (), ordered=True):
                again(partial(self._prepare, step.buses, bias.line_volts[list(step.biases)]), self._recover)
                for part, turns in self._plan.parts(step, bias):
                    levels = self._plan.levels(part, bias)
                    self.watch.extend("pulsing", self.sources.longest_pulses(levels, seconds))
                    given.append((part, self.sources.pulses(levels, seconds, turns)))
        return delivered(bias, seconds, given, self._plan.place_of)

    def probe(self, buses: Buses, volts: Mapping[Channel, float], read: Channel, aperture_seconds: float) -> float:
        """Return the current out of one channel with lines on buses and channels at levels that no bias asks for.

        For checks of the wiring. Infinite where the channel is in compliance or beyond its range.

        Raises:
            InstrumentError: the reading is no number, and was none when it was taken again.
        """
        with self._operation("probing"):
            levels = np.array([[volts.get(channel, 0.0) for channel in self.wiring.channels]])
            holders = [self.router.channel_of(buses, line) for line in range(sum(self.shape))]

            def attempt() -> Shown:
                self._prepare(buses, np.array([[volts.get(each, 0.0) if each else 0.0 for each in holders]]))
                return self._shots(levels, [read], Reading(aperture_seconds))

            shown = self._valid(attempt)
        return only_current(shown, read, self.units[read.unit].address)

    def _begin(self, refusal: Refusal | None) -> None:
        if refusal is not None:
            raise CannotDo(f"{refusal}. It was not applied").advising(refusal.instead)

    # -- what is done ------------------------------------------------------------------------------------------------

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

    def closings(self, bias: Bias, lines: Lines) -> dict[str, NDArray[np.int64]]:
        """Return how often each relay would close for a batch, read on some lines; none if it cannot be given."""
        read = lines.indices(self.shape).tolist()
        if self._plan.refusal(bias, read):
            return {}
        ordered = not read or bias.ordered or self._plan.disturbs(bias)
        return self.switching.closings(step.buses for step in self._plan.steps(bias, read, ordered=ordered))

    def _read(self, step: Step, bias: Bias, how: Reading, *, once: bool) -> Shown:
        """Take the readings of a step, again if their answer is lost; if `once`, only what prepares them again."""
        prepare = partial(self._prepare, step.buses, bias.line_volts[list(step.biases)])

        def attempt() -> Shown:
            prepare()
            volts = self._plan.levels(step, bias)[:, np.newaxis] * how.signs[:, np.newaxis]
            read = [self._plan.reader_of(step.buses, line) for line in step.read]
            return self._shots(volts.reshape(-1, volts.shape[-1]), read, how)

        if once:
            again(prepare, self._recover)
            return attempt()
        return self._valid(attempt)

    def _shots(self, volts: FloatArray, read: Sequence[Channel], how: Reading) -> Shown:
        self.watch.extend("measuring", self.sources.longest_reading(volts, read, how))
        return self.sources.shots(volts, read, how)

    def _valid(self, attempt: Callable[[], Shown]) -> Shown:
        """Take readings, again if their answer is lost, and once more if one of them has no value."""
        shown = again(attempt, self._recover)
        return again(attempt, self._recover) if (shown.flags & Flag.INVALID).any() else shown

    def _prepare(self, buses: Buses, line_volts: FloatArray) -> None:
        """Move the relays, and limit every channel by what its lines may draw under biases (biases, lines)."""
        self.watch.extend("moving relays", self._routing_seconds)
        self.switching.route(buses)
        for channel, on in self._plan.held(buses).items():
            self.sources.limit(channel, self._plan.compliance.amperes(on, line_volts))
