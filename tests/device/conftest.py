"""A device that is installed: a distribution with an entry point, an array file, a bench."""

import importlib
import shutil
from pathlib import Path

import pytest

from labmtj import device, library, plugins

MODEL = Path(__file__).parents[2] / "examples/plugin/src/labmtj_example/notches.py"
EXAMPLE = MODEL.parents[2]


@pytest.fixture
def notches(tmp_path, monkeypatch):
    """Install the model of three states; return the folder with its array file and a simulated bench of it."""
    info = tmp_path / "notches-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: notches\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[labmtj.devices]\nnotches = notches_model:Notches\n")
    shutil.copy(MODEL, tmp_path / "notches_model.py")
    shutil.copy(EXAMPLE / "arrays/notches.yaml", tmp_path)
    bench = (library.folder() / "benches" / "simulated.yaml").read_text()
    (tmp_path / "bench.yaml").write_text(
        "\n".join("arrays: [notches.yaml]" if line.startswith("arrays:") else line for line in bench.splitlines())
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # of the processes that virtual instruments live in
    importlib.invalidate_caches()
    plugins.forget()
    device.model_of.cache_clear()
    yield tmp_path
    plugins.forget()
    device.model_of.cache_clear()
