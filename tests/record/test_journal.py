"""The journal: what was acknowledged is there, whatever happens to the end of the file, and other changes show."""

import contextlib
import errno
import os
import signal
import subprocess
import sys
import textwrap
import zlib
from pathlib import Path

import numpy as np
import pytest

from labmtj.errors import DataError, RecordError
from labmtj.record import files, frames, replay
from labmtj.record.journal import JournalReader, JournalWriter


def rows(i):
    return {"kind": "rows", "i": i, "a": np.full((3, 2), i, float)}


def write(path, commits=4, per_commit=2):
    """Write a journal and return the acknowledged size after every commit."""
    sizes = [replay.START]
    with JournalWriter.create(path) as journal:
        for commit in range(commits):
            for i in range(per_commit):
                journal.append(rows(commit * per_commit + i))
            journal.commit()
            sizes.append(journal.acknowledged_bytes)
    return sizes


def numbers(path, **options):
    return [record["i"] for _, record in JournalReader(path, **options)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.lmj"


def test_records_come_back_in_order_with_their_offsets(path):
    sizes = write(path)
    reader = JournalReader(path)
    records = list(reader)
    assert [record["i"] for _, record in records] == list(range(8))
    assert (records[3][1]["a"] == 3).all()
    assert (reader.valid_bytes, reader.torn_bytes, reader.damage()) == (path.stat().st_size, 0, None)
    assert sizes[-1] == path.stat().st_size
    assert [o for o, _ in JournalReader(path, start=records[5][0])] == [o for o, _ in records[5:]]


def test_appended_but_not_committed_is_not_in_the_file(path):
    with JournalWriter.create(path) as journal:
        journal.append(rows(0))
        assert path.stat().st_size == replay.START
    assert numbers(path) == [0]  # closing commits


def test_a_tail_torn_at_any_byte_loses_only_the_torn_frame(path, tmp_path):
    write(path)
    data = path.read_bytes()
    ends = [replay.START]
    reader = JournalReader(path)
    ends.extend(reader.valid_bytes for _ in reader.payloads())
    for cut in range(replay.START, len(data)):
        torn = tmp_path / "torn.lmj"
        torn.write_bytes(data[:cut])
        reader = JournalReader(torn)
        list(reader)
        assert reader.valid_bytes == max(end for end in ends if end <= cut)
        assert reader.torn_bytes == cut - reader.valid_bytes
        assert reader.damage() is None


@pytest.mark.parametrize("torn_bytes", [5, len(frames.encode(rows(7)))])
def test_a_torn_journal_goes_on_behind_its_last_whole_commit(path, torn_bytes):
    # Seen to fail without `bytes` in the frame of a commit: the first half of it stayed.
    write(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-torn_bytes])
    with JournalWriter.reopen(path) as journal:
        journal.append(rows(70))
    assert numbers(path) == [0, 1, 2, 3, 4, 5, 70]


def test_a_commit_of_a_version_that_did_not_tell_its_length_is_kept_frame_by_frame(path):
    with path.open("wb") as file:
        file.write(replay.file_head() + frames.encode({"kind": "commit", "offset": replay.START}))
        file.write(frames.encode(rows(0)) + frames.encode(rows(1))[:-1])
    JournalWriter.reopen(path).close()
    assert numbers(path) == [0]


@pytest.mark.parametrize(
    "tail", [bytes(4096), bytes(3), b"\xff" * 100, frames.MAGIC, frames.HEAD.pack(frames.MAGIC, 2**32 - 1, 0)]
)
def test_zeros_and_garbage_behind_the_end_are_a_torn_tail(path, tail):
    write(path)
    good = path.stat().st_size
    with path.open("ab") as file:
        file.write(tail)
    reader = JournalReader(path)
    assert len(list(reader)) == 8
    assert (reader.valid_bytes, reader.torn_bytes, reader.damage()) == (good, len(tail), None)


def test_a_frame_of_zeros_with_a_fitting_crc_is_no_frame(path):
    write(path)
    with path.open("ab") as file:
        file.write(bytes(4) + bytes(4) + zlib.crc32(b"").to_bytes(4, "little"))
    assert numbers(path) == list(range(8))


