"""A device that the core has never seen: chosen by name in an array file, drawn, written, verified, read, reported."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from labmtj import library
from labmtj.bench.files.loading import load_array
from labmtj.bench.files.simulated import crossbar_of, describe
from labmtj.cli import main
from labmtj.device.mtj.family import Family
from labmtj.errors import ConfigError, ProcedureFailed, UsageError
from procedures.common.reference import ReferenceSettings, reference_maps
from procedures.common.write import WriteSettings, read_states, write_matrix

REFERENCE = ReferenceSettings(initialise_volts=1.0, between_volts=[0.62])
WRITE = WriteSettings(parallel_volts=0.9, antiparallel_volts=0.9, between_volts=[0.62], pulse_seconds=1e-2)
OPTIONS = (
    "--reference.initialise-volts", "1.0", "--reference.between-volts", "[0.62]", "--amplitude", "null",
    "--write.parallel-volts", "0.9", "--write.antiparallel-volts", "0.9", "--write.between-volts", "[0.62]",
    "--write.pulse-seconds", "0.01",
)  # fmt: skip


def test_an_array_of_three_states_is_written_level_by_level_and_read_back(notches):
    array = load_array(str(notches / "notches.yaml"))
    crossbar = crossbar_of(array, seed=3, name="notches-0a")
    target = np.random.default_rng(0).integers(0, 3, crossbar.shape)
    maps = reference_maps(crossbar, REFERENCE)
    written = write_matrix(crossbar, target, maps, WRITE)
    assert written.fidelity == 1.0
    np.testing.assert_array_equal(crossbar.array.state.reshape(crossbar.shape), target)
    again = write_matrix(crossbar, target[::-1], maps, WRITE, known=written.achieved)
    np.testing.assert_array_equal(crossbar.array.state.reshape(crossbar.shape), target[::-1])
    np.testing.assert_array_equal(read_states(crossbar, again.reference, WRITE), target[::-1])


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    ("volts", "said"),
    [
        (0.1, r"from state 0 to state 1 .* rises by \S+ A, -?0% of the \S+ A .*; 10% is needed. between_volts is \[0.1\]: "
         r"0.1 V does not reach state 1, try more$"),
        (0.9, r"from state 1 to state 2 .* between_volts is \[0.9\]: 0.9 V goes beyond state 1, try less$"),
    ],
)  # fmt: skip
def test_a_state_between_that_is_not_reached_is_no_reference(notches, volts, said, seed):
    crossbar = crossbar_of(load_array(str(notches / "notches.yaml")), seed=seed, name="notches-0a")
    with pytest.raises(ProcedureFailed, match=said):
        reference_maps(crossbar, REFERENCE.model_copy(update={"between_volts": [volts]}))


@pytest.mark.parametrize("method", ["row_parallel_repair", "closed_loop", "converge", "open_loop"])
def test_every_method_reaches_every_level(notches, method):
    crossbar = crossbar_of(load_array(str(notches / "notches.yaml")), seed=4, name="notches-0a")
    target = np.add.outer(np.arange(4), np.arange(5)) % 3
    found = write_matrix(
        crossbar, target, reference_maps(crossbar, REFERENCE), WRITE.model_copy(update={"method": method})
    )
    assert found.fidelity == 1.0, found


def test_a_campaign_on_it_is_run_shown_and_reported(notches, capsys):
    assert (
        main(["run", "patterns", "--bench", str(notches / "bench.yaml"), "--out", str(notches / "runs"), *OPTIONS]) == 0
    )
    (run,) = (notches / "runs").iterdir()
    with h5py.File(run / "data.h5") as file:
        written = file["patterns/notches/written"]
        assert written["target"].attrs["flag_meanings"] == "low middle high"
        assert set(np.unique(written["achieved"])) == {0, 1, 2}
        assert written["fidelity"][()].tolist() == [1.0] * 5
        assert file["arrays/notches-0a/reference/between_amperes"].shape == (1, 4, 5)
        assert file["arrays/notches-0a/reference/boundary_amperes"].shape == (2, 4, 5)
    capsys.readouterr()
    assert main(["show", str(run)]) == 0
    assert "100" in capsys.readouterr().out
    page = (run / "report.html").read_text()
    assert "high blue, low sand, middle between" in page


@pytest.mark.parametrize(
    ("experiment", "options"),
    [("reference", ["--initialise-volts", "1.0", "--between-volts", "[0.1]"]),
     ("patterns", [*OPTIONS, "--reference.between-volts", "[0.1]"])],
)  # fmt: skip
def test_a_run_with_a_state_that_is_not_reached_fails_with_the_voltage(notches, capsys, experiment, options):
    bench = ["--bench", str(notches / "bench.yaml"), "--out", str(notches / "runs")]
    assert main(["run", experiment, *bench, *options]) == 1
    assert "0.1 V does not reach state 1, try more" in " ".join(capsys.readouterr().err.split())


def test_it_lives_in_a_virtual_bench_too(notches, tmp_path, capsys):
    of = (library.folder() / "benches" / "2636b-3706a.yaml").read_text()
    for old, new in (
        ("mtj-50nm", "notches.yaml"),
        ("matrix.1.1-15", "matrix.1.1-4"),
        ("matrix.2.1-15", "matrix.2.1-5"),
    ):
        of = of.replace(old, new)
    (tmp_path / "of.yaml").write_text(of)
    bench = tmp_path / "virtual.yaml"
    bench.write_text("kind: virtual\nof: of.yaml\nseed: 5\n")
    options = [*OPTIONS, "--patterns", "[random]"]
    assert main(["run", "patterns", "--bench", str(bench), "--out", str(tmp_path / "runs"), *options]) == 0, (
        capsys.readouterr()
    )
    (run,) = (tmp_path / "runs").iterdir()
    with h5py.File(run / "data.h5") as file:
        assert file["patterns/notches/written/fidelity"][0] > 0.99


@pytest.mark.parametrize(
    ("experiment", "said"),
    [("wine", "a network of binary weights works on cells of two states"), ("switching", "works on cells of two states"),
     ("hysteresis", "a hysteresis loop works on cells of two states"), ("calibrate", "a calibration works on cells")],
)  # fmt: skip
def test_what_needs_two_states_says_so(notches, capsys, experiment, said):
    assert main(["run", experiment, "--bench", str(notches / "bench.yaml"), "--out", str(notches / "runs")]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert not (notches / "runs").exists()


def test_states_between_without_amplitudes_are_refused_with_their_names(notches, capsys):
    words = [
        "run",
        "patterns",
        "--bench",
        str(notches / "bench.yaml"),
        "--out",
        str(notches / "runs"),
        "--amplitude",
        "null",
    ]
    assert main(words) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "between_volts" in said
    assert "between its lowest and its highest: middle; give one voltage for each" in said


@pytest.mark.parametrize("wrong", [3, -1])
def test_a_level_that_the_device_lacks_is_refused_with_its_cell(notches, wrong):
    crossbar = crossbar_of(load_array(str(notches / "notches.yaml")), seed=3, name="notches-0a")
    maps = reference_maps(crossbar, REFERENCE)
    target = np.zeros((4, 5), int)
    target[2, 3] = wrong
    with pytest.raises(UsageError, match=rf"target of cell \(2, 3\) is {wrong}; the device has levels 0 to 2"):
        write_matrix(crossbar, target, maps, WRITE)


@pytest.mark.parametrize("argument", ["target", "known", "addressed", "delivered"])
@pytest.mark.parametrize(
    ("make", "said"),
    [(lambda shape: np.ma.masked_all(shape, int), "this is a masked array"), (lambda _: [[0]], "got list"),
     (lambda _: 0, "got int"), (lambda _: np.zeros((2, 2), int), r"of shape \(2, 2\) do not fit")],
    ids=["masked", "list", "number", "shape"],
)  # fmt: skip
def test_what_is_no_plain_map_is_not_written(notches, argument, make, said):
    crossbar = crossbar_of(load_array(str(notches / "notches.yaml")), seed=3, name="notches-0a")
    given = {"target": np.zeros(crossbar.shape, int), argument: make(crossbar.shape)}
    maps = reference_maps(crossbar, REFERENCE)
    with pytest.raises(UsageError, match=said):
        write_matrix(crossbar, given.pop("target"), maps, WRITE, **given)
    with pytest.raises(UsageError, match="got NoneType"):
        write_matrix(crossbar, None, maps, WRITE)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [("{value: 12000.0,", "{value: 0.0,", "family.lowest_ohms: .*value = 0 must be positive"),
     ("disturb_volts: 0.15", "disturb_volts: 1.3", r"limits: .*disturb_volts = 1.3 exceeds cell_volts = 1.2: .*lower")],
)  # fmt: skip
def test_what_no_array_can_be_is_refused_in_its_file(notches, old, new, said):
    (notches / "wrong.yaml").write_text((notches / "notches.yaml").read_text().replace(old, new))
    with pytest.raises(ConfigError, match=said):
        load_array(str(notches / "wrong.yaml"))


def test_what_needs_junctions_names_the_device(notches):
    with pytest.raises(UsageError, match=r"the device of the array is notches$"):
        Family.of(load_array(str(notches / "notches.yaml")).family)


def test_an_unknown_device_and_the_family_of_another_are_refused_with_their_line(notches):
    wrong = notches / "wrong.yaml"
    wrong.write_text((notches / "notches.yaml").read_text().replace("device: notches", "device: memristor"))
    with pytest.raises(
        ConfigError, match="'memristor' is not among the models of devices, for array files: mtj, notches"
    ):
        load_array(str(wrong))
    wrong.write_text((notches / "notches.yaml").read_text().replace("device: notches\n", ""))
    with pytest.raises(ConfigError, match=r"wrong.yaml:\d+: family.lowest_ohms: is not a known key"):
        load_array(str(wrong))


def test_what_is_known_of_it_by_design(notches):
    info = describe(load_array(str(notches / "notches.yaml")))
    assert info.states == ("low", "middle", "high")
    assert info.antiparallel_siemens == pytest.approx(1 / 12000)
    assert info.delta_siemens == pytest.approx(2 / 12000)


@pytest.mark.usefixtures("notches")
def test_the_experiment_of_the_example_runs_as_it_is(tmp_path, capsys):
    experiment = Path(__file__).parents[2] / "examples/plugin/experiments/levels.yaml"
    assert main(["run", str(experiment), "--out", str(tmp_path / "runs"), "--patterns", "[random]"]) == 0
    assert "notches 100.00 % (100.00)" in " ".join(capsys.readouterr().out.split())
