"""A crossbar made of instruments: every bias is routed, every relay moves cold, every batch goes out whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from labmtj.bench.files.protecting import relay_ledger
from labmtj.bench.files.wiring import Channel, Wiring
from labmtj.bench.routing.abilities import Units, check_channels, check_reading
from labmtj.bench.routing.answers import delivered, empty_currents, enter, on_two_ranges, only_current
from labmtj.bench.routing.planning import Planning
from labmtj.bench.routing.routes import Buses, Router
from labmtj.bench.routing.steps import Step
from labmtj.bench.routing.switching import LedgerOf, Switching
from labmtj.bench.session.armed import ArmedInstruments
from labmtj.bench.session.trust import again
from labmtj.bench.software_timed import ChannelReadings, DeliveredSteps
from labmtj.bench.sources import Sources
from labmtj.errors import CannotDo, UsageError
from labmtj.quantities import Bias, Currents, Flag, FloatArray, Limits, Lines, Pulse, ReadSettings, Refusal
from labmtj.safety import Ledger, RelaysWithoutSources
from labmtj.verbs import Clock, SwitchMatrix


class BenchCrossbar(ArmedInstruments):
    """A `Crossbar` on source-measure units and switch matrices.

    Arm it before the first bias; make it safe after the last, whatever happened. Between two calls every source is at
    0 V with its output on. No channel gives more than `limits.line_amperes` for each line that it holds; lines that
    share a channel share that, see `labmtj.bench.routing.compliance`.

    Args:
        wiring: what is connected to what.
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
        self.clock = clock
        self.router = Router(wiring, [name for name, matrix in matrices.items() if matrix.grounds_open_lines])
        sources = Sources(units, wiring.channels, clock)
        switching = Switching(
            matrices, self.router, sources, clock,
            settle_seconds=settle_seconds, relay_settle_seconds=relay_settle_seconds,
            ledger_of=ledger_of or partial(relay_ledger, limits),
        )  # fmt: skip
        super().__init__(
            wiring, units, matrices, limits, sources, switching,
            relays_without_sources=relays_without_sources, rest_seconds=settle_seconds + relay_settle_seconds,
        )  # fmt: skip
        self._plan = Planning(wiring, units, limits, self.router, sources, switching, cell_siemens)

    @property
    def relays(self) -> Mapping[str, Ledger]:
        """Closures of every relay, by matrix."""
        return self.switching.ledgers

    # -- Crossbar ----------------------------------------------------------------------------------------------------

    def refusal(self, bias: Bias, seconds: float = 0.0) -> Refusal | None:
        """Say which voltage has no channel, which channel would give too much, which width is too short; or None."""
        if refusal := self._plan.refusal(bias, ()):
            return refusal
        steps = self._plan.steps(bias, (), ordered=True)
        return self._plan.current_refusal(bias, steps) or (
            self._plan.width_refusal(bias, steps, seconds) if seconds else None
        )

    def measure(self, bias: Bias, lines: Lines, how: ReadSettings) -> Currents:
        """Read the lines, as many at a time as channels are free; all shots on one routing are one call of the unit.

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

    def hold_seconds(self, how: ReadSettings) -> float:
        """Return how long each shot of a reading is held: units that messages read take their turns."""
        return self.sources.hold_seconds(how)

    def pulse(self, bias: Bias, seconds: float) -> Pulse:
        """Pulse in order; delivered are the steps of each channel as the unit reports them, or as messages timed them.

        Raises:
            UsageError: for a width that is not positive and finite.
            CannotDo: for a bias without a routing, more current than the lines survive, or a width that the units
                cannot do; nothing was applied.
        """
        if not 0 < seconds < np.inf:
            raise UsageError(f"a pulse of {seconds} s is not a pulse; give seconds > 0")
        self._begin(self.refusal(bias, seconds))
        given: list[tuple[Step, DeliveredSteps]] = []
        with self._operation("pulsing"):
            for step in self._plan.steps(bias, (), ordered=True):
                again(partial(self._prepare, step.buses, bias.line_volts[list(step.biases)]), self._recover)
                for part, turns in self._plan.parts(step, bias):
                    levels = self._plan.levels(part, bias)
                    self.watch.extend("pulsing", self.sources.longest_pulses(levels, seconds))
                    given.append((part, self.sources.pulses(levels, seconds, turns)))
        return delivered(bias, seconds, given, self._plan.place_of)

    def probe(self, buses: Buses, volts: Mapping[Channel, float], read: Channel, aperture_seconds: float) -> float:
        """Return the current of one channel with given lines on buses and given levels, outside of any bias.

        For checks of the wiring. Infinite where the channel is in compliance or beyond its range.

        Raises:
            InstrumentError: the reading is no number, and was none when it was taken again.
        """
        with self._operation("probing"):
            levels = np.array([[volts.get(channel, 0.0) for channel in self.wiring.channels]])
            holders = [self.router.channel_of(buses, line) for line in range(sum(self.shape))]

            def attempt() -> ChannelReadings:
                self._prepare(buses, np.array([[volts.get(each, 0.0) if each else 0.0 for each in holders]]))
                return self._shots(levels, [read], ReadSettings(aperture_seconds))

            shown = self._valid(attempt)
        return only_current(shown, read, self.units[read.unit].address)

    def _begin(self, refusal: Refusal | None) -> None:
        if refusal is not None:
            raise CannotDo(f"{refusal}. It was not applied").advising(refusal.instead)

    # -- what is done ------------------------------------------------------------------------------------------------

    def closings(self, bias: Bias, lines: Lines) -> dict[str, NDArray[np.int64]]:
        """Return how often each relay would close for a batch, read on some lines; none if it cannot be given."""
        read = lines.indices(self.shape).tolist()
        if self._plan.refusal(bias, read):
            return {}
        ordered = not read or bias.ordered or self._plan.disturbs(bias)
        return self.switching.closings(step.buses for step in self._plan.steps(bias, read, ordered=ordered))

    def _read(self, step: Step, bias: Bias, how: ReadSettings, *, once: bool) -> ChannelReadings:
        """Take the readings of a step, again if their answer is lost; if `once`, only what prepares them again."""
        prepare = partial(self._prepare, step.buses, bias.line_volts[list(step.biases)])

        def attempt() -> ChannelReadings:
            prepare()
            volts = self._plan.levels(step, bias)[:, np.newaxis] * how.signs[:, np.newaxis]
            read = [self._plan.reader_of(step.buses, line) for line in step.read]
            return self._shots(volts.reshape(-1, volts.shape[-1]), read, how)

        if once:
            again(prepare, self._recover)
            return attempt()
        return self._valid(attempt)

    def _shots(self, volts: FloatArray, read: Sequence[Channel], how: ReadSettings) -> ChannelReadings:
        self.watch.extend("measuring", self.sources.longest_reading(volts, read, how))
        return self.sources.shots(volts, read, how)

    def _valid(self, attempt: Callable[[], ChannelReadings]) -> ChannelReadings:
        """Take readings, again if their answer is lost, and again if one of them has no value."""
        shown = again(attempt, self._recover)
        return again(attempt, self._recover) if (shown.flags & Flag.INVALID).any() else shown

    def _prepare(self, buses: Buses, line_volts: FloatArray) -> None:
        """Move the relays, and limit every channel by what its lines may draw under biases (biases, lines)."""
        self.watch.extend("moving relays", self._routing_seconds)
        self.switching.route(buses)
        for channel, on in self._plan.held(buses).items():
            self.sources.limit(channel, self._plan.compliance.amperes(on, line_volts))