def test_every_flipped_bit_is_noticed(path, tmp_path):
    sizes = write(path, commits=3, per_commit=1)
    data = path.read_bytes()
    flipped_path = tmp_path / "flipped.lmj"
    for position in range(len(data)):
        for bit in (1, 128):
            flipped = bytearray(data)
            flipped[position] ^= bit
            flipped_path.write_bytes(flipped)
            if position < replay.START:
                with pytest.raises(DataError):
                    JournalReader(flipped_path)
                continue
            reader = JournalReader(flipped_path)
            kept = [record["i"] for _, record in reader]
            assert kept == list(range(len(kept)))
            assert reader.valid_bytes <= position
            # Behind a later commit it is damage of acknowledged rows, in the last commit it looks like a torn tail.
            assert reader.damage() == next((size for size in sizes[1:-1] if size > position), None)


def test_damage_is_never_cut_off_but_can_be_passed_over(path):
    sizes = write(path)
    data = bytearray(path.read_bytes())
    data[sizes[1] + 100] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="acknowledged rows after them"):
        JournalWriter.reopen(path)
    assert path.read_bytes() == data
    reader = JournalReader(path, skip_damage=True)
    assert [record["i"] for _, record in reader][-4:] == [4, 5, 6, 7]
    assert [end for _, end in reader.skipped] == [sizes[2]]


def test_rewinding_keeps_what_is_before_and_refuses_the_middle_of_a_frame(path):
    sizes = write(path)
    with pytest.raises(DataError, match="no frame that ends at byte"):
        JournalWriter.reopen(path, truncate_to=sizes[2] + 1)
    with JournalWriter.reopen(path, truncate_to=sizes[2]) as journal:
        journal.append(rows(90))
    assert numbers(path) == [0, 1, 2, 3, 90]


def test_the_last_states_are_found_and_where_they_end(path):
    with JournalWriter.create(path) as journal:
        for i in range(3):
            journal.append({"kind": "state", "name": "other", "values": {"i": -i}})
            journal.append({"kind": "state", "name": "crossbar", "values": {"i": i, "key": np.arange(4, dtype="u8")}})
            journal.append(rows(i))
    states, end = replay.last_states(path)
    assert {name: values["i"] for name, values in states.items()} == {"other": -2, "crossbar": 2}
    JournalWriter.reopen(path, truncate_to=end).close()
    assert list(JournalReader(path))[-1][1]["values"]["i"] == 2


def test_without_states_a_run_begins_anew(path):
    write(path)
    assert replay.last_states(path) == ({}, replay.START)


def test_a_journal_is_never_overwritten(path):
    write(path)
    with pytest.raises(RecordError, match="never overwritten"):
        JournalWriter.create(path)
    assert numbers(path) == list(range(8))


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(RecordError, match="nowhere"):
        JournalWriter.create(tmp_path / "nowhere" / "journal.lmj")
    with pytest.raises(RecordError, match="nowhere"):
        JournalWriter.reopen(tmp_path / "nowhere" / "journal.lmj")


def test_two_writers_are_one_too_many(path):
    with JournalWriter.create(path), pytest.raises(RecordError, match="another process"):
        JournalWriter.reopen(path)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_neither_writes_nor_keeps_the_lock(path):
    journal = JournalWriter.create(path)
    journal.append(rows(0))
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            journal.append(rows(1))
            journal.commit()
        except RecordError:
            os.write(write_end, b"refused")
        signal.pause()
    assert os.read(read_end, 20) == b"refused"
    journal.close()
    try:
        JournalWriter.reopen(path).close()  # while the child lives
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(read_end)
        os.close(write_end)
    assert numbers(path) == [0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "was being made"),
        (bytes(replay.START), "was being made"),
        (bytes(replay.START + 1), "not a journal"),
        (replay.file_head()[:7], "was being made"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "not a journal"),
        (b"\x89LMJ\n\x1a\n" + bytes(100), "not a journal"),
    ],
)
def test_foreign_and_unborn_files_are_refused(path, content, message):
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        JournalReader(path)


def test_a_newer_version_is_refused_by_its_number(path):
    head = b"\x89LMJ\r\n\x1a\n" + (2).to_bytes(4, "little")
    path.write_bytes(head + zlib.crc32(head).to_bytes(4, "little"))
    with pytest.raises(DataError, match="version 2"):
        JournalReader(path)
    with pytest.raises(DataError, match="version 2"):
        JournalWriter.reopen(path)


