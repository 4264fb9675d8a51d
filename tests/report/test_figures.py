import base64
import re
import struct
from pathlib import Path

import h5py
import matplotlib as mpl
import numpy as np
import pytest

from labmtj.report import style, write_overview
from labmtj.report.contents import open_contents
from procedures.classify.metrics import BLIND, metrics_table
from procedures.classify.misses import misses_table
from procedures.classify.station import WineRun
from procedures.common.windows import windows


def test_overview_is_a_small_png(data: Path, tmp_path: Path) -> None:
    write_overview(data, tmp_path / "overview.png")
    content = (tmp_path / "overview.png").read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", content[16:24])[0] == 1500
    assert 20_000 < len(content) < 200_000


def test_typical_solution_is_the_one_nearest_to_the_median(data: Path) -> None:
    with open_contents(data) as contents:
        station = WineRun(contents.data).stations[0]
        accuracy = station.accuracy("common")
        distance = np.abs(accuracy - np.median(accuracy))
        assert distance[station.typical] == distance.min()


def test_stations_come_by_diameter(data: Path) -> None:
    with open_contents(data) as contents:
        assert [station.label for station in WineRun(contents.data).stations] == ["35 nm", "100 nm"]


def test_misses_add_up_to_the_cells_that_differ(data: Path) -> None:
    with h5py.File(data) as file:
        fidelity = file["wine/mtj-100nm-0/solutions/layer1_fidelity"][:]
    with open_contents(data) as contents:
        rows = misses_table(WineRun(contents.data).stations[1]).rows
    assert sum(int(row[3].text) for row in rows) == round(float((1 - fidelity).sum() * 13 * 12)) > 0


def test_separation_is_told_as_d_prime(data: Path) -> None:
    with open_contents(data) as contents, style.look():
        station = WineRun(contents.data).stations[0]
        text = windows(contents, station.label, station.chips[:1]).text
        low, high = (
            contents.read(f"arrays/{station.chips[0]}/reference/{name}_amperes")
            for name in ("antiparallel", "parallel")
        )
        usable = contents.read(f"arrays/{station.chips[0]}/reference/outcome") == 0
    half = (high - low)[usable] / 2  # every cell lies as far below its own threshold in AP as above it in P
    assert f"d\u2032 = {2 * half.mean() / half.std():.3g}" in text


def test_metrics_are_ranked_and_those_that_see_labels_are_faint(data: Path) -> None:
    with open_contents(data) as contents:
        rows = metrics_table(WineRun(contents.data).stations[1]).rows
    strengths = [abs(row[1].share) for row in rows if row[1].share is not None]
    assert strengths == sorted(strengths, reverse=True)
    assert [row[0].mark == "faint" for row in rows].count(False) == len(BLIND) == 8


def test_figures_of_a_campaign_can_be_read(figure_flaws: list[str]) -> None:
    assert figure_flaws == []


def test_points_near_100_percent_stay_there_and_the_axis_says_so() -> None:
    """It ran from "-0.1" to "0.1" with "+1e2" beside it, and equal points were moved above 100 %."""
    with style.look():
        figure, (axes,) = style.canvas(1)
        points = 100 * style.spread_fractions(np.ones(50), step=1 / 192, phase=0.3)
        axes.plot(points, points, "o")
        for which in ("x", "y"):
            style.percent_axis(axes, "fidelity", which=which)
        style.svg(figure)
    assert points.max() <= 100
    assert len(np.unique(points)) == 50
    for axis in (axes.xaxis, axes.yaxis):
        assert [tick.get_text() for tick in axis.get_ticklabels()] == ["98", "99", "100"]
        assert axis.get_offset_text().get_text() == ""


@pytest.mark.parametrize("step", [0.0, 0.01, 1.0])
def test_points_move_by_less_than_half_a_step_and_apart(step: float) -> None:
    moved = style.spread(300, step=step, phase=0.3)
    assert np.abs(moved).max() <= step / 2
    assert len(np.unique(moved)) == (300 if step else 1)


def test_a_user_s_own_style_changes_nothing_and_stays(page: str, data: Path) -> None:
    first = base64.b64decode(re.findall(r"svg\+xml;base64,([^\"]*)", page)[0])
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red"}), open_contents(data) as contents:
        from procedures.classify.overview import overview_figure

        with style.look():
            assert overview_figure(WineRun(contents.data)).svg == first
        assert mpl.rcParams["font.size"] == 30
