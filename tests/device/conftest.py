"""A device that is installed: a distribution with an entry point, an array file, a bench."""

import importlib
import shutil
from pathlib import Path

import pytest

from labmtj import device, library, plugins

MODEL = Path(__file__).parents[2] / "examples/plugin/src/labmtj_example/notches.py"
ARRAY = """
name: notches
device: notches
shape: [4, 5]
polarity: 1
temperature_kelvin: 300.0
wires:
  row_segment_ohms: {value: 1.0, provenance: assumed}
  column_segment_ohms: {value: 1.0, provenance: assumed}
  row_lead_ohms: {value: 5.0, provenance: assumed}
  column_lead_ohms: {value: 5.0, provenance: assumed}
limits:
  cell_volts: 1.2
  line_amperes: 0.02
  pulse_seconds: 0.1
  disturb_volts: 0.15
family:
  lowest_ohms: {value: 12000.0, relative_sigma: 0.03, provenance: assumed}
  first_volts: {value: 0.70, relative_sigma: 0.01, provenance: assumed}
  second_volts: {value: 1.05, relative_sigma: 0.01, provenance: assumed}
"""


@pytest.fixture
def notches(tmp_path, monkeypatch):
    """Install the model of three states; return the folder with its array file and a simulated bench of it."""
    info = tmp_path / "notches-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: notches\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[labmtj.devices]\nnotches = notches_model:Notches\n")
    shutil.copy(MODEL, tmp_path / "notches_model.py")
    (tmp_path / "notches.yaml").write_text(ARRAY)
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