def test_a_good_frame_of_something_else_is_named_with_its_byte(path):
    write(path, commits=1)
    end, payload = path.stat().st_size, b"\x93\x01\x02\x03"
    with path.open("ab") as file:
        file.write(frames.HEAD.pack(frames.MAGIC, len(payload), frames.checksum(payload)) + payload)
    with pytest.raises(DataError, match=f"byte {end}"):
        list(JournalReader(path))


def test_frames_changed_on_the_way_are_not_taken(path):
    encoded = bytearray(frames.encode(rows(1)) + frames.encode(rows(2)))
    with JournalWriter.create(path) as journal:
        journal.append_encoded(bytes(encoded))
        encoded[-1] ^= 1
        with pytest.raises(DataError, match="not whole"):
            journal.append_encoded(bytes(encoded))
    assert numbers(path) == [1, 2]


# ------------------------------------------------------------------------------------------ disks that refuse


class Disk:
    """Takes `room` bytes in pieces of at most `piece`, then fails with `code`."""

    def __init__(self, monkeypatch, room=10**9, piece=10**9, code=errno.ENOSPC):
        self.room, self.piece, self.code = room, piece, code
        monkeypatch.setattr(files, "write", self.write)

    def write(self, descriptor, data, offset):
        taken = min(len(data), self.piece, self.room)
        if taken == 0:
            raise OSError(self.code, os.strerror(self.code))
        self.room -= taken
        return os.pwrite(descriptor, data[:taken], offset)


def test_short_writes_are_continued(path, monkeypatch):
    Disk(monkeypatch, piece=7)
    write(path)
    assert numbers(path) == list(range(8))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT])
def test_a_full_disk_loses_nothing_acknowledged_and_can_be_retried_at_every_byte(path, monkeypatch, code):
    with JournalWriter.create(path) as journal:
        journal.append(rows(0))
        journal.commit()
        good = path.read_bytes()
        journal.append(rows(1))
        size = len(frames.encode(rows(1)))
        needed = size + len(frames.encode({"kind": "commit", "offset": len(good), "bytes": size}))
        for room in range(needed):
            disk = Disk(monkeypatch, room=room, code=code)
            with pytest.raises(RecordError, match=r"journal\.lmj.*MB free.*make room"):
                journal.commit()
            assert path.read_bytes() == good
            assert journal.acknowledged_bytes == len(good)
        disk.room = 10**9
        journal.append(rows(2))
        journal.commit()
    assert numbers(path) == [0, 1, 2]


def test_after_a_failed_sync_the_journal_must_be_reopened(path, monkeypatch):
    journal = JournalWriter.create(path)
    journal.append(rows(0))
    journal.commit()
    journal.append(rows(1))
    with monkeypatch.context() as patch:
        patch.setattr(files, "sync_data", lambda fd: (_ for _ in ()).throw(OSError(errno.EIO, "I/O error")))
        with pytest.raises(RecordError, match="synced"):
            journal.commit()
    with pytest.raises(RecordError, match="synced"):
        journal.commit()  # the disk is well again, but nobody knows what it kept
    journal.close()
    assert numbers(path) == [0]
    with JournalWriter.reopen(path) as journal:
        journal.append(rows(5))
    assert numbers(path) == [0, 5]


def test_a_piece_that_cannot_be_cut_off_is_not_written_twice(path, monkeypatch):
    journal = JournalWriter.create(path)
    journal.append(rows(0))
    with monkeypatch.context() as patch:
        Disk(patch, room=len(frames.encode(rows(0))) + 30)
        patch.setattr(files, "truncate", lambda fd, size: (_ for _ in ()).throw(OSError(errno.EIO, "I/O error")))
        with pytest.raises(RecordError):
            journal.commit()
    with pytest.raises(RecordError, match="cut back"):
        journal.commit()
    journal.close()
    JournalWriter.reopen(path).close()
    assert numbers(path) in ([], [0])


def test_a_journal_that_could_not_be_begun_leaves_no_file(path, monkeypatch):
    with monkeypatch.context() as patch:
        Disk(patch, room=5)
        with pytest.raises(RecordError, match="begun"):
            JournalWriter.create(path)
    write(path)
    assert numbers(path) == list(range(8))


