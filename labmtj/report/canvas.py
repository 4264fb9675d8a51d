"""What sections draw with: the parts of matplotlib that their figures use, in one place.

`style` makes drawings in the look of the report, `mapping` those of maps; both give panels of the type `Axes`. This
module loads matplotlib: import it within functions, or for types alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap, to_hex
from matplotlib.figure import Figure as Canvas
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

__all__ = [
    "Axes", "AxesImage", "Canvas", "LinearSegmentedColormap", "ListedColormap", "MaxNLocator", "PercentLocator",
    "Rectangle", "to_hex",
]  # fmt: skip


class PercentLocator(MaxNLocator):
    """Ticks at whole percents from 0 to 100."""

    def __init__(self) -> None:
        super().__init__(nbins="auto", integer=True, steps=[1, 2, 5, 10])

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        """Return the ticks of an axis with these limits."""
        return [tick for tick in super().tick_values(vmin, vmax) if 0 <= tick <= 100]
