"""The logs: one check for all of them, and the same entries on every way."""

import numpy as np
import pytest

from labmtj.errors import UsageError
from labmtj.record import FrameLog, JournalLog, JournalReader, JournalWriter, MemoryLog
from labmtj.schema import Column, Table, Variable
from labmtj.verbs import Log

TABLE = Table(
    "arrays/a/reads",
    "read",
    {
        "amperes": Column("f8", "A", "current", ("line",)),
        "count": Column("u1", "1", "count"),
        "ok": Column("bool", "1", "whether it was"),
        "large": Column("u8", "1", "a large number"),
    },
    sizes={"line": 2},
)


def fill(log: Log, first=0):
    log.table(TABLE)
    log.append(TABLE.path, {"amperes": np.full((3, 2), first), "count": np.arange(3), "ok": True, "large": 2**64 - 1})
    log.append(TABLE.path, {"amperes": [[1, 2]], "count": 9, "ok": [False], "large": 0})
    log.put("maps", {"ohms": Variable(np.eye(2), "ohm", "resistance", ("row", "column"))})
    log.attributes("maps", {"title": "µ", "n": 3})
    log.state("crossbar", {"i": 2**70, "flips": np.arange(3)})
    log.commit()


def test_memory_gives_back_what_was_appended_and_put():
    log = MemoryLog()
    fill(log)
    read = log.read(TABLE.path)
    assert read["amperes"].tolist() == [[0, 0], [0, 0], [0, 0], [1, 2]]
    assert read["amperes"].dtype == np.float64
    assert read["count"].tolist() == [0, 1, 2, 9]
    assert read["count"].dtype == np.uint8
    assert read["ok"].tolist() == [True, True, True, False]
    assert (log.read("maps")["ohms"] == np.eye(2)).all()
    assert log.read_attributes("maps") == {"title": "µ", "n": 3}
    assert log.last_state("crossbar")["i"] == 2**70
    log.put("maps", {"ohms": Variable(7.0, "ohm", "resistance")})
    assert log.read("maps")["ohms"] == 7


def test_an_empty_table_reads_as_no_rows_of_the_right_shape():
    log = MemoryLog()
    log.table(TABLE)
    assert log.read(TABLE.path)["amperes"].shape == (0, 2)
    log.append(
        TABLE.path, {"amperes": np.empty((0, 2)), "count": np.empty(0, "u1"), "ok": np.empty(0, bool), "large": 5}
    )
    assert log.read(TABLE.path)["amperes"].shape == (0, 2)
    with pytest.raises(UsageError, match="nothing was written"):
        log.read("elsewhere")


def test_frames_of_workers_give_the_journal_that_one_process_would_have_written(tmp_path):
    with JournalWriter.create(tmp_path / "one.lmj") as journal:
        log = JournalLog(journal)
        for first in (0, 5):
            fill(log, first)
    workers = [FrameLog(), FrameLog()]
    for worker, first in zip(workers, (0, 5), strict=True):
        fill(worker, first)
    with JournalWriter.create(tmp_path / "many.lmj") as journal:
        log = JournalLog(journal)
        for worker in workers:
            log.append_frames(worker.frames)
        log.commit()
        log.append(
            TABLE.path, {"amperes": [[1, 2]], "count": 1, "ok": True, "large": 2**64 - 1}
        )  # declared by a worker
        with pytest.raises(UsageError, match="is a table"):
            log.put(TABLE.path, {"x": Variable(1, "1", "x")})
    one = [r for _, r in JournalReader(tmp_path / "one.lmj")]
    many = [r for _, r in JournalReader(tmp_path / "many.lmj")]
    once = ["rows", "put", "attributes", "state"]
    assert [r["kind"] for r in one] == ["table", *once, *once]
    assert [r["kind"] for r in many] == ["table", *once, "table", *once, "rows"]
    amperes = [[r["columns"]["amperes"].tolist() for r in records if r["kind"] == "rows"] for records in (one, many)]
    assert amperes[0] == amperes[1][:-1] == [[[0, 0]] * 3 + [[1, 2]], [[5, 5]] * 3 + [[1, 2]]]


