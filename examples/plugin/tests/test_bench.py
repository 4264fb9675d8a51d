"""A procedure of the plug-in on a virtual bench whose units are those of the plug-in."""

from pathlib import Path

from labmtj.cli import main


def test_a_ramp_on_a_virtual_bench_of_both_units(tmp_path, capsys):
    bench = Path(__file__).parents[1] / "benches" / "virtual.yaml"
    assert main(["run", "ramp", "--bench", str(bench), "--steps", "2", "--out", str(tmp_path)]) == 0
    assert "ramp: mtj-50nm-0a: conductance changes by" in capsys.readouterr().out
