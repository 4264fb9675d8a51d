import contextlib
import io
import json
import os
import subprocess
import sys

import h5py
import pytest

from labmtj.cli import main
from labmtj.errors import UsageError
from labmtj.record import files
from labmtj.run import RunFolder, load_experiment, start
from labmtj.run.glance import Glance
from labmtj.run.listing import list_runs


@pytest.fixture
def make(tmp_path):
    def make(name, experiment="wine", ending="DONE", events=({"done": 3, "total": 9},), size=0):
        path = tmp_path / name
        path.mkdir()
        (path / "run.yaml").write_text(f"experiment: {experiment}\n" + "# arrays\n" * 5000)
        (path / "run.log").write_text("".join(json.dumps(event) + "\n" for event in events))
        (path / "journal.lmj").write_bytes(bytes(size))
        if ending:
            (path / ending).touch()
        return RunFolder(path)

    return make


def test_runs_are_listed_newest_first(make, tmp_path):
    make("20260101T000000Z_aaaa", ending="STOPPED", size=12_300_000)
    make("20260102T000000Z_bbbb", experiment="reference", events=({"done": 1, "total": 4}, {"done": 4, "total": 4}))
    make("20251231T235959Z_cccc", ending="FAILED")
    head, first, second, third = list_runs(tmp_path).splitlines()
    assert first.split() == ["20260102T000000Z_bbbb", "reference", "done", "4/4", "0.0", "MB", "?"]
    assert second.split() == ["20260101T000000Z_aaaa", "wine", "stopped", "3/9", "12.3", "MB", "-"]
    assert third.split()[:3] == ["20251231T235959Z_cccc", "wine", "failed"]
    assert head.split() == ["run", "experiment", "ended", "blocks", "size", "acc.", "%"]


def test_a_run_without_an_ending_runs_or_was_killed(make, tmp_path):
    run = make("20260101T000000Z_aaaa", ending=None)
    assert list_runs(tmp_path).splitlines()[1].split()[2] == "killed"
    descriptor = files.open_existing(run.journal)
    files.lock(descriptor, run.journal)
    assert list_runs(tmp_path).splitlines()[1].split()[2] == "running"
    os.close(descriptor)


def test_no_folder_makes_the_list_fail(make, tmp_path):
    (tmp_path / "20260101T000000Z_0000").mkdir()  # killed before anything was written
    make("20260101T000000Z_0001", experiment="x" * 200)
    make("20260101T000000Z_0002", experiment="wine\x1b[31m\x07")
    make("20260101T000000Z_0003", events=("text", 5, {"done": "many", "total": None}))
    (make("20260101T000000Z_0004").log).write_bytes(b"\xff\x00{broken" * 1000)
    (make("20260101T000000Z_0005").run_yaml).write_bytes(b"\x89HDF\xff")
    (tmp_path / "notes").mkdir()
    (tmp_path / "report.txt").touch()
    run = make("20260101T000000Z_0006")
    run.log.unlink()
    run.log.symlink_to(tmp_path / "nowhere")
    text = list_runs(tmp_path)
    assert len(text.splitlines()) == 8
    assert all(len(line) <= 80 and line.isprintable() for line in text.splitlines())
    assert r"wine\x1b[31m..." in text


@pytest.fixture
def several(make, tmp_path):
    """Four runs that differ in everything, the last of an older labmtj."""

    def several(name, experiment, events, tags="", ending="DONE"):
        run = make(name, experiment=f"{experiment}\nprocedure: procedures.{experiment}.Class\n{tags}", events=events)
        if ending != "DONE":
            (run.path / "DONE").unlink()
            (run.path / ending).touch()

    chips = [{"event": "plan", "chips": [f"mtj-{size}nm-0a" for size in sizes]} for sizes in ((35, 50), (75,))]
    found = {"event": "done", "done": 1, "total": 1}
    several("20260101T120000Z_0001", "wine", (chips[0], found | {"found": {"accuracy": 0.953}}), "tags:\n- a\n- 'b'\n")
    several("20260102T000000Z_0002", "wine", (chips[1], found | {"found": {"accuracy": 0.9}}), "tags:\n- a\n")
    several("20260103T235959Z_0003", "patterns", (chips[1], found | {"found": {}}), "tags: []\n", ending="STOPPED")
    several("20260104T000000Z_0004", "wine", (found,))
    return lambda *options: cli_numbers(tmp_path, *options)


