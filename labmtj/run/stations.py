"""One station at work: its crossbars with all layers around them, its memory, and its blocks as encoded frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from labmtj.limits import Limited
from labmtj.quantities import Station
from labmtj.record import FrameLog, open_data
from labmtj.record.recorded import Recorded
from labmtj.run.experiment import Experiment
from labmtj.stopping import Stoppable
from labmtj.verbs import Crossbar


class StationAtWork:
    """Runs the blocks of one station. What a block wrote comes back as frames, snapshot included.

    Args:
        experiment: the campaign and its bench.
        stations: all stations, in their order.
        station: this one.
        check: called before every operation; what it raises ends the block, of which nothing is kept.
    """

    def __init__(
        self,
        experiment: Experiment,
        stations: Sequence[Station],
        station: Station,
        check: Callable[[], None] | None = None,
    ) -> None:
        self.campaign, self.station = experiment.campaign, station
        self.crossbars = experiment.connect().connect(station)
        self.memory: dict[str, Any] = {}
        self.log = FrameLog()
        experiment.describe(stations, self.log)
        self._check = check
        self.layer_around(self.crossbars)
        self.log.take()  # the tables are known here now, and written once by the main process

    def layer_around(self, crossbars: Mapping[str, Crossbar]) -> None:
        """Put limits, journaling and stop requests around the crossbars that the blocks work with."""
        self._layered: dict[str, Crossbar] = {
            name: Recorded(Limited(crossbar), self.log, name) for name, crossbar in crossbars.items()
        }
        if self._check is not None:
            self._layered = {name: Stoppable(crossbar, self._check) for name, crossbar in self._layered.items()}

    def run_block(self, index: int) -> bytes:
        """Do block `index` and return its frames; the last is the snapshot to go on from."""
        self.campaign.block(self.station, index, self._layered, self.memory, self.log)
        snapshots = {name: crossbar.snapshot() for name, crossbar in self.crossbars.items()}
        self.log.state(self.station.name, {"next": index + 1, "memory": self.memory, "crossbars": snapshots})
        return self.log.take()

    def conclude(self, data: Path) -> bytes:
        """Work out what follows from the station's records, which it reads as anybody would; return frames."""
        with open_data(data) as records:
            self.campaign.conclude(self.station, records, self.log)
        return self.log.take()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a snapshot."""
        self.memory = dict(state["memory"])
        for name, snapshot in state["crossbars"].items():
            self.crossbars[name].restore(snapshot)
