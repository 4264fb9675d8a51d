"""First steps of a resumed run on instruments: record the pulse in which it was cut off, and read the cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from labmtj.quantities import Pulse
from labmtj.record.intents import Unanswered, note_outcome, unanswered
from labmtj.record.recorded import array_tables
from labmtj.record.tables import pulses_rows
from labmtj.run.folder import RunFolder
from labmtj.run.watched import outputs_off
from labmtj.timestamps import Timestamp
from labmtj.verbs import Crossbar, Log


@dataclass(frozen=True, eq=False)
class Interrupted:
    """What an interrupted run left open."""

    pulses: Sequence[Unanswered] = ()
    """announced, and never answered for"""
    safe: Sequence[Timestamp] = ()
    """when its watchdog had the outputs off, part of the run by part"""

    def record(
        self,
        log: Log,
        arrays: Mapping[str, Crossbar],
        opened: Timestamp,
        judged: Callable[[str, Pulse], Pulse] = lambda _, pulse: pulse,
    ) -> None:
        """Write every pulse of unknown outcome, with the longest that it can have lasted.

        Args:
            log: takes the rows.
            arrays: those to answer for, by name.
            opened: when their sources were at 0 V again, at the latest.
            judged: flags a pulse on an array of this name that may have gone beyond the limits.
        """
        for pulse in self.pulses:
            intent = pulse.intent
            if intent.array in arrays:
                ends = [moment for moment in (pulse.safe, *self.safe, opened) if moment is not None]
                pulses = judged(intent.array, intent.at_most(_shortest(intent.moment, ends)))
                rows = pulses_rows(pulses, **intent.tags)
                log.append(array_tables(intent.array, intent.bias.shape)[2].path, rows)
                note_outcome(log, intent.array)


def interrupted(folder: RunFolder) -> Interrupted:
    """Return what the run in a folder left open."""
    return Interrupted(unanswered(folder.journal), list(outputs_off(folder)))


def _shortest(begun: Timestamp, ends: Sequence[Timestamp]) -> float:
    """Return the seconds from the beginning to the first of the ends after it; NaN if no clock shows it."""
    seconds = np.array([end.seconds_since(begun) for end in ends])
    later = seconds[seconds >= 0]
    return float(later.min()) if len(later) else float("nan")
