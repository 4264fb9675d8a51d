"""The two commands, and the bench that a calibrated chip can stand on."""

from types import SimpleNamespace

import numpy as np

from labmtj.bench import load_any, load_array
from labmtj.cli import main
from labmtj.virtual.assembly import assemble


def test_calibrate_writes_a_file_that_twin_and_a_bench_take(hidden, tmp_path, capsys):
    out = tmp_path / "chip.yaml"
    assert main(["calibrate", str(hidden.data), "--out", str(out), "--draws", "2"]) == 0
    told = capsys.readouterr().out
    assert "row_lead_ohms" in told
    assert "2 array files sampled from the posterior" in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chip-00.yaml", "chip-01.yaml", "chip.yaml"]
    assert main(["twin", str(hidden.folder), "--on", str(out)]) == 0
    assert "within 3 sigma" in capsys.readouterr().out
    assert main(["calibrate", str(hidden.data), "--out", str(out)]) == 2
    assert "exists already" in capsys.readouterr().err


def test_every_chip_of_a_run_is_calibrated_unless_one_is_named(hidden, tmp_path, capsys, monkeypatch):
    """`labmtj calibrate RUN`, as the README shows it, asked for --chip."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("labmtj.calibration.observed.chips_of", lambda _: ["one", "two"])
    monkeypatch.setattr(
        "labmtj.calibration.calibrate.calibrate",
        lambda _, chip, on: SimpleNamespace(observed=SimpleNamespace(chip=chip), on=on),
    )
    monkeypatch.setattr("labmtj.calibration.text.calibration_lines", lambda found: [f"of {found.observed.chip}"])
    monkeypatch.setattr("labmtj.calibration.writing.write_arrays", lambda _, out, *__: [f"{out}: written"])
    assert main(["calibrate", str(hidden.data)]) == 0
    told = capsys.readouterr().out.split("\n")
    assert told == ["of one", "", "one-calibrated.yaml: written", "", "of two", "", "two-calibrated.yaml: written", ""]
    assert main(["calibrate", str(hidden.data), "--chip", "two", "--out", "x.yaml"]) == 0
    assert capsys.readouterr().out.split("\n") == ["of two", "", "x.yaml: written", ""]
    assert main(["calibrate", str(hidden.data), "--out", "x.yaml"]) == 2
    assert "holds 2 chips, and --out is of one; name it with --chip: one, two" in capsys.readouterr().err


def test_wrong_usage_is_a_sentence(hidden, tmp_path, capsys):
    for arguments, words in (
        (["calibrate", str(tmp_path)], "not a run: there is no run.yaml in it; `labmtj ls` lists runs"),
        (["twin", str(tmp_path / "none")], "not a run: it is not there"),
        (["calibrate", str(hidden.folder), "--draws", "-1"], "--draws"),
        (["calibrate", str(hidden.folder), "--chip", "nobody"], "knows no chip"),
        (["twin", str(hidden.folder), "--on", "nothing.yaml"], "no such file"),
        (["twin", str(hidden.folder), "--on", "mtj-50nm"], "labmtj calibrate RUN"),
        (["twin", str(hidden.folder), "--seed", "-1"], "--seed"),
    ):
        assert main(arguments) == 2
        assert words in capsys.readouterr().err


def test_a_virtual_bench_holds_the_calibrated_chip(tmp_path):
    """The cells of the file lie under the probes, whatever the seed."""
    plain = load_array("mtj-50nm")
    ohms = 5000.0 + np.arange(225.0).reshape(15, 15)
    content = plain.model_dump(mode="json", exclude_none=True)
    content["cells"] = {"source": "a test", "parallel_ohms": {"values": ohms.tolist()}, "defects": []}
    from labmtj import yamlfile

    (tmp_path / "chip.yaml").write_text(yamlfile.dumps(content), encoding="utf-8")
    (tmp_path / "bench.yaml").write_text(
        "kind: virtual\nof: 2636b-3706a.yaml\narrays: [chip.yaml]\nseed: 12\n", encoding="utf-8"
    )
    bench = assemble(load_any(str(tmp_path / "bench.yaml")))
    try:
        assert np.array_equal(bench.network.array.cells.parallel_ohms, ohms.ravel())
        assert not bench.network.array.cells.defect.any()
    finally:
        bench.close()