def test_the_same_entries_give_the_same_bytes():
    logs = [FrameLog(), FrameLog()]
    for log in logs:
        fill(log)
    assert logs[0].frames == logs[1].frames
    assert len(logs[0].frames) == 5


def test_rows_one_by_one_are_joined_and_stay_in_order_and_as_they_were(tmp_path):
    other = Table("other", "row", {"x": Column("i4", "1", "x")})
    with JournalWriter.create(tmp_path / "journal.lmj") as journal:
        log = JournalLog(journal)
        log.table(TABLE)
        log.table(other)
        amperes = np.zeros((1, 2))
        for i in range(200):
            amperes[:] = i  # the caller fills the same array again and again
            log.append(TABLE.path, {"amperes": amperes, "count": i, "ok": i % 2 == 0, "large": i})
            if i % 100 == 50:
                log.append("other", {"x": i})
            if i == 120:
                log.commit()
                assert len([r for _, r in JournalReader(journal.path) if r["kind"] == "rows"]) == 3
    records = [r for _, r in JournalReader(tmp_path / "journal.lmj") if r["kind"] == "rows"]
    assert [(r["path"], r["rows"]) for r in records] == [
        (TABLE.path, 51),
        ("other", 1),
        (TABLE.path, 70),
        (TABLE.path, 30),
        ("other", 1),
        (TABLE.path, 49),
    ]
    rows = [r["columns"] for r in records if r["path"] == TABLE.path]
    assert np.concatenate([r["amperes"] for r in rows])[:, 1].tolist() == list(range(200))
    assert np.concatenate([r["count"] for r in rows]).tolist() == list(range(200))
    assert rows[0]["count"].dtype == np.uint8


def test_a_scalar_for_all_rows_takes_no_room():
    log = FrameLog()
    log.table(TABLE)
    log.append(TABLE.path, {"amperes": np.broadcast_to(1.0, (100_000, 2)), "count": 3, "ok": True, "large": 2**64 - 1})
    assert len(log.frames[-1]) < 300


def test_a_reopened_log_knows_its_tables(tmp_path):
    with JournalWriter.create(tmp_path / "journal.lmj") as journal:
        fill(JournalLog(journal))
    log = JournalLog.reopen(tmp_path / "journal.lmj")
    log.table(TABLE)  # the same: nothing happens
    log.append(TABLE.path, {"amperes": [[1, 2]], "count": 1, "ok": True, "large": 2**64 - 1})
    log.journal.close()
    assert [r["kind"] for _, r in JournalReader(tmp_path / "journal.lmj")].count("table") == 1
    log = JournalLog.reopen(tmp_path / "journal.lmj")
    with pytest.raises(UsageError, match="another schema"):
        log.table(Table(TABLE.path, "read", dict(TABLE.columns), sizes={"line": 3}))
    log.journal.close()


ROW = {"amperes": [[1.0, 2.0]], "count": 1, "ok": True, "large": 1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"amperes": [[1.0, 2.0, 3.0]]}, "shape"),
        ({"amperes": [[1.0, 2.0]] * 2, "count": [1]}, "shape"),
        ({"count": 256}, "do not fit"),
        ({"count": -1}, "do not fit"),
        ({"count": 1.0}, "do not fit"),
        ({"ok": 1}, "do not fit"),
        ({"amperes": [[2**53 + 1, 0]]}, "do not fit"),
        ({"amperes": np.array([[2**64 - 1, 0]], np.uint64)}, "do not fit"),
        ({"large": -1}, "do not fit"),
        ({"large": [2.0]}, "do not fit"),
        ({"amperes": [["a", "b"]]}, "do not fit"),
        ({"amperes": [[1j, 0]]}, "do not fit"),
        ({"more": 1}, "'more'"),
    ],
)
def test_rows_that_do_not_fit_are_refused_whole(change, message):
    log = MemoryLog()
    log.table(TABLE)
    with pytest.raises(UsageError, match=message):
        log.append(TABLE.path, {**ROW, **change})
    assert len(log.read(TABLE.path)["count"]) == 0


