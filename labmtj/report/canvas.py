"""What sections draw with: the parts of matplotlib that their figures use, so that it has one home.

`style` makes drawings in the look of the report, `mapping` those of maps; both give panels of the type `Axes`.
"""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle

__all__ = ["Axes", "Canvas", "ListedColormap", "Rectangle"]
