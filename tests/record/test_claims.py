"""Case F13: journals that were made to keep `labmtj recover` busy for hours, or to fill the disk, are refused soon."""

import numpy as np
import pytest

from labmtj.errors import DataError
from labmtj.record import JournalLog, JournalReader, JournalWriter, claims, files, frames, recover, replay
from labmtj.schema import Column, Table, Variable


@pytest.fixture
def journal(tmp_path):
    """Return a function that writes a journal and tries to recover it: what was said."""

    def attempt(write):
        path = tmp_path / "journal.lmj"
        with JournalWriter.create(path) as writer:
            write(JournalLog(writer), writer)
        with pytest.raises(DataError) as raised:
            recover(path, tmp_path / "data.h5")
        assert list(tmp_path.iterdir()) == [path]
        return str(raised.value)

    return attempt


def test_a_few_bytes_that_claim_gigabytes_of_rows(journal):
    def write(log, _):
        log.table(Table("t", "row", {"x": Column("f8", "1", "x")}))
        for _ in range(100):
            log.append("t", {"x": np.broadcast_to(1.0, (1 << 26,))})
            log.commit()  # else they are joined

    assert "journal.lmj claims more bytes of arrays than a run of its size holds, at byte " in journal(write)


def test_a_table_of_very_many_columns(journal):
    columns = {f"c{number}": Column("f8", "1", "x") for number in range(5000)}
    assert "holds a group of 5000 arrays" in journal(lambda log, _: log.table(Table("t", "row", columns)))


def test_very_many_groups(journal, monkeypatch):
    monkeypatch.setattr(claims, "OBJECTS", 100)

    def write(log, _):
        for number in range(200):
            log.put(f"g{number}", {"x": Variable(np.array(1.0), "1", "x", ())})

    assert "claims more arrays" in journal(write)


def test_very_many_attributes(journal):
    def write(_, writer):
        for first in range(0, 60_000, 1000):
            values = {f"a{number}": 1 for number in range(first, first + 1000)}
            writer.append({"kind": "attributes", "path": "g", "values": values})

    assert "claims more attributes" in journal(write)


class Counted:
    """A file that counts what is read."""

    def __init__(self, file, seen):
        self._file, self._seen = file, seen

    def read(self, size=-1):
        content = self._file.read(size)
        self._seen.append(len(content))
        return content

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._file.close()


def test_damage_that_looks_like_frames_is_looked_at_once(tmp_path, monkeypatch):
    """At dd97226 every mark of a frame in it is looked at; that it may be a commit is seen by its first bytes."""
    path, looked = tmp_path / "journal.lmj", []
    with JournalWriter.create(path) as writer:
        writer.append({"kind": "mark", "name": "x", "values": {}})
    with path.open("ab") as file:
        file.write(frames.MAGIC * 100_000)
    plain = replay._is_commit
    monkeypatch.setattr(replay, "_is_commit", lambda *given: looked.append(given) or plain(*given))
    reader = JournalReader(path)
    assert len(list(reader)) == 1
    assert reader.damage() is None
    assert not looked


def test_many_short_stretches_of_damage_cost_no_more_than_a_long_one(tmp_path, monkeypatch):
    """At dd97226 a megabyte is read after each of them."""
    path, seen = tmp_path / "journal.lmj", []
    monkeypatch.setattr(files, "sync_data", lambda descriptor: None)
    with JournalWriter.create(path) as writer:
        for _ in range(1000):
            writer.append({"kind": "mark", "name": "x", "values": {}})
            writer.commit()
    content = bytearray(path.read_bytes())
    for offset, payload in JournalReader(path).payloads():
        if frames.has_kind(payload, "mark"):
            content[offset + frames.HEAD.size] ^= 0xFF
    path.write_bytes(content)
    plain = replay.open_plain
    monkeypatch.setattr(replay, "open_plain", lambda *given, **more: Counted(plain(*given, **more), seen))
    reader = JournalReader(path, skip_damage=True)
    assert sum(1 for _ in reader.payloads()) == 1000
    assert len(reader.skipped) >= 999
    assert sum(seen) < 20 * len(content)
