"""What report and terminal say of retention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from procedures.common.cell_section import TOWARDS, CellSection
from procedures.common.lost import fraction_text, lost_of


class RetentionSection(CellSection):
    """What is said of groups of this kind."""

    title: ClassVar[str] = "Retention"
    places: ClassVar[Mapping[str, str]] = {"arrays/*/retention": "flipped"}

    def what(self, group: str) -> str:
        """Return what the main figures are."""
        contents = self.contents
        return f"Cells of the family lost after {contents.read(f'{group}/seconds')[0, -1]:.4g} s (95 % interval)"

    def figure_text(self, group: str) -> str:
        """Return the main figures of one chip."""
        contents = self.contents
        lost = lost_of(contents, group)
        return ", ".join(f"{text} {fraction_text(lost, (d, -1))}" for d, text in enumerate(TOWARDS))

    def sentence(self, group: str) -> str:
        """Return all that was found of one chip."""
        contents = self.contents
        lost, seconds = lost_of(contents, group), contents.read(f"{group}/seconds")
        parts = [f"{text} {fraction_text(lost, (d, -1))}" for d, text in enumerate(("towards P", "towards AP"))]
        return f"retention: cells of the family lost after {seconds[0, -1]:.4g} s, 95 %: {', '.join(parts)}"
