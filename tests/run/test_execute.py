import errno
import os
import signal
import threading

import pytest

from labmtj.errors import InstrumentError, ProcedureFailed, RecordError, Stopped, UsageError
from labmtj.record import files, open_data
from labmtj.record.replay import START
from labmtj.run import RunFolder, execute, resume, start
from labmtj.run import stations as stations_module
from procedures.classify.procedure import WineCampaign


def nobody(progress):
    """Nobody looks at the progress."""


def cut(folder, size):
    with folder.journal.open("r+b") as file:
        file.truncate(size)


def test_two_workers_write_the_same_journal_byte_by_byte(experiment, undisturbed, tmp_path, assert_same_run):
    folder = start(experiment, tmp_path, workers=2, show=nobody)
    assert_same_run(folder, undisturbed)
    # Who and when have the same length in both, so even the places of all frames agree.
    assert folder.journal.stat().st_size == undisturbed.journal.stat().st_size
    assert folder.ending == "DONE"


@pytest.mark.parametrize(
    ("number", "phase"), [(signal.SIGINT, "blocks"), (signal.SIGTERM, "blocks"), (signal.SIGHUP, "analysis")]
)
def test_a_signal_stops_the_run_and_resume_finishes_it(
    experiment, undisturbed, tmp_path, assert_same_run, phase, number
):
    def interrupt(progress):
        if progress.phase == phase and progress.done == 1:
            os.kill(os.getpid(), number)

    handler = signal.getsignal(number)
    with pytest.raises(Stopped) as stopped:
        start(experiment, tmp_path, workers=1, show=interrupt)
    assert stopped.value.exit_code == 128 + number
    assert signal.getsignal(number) == handler
    (path,) = tmp_path.iterdir()
    folder = RunFolder.open(path)
    assert folder.ending == "STOPPED"
    with open_data(folder.data) as data:  # whole and readable as it is
        assert len(data.read("wine/mtj-75nm-0/solutions/number")) == (0 if phase == "blocks" else 2)
    shown = []
    assert_same_run(resume(folder, workers=1, show=shown.append), undisturbed)
    assert folder.ending == "DONE"
    if phase == "blocks":  # how far it was is said at once, not after the next block
        assert (shown[0].phase, shown[0].done) == ("blocks", 1)


def test_a_second_interrupt_does_not_wait_for_the_next_operation(single, tmp_path):
    def interrupt(progress):
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Stopped):
            os.kill(os.getpid(), signal.SIGINT)
        raise Stopped(signal.SIGINT)

    with pytest.raises(Stopped):
        start(single, tmp_path, workers=1, show=interrupt)
    (path,) = tmp_path.iterdir()
    assert RunFolder(path).ending == "STOPPED"


def test_a_stop_in_the_middle_of_a_block_leaves_nothing_of_it(
    single, undisturbed_single, tmp_path, monkeypatch, assert_same_run
):
    calls = []
    measure = stations_module.Stoppable.measure

    def counted(self, *arguments):
        calls.append(1)
        if len(calls) == 13:  # inside the second block of a station
            os.kill(os.getpid(), signal.SIGTERM)
        return measure(self, *arguments)

    monkeypatch.setattr(stations_module.Stoppable, "measure", counted)
    with pytest.raises(Stopped):
        start(single, tmp_path, workers=1, show=nobody)
    assert len(calls) == 13
    (path,) = tmp_path.iterdir()
    assert_same_run(resume(RunFolder(path), workers=1, show=nobody), undisturbed_single)


def test_a_run_outside_the_main_thread_leaves_signals_alone(single, tmp_path):
    folders = []
    thread = threading.Thread(target=lambda: folders.append(start(single, tmp_path, workers=1, show=nobody)))
    thread.start()
    thread.join()
    assert folders[0].ending == "DONE"


@pytest.mark.parametrize("share", [0.0, 0.5, 0.77, 0.999])
def test_a_journal_torn_anywhere_is_finished_to_the_same_data(copy, undisturbed_single, assert_same_run, share):
    cut(copy, START + int(share * (copy.journal.stat().st_size - START)) + 7)  # data.h5 knows more than the journal
    assert_same_run(resume(copy, workers=1, show=nobody), undisturbed_single)


def test_a_journal_cut_into_its_first_bytes_is_begun_anew(copy, undisturbed_single, assert_same_run):
    copy.data.unlink()
    cut(copy, START - 5)
    assert_same_run(resume(copy, workers=1, show=nobody), undisturbed_single)


def test_a_run_killed_before_its_journal_was_made_is_begun_anew(copy, undisturbed_single, assert_same_run):
    copy.data.unlink()
    copy.journal.unlink()
    assert_same_run(resume(copy, workers=1, show=nobody), undisturbed_single)


