import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from labmtj import cli, library
from labmtj.network import Solutions
from labmtj.run import RunFolder, load_experiment, start

TINY = ["--sizes", "[mtj-75nm]", "--count", "1", "--amplitude", "null", "--write.max-rounds", "0", "--workers", "1"]


@pytest.fixture
def labmtj(capsys, tmp_path, monkeypatch):
    """Runs a command in an empty folder; returns exit code, output, errors."""
    monkeypatch.chdir(tmp_path)

    def labmtj(*arguments):
        try:
            code = cli.main([str(each) for each in arguments])
        except SystemExit as exit_:  # argparse
            code = exit_.code
        said = capsys.readouterr()
        return code, said.out, said.err

    return labmtj


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    changes = {"sizes": ["mtj-75nm"], "count": 1, "amplitude": None, "write": {"max_rounds": 0}}
    parent = tmp_path_factory.mktemp("finished")
    return start(load_experiment("wine", changes=changes), parent, workers=1, show=lambda progress: None)


@pytest.fixture
def run(finished, tmp_path):
    return RunFolder(Path(shutil.copytree(finished.path, tmp_path / finished.path.name)))


def networks(inputs=13, hidden=6, outputs=3, count=2, weight=1):
    """Networks in which all weights are the same, 1 or 0."""
    plus = np.array([1, 1 - weight], np.uint8)
    return Solutions(
        np.tile(plus, (count, inputs, hidden)), np.tile(plus, (count, hidden, outputs)),
        np.zeros((count, hidden)), np.zeros((count, outputs)),
    )  # fmt: skip


def assert_refused(answer, *words, code=2):
    """A short error that names what is wrong, and nothing else."""
    returned, out, err = answer
    assert returned == code, err
    assert out == ""
    assert "Traceback" not in err
    err = "\n".join(line for line in err.splitlines() if not line.startswith("checking"))  # where it took a second
    assert err.startswith("labmtj: ")
    assert len(err.splitlines()) <= 2
    assert len(err) < 700
    for word in words:
        assert word in err, err


# -- experiment files --------------------------------------------------------------------------------------------------

