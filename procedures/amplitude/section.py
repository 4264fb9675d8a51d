"""What report and terminal say of amplitude scans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from labmtj.report.contents import Contents
from labmtj.report.digits import percent
from labmtj.report.sections import Finding, Section
from procedures.common.cell_section import chip_of


class AmplitudeSection(Section):
    """What report and terminal say of amplitude scans; the figure is drawn with that of the reference maps."""

    rank: ClassVar[int] = 60
    places: ClassVar[Mapping[str, str]] = {"arrays/*/amplitude": "volts"}

    def finding(self) -> Finding | None:
        """Return the amplitudes of each chip."""
        texts = []
        for group in self.groups:
            attrs, volts = self.contents.attributes(group), self.contents.read(f"{group}/volts")
            parts = []
            for state, name in (("parallel", "P"), ("antiparallel", "AP")):
                chosen, fidelity = float(attrs[f"{state}_volts"]), self.contents.read(f"{group}/{state}_fidelity")
                parts.append(f"{name} at {chosen:.3g} V ({percent(_nearest(volts, chosen, fidelity))} %)")
            texts.append(f"{chip_of(group)} {', '.join(parts)}")
        return ("Write amplitudes (fidelity of one write there)", texts) if texts else None

    def remarks(self) -> Iterator[tuple[str, str]]:
        """Yield which amplitudes lie at an end of their scan, and the chip."""
        for group in self.groups:
            for text in _edges(self.contents, group):
                yield text, chip_of(group)


def _nearest(volts: ArrayLike, chosen: float, fidelity: ArrayLike) -> float:
    """Return the fidelity at the amplitude of the scan that is nearest to the one chosen."""
    return float(np.asarray(fidelity)[np.argmin(np.abs(np.asarray(volts) - abs(float(chosen))))])


def _edges(contents: Contents, group: str) -> Iterator[str]:
    path = group
    if not contents.has(f"{path}/volts"):
        return
    volts, found = contents.read(f"{path}/volts"), contents.attributes(path)
    edges = {name: str(found.get(f"{state}_edge", "")) for state, name in (("parallel", "P"), ("antiparallel", "AP"))}
    for edge in dict.fromkeys(filter(None, edges.values())):
        names = " and ".join(name for name, each in edges.items() if each == edge)
        yield (
            f"the amplitudes that write {names} reach the {edge} of their scan ({volts[0]:.3g} to {volts[-1]:.3g} V); "
            "the window may be wider"
        )
