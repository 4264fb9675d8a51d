"""Cases F12 and M1: a run goes on as it began; a run.yaml that was edited meanwhile is refused, key and values named."""

import json
import re
from pathlib import Path

import h5py
import pytest

from labmtj import cli
from labmtj.errors import ConfigError, DataError, Stopped, UsageError
from labmtj.record import JournalLog, JournalReader, open_data
from labmtj.run import RunFolder, load_experiment, resume, start
from labmtj.run import binding as module
from labmtj.run.binding import unchanged
from labmtj.run.origin import check_folder

CHANGES = {"count": 4, "chips": 1, "sizes": ["mtj-50nm"], "amplitude": None}


def stopped_run(parent):
    """Return the folder of a run that was stopped after its second block, as bytes."""

    def stop(progress):
        if progress.done == 2:
            raise Stopped

    with pytest.raises(Stopped):
        start(load_experiment("wine", changes=CHANGES), parent, workers=1, show=stop)
    return {each.name: each.read_bytes() for each in next(parent.iterdir()).iterdir()}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    return stopped_run(tmp_path_factory.mktemp("bound"))


@pytest.fixture(scope="module")
def other(stopped, tmp_path_factory):
    """Another run of the same experiment, perhaps begun within the same second."""
    return stopped_run(tmp_path_factory.mktemp("other"))


@pytest.fixture
def folder(stopped, tmp_path):
    path = tmp_path / "20260101T000000Z_0000"
    path.mkdir()
    for name, content in stopped.items():
        (path / name).write_bytes(content)
    return RunFolder(path)


def edit(folder, pattern, replacement):
    text, count = re.subn(pattern, replacement, folder.run_yaml.read_text(), flags=re.MULTILINE)
    assert count
    folder.run_yaml.write_text(text)


EDITS = {
    "limits": (r"cell_volts: 0\.9", "cell_volts: 2.5", r"cell_volts: is 2\.5, and was 0\.9 when this run began"),
    "read volts": (r"read_volts: 0\.1$", "read_volts: 0.05", r"read_volts: is 0\.05, and was 0\.1 when this run began \(and "),
    "seed": (r"^seed: 1", "seed: 2", r"seed: is 2, and was 1"),
    "count": (r"count: 4", "count: 12", r"settings\.count: is 12, and was 4"),
    "a key more": (r"^seed: 1", "seed: 1\noperator2: x", r"operator2: is 'x', and was not there"),
    "a key less": (r"^operator: .*\n", "", r"operator: is not there, and was ''"),
    "a truth value": (r"^over_budget: false", "over_budget: 0", r"over_budget: is 0, and was False"),
}  # fmt: skip


@pytest.mark.parametrize("edited", EDITS)
def test_an_edited_run_yaml_is_refused_with_the_key_and_both_values(folder, edited):
    """At dd97226 limits and read volts were obeyed in silence, and the record said the wrong ones."""
    pattern, replacement, said = EDITS[edited]
    edit(folder, pattern, replacement)
    before = folder.journal.read_bytes()
    for again in (lambda: resume(folder, workers=1, show=print), lambda: unchanged(folder)):
        with pytest.raises(ConfigError, match=said) as raised:
            again()
        assert str(raised.value).startswith(f"{folder.run_yaml}:")
        assert "--over-budget" in str(raised.value)
    assert folder.journal.read_bytes() == before


@pytest.mark.parametrize("command", ["resume", "recover", "report"])
def test_every_command_compares(folder, command, capsys):
    edit(folder, r"^seed: 1", "seed: 7")
    assert cli.main([command, str(folder.path)]) == 2
    assert "seed: is 7, and was 1 when this run began" in capsys.readouterr().err


