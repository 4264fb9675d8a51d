"""Case F4, through a whole run: what was delivered beyond the limits ends it, is recorded, and marks cells of the chip."""

import h5py
import pytest

from labmtj.bench.files.healthfile import kept_health
from labmtj.errors import Overstressed
from labmtj.health import Health
from labmtj.quantities import Flag
from labmtj.run import RunFolder, load_experiment, start
from labmtj.safety import delivered
from labmtj.virtual.server.serving import serve

BENCH = """kind: instruments
instruments:
  smu: {{driver: instruments.keithley2600.Keithley2636B, resource: "{smu}"}}
  matrix: {{driver: instruments.keithley3706.Keithley3706A, resource: "{matrix}", cards: {{1: "3730", 2: "3730"}}}}
buses: {{ground: {{row: 1, ground: true}}, high: {{row: 2, channel: smu.a}}, low: {{row: 3, channel: smu.b}}}}
lines: {{rows: [matrix.1.1-15], columns: [matrix.2.1-15]}}
chip: {{id: A7, array: mtj-50nm}}
"""


def test_a_run_ends_with_the_figures_and_the_cells_are_marked(tmp_path, monkeypatch):
    """Delivered widths count a hundredfold here, as if the computer had slept."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    plain = delivered.check_pulse

    def stretched(envelope, pulse):
        pulse.delivered.step_seconds[:] *= 100
        return plain(envelope, pulse)

    monkeypatch.setattr(delivered, "check_pulse", stretched)
    with serve("virtual-2636b-3706a") as served:
        bench = tmp_path / "bench.yaml"
        bench.write_text(BENCH.format(**{name: server.resource for name, server in served.servers.items()}))
        experiment = load_experiment("reference", bench=str(bench), changes={"aperture_seconds": 0.001})
        with pytest.raises(Overstressed, match=r"sees more than 0\.15 V for 1 s in one go, .*limits\.pulse_seconds"):
            start(experiment, tmp_path / "runs", workers=1, show=lambda _: None)
        assert abs(served.bench.network.channels["smu", "a"].sense(0.0).volts) < 1e-3
        assert not served.bench.network.relays["matrix"].closed()
    folder = RunFolder(next((tmp_path / "runs").iterdir()))
    assert folder.ending == "FAILED"
    with h5py.File(folder.data) as file:
        pulses = file["arrays/mtj-50nm-0a/pulses"]
        assert (pulses["flags"][-1] & Flag.BEYOND_LIMITS).any()
        assert pulses["delivered_seconds"][-1] == pytest.approx(1.0, rel=1e-3)
        assert (file["arrays/mtj-50nm-0a/overstress/health/state"][:] == Health.OVERSTRESSED).any()
    health = kept_health("A7", (15, 15))
    row, column = next(zip(*(health.states == Health.OVERSTRESSED).nonzero(), strict=True))
    assert "in one go" in health.evidence[health.why[row, column]]
    assert folder.path.name in health.evidence[health.why[row, column]]
