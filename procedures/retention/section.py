"""What report and terminal say of retention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from labmtj.report.contents import Group
from procedures.common.cell_section import TOWARDS, CellSection
from procedures.common.lost import fraction_text, lost_of


class RetentionSection(CellSection):
    """What report and terminal say of groups of this kind."""

    title: ClassVar[str] = "Retention"
    places: ClassVar[Mapping[str, str]] = {"arrays/*/retention": "flipped"}

    def what(self, of: Group) -> str:
        """Return what the main figures are."""
        return f"Cells of the family lost after {of['seconds'][0, -1]:.4g} s (95 % interval)"

    def figure_text(self, of: Group) -> str:
        """Return the main figures of one chip."""
        lost = lost_of(of)
        return ", ".join(f"{text} {fraction_text(lost, (d, -1))}" for d, text in enumerate(TOWARDS))