def cli_numbers(folder, *options):
    """The last digits of the runs that `labmtj ls` lists, and how many it cannot tell of."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        assert main(["ls", str(folder), *options]) == 0
    lines = output.getvalue().splitlines()
    assert all(len(line) <= 80 for line in lines)
    untold = [int(line.split(" more do")[0].split()[-1]) for line in lines if "do not say" in line]
    return "".join(line[20] for line in lines if line.startswith("2026")), sum(untold)


@pytest.mark.parametrize(
    ("options", "numbers", "untold"),
    [
        ("", "4321", 0),
        ("--procedure Wine", "421", 0),
        ("--procedure patterns.Class", "3", 0),
        ("--chip 50nm", "1", 1),
        ("--chip mtj-75nm-0a", "32", 1),
        ("--tag a", "21", 0),
        ("--tag a --tag b", "1", 0),
        ("--since 2026-01-02", "432", 0),
        ("--until 2026-01-03", "321", 0),
        ("--since 2026-01-01T12:00 --until 2026-01-01T12:00", "1", 0),
        ("--since 2026-01-01T13:00+02:00 --until 2026-01-01", "1", 0),
        ("--ended stopped", "3", 0),
        ("--accuracy >=95", "1", 1),
        ("--accuracy <95%", "2", 1),
        ("--accuracy >95.3", "", 1),
        ("--accuracy >=95 --tag a", "1", 0),
    ],
)
def test_runs_are_chosen_by_what_they_are(several, options, numbers, untold):
    assert several(*options.split()) == (numbers, untold)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--accuracy", "95"], "give a comparison"),
        (["--accuracy", ">=953"], "give a comparison"),
        (["--since", "yesterday"], "2026-11-25"),
        (["--until", "2026-13-01"], "--until"),
    ],
)
def test_a_wrong_choice_is_refused(tmp_path, capsys, options, words):
    assert main(["ls", str(tmp_path), *options]) == 2
    assert words in capsys.readouterr().err


def test_a_run_tells_its_list_what_it_is(tmp_path):
    """From the experiment to the list, on a real run."""
    changes = {"sizes": ["mtj-75nm"], "count": 1, "amplitude": None, "write": {"max_rounds": 0}}
    experiment = load_experiment("wine", changes=changes, tags=("cold", "die-7"))
    run = start(experiment, tmp_path, workers=1, show=lambda progress: None)
    glance = Glance.at(run.path)
    assert (glance.experiment, glance.procedure, glance.tags) == (
        "wine",
        "procedures.classify.WineCampaign",
        ("cold", "die-7"),
    )
    assert (glance.chips, glance.ended, glance.blocks) == (("mtj-75nm-0a", "mtj-75nm-0b"), "done", (2, 2))
    with h5py.File(run.data) as file:
        group = file["wine/mtj-75nm-0/accuracy"]
        place = group["variant"].asstr()[:].tolist().index("common"), group["split"].asstr()[:].tolist().index("train")
        assert glance.accuracy == group["accuracy"][place].item()


@pytest.mark.parametrize("tag", ["two words", "", "x" * 25, "-\n"])
def test_a_tag_is_a_word(tag):
    with pytest.raises(UsageError, match="--tag"):
        load_experiment("reference", tags=(tag,))


def test_a_list_is_quick_to_begin_with(tmp_path):
    program = (
        "import sys; from labmtj.cli import main; main(['ls', sys.argv[1]]);"
        "print(sorted({'numpy', 'h5py', 'xarray', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_empty_folder(tmp_path):
    assert list_runs(tmp_path) == f"no runs in {tmp_path}"
