"""One small real run, made once, and runs that were stopped on the way; all read-only."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from labmtj.errors import Stopped
from labmtj.report import style, write_report
from labmtj.run import Progress, load_experiment, start

SIZES = ["mtj-35nm", "mtj-100nm"]
COUNT = 4


def run(folder: Path, show: Callable[[Progress], None]) -> Path:
    """Run the campaign on two sizes and return data.h5."""
    changes = {"count": COUNT, "sizes": SIZES, "amplitude": {"points": 4}}
    experiment = load_experiment("wine", seed=5, changes=changes)
    return start(experiment, folder, workers=1, show=show).data


@pytest.fixture
def stopped(tmp_path: Path) -> Callable[[Callable[[Progress], None]], Path]:
    """Return a function that runs the campaign until `show` raises Stopped."""

    def make(show: Callable[[Progress], None]) -> Path:
        with pytest.raises(Stopped):
            run(tmp_path, show)
        return next(tmp_path.glob("*/STOPPED")).with_name("data.h5")

    return make


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("whole"), lambda progress: None)


@pytest.fixture(scope="session")
def reported() -> Callable[[Path], list[str]]:
    """Return a function that writes the report of a data file beside it, and names the flaws of its figures."""

    def reported(data: Path) -> list[str]:
        found: list[str] = []
        draw = style.svg

        def looked_at(figure: Any) -> bytes:
            drawn = draw(figure)
            found.extend(flaws(figure))
            return drawn

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(style, "svg", looked_at)
            write_report(data, data.with_name("report.html"))
        return found

    return reported


def flaws(figure: Any) -> list[str]:
    """Name what a reader of a drawing stumbles over: offsets beside axes, text cut off or on other text, no ticks."""
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    renderer, found, boxes = figure.canvas.get_renderer(), [], {}
    for axes in figure.findobj(Axes):
        if not axes.axison:
            continue
        title = axes.get_title(loc="left")
        boxes[title] = axes.findobj(lambda item, title=title: isinstance(item, Text) and item.get_text() == title)[0]
        for axis in (axes.xaxis, axes.yaxis):
            what = f"{title or 'scale'}, {axis.axis_name} axis {axis.get_label().get_text()}"
            low, high = sorted(axis.get_view_interval())
            shown = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            boxes |= {f"{what}, {tick.label1.get_text()}": tick.label1 for tick in shown} | {what: axis.get_label()}
            if offset := axis.get_offset_text().get_text():
                found.append(f"{what}: {offset} beside it")
            if title and len(shown) < 2 and not axes.images:
                found.append(f"{what}: {len(shown)} ticks")
            if title and "(%)" in what and "relative" not in what and "AP" not in what:
                found += [f"{what}: tick at {tick.get_loc():g}" for tick in shown if not 0 <= tick.get_loc() <= 100]
    places = {
        what: text.get_window_extent(renderer) for what, text in boxes.items() if text.get_visible() and text.get_text()
    }
    found += [f"{what}: cut off" for what, box in places.items() if not _within(box, figure.bbox)]
    pairs = itertools.combinations(places.items(), 2)
    return found + [f"{what} on {other}" for (what, box), (other, under) in pairs if _overlap(box, under)]


def _within(box: Any, whole: Any) -> bool:
    return bool(min(box.x0, box.y0) > -1 and box.x1 < whole.x1 + 1 and box.y1 < whole.y1 + 1)


def _overlap(one: Any, other: Any) -> bool:
    return bool(min(one.x1, other.x1) - max(one.x0, other.x0) > 1 and min(one.y1, other.y1) - max(one.y0, other.y0) > 1)


@pytest.fixture(scope="session")
def figure_flaws(data: Path, reported: Callable[[Path], list[str]]) -> list[str]:
    return reported(data)


@pytest.fixture(scope="session")
def page(data: Path, figure_flaws: list[str]) -> str:
    return data.with_name("report.html").read_text(encoding="utf-8")


@pytest.fixture
def unrendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have figures drawn, but not written out as SVG, which is half of the time of a page: for what stands in words."""
    monkeypatch.setattr("labmtj.report.style.svg", lambda figure: b"<svg/>")


@pytest.fixture
def changed(data: Path, tmp_path: Path) -> Callable[[Callable[[h5py.File], None]], Path]:
    """Return a function that gives a copy of the file with something done to it."""

    def make(change: Callable[[h5py.File], None]) -> Path:
        copy = Path(shutil.copy(data, tmp_path / "data.h5"))
        with h5py.File(copy, "r+") as file:
            change(file)
        return copy

    return make