def test_a_commit_is_synced_before_it_counts(path, monkeypatch):
    calls = []
    for name in ("write", "sync_data", "sync", "sync_folder", "truncate"):
        original = getattr(files, name)
        monkeypatch.setattr(files, name, lambda *a, _n=name, _o=original: (calls.append(_n), _o(*a))[1])
    with JournalWriter.create(path) as journal:
        assert calls == ["write", "sync", "sync_folder"]
        journal.append(rows(0))
        journal.commit()
        assert calls[3:] == ["write", "sync_data"]
        journal.commit()
        assert len(calls) == 5


# -------------------------------------------------------------------------------------------- real processes


def run(code, *arguments, **options):
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)], cwd=root, stdout=subprocess.PIPE, **options
    )


def test_a_real_file_size_limit_is_an_error_with_a_remedy(path):
    code = """
        import resource, sys
        from pathlib import Path
        import numpy as np
        from labmtj.errors import RecordError
        from labmtj.record import JournalWriter
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        journal = JournalWriter.create(Path(sys.argv[1]))
        kept = 0
        try:
            while True:
                journal.append({"kind": "rows", "i": kept, "a": np.zeros(300)})
                journal.commit()
                kept += 1
        except RecordError as error:
            print(kept, error)
    """
    process = run(code, path)
    kept, message = process.communicate(timeout=30)[0].decode().split(" ", 1)
    assert process.returncode == 0
    assert int(kept) == 8
    assert "File too large" in message
    assert "make room" in message
    assert numbers(path) == list(range(8))
    assert JournalReader(path).size < 20_000
    with JournalWriter.reopen(path) as journal:  # no limit here
        journal.append(rows(8))
    assert numbers(path) == list(range(9))


@pytest.mark.parametrize("after", [1, 20, 57])
def test_a_killed_writer_keeps_every_acknowledged_row(path, after):
    code = """
        import sys
        from pathlib import Path
        import numpy as np
        from labmtj.record import JournalWriter
        journal, i = JournalWriter.create(Path(sys.argv[1])), 0
        while True:
            journal.append({"kind": "rows", "i": i, "a": np.zeros(3000)})
            journal.commit()
            print(i, flush=True)
            i += 1
    """
    process = run(code, path)
    acknowledged = [int(process.stdout.readline()) for _ in range(after)]
    process.kill()
    acknowledged += [int(line) for line in process.stdout.read().split()]
    process.wait()
    process.stdout.close()
    with JournalWriter.reopen(path) as journal:
        journal.append(rows(-1))
    kept = numbers(path)
    assert kept[: len(acknowledged)] == acknowledged
    assert kept[-1] == -1


def test_the_journal_alone_does_not_load_h5py():
    code = """
        import sys
        import labmtj.record
        from labmtj.record import JournalLog, JournalReader, JournalWriter, MemoryLog, reads_table
        print([name for name in ("h5py", "xarray", "pymeasure") if name in sys.modules])
    """
    process = run(code)
    assert process.communicate(timeout=30)[0].decode().strip() == "[]"


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (lambda path: path.unlink(), "was deleted or moved"),
        (lambda path: path.rename(path.with_name("elsewhere")), "was deleted or moved"),
        (lambda path: (path.rename(path.with_name("old")), path.write_bytes(b"")), "was replaced by another file"),
        (lambda path: (path.unlink(), path.symlink_to("old")), "was replaced by another file"),
        (lambda path: os.truncate(path, 20), "was cut short"),
    ],
)
def test_a_journal_that_is_gone_is_noticed_at_the_next_commit(tmp_path, done, said):
    """Case F13: at dd97226 commits went on into a deleted file until the next checkpoint."""
    path = tmp_path / "journal.lmj"
    with contextlib.suppress(RecordError), JournalWriter.create(path) as journal:
        journal.append({"kind": "mark", "name": "a", "values": {}})
        journal.commit()
        done(path)
        journal.append({"kind": "mark", "name": "b", "values": {}})
        for _ in range(2):  # nor does it come back
            with pytest.raises(RecordError, match=said):
                journal.commit()
