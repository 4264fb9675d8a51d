"""What report and terminal say of the health of chips."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from labmtj.health import Health
from labmtj.report.blocks import Block, tried
from labmtj.report.sections import Finding, Section
from procedures.common.cell_section import chip_of
from procedures.health.tables import health_lines, health_table


class HealthSection(Section):
    """What is said of the maps of a health check."""

    rank: ClassVar[int] = 40
    places: ClassVar[Mapping[str, str]] = {"arrays/*/health": "state"}

    def finding(self) -> Finding | None:
        """Return how many cells of each chip are usable."""
        states = {chip_of(group): self.contents.read(f"{group}/state") for group in self.groups}
        return "Usable cells", [
            f"{chip} {int((each == Health.USABLE).sum())} of {each.size}" for chip, each in states.items()
        ]

    def lines(self) -> list[str]:
        """Return the maps, a letter a cell."""
        return health_lines(self.contents)

    def result(self) -> list[Block]:
        """Return a row for every cell that is not usable."""
        return [tried("Health of the cells", partial(health_table, self.contents))]