WINE = "procedure: procedures.classify.WineCampaign\n"
EXPERIMENTS = {
    "unknown key": (WINE + "seeds: 1\n", ["e.yaml:2", "seeds", "not a known key"]),
    "unknown setting": (
        WINE + "settings:\n  chips: 1\n  chip: 1\n",
        ["e.yaml:4", "settings.chip", "did you mean chips?"],
    ),
    "duplicate key": (WINE + "seed: 1\nseed: 2\n", ["e.yaml:3", "seed", "twice"]),
    "quoted number": (
        WINE + "settings:\n  reference:\n    pulse_seconds: '1e-3'\n",
        ["e.yaml:4", "settings.reference.pulse_seconds", "valid number", "'1e-3'"],
    ),
    "not a number": (WINE + "settings:\n  infer: {read_volts: .nan}\n", ["e.yaml:3", "infer.read_volts", "finite"]),
    "infinite": (WINE + "settings:\n  infer: {read_volts: .inf}\n", ["e.yaml:3", "infer.read_volts", "finite"]),
    "beyond the floats": (
        WINE + "settings:\n  infer: {read_volts: 1e999}\n",
        ["e.yaml:3", "infer.read_volts", "finite"],
    ),
    "yes for a number": (WINE + "settings:\n  chips: true\n", ["e.yaml:3", "settings.chips", "integer"]),
    "too high a voltage": (
        WINE + "settings:\n  reference:\n    initialise_volts: 1.2\n",
        ["e.yaml:4", "settings.reference.initialise_volts", "1.2 V", "limits.cell_volts", "lower it"],
    ),
    "too high a write voltage": (
        WINE + "settings:\n  amplitude: null\n  write: {parallel_volts: 0.95}\n",
        ["e.yaml:4", "settings.write.parallel_volts", "0.95 V", "lower it"],
    ),
    "a scan above the limit": (
        WINE + "settings:\n  amplitude: {start_volts: 0.95, stop_volts: 1.5}\n",
        ["e.yaml:3", "settings.amplitude.start_volts", "0.9 V", "lower it"],
    ),
    "too long a pulse": (
        WINE + "settings:\n  write: {pulse_seconds: 1}\n",
        ["e.yaml:3", "settings.write.pulse_seconds", "0.1 s", "lower it"],
    ),
    "reads that disturb": (
        WINE + "settings:\n  infer:\n    read_volts: 0.3\n",
        ["e.yaml:4", "settings.infer.read_volts", "0.15 V", "limits.disturb_volts", "lower it"],
    ),
    "no procedure": ("seed: 1\n", ["e.yaml:1", "procedure", "missing"]),
    "procedure not there": (
        "procedure: procedures.classify.procedure.Wien\n",
        ["e.yaml:1", "procedure", "procedures.classify.WineCampaign"],
    ),
    "module not there": ("procedure: nowhere.at.All\n", ["e.yaml:1", "procedure", "nowhere"]),
    "not a dotted name": ("procedure: ..wine\n", ["e.yaml:1", "procedure", "dotted name"]),
    "not a procedure": ("procedure: procedures.classify.WineCampaign.__init__\n", ["e.yaml:1", "procedure"]),
    "settings alone": (
        "procedure: procedures.common.write.WriteSettings\n",
        ["e.yaml:1", "not a procedure", "execute"],
    ),
    "unknown size": (
        WINE + "settings:\n  sizes: [mtj-75nm, mtj-9nm]\n",
        ["e.yaml:3", "settings.sizes", "mtj-9nm", "mtj-100nm"],
    ),
    "negative seed": (WINE + "seed: -1\n", ["e.yaml:2", "seed", "greater than or equal to 0"]),
    "a list": ("- procedure: x\n", ["e.yaml:1", "key: value"]),
    "empty": ("", ["e.yaml:1", "key: value"]),
    "binary": (b"\x89HDF\r\n\x1a\n\xff\xfe\x00", ["e.yaml", "cannot be read"]),
    "control characters": (WINE + "notes: a\x00b\n", ["e.yaml", "not valid YAML"]),
    "2 MB": (WINE + "notes: " + "x" * 2_000_000, ["e.yaml", "larger than 1000 kB"]),
    "deeply nested": (WINE + "settings: " + "{a: " * 30 + "1" + "}" * 30, ["e.yaml:2", "20 levels"]),
    "nested without end": (WINE + "settings: " + "[" * 100_000, ["e.yaml", "not valid YAML"]),
    "aliases": (WINE + "operator: &a Joe\nnotes: *a\n", ["e.yaml:2", "aliases"]),
    "a tag": (WINE + "notes: !!python/object/apply:os.system [true]\n", ["e.yaml:2", "not valid YAML"]),
    "unclosed": (WINE + "notes: [1, 2\n", ["e.yaml:3", "not valid YAML"]),
    "bench not there": (WINE + "bench: mine\n", ["mine", "no such file", "simulated.yaml"]),
}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_wrong_experiment_file_is_refused_before_anything_is_made(labmtj, tmp_path, name):
    text, words = EXPERIMENTS[name]
    (tmp_path / "e.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert_refused(labmtj("run", "e.yaml", "--workers", 1), *words)
    assert [path.name for path in tmp_path.iterdir()] == ["e.yaml"]


def test_a_float_may_be_written_as_yaml_1_1_would_not_read_it(tmp_path):
    (tmp_path / "e.yaml").write_text(WINE + "settings:\n  write: {pulse_seconds: 2e-3}\n  count: 1\n")
    assert load_experiment(str(tmp_path / "e.yaml")).settings.write.pulse_seconds == 0.002


# -- options -----------------------------------------------------------------------------------------------------------

OPTIONS = {
    "count 0": (["--count", "0"], ["option --count", "greater than or equal to 1"]),
    "more than there are": (["--count", "301"], ["option --count", "300 solutions", "301"]),
    "negative seed": (["--seed", "-1"], ["--seed -1", "from 0 to"]),
    "seed beyond 63 bits": (["--seed", str(2**63)], ["--seed", "from 0 to"]),
    "no workers": (["--workers", "0"], ["--workers 0", "1 to 64"]),
    "unknown": (["--chip", "2"], ["--chip", "did you mean --chips?"]),
    "unknown and far off": (["--frobnicate"], ["--frobnicate", "`labmtj run EXPERIMENT --help` lists"]),
    "a word": (["wine", "patterns"], ["unknown word patterns", "`labmtj run EXPERIMENT --help`"]),
    "of another experiment": (
        ["--cells", "1"],
        ["unknown option --cells for experiment wine; `labmtj run EXPERIMENT --help`"],
    ),
    "of no type": (
        ["hysteresis", "--cells", "0,0"],
        ["--cells", "should be 'all' or a valid list; found '0,0'; write, for example, [[0, 0], [7, 3]]"],
    ),
    "two": (["--count", "0", "--chips", "0"], ["--count", "(also wrong: chips)"]),
    "without a value": (["--chips"], ["--chips needs a value"]),
    "not YAML": (["--sizes", "[a"], ["option --sizes", "not valid YAML"]),
    "quoted": (["--write.pulse-seconds", "'1e-3'"], ["option --write.pulse-seconds", "valid number"]),
    "an integer with a point": (["--count", "1e3"], ["option --count", "integer"]),
    "unknown size": (["--sizes", "[75nm]"], ["option --sizes", "75nm", "mtj-75nm"]),
    "above the limit": (["--reference.initialise-volts", "0.91"], ["option --reference.initialise-volts", "0.91 V"]),
    "part of what is off": (["--amplitude", "null", "--amplitude.points", "5"], ["--amplitude.points", "leave one"]),
    "solutions not there": (["--solutions", "nowhere.npz"], ["option --solutions", "nowhere.npz", "wine-300.npz"]),
    "bench not there": (["--bench", "nowhere.yaml"], ["nowhere.yaml", "no such file"]),
    "layer 1 outside": (["--layer1-at", "[9, 9]"], ["option --layer1-at", "13 x 12", "15 x 15"]),
    "layer 2 outside": (["--layer2-at", "[0, 10]"], ["option --layer2-at", "6 x 6", "15 x 15"]),
    "layer before the array": (["--layer1-at", "[-1, 0]"], ["option --layer1-at", "greater than or equal to 0"]),
    "out below a file": (["--out", "/dev/null/runs"], ["/dev/null/runs", "--out"]),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_wrong_option_is_refused_before_anything_is_made(labmtj, tmp_path, name):
    arguments, words = OPTIONS[name]
    assert_refused(labmtj("run", *arguments), *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("sizes", "words"),
    [({"inputs": 10}, ["10 inputs", "Wine needs 13"]), ({"outputs": 4}, ["4 outputs", "Wine needs 3"]),
     ({"hidden": 9}, ["13 x 18 cells", "15 x 15"]), ({"weight": 0}, ["solution 0", "computes nothing"])],
)  # fmt: skip
def test_solutions_that_cannot_be_used_are_refused(labmtj, tmp_path, sizes, words):
    networks(**sizes).save(tmp_path / "s.npz")
    assert_refused(labmtj("run", "--solutions", "s.npz"), "option --solutions", "s.npz", *words)
    assert [path.name for path in tmp_path.iterdir()] == ["s.npz"]


def test_a_truncated_file_of_solutions_is_refused(labmtj, tmp_path):
    whole = (library.folder() / "solutions" / "wine-300.npz").read_bytes()
    (tmp_path / "s.npz").write_bytes(whole[: len(whole) // 2])
    assert_refused(labmtj("run", "--solutions", "s.npz"), "s.npz", "truncated", "copy it again")
    assert_refused(labmtj("solutions", "import", "s.npz", "--out", "t.npz"), "s.npz", "truncated")
    assert [path.name for path in tmp_path.iterdir()] == ["s.npz"]


def test_a_file_beside_the_experiment_is_found_from_everywhere(labmtj, tmp_path):
    (tmp_path / "mine").mkdir()
    networks().save(tmp_path / "mine" / "s.npz")
    (tmp_path / "mine" / "e.yaml").write_text(WINE + "settings: {solutions: s.npz}\n")
    assert load_experiment(str(tmp_path / "mine" / "e.yaml")).settings.solutions == str(tmp_path / "mine" / "s.npz")


# -- benches and arrays ------------------------------------------------------------------------------------------------

ARRAYS = {
    "missing": (r"  tmr: .*\n", "", ["a.yaml", "family.tmr", "is missing; add it"]),
    "no provenance": (r"(  tmr: .*)provenance: typical, ", r"\1", ["a.yaml", "family.tmr.provenance", "is missing"]),
    "made up provenance": (r"(  tmr: .*)typical", r"\1rumoured", ["a.yaml", "family.tmr.provenance", "'rumoured'"]),
    "published by nobody": (
        r'(  tmr: .*)typical, source: ".*"', r'\1published, source: ""', ["a.yaml", "family.tmr", "needs its source"],
    ),
    "negative": (r"(  tmr: {value: )1.0", r"\1-1.0", ["a.yaml", "family.tmr", "must be positive"]),
    "no limit": (r"  cell_volts: .*\n", "", ["a.yaml", "limits.cell_volts", "is missing; add it"]),
    "infinite limit": (r"cell_volts: 0.9", "cell_volts: .inf", ["a.yaml", "limits.cell_volts", "finite"]),
    "half a shape": (r"shape: .*", "shape: [4]", ["a.yaml", "shape.1", "is missing; add it"]),
    "no cells": (r"shape: .*", "shape: [0, 15]", ["a.yaml", "shape.0", "greater than or equal to 1"]),
    "more cells than memory": (r"shape: .*", "shape: [5000, 5000]", ["a.yaml", "shape", "5000 x 5000", "at most 64"]),
}  # fmt: skip


@pytest.mark.parametrize("name", ARRAYS)
def test_a_wrong_array_file_is_refused(labmtj, tmp_path, name):
    pattern, replacement, words = ARRAYS[name]
    text = (library.folder() / "arrays" / "mtj-75nm.yaml").read_text()
    changed, count = re.subn(pattern, replacement, text, count=1)
    assert count == 1
    (tmp_path / "a.yaml").write_text(changed)
    bench = (library.folder() / "benches" / "simulated.yaml").read_text()
    (tmp_path / "b.yaml").write_text(re.sub(r"arrays: .*", "arrays: [a.yaml]", bench))
    for command in (["check", "b.yaml"], ["run", "--bench", "b.yaml"]):
        assert_refused(labmtj(*command), *words)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.yaml", "b.yaml"]


def test_check_describes_and_tries_a_bench(labmtj):
    code, out, _ = labmtj("check")
    assert code == 0
    assert out.splitlines()[-1] == "ok"
    for word in ("mtj-35nm", "R_P 2264 ohm", "30 assumed", "self-test", "meter: ranges"):
        assert word in out


# -- runs --------------------------------------------------------------------------------------------------------------


def test_run_report_show_and_ls(labmtj, tmp_path):
    code, out, _ = labmtj("run", *TINY)
    assert code == 0
    (path,) = (tmp_path / "runs").iterdir()
    assert out.splitlines()[-1] == f"report: runs/{path.name}/report.html"
    assert {"DONE", "run.yaml", "journal.lmj", "data.h5", "run.log"} <= {each.name for each in path.iterdir()}
    assert labmtj("report", path)[0] == 0
    assert labmtj("show", path)[0] == 0
    code, out, _ = labmtj("ls")
    assert path.name in out.splitlines()[1]
    assert_refused(labmtj("resume", path), "this run is done", "labmtj report")


@pytest.mark.parametrize("command", ["resume", "recover", "report", "show"])
def test_a_folder_that_is_no_run_is_refused(labmtj, tmp_path, command):
    (tmp_path / "notes").mkdir()
    assert_refused(labmtj(command, "notes"), "notes", "not a run", "labmtj ls")
    assert_refused(labmtj(command, "nowhere"), "nowhere", "not a run")
    assert list((tmp_path / "notes").iterdir()) == []


def test_ls_of_a_folder_that_is_not_there(labmtj):
    assert_refused(labmtj("ls"), "runs: no such folder")


def test_changed_solutions_are_not_resumed_with(labmtj, tmp_path):
    networks(count=1).save(tmp_path / "s.npz")
    code, *_ = labmtj("run", *TINY, "--solutions", "s.npz")
    assert code == 0
    (path,) = (tmp_path / "runs").iterdir()
    RunFolder(path).begin()
    networks(count=3, weight=0).save(tmp_path / "s.npz")
    assert_refused(labmtj("resume", path), "run.yaml", "inputs_sha256", "have changed", "put the old ones back")
    (tmp_path / "s.npz").unlink()
    assert_refused(labmtj("resume", path), "run.yaml", "settings.solutions", "s.npz", "no such file")


def test_a_run_yaml_that_was_torn_is_refused(labmtj, run):
    run.begin()
    run.run_yaml.write_text(run.run_yaml.read_text()[:1000])
    assert_refused(labmtj("resume", run.path), "run.yaml")


def test_data_are_recovered_from_the_journal(labmtj, run):
    before = run.data.read_bytes()
    run.data.unlink()
    code, out, _ = labmtj("recover", run.path)
    assert code == 0
    assert "rebuilt from" in out
    assert abs(len(run.data.read_bytes()) - len(before)) < 0.5 * len(before)
    assert_refused(labmtj("recover", run.path / "nowhere"), "not a run")


def test_a_damaged_journal_is_not_recovered_from_unless_asked(labmtj, run):
    with run.journal.open("r+b") as file:
        file.seek(run.journal.stat().st_size // 2)
        file.write(b"\0" * 100)
    before = run.data.read_bytes()
    run.begin()
    assert_refused(labmtj("recover", run.path), "journal.lmj", "is damaged between bytes", "nothing was changed")
    assert_refused(labmtj("resume", run.path), "journal.lmj", "is damaged")
    assert run.data.read_bytes() == before
    code, *_ = labmtj("recover", run.path, "--skip-damage")
    assert code == 0
    assert run.data.read_bytes() != before


def test_a_run_without_a_journal_is_not_recovered(labmtj, run):
    run.journal.unlink()
    assert_refused(labmtj("recover", run.path), "journal.lmj", "no journal")


def test_rehearse_leaves_nothing(labmtj, tmp_path):
    code, out, _ = labmtj("run", "--rehearse", *TINY)
    assert code == 0
    assert "bench hours" in out
    assert list(tmp_path.iterdir()) == []


# -- solutions ---------------------------------------------------------------------------------------------------------


def test_import_keeps_networks_of_other_sizes_and_overwrites_nothing(labmtj, tmp_path):
    networks(inputs=4, hidden=2, outputs=2).save(tmp_path / "a.npz")
    code, out, _ = labmtj("solutions", "import", "a.npz", "--out", "b.npz")
    assert code == 0
    assert "2 solutions, 1 of them different: 4 inputs, 2 hidden neurons, 2 outputs" in out
    assert_refused(labmtj("solutions", "import", "a.npz", "--out", "b.npz"), "b.npz", "exists already", "--out")
    assert_refused(labmtj("solutions", "import", "nowhere"), "nowhere", "no such file")
    assert_refused(labmtj("train", "--count", "0"), "--count 0", "1 to 100000")


# -- the command line itself -------------------------------------------------------------------------------------------


def test_help_lists_the_settings_of_an_experiment(labmtj):
    code, out, _ = labmtj("run", "wine", "--help")
    assert code == 0
    for option in ("--bench", "--chips", "--amplitude", "--amplitude.points", "--write.max-rounds"):
        assert f"{option} " in out
    assert "--polarity" not in out


@pytest.mark.parametrize(
    "arguments",
    [
        "run wine --count 2 --bench x.yaml --rehearse", "run --count 2 --rehearse wine --bench x.yaml",
        "run --bench x.yaml --rehearse --count=2 wine", "run --rehearse --bench x.yaml wine --count 2",
    ],
)  # fmt: skip
def test_the_experiment_may_come_before_its_options_and_after_them(arguments):
    """Case: `labmtj run --bench B EXPERIMENT` was refused, as if the name were an option."""
    known, rest = cli._parser().parse_known_args(cli._named_experiment(arguments.split()))
    assert (known.experiment, known.bench, known.rehearse) == ("wine", "x.yaml", True)
    assert "=".join(rest) == "--count=2"


def test_a_run_without_experiment_takes_no_value_for_its_name():
    given = ["run", "--bench", "simulated", "--count", "2", "--help"]
    assert cli._named_experiment(given) == given
    assert cli._named_experiment(["ls", "runs"]) == ["ls", "runs"]


@pytest.mark.parametrize("arguments", [["--help"], ["ls", "--help"], ["--version"]])
def test_help_loads_none_of_the_large_libraries(arguments):
    script = (
        "import sys\nfrom labmtj.cli import main\n"
        f"try:\n    main({arguments})\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "loaded = {'numpy', 'scipy', 'h5py', 'yaml', 'pydantic', 'sklearn', 'matplotlib', "
        "'dataclasses', 'inspect', 'logging', 'traceback'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    root = Path(__file__).resolve().parents[1]
    subprocess.run([sys.executable, "-c", script], check=True, cwd=root, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("arguments", [[], ["fly"], ["ls", "--frobnicate"], ["run", "--workers", "many"]])
def test_wrong_usage_exits_with_2(labmtj, arguments):
    code, out, err = labmtj(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("usage: labmtj")


@pytest.mark.parametrize(
    ("arguments", "code"), [(["run", "--count", "0"], 2), (["show", "nowhere"], 2), (["--help"], 0)]
)
def test_exit_codes_reach_the_shell(tmp_path, arguments, code):
    root = str(Path(__file__).resolve().parents[1])
    process = subprocess.run(
        [sys.executable, "-m", "labmtj", *arguments],
        cwd=tmp_path,
        env={"PYTHONPATH": root},
        capture_output=True,
        text=True,
    )
    assert process.returncode == code
    assert "Traceback" not in process.stderr


def test_a_bench_of_instruments_is_checked_and_rehearsed_on_its_twin(labmtj, small_bench, tmp_path, monkeypatch):
    """The default experiment is not possible on a small array: the check says so, and the bench is ok.

    What begins is shown before it begins: nothing was, for a minute and a half.
    """
    phases = []
    monkeypatch.setattr("labmtj.display.Display.phase", lambda _, what: phases.append(what.split()[0]))
    bench = small_bench(tmp_path) / "virtual.yaml"
    code, out, _ = labmtj("check", bench)
    assert code == 0
    assert phases == ["checking", "self-tests", "wiring", "contact", "rehearsing"]
    assert "8 of 8 lines as expected" in out
    assert "rehearsal of wine on the virtual twin: this run would be refused" in out
    assert out.endswith("\nok\n")
    code, out, _ = labmtj("check", bench, "--no-rehearsal")
    assert code == 0
    assert "rehearsal" not in out


def test_a_whole_bench_is_checked_and_rehearsed_on_its_twin(labmtj, torture):
    if not torture:
        pytest.skip("under --torture: half a minute; a rehearsal that is possible is tried in tests/run")
    code, out, _ = labmtj("check", "virtual-2400-7002")
    assert code == 0
    assert "30 of 30 lines as expected" in out
    assert "rehearsal of wine on the virtual twin, " in out
    assert " bench hours" in out
    assert out.endswith("\nok\n")


# -- whatever it is, no trace ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["run.log", "data.h5", ".report.html.part", "DONE"])
def test_a_run_with_a_link_in_it_is_refused(labmtj, tmp_path, run, name):
    """Without that, `labmtj report` writes through the link into a file elsewhere."""
    (tmp_path / "precious").write_text("mine")
    (run.path / name).unlink(missing_ok=True)
    (run.path / name).symlink_to(tmp_path / "precious")
    for command in ("report", "recover", "resume", "show"):
        assert_refused(labmtj(command, run.path), run.path.name, f"{name} is a link")
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.parametrize("command", ["export", "compare", "calibrate", "twin"])
def test_no_command_follows_a_link_instead_of_the_data(labmtj, tmp_path, run, command):
    shutil.move(run.data, tmp_path / "elsewhere.h5")
    run.data.symlink_to(tmp_path / "elsewhere.h5")
    more = {"export": ["arrays/mtj-50nm-0a/reads", "reads.csv"], "compare": [run.path]}.get(command, [])
    assert_refused(labmtj(command, run.path, *more), run.path.name, "data.h5 is a link")


def test_recover_is_advised_only_where_it_works(labmtj, run):
    run.data.unlink()
    assert_refused(labmtj("twin", run.path), "labmtj recover", run.path.name)
    run.journal.unlink()
    code, _, err = labmtj("twin", run.path)
    assert code == 2
    assert "labmtj recover" not in err
    assert "put a copy of one of the two back" in err


@pytest.mark.parametrize(
    "words",
    [
        ["run", ""],
        ["run", "reference", "--out", ""],
        ["report", ""],
        ["resume", ""],
        ["ls", ""],
        ["train", "--out", ""],
    ],
)
def test_an_empty_word_as_of_an_unset_variable_is_refused(labmtj, tmp_path, words):
    code, _, err = labmtj(*words)
    assert code == 2
    assert "is empty; is a variable of the shell not set?" in err
    assert list(tmp_path.iterdir()) == []


def test_an_error_that_nobody_foresaw_is_one_line(labmtj, monkeypatch):
    """Its trace is shown when it is asked for."""
    monkeypatch.setattr("labmtj.run.listing.list_runs", lambda *_: 1 / 0)
    assert_refused(labmtj("ls", "/"), "ZeroDivisionError", cli.FAULT, "LABMTJ_TRACE=1", code=1)
    monkeypatch.setenv("LABMTJ_TRACE", "1")
    with pytest.raises(ZeroDivisionError):
        cli.main(["ls", "/"])


def test_an_error_moves_no_cursor(labmtj):
    code, _, err = labmtj("check", "\x1b[2Jx.yaml")
    assert code == 2
    assert err.strip().isprintable()
    assert r"\x1b[2Jx.yaml" in err


def test_a_run_yaml_that_was_edited_is_named_with_key_and_both_values(labmtj, run):
    run.begin()
    text = run.run_yaml.read_text()
    assert "initialise_volts: 0.9" in text
    run.run_yaml.write_text(text.replace("initialise_volts: 0.9", "initialise_volts: 63.0"))
    assert_refused(labmtj("resume", run.path), "run.yaml:", "settings.reference.initialise_volts: is 63.0, and was 0.9")


def test_a_ctrl_c_that_an_extension_module_turned_into_its_own_error_is_an_interruption(monkeypatch, capsys):
    def load(*_):
        with contextlib.suppress(KeyboardInterrupt):
            cli._interrupt()
        raise ImportError("initialization failed")

    monkeypatch.setattr(cli._Interrupt, "came", False)
    monkeypatch.setattr(cli.commands.records, "ls", load)
    assert cli.main(["ls"]) == 130
    assert capsys.readouterr().err == "labmtj: interrupted\n"


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.no_such_backend", "nonsense", "TkAgg"])
def test_a_report_is_made_whatever_backend_a_notebook_hands_on(run, backend):
    """Case use/13."""
    environment = {**os.environ, "MPLBACKEND": backend}
    run.report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "labmtj", "report", str(run.path)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert run.report.stat().st_size > 100_000


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_what_a_terminal_cannot_show_ends_no_command(finished, encoding):
    """Case use/14."""
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    for command in (["show", str(finished.path)], ["show", "µΩ→"], ["ls", str(finished.path.parent)]):
        done = subprocess.run([sys.executable, "-m", "labmtj", *command], env=environment, capture_output=True)
        assert done.returncode == (2 if "µΩ→" in command else 0), done.stderr
        assert b"fault" not in done.stderr


def test_a_report_of_an_archive_goes_elsewhere(labmtj, run, tmp_path):
    """Case use/23: the advice names an option that there is."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    code, _, err = labmtj("report", run.path, "--out", blocked / "report.html")
    assert (code, "--out FILE" in err) == (1, True)
    code, out, _ = labmtj("report", run.path, "--out", tmp_path / "elsewhere.html")
    assert (code, out.splitlines()[-1]) == (0, f"report: {tmp_path / 'elsewhere.html'}")
    assert (tmp_path / "elsewhere.html").stat().st_size > 100_000


def test_a_report_needs_nothing_but_the_data(labmtj, run, tmp_path):
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(run.data, alone)
    for named in (alone, alone / "data.h5"):
        assert labmtj("report", named)[0] == 0
        assert "median accuracy" in labmtj("show", named)[1]
    assert (alone / "report.html").exists()
    assert_refused(labmtj("report", alone / "report.html"), "data.h5")


@pytest.mark.parametrize("name", ["set #2.npz", "a: b.npz", "[x].npz", "*.npz", "null.npz", "'quoted'.npz", "1e-3"])
def test_text_is_taken_as_it_is_typed(labmtj, tmp_path, name):
    """Case use/25: YAML had read comments, keys and aliases out of file names."""
    networks().save(tmp_path / "solutions.npz")
    (tmp_path / "solutions.npz").rename(tmp_path / name)
    code, _, err = labmtj("run", "wine", "--solutions", name, *TINY, "--rehearse")
    assert code == 0, err
    assert_refused(labmtj("run", "wine", "--solutions", f"{name}?", *TINY, "--rehearse"), f"{name}?", "no such file")


@pytest.mark.parametrize("value", ["0.1 # as before", "0.1\nscheme: third"])
def test_a_number_with_more_after_it_is_refused(labmtj, value):
    assert_refused(labmtj("run", "wine", "--write.read-volts", value), "--write.read-volts", "not a value")


@pytest.mark.parametrize(
    ("option", "value", "remedy"),
    [("--cells", "[0,0]", "write [[0, 0]]"), ("--widths-seconds", "0.01", "write [0.01]")],
)
def test_a_value_without_its_brackets_is_given_them(labmtj, option, value, remedy):
    answer = labmtj("run", "switching", option, value)
    assert_refused(answer, f"option {option}", remedy)
    assert "literal" not in answer[2]


def test_a_misspelt_key_is_named_before_the_one_that_is_missing(labmtj, tmp_path):
    (tmp_path / "mine.yaml").write_text("procedur: procedures.classify.WineCampaign\n")
    assert_refused(labmtj("run", "mine.yaml"), "mine.yaml:1", "procedur:", "did you mean procedure?")


@pytest.mark.parametrize("volts", ["-0.6", "-6e-1", "-.6", "-6.e-1"])
def test_a_negative_number_is_no_option(labmtj, volts):
    code, out, _ = labmtj("pulse", "simulated", "3", "4", "--volts", volts)
    assert (code, "got -0.6 V" in out) == (0, True)


def test_every_argument_and_option_of_every_command_has_its_help():
    def parsers(parser):
        yield parser
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for each in action.choices.values():
                    yield from parsers(each)

    bare = [
        f"{each.prog}: {action.dest}" for each in parsers(cli._parser()) for action in each._actions
        if not action.help and not isinstance(action, argparse._SubParsersAction)
    ]  # fmt: skip
    assert bare == []
    assert [each.prog for each in parsers(cli._parser()) if not each.description] == []


def test_hands_say_which_array_they_touch(labmtj):
    shown = labmtj("read", "simulated", "3", "4")[1]
    assert "of array mtj-35nm; --array takes another" in shown
    assert shown.endswith("simulated chip: drawn anew (seed 1) by this command, forgotten at its end\n")
    assert "of array mtj-75nm" in labmtj("read", "simulated", "3", "4", "--array", "mtj-75nm")[1]
    assert_refused(labmtj("read", "simulated", "3", "4", "--array", "mtj-1nm"), "mtj-1nm", "mtj-75nm")


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_help_keeps_to_the_terminal_and_names_choices_units_and_experiments(labmtj, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    whole, own = labmtj("run", "--help")[1], labmtj("run", "patterns", "--help")[1]
    assert max(map(len, (whole + own).splitlines())) <= max(columns, 92)
    for path in (library.folder() / "experiments").glob("*.yaml"):
        assert f"\n  {path.stem} " in whole
    assert "--write.scheme {half,third,grounded}" in own
    assert "--write.pulse-seconds S" in own
    assert "(default: None)" not in own


def test_a_shell_completes_commands_settings_benches_and_experiments(labmtj, tmp_path):
    script = labmtj("completion", "bash")[1]
    (tmp_path / "try.sh").write_text(
        script
        + '\ntry() { COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMPREPLY=(); _labmtj; echo "${COMPREPLY[*]}"; }'
        "\ntry labmtj resu; try labmtj run sw; try labmtj run wine --bench virtual-24; try labmtj run wine --write.m"
    )
    done = subprocess.run(["bash", tmp_path / "try.sh"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["resume", "switching", "virtual-2400-7002", "--write.method --write.max-rounds"]
    assert labmtj("completion", "zsh")[1].startswith("autoload")


def test_a_shell_completes_runs_where_a_run_is_named(labmtj, tmp_path):
    """Fails where files of the folder are offered: runs lie in `runs`. A path is completed where no run begins so."""
    for name in ("20261130T120000Z_ab12", "20261130T120000Z_cd34", "20251130T120000Z_ef56"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    (tmp_path / "2026.txt").touch()
    (tmp_path / "try.sh").write_text(
        labmtj("completion", "bash")[1]
        + '\ntry() { COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMPREPLY=(); _labmtj; echo "${COMPREPLY[*]}"; }'
        "\ntry labmtj show 2026; try labmtj compare x 20261130T120000Z_c; try labmtj report try; try labmtj ls 2026"
    )
    done = subprocess.run(["bash", "try.sh"], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines() == [
        "20261130T120000Z_ab12 20261130T120000Z_cd34", "20261130T120000Z_cd34", "try.sh", "2026.txt",
    ]  # fmt: skip


def test_a_run_is_named_as_the_list_names_it(labmtj, run, tmp_path):
    (tmp_path / "runs").mkdir()
    shutil.copytree(run.path, tmp_path / "runs" / "one")
    assert "median accuracy" in labmtj("show", "one")[1]
    assert_refused(labmtj("show", "two"), "two", "not a run")


def test_what_is_shown_of_a_run_that_failed_says_so(labmtj, run):
    assert "not complete" not in labmtj("show", run.path)[1]
    run.end("FAILED", "the chip was lifted")
    shown = labmtj("show", run.path)[1].splitlines()
    assert shown[-3:-1] == ["not complete, this run is: failed", "the chip was lifted"], shown[-4:]
    assert "labmtj resume" in shown[-1]


def test_files_beside_the_one_that_names_them_need_no_ending(labmtj, tmp_path):
    shutil.copy(library.folder() / "arrays" / "mtj-50nm.yaml", tmp_path / "mine.yaml")
    bench = (library.folder() / "benches" / "simulated.yaml").read_text()
    (tmp_path / "bench.yaml").write_text(re.sub(r"arrays: \[.*?\]", "arrays: [mine]", bench))
    assert labmtj("check", "bench.yaml")[0] == 0