def test_rows_need_a_table_and_every_column():
    log = MemoryLog()
    with pytest.raises(UsageError, match="no table"):
        log.append(TABLE.path, ROW)
    log.table(TABLE)
    with pytest.raises(UsageError, match="'ok'"):
        log.append(TABLE.path, {"amperes": [[1.0, 2.0]], "count": 1, "large": 1})


COLUMN = Column("f8", "1", "x")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Column("f2", "1", "x"),
        lambda: Column("O", "1", "x"),
        lambda: Column("f8", "", "x"),
        lambda: Column("f8", "1", ""),
        lambda: Column("f8", "1", "x\0y"),
        lambda: Column("u1", "1", "x", flag_values={"two words": 1}),
        lambda: Table("a", "row", {}),
        lambda: Table("a", "row", {"row": COLUMN}),
        lambda: Table("a/../b", "row", {"x": COLUMN}),
        lambda: Table("/a", "row", {"x": COLUMN}),
        lambda: Table("", "row", {"x": COLUMN}),
        lambda: Table("a", "row", {"x\n": COLUMN}),
        lambda: Table("a", "row", {"x": Column("f8", "1", "x", ("line",))}),
        lambda: Table("a", "row", {"x": Column("f8", "1", "x", ("line", "line"))}, sizes={"line": 2}),
        lambda: Table("a", "row", {"x": COLUMN}, sizes={"line": 0}),
        lambda: Table("a", "row", {"x": COLUMN}, signal="y"),
        lambda: Table("a", "row", {"x": COLUMN}, coordinates={"line": Variable([1], "1", "l", ("other",))}),
        lambda: Variable([1, 2], "1", "x"),
        lambda: MemoryLog().put("a", {}),
        lambda: MemoryLog().put("a", {"x": Variable(1, "1", "x")}, signal="y"),
        lambda: MemoryLog().put("a", {"x": Variable([object()], "1", "x", ("i",))}),
        lambda: MemoryLog().put("a", {"x": Variable(["a\0b"], "1", "x", ("i",))}),
        lambda: MemoryLog().put("a", {"i": Variable(np.eye(2), "1", "x", ("i", "j"))}),
        lambda: MemoryLog().put("a", {"x": Variable([1], "1", "x", ("i",)), "y": Variable([1, 2], "1", "y", ("i",))}),
        lambda: MemoryLog().attributes("a", {"NX_class": "NXdata"}),
        lambda: MemoryLog().attributes("a", {"labmtj_row": "x"}),
        lambda: MemoryLog().attributes("a", {"x": None}),
        lambda: MemoryLog().attributes("a", {"x": [1, "a"]}),
        lambda: MemoryLog().attributes("a", {"x": [0.0] * 5000}),
        lambda: MemoryLog().attributes("a", {"x": 2**63}),
        lambda: MemoryLog().attributes("a", {"x": "a\0b"}),
        lambda: MemoryLog().attributes("a//b", {"x": 1}),
    ],
)
def test_what_a_file_could_not_hold_is_refused_when_it_is_handed_over(make):
    with pytest.raises(UsageError):
        make()


def test_a_name_is_an_array_or_a_group_but_not_both():
    log = MemoryLog()
    log.put("a", {"x": Variable([1], "1", "x", ("i",))})
    for path in ("a/x", "a/x/y", "a/i"):
        with pytest.raises(UsageError, match="is an array"):
            log.put(path, {"z": Variable(1, "1", "z")})
        with pytest.raises(UsageError, match="is an array"):
            log.attributes(path, {"n": 1})
    log.put("b/c/d", {"x": Variable(1, "1", "x")})
    with pytest.raises(UsageError, match="is a group"):
        log.put("b", {"c": Variable(1, "1", "x")})
    with pytest.raises(UsageError, match="is a group"):
        log.table(Table("b", "c", {"x": COLUMN}))
    log.table(TABLE)
    with pytest.raises(UsageError, match="is an array"):
        log.table(Table(f"{TABLE.path}/amperes", "row", {"x": COLUMN}))
    with pytest.raises(UsageError, match="was put"):
        log.table(Table("a", "row", {"y": COLUMN}))
