import numpy as np
import pytest

from labmtj import library
from labmtj.errors import ConfigError
from labmtj.record import MemoryLog, open_data
from labmtj.run import load_experiment, start
from labmtj.run.plain import LogWithin
from labmtj.schema import Column, Purpose, Table, Variable
from procedures.common.reference import reference_maps
from procedures.reference import ReferenceMap


def nobody(progress):
    """Nobody looks at the progress."""


def test_a_plain_procedure_runs_on_every_array_of_the_bench(tmp_path):
    experiment = load_experiment("reference")
    folder = start(experiment, tmp_path, workers=1, show=nobody)
    assert folder.ending == "DONE"
    chips = [f"mtj-{size}nm-0a" for size in (35, 50, 75, 100)]
    assert [station.arrays for station in experiment.stations()] == [(chip,) for chip in chips]
    with open_data(folder.data) as data:
        for chip, station in zip(chips, experiment.stations(), strict=True):
            maps = reference_maps(experiment.connect().connect(station)[chip], ReferenceMap())  # the same chip by hand
            np.testing.assert_array_equal(data.read(f"arrays/{chip}/reference/parallel_amperes"), maps.parallel_amperes)
            assert data.attributes(f"arrays/{chip}/reference")["polarity"] == 1
            assert (data.read(f"arrays/{chip}/reads/purpose") == Purpose.CHARACTERISE).all()


def test_the_amplitude_scan_runs_alone_too(tmp_path):
    bench = tmp_path / "one.yaml"
    text = (library.folder() / "benches" / "simulated.yaml").read_text()
    bench.write_text(text.replace("[mtj-35nm, mtj-50nm, mtj-75nm, mtj-100nm]", "[mtj-100nm]"))
    changes = {"points": 4, "start_volts": 0.5, "reference": {"initialise_pulses": 1}}
    folder = start(load_experiment("amplitude", bench=str(bench), changes=changes), tmp_path, workers=1, show=nobody)
    with open_data(folder.data) as data:
        volts = data.read("arrays/mtj-100nm-0a/amplitude/volts")
        fidelity = data.read("arrays/mtj-100nm-0a/amplitude/parallel_fidelity")
        chosen = data.attributes("arrays/mtj-100nm-0a/amplitude")["parallel_volts"]
    assert fidelity.max() > 0.9
    assert volts[0] <= chosen <= volts[-1]


def test_a_plain_procedure_is_checked_against_every_array(tmp_path):
    (tmp_path / "e.yaml").write_text("procedure: procedures.reference.ReferenceMap\nsettings:\n  read_volts: 0.2\n")
    with pytest.raises(ConfigError, match=r"e\.yaml:3: settings\.read_volts: 0\.2 V exceeds .* mtj-35nm"):
        load_experiment(str(tmp_path / "e.yaml"))


def test_a_log_within_puts_everything_below_its_group():
    log = MemoryLog()
    within = LogWithin(log, "arrays/chip")
    within.table(Table("rows", "row", {"value": Column("f8", "V", "a value")}))
    within.append("rows", {"value": [1.0, 2.0]})
    within.put("group", {"x": Variable([1.0], "V", "x", ("n",))})
    within.attributes("", {"a": 1})
    within.attributes("group", {"b": 2})
    with within.tagged(Purpose.INFER, 3):
        assert log.tags == within.tags == {"purpose": Purpose.INFER, "solution": 3}
    within.commit()
    assert list(log.read("arrays/chip/rows")["value"]) == [1.0, 2.0]
    assert list(log.read("arrays/chip/group")["x"]) == [1.0]
    assert (log.read_attributes("arrays/chip"), log.read_attributes("arrays/chip/group")) == ({"a": 1}, {"b": 2})
