"""The layer below every procedure: a crossbar that is safe, armed or live; nothing beyond its limits passes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from labmtj.errors import CannotDo, LimitExceeded, UsageError
from labmtj.layer import Layer
from labmtj.quantities import Bias, Currents, Lines, Pulse, ReadSettings, Refusal
from labmtj.safety.checks import Envelope
from labmtj.safety.ledger import Ledger, cell_names
from labmtj.verbs import Crossbar


class State(Enum):
    """What may happen now."""

    SAFE = "safe"
    """outputs off, relays at rest; nothing may be applied before `arm`"""
    ARMED = "armed"
    """between two operations: sources at 0 V"""
    LIVE = "live"
    """an operation is on"""


@runtime_checkable
class HasRelays(Protocol):
    """A crossbar that moves relays, and knows beforehand which."""

    @property
    def relays(self) -> Mapping[str, Ledger]:
        """Closures of every relay, by matrix."""
        ...

    def closings(self, bias: Bias, lines: Lines) -> Mapping[str, NDArray[np.int64]]:
        """Return how often each relay closes for a batch, read on some lines; by matrix, in the order of `relays`."""
        ...


@runtime_checkable
class HoldsLonger(Protocol):
    """A crossbar that holds a bias longer than a reading asks for, and knows how long."""

    def hold_seconds(self, how: ReadSettings) -> float:
        """Return how long each shot of a reading is held."""
        ...


@runtime_checkable
class HasOwner(Protocol):
    """A crossbar that belongs to the process that opened it."""

    def check_owner(self) -> None:
        """Raise UsageError in a process that was forked from that one."""
        ...


class Safety(Layer):
    """A crossbar that checks every batch whole, keeps the budgets, and makes itself safe when an operation breaks off.

    Args:
        crossbar: what is protected; armed already, or to be armed.
        envelope: what is allowed.
        pulses: counts pulses on every cell, row by row; default a new ledger, which ends with this object.
    """

    def __init__(self, crossbar: Crossbar, envelope: Envelope, pulses: Ledger | None = None) -> None:
        super().__init__(crossbar)
        self.envelope = envelope
        self.pulses = pulses or Ledger(
            cell_names(crossbar.shape), crossbar.limits.pulses_per_cell, what="pulses", limit="limits.pulses_per_cell"
        )
        self.state = State.ARMED if getattr(crossbar, "armed", True) else State.SAFE
        self._relays = crossbar if isinstance(crossbar, HasRelays) else None
        self._holds = crossbar if isinstance(crossbar, HoldsLonger) else None
        self._owned = crossbar if isinstance(crossbar, HasOwner) else None
        self._turn = threading.Lock()
        """held by an operation"""

    def insert(self, layer: Callable[[Crossbar], Crossbar]) -> None:
        """Put a layer between the checks and the crossbar: it sees only what is really sent."""
        self._crossbar = layer(self._crossbar)

    # -- states ------------------------------------------------------------------------------------------------------

    def arm(self) -> None:
        """Prepare for the first bias: after `make_safe`, or after an operation that failed."""
        super().arm()
        self.state = State.ARMED

    def make_safe(self) -> None:
        """Bring every source to 0 V, outputs off, relays to rest; `arm` goes on from there."""
        self.state = State.SAFE
        super().make_safe()

    @contextmanager
    def _live(self) -> Iterator[None]:
        """Be live within; a refusal of the crossbar leaves it armed, whatever else goes wrong makes it safe."""
        self.state = State.LIVE
        try:
            yield
        except CannotDo:
            self._still_armed()
            raise
        except BaseException as error:
            try:
                self.make_safe()
            except Exception as worse:  # noqa: BLE001 - the first error is the one to raise
                error.add_note(str(worse))
            raise
        self._still_armed()

    def _still_armed(self) -> None:
        if self.state is State.LIVE:  # not if another thread has made it safe meanwhile
            self.state = State.ARMED

    # -- Crossbar ----------------------------------------------------------------------------------------------------

    def refusal(self, bias: Bias, seconds: float = 0.0) -> Refusal | None:
        """Refuse a bias that the limits forbid, else one that the crossbar cannot give. Budgets are not checked."""
        try:
            self.envelope.check(bias, seconds)
        except LimitExceeded as error:
            return Refusal(str(error), "stay within the limits of the array file", error.instead)
        return super().refusal(bias, seconds)

    def measure(self, bias: Bias, lines: Lines, how: ReadSettings) -> Currents:
        """Check, then measure. A reading that may disturb a cell counts as a pulse per shot.

        Time and energy of all its shots and biases together have the limits of one pulse: a bench goes from each to
        the next without a return to 0 V.

        Raises:
            LimitExceeded: naming the limit; nothing was applied.
            UsageError: if it is not armed, or another thread or process has it.
        """
        asked_seconds = how.settle_seconds + how.aperture_seconds
        held_seconds = self._holds.hold_seconds(how) if self._holds is not None else asked_seconds
        self.envelope.check(
            bias,
            hold_seconds=asked_seconds,
            shots_seconds=held_seconds * len(how.signs),
            both_signs=how.polarity == "both",
        )
        with self._alone():
            counted = self._admit(bias, lines, len(how.signs))
            with self._live(), self._taken_back(counted):
                return super().measure(bias, lines, how)

    def pulse(self, bias: Bias, seconds: float) -> Pulse:
        """Check and count, then pulse; raise as `measure`."""
        self.envelope.check(bias, seconds)
        with self._alone():
            counted = self._admit(bias, Lines(), 1)
            with self._live(), self._taken_back(counted):
                return super().pulse(bias, seconds)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Raise UsageError in a forked process, and while another thread is in an operation."""
        if self._owned is not None:
            self._owned.check_owner()
        if not self._turn.acquire(blocking=False):
            raise UsageError(
                "another thread is in an operation on this crossbar: nothing was applied. A bench belongs "
                "to one thread at a time: wait for it there, or do all operations in one thread"
            )
        try:
            yield
        finally:
            self._turn.release()

    def _admit(self, bias: Bias, lines: Lines, shots: int) -> NDArray[np.int64] | None:
        """Raise unless armed and within all budgets; count the pulses now, because the process may die during them."""
        if self.state is not State.ARMED:
            raise UsageError(
                f"the crossbar is {self.state.value}, not armed: nothing was applied. After an operation that broke "
                "off, remove its cause, then call arm()"
            )
        self._check_relays(bias, lines)
        counted = self.envelope.pulses_of_cells(bias)
        if counted is not None:
            counted *= shots
            self.pulses.check(counted)
            self.pulses.add(counted)
        return counted

    def _check_relays(self, bias: Bias, lines: Lines) -> None:
        """Raise if a relay reaches its budget; a batch is planned only near it: a step closes no relay twice."""
        crossbar, steps = self._relays, len(bias) * max(1, len(lines))
        if crossbar is None or not any(ledger.near(steps) for ledger in crossbar.relays.values()):
            return
        for matrix, closings in crossbar.closings(bias, lines).items():
            crossbar.relays[matrix].check(closings)

    # -- budgets -----------------------------------------------------------------------------------------------------

    @property
    def relays(self) -> Mapping[str, Ledger]:
        """Closures of every relay, by matrix; empty where there are none."""
        return self._relays.relays if self._relays is not None else {}

    def allow_over_budget(self) -> None:
        """Go on beyond the budgets: a decision of the user, to be recorded by the caller."""
        for ledger in (self.pulses, *self.relays.values()):
            ledger.over_budget = True

    def sync(self) -> None:
        """Return when a power cut would not lose the counts."""
        for ledger in (self.pulses, *self.relays.values()):
            ledger.sync()

    def snapshot(self) -> dict[str, Any]:
        """Return all counts."""
        relays = {matrix: ledger.counts.copy() for matrix, ledger in self.relays.items()}
        return {"pulses": self.pulses.counts.copy(), "relays": relays}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go back to the counts of a snapshot, but for those that are kept in files: these went on."""
        self.pulses.restore(snapshot["pulses"])
        for matrix, counts in snapshot["relays"].items():
            self.relays[matrix].restore(counts)

    @contextmanager
    def _taken_back(self, counted: NDArray[np.int64] | None) -> Iterator[None]:
        """Take back what was counted if the crossbar refuses, and applies nothing."""
        try:
            yield
        except CannotDo:
            if counted is not None:
                self.pulses.add(-counted)
            raise
