"""What report and terminal say of all-port reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from labmtj.report.blocks import Chapter
from labmtj.report.sections import Finding, Section
from procedures.common.cell_section import chip_of
from procedures.ports.wires import NAMES, port_lines, wires_of


class PortsSection(Section):
    """What is said of the wires, cells and leaks that all-port reads determine."""

    rank: ClassVar[int] = 50
    places: ClassVar[Mapping[str, str]] = {
        f"arrays/*/{name}": "admittance_siemens" for name in ("ports", "ports_parallel", "ports_antiparallel")
    }

    def finding(self) -> Finding | None:
        """Return a wire of each chip."""
        texts, seen = [], set[str]()
        for group in self.groups:
            if chip_of(group) not in seen:
                seen.add(chip_of(group))
                wires = wires_of(self.contents.attributes(f"{group}/network"))
                values = [
                    f"{NAMES.get(name, name)} {_with_error(ohms, error)}" for name, ohms, error, _ in wires if ohms
                ]
                texts.append(f"{chip_of(group)} {values[0] if values else 'not determined'}")
        return ("Resistance of the wires (standard error)", texts) if texts else None

    def lines(self) -> list[str]:
        """Return the wires of each chip."""
        return port_lines(self.contents, self.groups)

    def chapters(self) -> list[Chapter]:
        """Return a chapter for each set of reads."""
        from procedures.ports.figures import ports_chapter

        return [ports_chapter(self.contents, group, number) for number, group in enumerate(self.groups[:8])]


def _with_error(ohms: float, error: float) -> str:
    """Return a resistance with as many decimals as two digits of its standard error have."""
    digits = max(0, 1 - int(np.floor(np.log10(error)))) if error > 0 else 3
    return f"{ohms:.{digits}f} ± {error:.{digits}f} ohm"