def test_a_checkpoint_that_was_cut_off_is_made_again(copy, undisturbed_single, assert_same_run):
    copy.data.with_name(".data.h5.part").write_bytes(copy.data.read_bytes()[:100_000])
    copy.data.write_bytes(copy.data.read_bytes()[:200_000])  # worse than any kill leaves it
    assert_same_run(resume(copy, workers=1, show=nobody), undisturbed_single)
    assert not copy.data.with_name(".data.h5.part").exists()


def test_a_run_that_is_done_is_not_resumed(undisturbed):
    with pytest.raises(UsageError, match="this run is done"):
        resume(undisturbed, workers=1, show=nobody)


def test_a_run_that_is_going_on_elsewhere_is_left_alone(copy):
    before = {path.name: path.stat().st_mtime_ns for path in copy.path.iterdir()}
    descriptor = files.open_existing(copy.journal)
    try:
        files.lock(descriptor, copy.journal)
        with pytest.raises(Exception, match="another process"):
            resume(copy, workers=1, show=nobody)
        with pytest.raises(UsageError, match="another process"), copy.alone():
            pytest.fail("two at a time")
    finally:
        os.close(descriptor)
    assert {path.name: path.stat().st_mtime_ns for path in copy.path.iterdir()} == before


def test_a_fault_of_a_procedure_is_told_and_its_trace_kept(
    single, undisturbed_single, tmp_path, monkeypatch, assert_same_run
):
    block = WineCampaign.block

    def faulty(self, station, index, *rest):
        if index == 1:
            raise ZeroDivisionError("by design")
        block(self, station, index, *rest)

    monkeypatch.setattr(WineCampaign, "block", faulty)
    with pytest.raises(ProcedureFailed, match=r"ZeroDivisionError: by design.*run\.log"):
        start(single, tmp_path, workers=1, show=nobody)
    (path,) = tmp_path.iterdir()
    folder = RunFolder(path)
    assert folder.ending == "FAILED"
    assert "in faulty" in folder.log.read_text()
    monkeypatch.undo()
    assert_same_run(resume(folder, workers=1, show=nobody), undisturbed_single)


def test_states_that_a_procedure_keeps_are_no_places_to_resume_from(single, undisturbed_single, tmp_path, monkeypatch):
    block = WineCampaign.block

    def talkative(self, station, index, arrays, memory, log):
        log.state("mine", {"index": index})
        block(self, station, index, arrays, memory, log)

    monkeypatch.setattr(WineCampaign, "block", talkative)
    folder = start(single, tmp_path, workers=1, show=nobody)
    folder.begin()
    assert resume(folder, workers=1, show=nobody).ending == "DONE"


@pytest.mark.parametrize(
    ("call", "number"), [("write", 1), ("write", 2), ("write", 3), ("sync_data", 1), ("reserve", 1), ("rename", 2)]
)
def test_a_disk_that_refuses_fails_the_run_and_resume_finishes_it(
    single, undisturbed_single, tmp_path, monkeypatch, assert_same_run, call, number
):
    calls = []
    real = getattr(files, call)

    def refusing(*arguments):
        calls.append(1)
        if len(calls) > number:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments)

    monkeypatch.setattr(files, call, refusing)
    with pytest.raises(RecordError, match="No space left on device") as failed:
        start(single, tmp_path, workers=1, show=nobody)
    assert failed.value.exit_code == 1
    monkeypatch.undo()
    (path,) = tmp_path.iterdir()
    assert failed.value.__notes__ == [f"when that is fixed, go on with: labmtj resume {path}"]
    folder = RunFolder(path)
    assert folder.ending == "FAILED"
    assert_same_run(resume(folder, workers=1, show=nobody), undisturbed_single)


def test_a_disk_without_room_for_run_yaml_leaves_nothing(single, tmp_path, monkeypatch):
    def refusing(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "replace_whole", refusing)
    with pytest.raises(RecordError, match="No space left on device"):
        start(single, tmp_path, workers=1, show=nobody)
    assert list(tmp_path.iterdir()) == []


def test_the_reason_of_a_failure_holds_what_was_noted_of_it(single, tmp_path, monkeypatch):
    """`labmtj show` says the reason: a bench that may be on is to be known of there, too."""

    def failing(*_, **__):
        error = InstrumentError("smu", "x", "is mute")
        error.add_note("outputs may be on")
        raise error

    monkeypatch.setattr(execute, "executor_of", failing)
    with pytest.raises(InstrumentError):
        start(single, tmp_path, workers=1, show=nobody)
    (path,) = tmp_path.iterdir()
    assert RunFolder(path).reason == "smu at x: is mute\noutputs may be on"
