"""The notebooks in docs run from the first cell to the last.

Their cells are executed here as they are, in one namespace: they are plain Python, and a kernel with its messages,
display machinery and two dozen packages would prove nothing more about them.
"""

import json
import re
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "from-run-to-figures.ipynb"


@pytest.fixture(scope="module")
def cells():
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]


@pytest.fixture
def figures(monkeypatch):
    """What the notebook shows."""
    mpl.use("Agg")
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.gcf()))
    with mpl.rc_context():
        yield shown
    plt.close("all")


def test_it_is_committed_without_outputs(cells):
    for cell in cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_it_runs_to_the_end(cells, figures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    changes, fewer = 0, '"count": 2, "sizes": ["mtj-35nm", "mtj-100nm"]'
    for cell in cells:
        if cell["cell_type"] == "code":
            source, changed = re.subn('"count": 8', fewer, "".join(cell["source"]))  # quicker
            changes += changed
            exec(compile(source, f"cell {cell['id']}", "exec"), names)
    assert changes == 1
    assert len(figures) == 3
    assert list(names["sizes"]) == ["35 nm", "100 nm"]
    histogram, curves, maps = figures
    for axes in histogram.axes:
        heights = [patch.get_height() for patch in axes.patches]
        assert sum(heights) == 2 * 2, "every solution stands in one bar, before and after tuning"
    points = [line for line in curves.axes[0].lines if len(line.get_xdata()) == 2]
    assert len(points) == 2
    run, chip = names["run"], names["chip"]
    found = run.data.read(f"arrays/{chip}/reference/parallel_amperes")
    assert np.allclose(maps.axes[0].images[0].get_array(), found / 0.1 * 1e6)
    assert sum(names["reads"].values()) == run.reads(chip).sizes["read"]
    run.close()
