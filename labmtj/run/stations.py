"""One station at work: its crossbars with all layers around them, its memory, and its blocks as encoded frames."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from labmtj.bench.checks.contact import PATH as CONTACT
from labmtj.bench.checks.contact import contact_row
from labmtj.errors import LabmtjError, Overstressed, RecordError, UsageError
from labmtj.layer import Layer
from labmtj.quantities import Bias, ChipGroup, Currents, Lines, Pulse, ReadSettings
from labmtj.record import FrameLog, open_data
from labmtj.record.intents import OUTPUTS_OFF, Announced
from labmtj.record.recorded import Recorded, put_overstress
from labmtj.run.counts import put_counts
from labmtj.run.experiment import Experiment
from labmtj.run.recovery import Interrupted
from labmtj.run.settings import options_instead
from labmtj.safety.delivered import check_pulse
from labmtj.schema import Attribute, Purpose
from labmtj.stopping import Stoppable
from labmtj.timestamps import Timestamp
from labmtj.verbs import Confirmable, Crossbar, Documented, Resumable

_LOG = logging.getLogger(__name__)


class ChipGroupAtWork:
    """Runs the blocks of one station. What a block wrote comes back as frames, snapshot included.

    Args:
        experiment: the campaign and its bench.
        stations: all stations, in their order.
        station: this one.
        check: called before every operation; what it raises ends the block.
        keep: makes frames durable; called after every operation on a bench of instruments, which cannot do it again.
        interrupted: what an earlier part of a run on instruments left open.
    """

    def __init__(
        self,
        experiment: Experiment,
        stations: Sequence[ChipGroup],
        station: ChipGroup,
        check: Callable[[], None] | None = None,
        keep: Callable[[bytes], None] | None = None,
        interrupted: Interrupted | None = None,
    ) -> None:
        self.campaign, self.station, self._settings = experiment.campaign, station, experiment.settings
        self._opened = ExitStack()
        self._bench, self._over_budget = experiment.connect(), experiment.over_budget
        self.crossbars: Mapping[str, Any] = self._opened.enter_context(self._bench.opened(station))
        self._opened_at = Timestamp.now()
        self._closed = False
        self.memory: dict[str, Any] = {}
        self.log = FrameLog()
        self._check, self._keep, self._interrupted = check, keep, interrupted
        try:
            self._begin(experiment, stations)
        except BaseException:  # such as a full disk: what is open is left safe
            self._opened.close()
            raise

    def _begin(self, experiment: Experiment, stations: Sequence[ChipGroup]) -> None:
        experiment.declare(stations, self.log)
        self.layer_around(self.crossbars)
        self.log.take()  # the tables are known here now, and written once by the main process
        self.provenance = self._provenance()
        if self.provenance:
            self.log.attributes("bench", self.provenance)
        self._keep_contact()

    def _keep_contact(self) -> None:
        """Record what the check of this touch-down found, after those before."""
        for crossbar in self.crossbars.values():
            if (contact := getattr(crossbar, "contact", None)) is not None:
                self.log.append(CONTACT, contact_row(contact))
        if self._keep is not None:
            self._keep_now()

    def layer_around(self, crossbars: Mapping[str, Crossbar]) -> None:
        """Put safety, journaling and stop requests around the crossbars that the blocks work with."""
        self.safeties = {
            name: self._bench.protected(self.station, name, crossbar) for name, crossbar in crossbars.items()
        }
        for name, safety in self.safeties.items():
            if self._over_budget:
                safety.allow_over_budget()
            if self._keep is not None:
                safety.insert(partial(Announced, log=self.log, name=name, keep=self._keep_now))
        self._layered: dict[str, Crossbar] = {
            name: Recorded(safety, self.log, name) for name, safety in self.safeties.items()
        }
        if self._keep is not None:
            self._layered = {name: Kept(crossbar, self._keep_now) for name, crossbar in self._layered.items()}
        if self._check is not None:
            self._layered = {name: Stoppable(crossbar, self._check) for name, crossbar in self._layered.items()}

    def _keep_now(self) -> None:
        assert self._keep is not None
        self._keep(self.log.take())

    def _provenance(self) -> dict[str, Attribute]:
        """Return what a bench of instruments says about itself and the chip."""
        stated = (each.provenance() for each in self.crossbars.values() if isinstance(each, Documented))
        return next(stated, {})

    def run_block(self, index: int) -> bytes:
        """Do block `index` and return its frames (the last of them, if they are kept on the way).

        The last frame is the snapshot to go on from. Instruments are asked first whether they are as they were left.
        Before the first block that an interruption cut off, its pulse is answered for and the cells are read again.
        """
        for crossbar in self.crossbars.values():
            if isinstance(crossbar, Confirmable):
                crossbar.confirm()
        if self._interrupted is not None:
            self._recover(self._interrupted)
            self._interrupted = None
        try:
            self.campaign.block(self.station, index, self._layered, self.memory, self.log)
        except LabmtjError as error:
            if error.instead and (options := options_instead(self._settings, error.instead)):
                error.add_note(f"a value that works: {options}")
            raise
        snapshots = {name: each.snapshot() for name, each in self.crossbars.items() if isinstance(each, Resumable)}
        ledgers = {name: safety.snapshot() for name, safety in self.safeties.items()}
        put_counts(self.log, self.safeties)
        for safety in self.safeties.values():
            safety.sync()
        state = {
            "next": index + 1, "memory": self.memory, "crossbars": snapshots, "bench": self.provenance,
            "ledgers": ledgers,
        }  # fmt: skip
        self.log.state(self.station.name, state)
        return self.log.take()

    def _recover(self, interrupted: Interrupted) -> None:
        interrupted.record(self.log, self.crossbars, self._opened_at, self._judged)
        self._keep_now()
        with self.log.tagged(Purpose.RECOVERY):
            self.campaign.reverify_states(self.station, self._layered, self.memory, self.log)

    def _judged(self, name: str, pulses: Pulse) -> Pulse:
        """Return pulses of unknown outcome, flagged and their cells marked if they may have gone beyond the limits."""
        try:
            return check_pulse(self.safeties[name].envelope, pulses)
        except Overstressed as error:
            problem = f"at most: its end was not seen: {error.problem}"
            _LOG.warning("%s: %s; look at these cells before they are used: labmtj run health", name, problem)
            put_overstress(self.log, name, Overstressed(problem, error.cells, error.answer))
            return error.answer  # type: ignore[no-any-return]

    def conclude(self, data: Path) -> bytes:
        """Work out what follows from the station's records, which it reads as any reader would; return frames."""
        with open_data(data) as records:
            self.campaign.conclude(self.station, records, self.log)
        return self.log.take()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a snapshot. Instruments and chip stay as they are: they are to be the same.

        Raises:
            UsageError: for another chip, wiring or instrument than the run began with.
        """
        self.memory = dict(state["memory"])
        if self.provenance:
            _check_same(state.get("bench", {}), self.provenance)
        for name, snapshot in state["crossbars"].items():
            self.crossbars[name].restore(snapshot)
        for name, counts in state.get("ledgers", {}).items():
            self.safeties[name].restore(counts)

    def close(self) -> None:
        """Leave the bench safe, and note when it was; again does nothing."""
        self._opened.close()
        if self._keep is not None and not self._closed:
            self._closed = True
            self.log.mark(OUTPUTS_OFF, Timestamp.now().values())
            with suppress(RecordError):  # what the disk refuses now it has refused before, and that was reported
                self._keep_now()


class Kept(Layer):
    """A crossbar whose every answer is durable before the next operation begins."""

    def __init__(self, crossbar: Crossbar, keep: Callable[[], None]) -> None:
        super().__init__(crossbar)
        self._keep = keep

    def measure(self, bias: Bias, lines: Lines, how: ReadSettings) -> Currents:
        """Measure and keep."""
        with self._kept():
            return super().measure(bias, lines, how)

    def pulse(self, bias: Bias, seconds: float) -> Pulse:
        """Pulse and keep."""
        with self._kept():
            return super().pulse(bias, seconds)

    @contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except Overstressed:
            self._keep()
            raise
        self._keep()


def _check_same(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise UsageError unless chip, wiring and instruments are those of the run."""
    for key, what in (("chip_id", "chip"), ("wiring_sha256", "wiring"), ("instruments", "instruments")):
        if before.get(key) != now[key]:
            raise UsageError(
                f"the {what} of this run was {before.get(key)}, and is {now[key]} now; put the old one back, or begin "
                "a new run. Nothing was applied"
            )