COMMANDS = {
    "report": [], "show": [], "resume": [], "recover": [], "export": ["arrays", "out.csv"], "compare": ["."], "calibrate": [],
    "twin": [],
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_takes_data_of_another_run(folder, other, command, capsys):
    """Fails where only run.yaml and the journal are compared: the data of another run were shown as this one's."""
    folder.data.write_bytes(other["data.h5"])
    words = [str(folder.path) if each == "." else each for each in COMMANDS[command]]
    assert cli.main([command, str(folder.path), *words]) == 2
    assert re.search(r"data\.h5:? is of (another )?run", capsys.readouterr().err)
    assert folder.data.read_bytes() == other["data.h5"]


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_takes_the_journal_of_another_run(folder, other, command, capsys):
    folder.journal.write_bytes(other["journal.lmj"])
    words = [str(folder.path) if each == "." else each for each in COMMANDS[command]]
    assert cli.main([command, str(folder.path), *words]) == 2
    assert re.search(r"journal\.lmj:? (is )?of (a )?run", capsys.readouterr().err)


def test_data_of_a_run_that_began_at_another_time(folder):
    edit(folder, r"created_utc: .*", "created_utc: '2025-12-31T23:59:59+00:00'")
    begun = r"begun '?20\d\d-\d\d-\d\d.*"
    with pytest.raises(
        ConfigError, match=rf"is '2025-12-31T23:59:59\+00:00', and journal.lmj is of a run {begun}two runs"
    ):
        unchanged(folder)
    with pytest.raises(
        DataError, match=rf"data.h5: is of another run, 20\d+T\d+Z_\w+, {begun}rebuild it: labmtj recover"
    ):
        check_folder(folder)


def test_a_run_that_went_on_under_another_name_is_one_run(folder, tmp_path):
    """Its journal may say the old name first, its data say the new one: bytes that were read decide."""
    assert check_folder(folder) is None
    renamed = RunFolder(folder.path.rename(tmp_path / "renamed"))
    assert check_folder(renamed) is None
    with h5py.File(renamed.data, "r+") as file:
        file.attrs["run"] = "renamed"
    assert check_folder(renamed) is None
    with h5py.File(renamed.data, "r+") as file:
        file.attrs["labmtj_journal_check"] += 1
    with pytest.raises(DataError, match=r"data.h5 is of run renamed, and journal.lmj of run 20\d+T\d+Z_\w+"):
        check_folder(renamed)


def test_data_that_cannot_be_read_are_rebuilt(folder):
    folder.data.write_bytes(b"nothing")
    assert check_folder(folder) is None


def test_comments_may_change(folder):
    """Values are compared, not bytes."""
    edit(folder, r"^seed: 1", "seed: 1  # as agreed\n# on Monday")
    assert unchanged(folder).content["seed"] == 1


def test_a_run_of_before_goes_on_with_a_sentence(folder, monkeypatch, caplog):
    monkeypatch.setattr(module, "_in_journal", lambda folder: None)
    edit(folder, r"^notes: .*", "notes: edited")
    assert unchanged(folder, obeyed=True).content["notes"] == "edited"
    assert "does not hold the run.yaml that this run began with" in caplog.text


def test_a_run_of_before_is_compared_with_what_it_was_resolved_to(folder, monkeypatch):
    """Its journal holds run.yaml, but no checksum."""
    monkeypatch.setattr(module, "SHA256", "another_name")
    edit(folder, r"^seed: 1", "seed: 3")
    with pytest.raises(ConfigError, match="seed: is 3, and was 1"):
        unchanged(folder)


def test_it_stands_in_the_first_commit_of_the_journal(folder):
    first = next(record for _, record in JournalReader(folder.journal))
    assert (first["kind"], first["path"]) == ("attributes", "provenance")
    assert first["values"]["run_yaml"] == folder.run_yaml.read_text()


def test_a_run_cut_back_to_its_beginning_is_bound_again(folder):
    JournalLog.reopen(folder.journal, 16).journal.close()  # after the head: nothing was kept
    folder.data.unlink()
    resume(folder, workers=1, show=lambda _: None)
    assert "run_yaml" in next(record for _, record in JournalReader(folder.journal))["values"]


def test_a_lost_journal_is_no_new_beginning(folder):
    """At dd97226 the run began anew, and what data.h5 held was overwritten."""
    folder.journal.unlink()
    with pytest.raises(UsageError, match=r"journal\.lmj is gone, .*data\.h5 holds what was checkpointed"):
        resume(folder, workers=1, show=print)
    edit(folder, r"^seed: 1", "seed: 3")
    with pytest.raises(ConfigError, match="seed: is 3, and was 1"):  # the report: data.h5 says so
        unchanged(folder)


def test_a_mark_that_was_tampered_with_is_no_word(folder, monkeypatch):
    monkeypatch.setattr(module, "_sha256", lambda text: "another")
    with pytest.raises(DataError, match=r"what run\.yaml said when the run began is damaged"):
        unchanged(folder)


def test_what_may_change_is_an_option_and_recorded(folder):
    resume(folder, workers=1, show=lambda _: None, over_budget=True)
    with open_data(folder.data) as data:
        assert data.attributes("provenance")["over_budget_since_utc"]
    begun = [json.loads(line) for line in Path(folder.log).read_text().splitlines()]
    assert [each["over_budget"] for each in begun if each["event"] == "begin"] == [False, True]
