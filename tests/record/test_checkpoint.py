"""Checkpoints: always a whole file, the same by every way to it, and one that strangers' tools open."""

import errno
import subprocess
import sys
import textwrap
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

from labmtj.errors import DataError, RecordError
from labmtj.record import Checkpointer, JournalLog, JournalWriter, checkpoint, files, hdf5, open_data, recover
from labmtj.schema import Column, Table, Variable

READS = Table(
    "arrays/a/reads",
    "read",
    {
        "amperes": Column("f8", "A", "current", ("line",)),
        "range_amperes": Column("f4", "A", "range", ("line", "polarity")),
        "flags": Column("u1", "1", "what was wrong", ("line",), flag_masks={"compliance": 1, "overflow": 2}),
        "purpose": Column("u1", "1", "why", flag_values={"other": 0, "write": 4}),
        "ok": Column("bool", "1", "whether it was"),
        "solution": Column("i4", "1", "solution"),
    },
    sizes={"polarity": 2},
    coordinates={"line": Variable([f"c{i}" for i in range(5)], "1", "line", ("line",))},
    signal="amperes",
)
NOTES = Table("arrays/a/notes", "note", {"seconds": Column("f8", "s", "time")})


def block(seed, rows):
    random = np.random.default_rng(seed)
    return {
        "amperes": random.normal(1e-5, 1e-7, (rows, 5)),
        "range_amperes": np.broadcast_to(random.random((rows, 1, 1)), (rows, 5, 2)),
        "flags": random.integers(0, 4, (rows, 5)).astype("u1"),
        "purpose": 4,
        "ok": random.random(rows) > 0.5,
        "solution": np.arange(rows),
    }


def step(log, i, rows=7):
    """One block of a run: rows, a group that is put again and again with other shapes, attributes."""
    log.table(READS)
    log.append(READS.path, block(i, rows))
    values = np.arange(4 * (i % 3 + 1)).reshape(-1, 4) * 1.5
    log.put(
        "maps",
        {
            "ohms": Variable(values, "ohm", "resistance", ("row", "column")),
            "row": Variable(np.arange(len(values)), "1", "row", ("row",)),
            "words": Variable(["P", "AP", "µ"], "1", "names", ("word",)),
            "good": Variable(np.eye(3, dtype=bool)[i % 3], "1", "whether", ("word",)),
            "bytes": Variable(np.array([b"ab", b"c", b""]), "1", "bytes", ("word",)),
            "scalar": Variable(float(i), "V", "one number"),
            "none": Variable(np.empty((0, 4)), "V", "no number", ("nothing", "column")),
            "large": Variable(np.full((40, 30), i), "1", "large", ("up", "down")),
        },
        signal="ohms",
    )
    log.attributes("", {"title": f"run {i}", "seed": i})
    log.attributes("maps", {"mean": 0.5 * i, "list": [1, 2, i], "words": ["a", "µ"], "ok": True, "empty": []})
    log.state("crossbar", {"i": i})
    log.commit()


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "journal.lmj"


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data.h5"


@pytest.fixture
def log(journal):
    with JournalWriter.create(journal) as writer:
        yield JournalLog(writer)


def contents(path, ignore=("labmtj_journal_bytes", "labmtj_journal_check")):
    """Everything in a file: values to the bit, types, attributes, attached axes."""
    found = {}

    def attributes(item):
        hidden = ("DIMENSION_LIST", "REFERENCE_LIST", *ignore)
        return {name: repr(item.attrs[name]) for name in item.attrs if name not in hidden}

    def visit(name, item):
        found[name] = attributes(item)
        if isinstance(item, h5py.Dataset):
            text = item.dtype.kind == "O"
            values = item.asstr()[()].tolist() if text else item[()].tobytes()
            axes = [[scale.name for scale in axis.values()] for axis in item.dims]
            found[name] |= {"*": (values, item.shape, item.dtype.str, item.maxshape, item.chunks, axes)}

    with h5py.File(path, "r") as file:
        visit("", file)
        file.visititems(visit)
    return found


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir())


def test_step_by_step_gives_the_same_as_at_once_and_as_recovered(log, journal, data, tmp_path):
    checkpointer = Checkpointer(journal, data)
    for i in range(5):
        step(log, i)
        assert checkpointer.checkpoint()
        assert not checkpointer.checkpoint()
    log.table(NOTES)
    log.commit()
    checkpointer.checkpoint()
    Checkpointer(journal, tmp_path / "once.h5").checkpoint()
    reader = recover(journal, tmp_path / "recovered.h5")
    assert (reader.torn_bytes, reader.skipped) == (0, [])
    assert contents(data, ()) == contents(tmp_path / "once.h5", ()) == contents(tmp_path / "recovered.h5", ())
    assert leftovers(tmp_path) == ["data.h5", "journal.lmj", "once.h5", "recovered.h5"]


def test_every_row_comes_back_to_the_bit(log, journal, data):
    for i in range(3):
        step(log, i)
    Checkpointer(journal, data).checkpoint()
    expected = [block(i, 7) for i in range(3)]
    with open_data(data) as file:
        rows = file.group(READS.path)
        for name in ("amperes", "flags", "ok", "solution"):
            dtype = np.dtype(READS.columns[name].dtype)
            assert rows[name].tobytes() == np.concatenate([b[name] for b in expected]).astype(dtype).tobytes()
            assert rows[name].dtype == dtype
        assert (rows["range_amperes"] == np.concatenate([b["range_amperes"] for b in expected]).astype("f4")).all()
        assert (rows["purpose"] == 4).all()
        assert rows["line"].tolist() == ["c0", "c1", "c2", "c3", "c4"]
        assert file.read("maps/words").tolist() == ["P", "AP", "µ"]
        assert file.read("maps/good").tolist() == [False, False, True]
        assert file.read("maps/bytes").tolist() == [b"ab", b"c", b""]
        assert file.read("maps/ohms").shape == (3, 4)
        assert file.attributes("") == {"NX_class": "NXroot", "title": "run 2", "seed": 2} | {
            name: value for name, value in file.attributes("").items() if name.startswith("labmtj_")
        }
        maps = {"mean": 1.0, "list": [1, 2, 2], "words": ["a", "µ"], "ok": True, "empty": [], "labmtj_kind": "arrays"}
        assert file.attributes("maps") == maps | {"NX_class": "NXdata", "signal": "ohms", "axes": ["row", "."]}


def test_large_slabs_cross_chunks_and_flushes(log, journal, data, monkeypatch):
    monkeypatch.setattr(checkpoint, "_FLUSH_BYTES", 100_000)
    log.table(READS)
    checkpointer = Checkpointer(journal, data)
    for i in range(6):
        log.append(READS.path, block(i, 3001))
        log.commit()
        if i % 2:
            checkpointer.checkpoint()
    with open_data(data) as file:
        assert (
            file.read(f"{READS.path}/amperes") == np.concatenate([block(i, 3001)["amperes"] for i in range(6)])
        ).all()


def groups(path):
    found = ["/"]
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Group) else None)
    return found


def test_xarray_opens_every_group_with_units_names_and_axes(log, journal, data):
    for i in range(2):
        step(log, i)
    log.table(NOTES)  # a table without rows
    log.commit()
    Checkpointer(journal, data).checkpoint()
    assert groups(data) == ["/", "arrays", "arrays/a", "arrays/a/notes", "arrays/a/reads", "maps"]
    for group in groups(data):
        with xarray.open_dataset(data, group=group, engine="h5netcdf") as dataset:
            dataset.load()
            for variable in dataset.variables.values():
                assert variable.attrs["units"]
                assert variable.attrs["long_name"]
    with xarray.open_dataset(data, group=READS.path, engine="h5netcdf") as reads:
        assert dict(reads.sizes) == {"read": 14, "line": 5, "polarity": 2}
        assert reads.amperes.dims == ("read", "line")
        assert (
            reads.amperes.sel(line="c3").values.tolist()
            == np.concatenate([block(i, 7)["amperes"] for i in (0, 1)])[:, 3].tolist()
        )
        assert reads.ok.dtype == bool
        assert reads.flags.attrs["flag_masks"].tolist() == [1, 2]
        assert reads.purpose.attrs["flag_meanings"] == "other write"
    with xarray.open_dataset(data, group="maps", engine="h5netcdf") as maps:
        assert maps.ohms.dims == ("row", "column")
        assert "row" in maps.coords


def test_the_hints_of_nexus_are_there(log, journal, data):
    step(log, 0)
    Checkpointer(journal, data).checkpoint()
    with h5py.File(data) as file:
        assert file.attrs["NX_class"] == "NXroot"
        assert file["arrays"].attrs["NX_class"] == "NXentry"
        assert file["arrays/a"].attrs["NX_class"] == "NXcollection"
        reads = file[READS.path]
        assert (reads.attrs["NX_class"], reads.attrs["signal"], reads.attrs["axes"].tolist()) == (
            "NXdata",
            "amperes",
            [".", "line"],
        )
        amperes = reads["amperes"]
        assert (amperes.compression, amperes.compression_opts, amperes.shuffle) == ("gzip", 1, True)
        assert 200_000 < np.prod(amperes.chunks) * 8 <= hdf5.CHUNK_BYTES


# ------------------------------------------------------------------------------------ going on, and starting again


def test_another_process_goes_on_where_the_file_ends(log, journal, data, monkeypatch):
    step(log, 0)
    Checkpointer(journal, data).checkpoint()
    step(log, 1)
    second = Checkpointer(journal, data)
    starts = []
    monkeypatch.setattr(
        checkpoint, "JournalReader", lambda path, **o: (starts.append(o["start"]), original(path, **o))[1]
    )
    original = checkpoint.recover.__globals__["fingerprint"].__globals__["JournalReader"]
    before = second.journal_bytes
    second.checkpoint()
    assert starts == [before]
    assert before > 1000
    monkeypatch.undo()
    recover(journal, data.with_name("again.h5"))
    assert contents(data, ()) == contents(data.with_name("again.h5"), ())


def test_a_rewound_journal_is_rebuilt_even_when_it_has_the_same_length(journal, data):
    with JournalWriter.create(journal) as writer:
        log = JournalLog(writer)
        step(log, 0)
        rewind = writer.acknowledged_bytes
        step(log, 1)
        size = writer.acknowledged_bytes
    Checkpointer(journal, data).checkpoint()
    log = JournalLog.reopen(journal, rewind)
    step(log, 4)  # the same shapes as step 1, other values
    assert log.journal.acknowledged_bytes == size
    log.journal.close()
    Checkpointer(journal, data).checkpoint()
    recover(journal, data.with_name("again.h5"))
    assert contents(data, ()) == contents(data.with_name("again.h5"), ())
    with open_data(data) as file:
        assert file.attributes("")["seed"] == 4


@pytest.mark.parametrize(
    "spoil",
    [lambda d: d.unlink(), lambda d: d.write_bytes(b"x" * 5000), lambda d: d.write_bytes(d.read_bytes()[:-900])],
)
def test_a_missing_or_damaged_file_is_rebuilt(log, journal, data, spoil):
    step(log, 0)
    checkpointer = Checkpointer(journal, data)
    checkpointer.checkpoint()
    good = contents(data, ())
    spoil(data)
    if not data.exists():
        checkpointer.checkpoint()
        assert contents(data, ()) == good
        data.unlink()
    Checkpointer(journal, data).checkpoint()
    assert contents(data, ()) == good


def test_a_file_of_somebody_else_is_not_touched(log, journal, data):
    with h5py.File(data, "w") as file:
        file["precious"] = 1
    before = data.read_bytes()
    with pytest.raises(DataError, match="not written by labmtj"):
        Checkpointer(journal, data)
    assert data.read_bytes() == before


def test_a_torn_journal_gives_the_file_of_its_good_frames(log, journal, data):
    for i in range(3):
        step(log, i)
    journal.write_bytes(journal.read_bytes()[:-20])
    reader = recover(journal, data)
    assert reader.torn_bytes > 0
    with open_data(data) as file:
        assert len(file.read(f"{READS.path}/ok")) == 21


def test_a_damaged_journal_is_recovered_only_on_request_and_says_so(log, journal, data):
    for i in range(3):
        step(log, i)
    content = bytearray(journal.read_bytes())
    content[len(content) // 2] ^= 4
    journal.write_bytes(content)
    with pytest.raises(DataError, match="damaged between bytes"):
        recover(journal, data)
    assert not data.exists()
    reader = recover(journal, data, skip_damage=True)
    with open_data(data) as file:
        assert len(file.read(f"{READS.path}/ok")) >= 14
        assert file.attributes("")["labmtj_skipped_bytes"] == sum(b - a for a, b in reader.skipped) > 0


# -------------------------------------------------------------------------------------------- what goes wrong


class Killed(BaseException):
    pass


def die(*_):
    raise Killed


@pytest.mark.parametrize(
    ("module", "name"),
    [(files, "clone"), (files, "reserve"), (hdf5, "append_rows"), (hdf5, "put"), (files, "sync"), (files, "rename")],
)
@pytest.mark.parametrize("error", [Killed, OSError(errno.ENOSPC, "No space left on device")])
def test_dying_or_failing_anywhere_leaves_the_old_file_whole(log, journal, data, monkeypatch, module, name, error):
    step(log, 0)
    checkpointer = Checkpointer(journal, data)
    checkpointer.checkpoint()
    old = data.read_bytes()
    step(log, 1)
    with monkeypatch.context() as patch:
        patch.setattr(module, name, die if error is Killed else lambda *_: (_ for _ in ()).throw(error))
        with pytest.raises(Killed if error is Killed else RecordError):
            checkpointer.checkpoint()
    assert data.read_bytes() == old
    assert leftovers(data.parent) == ["data.h5", "journal.lmj"]
    checkpointer.checkpoint()
    recover(journal, data.with_name("again.h5"))
    assert contents(data, ()) == contents(data.with_name("again.h5"), ())


def test_a_temporary_file_left_by_a_death_is_no_obstacle(log, journal, data):
    step(log, 0)
    data.with_name(".data.h5.part").write_bytes(b"half a file")
    Checkpointer(journal, data).checkpoint()
    assert leftovers(data.parent) == ["data.h5", "journal.lmj"]


def test_the_order_is_write_sync_rename_sync_folder(log, journal, data, monkeypatch):
    step(log, 0)
    calls = []
    for name in ("sync", "rename", "sync_folder"):
        original = getattr(files, name)
        monkeypatch.setattr(files, name, lambda *a, _n=name, _o=original: (calls.append(_n), _o(*a))[1])
    Checkpointer(journal, data).checkpoint()
    assert calls == ["sync", "rename", "sync_folder"]


def test_a_real_file_size_limit_is_an_error_and_no_crash(log, journal, data):
    for i in range(30):
        step(log, i)
    recover(journal, data)
    old = data.read_bytes()
    step(log, 31, rows=40_000)
    code = """
        import resource, sys
        from pathlib import Path
        from labmtj.errors import RecordError
        from labmtj.record import Checkpointer
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
        try:
            Checkpointer(Path(sys.argv[1]), Path(sys.argv[2])).checkpoint()
        except RecordError as error:
            print(error)
    """
    process = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), journal, data],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        timeout=60,
    )
    assert (process.returncode, process.stderr) == (0, b"")
    assert b"File too large" in process.stdout
    assert b"data.h5" in process.stdout
    assert data.read_bytes() == old
    assert leftovers(data.parent) == ["data.h5", "journal.lmj"]


@pytest.mark.parametrize(
    "record",
    [
        {"kind": "rows", "path": "nowhere", "columns": {"x": np.zeros(3)}},
        {"kind": "rows", "path": READS.path, "columns": {"amperes": np.zeros((3, 4))}},
        {"kind": "rows", "path": READS.path, "columns": {"amperes": "text"}},
        {"kind": "rows", "path": READS.path},
        {"kind": "table"},
        {"kind": "table", "path": "../x"},
        {"kind": "put", "path": "maps", "variables": 3},
        {"kind": "attributes", "path": READS.path + "/amperes/x", "values": {"a": 1}},
        {"kind": "novel"},
    ],
)
def test_a_journal_of_a_stranger_is_refused_and_the_file_stays(journal, data, record):
    with JournalWriter.create(journal) as writer:
        step(JournalLog(writer), 0)
        Checkpointer(journal, data).checkpoint()
        old = data.read_bytes()
        writer.append(record)
    with pytest.raises(DataError, match=r"journal\.lmj"):
        Checkpointer(journal, data).checkpoint()
    assert data.read_bytes() == old


def test_the_room_claimed_is_given_back(log, journal, data):
    step(log, 0)
    Checkpointer(journal, data).checkpoint()
    assert data.stat().st_size < 300_000
    assert data.stat().st_blocks * 512 < 600_000


# ------------------------------------------------------------------------------------------------- when


def test_checkpoints_take_under_five_percent_of_the_time(log, journal, data, monkeypatch):
    now, cost = [0.0], 0.7
    checkpointer = Checkpointer(journal, data, clock=lambda: now[0])
    monkeypatch.setattr(checkpoint, "_write_aside", lambda *a, **k: (now.__setitem__(0, now[0] + cost), (100, 0))[1])
    assert not checkpointer.due()
    assert not checkpointer.due(0.99)
    assert checkpointer.due(1.0)
    spent, i = 0.0, 0
    while now[0] < 300:
        now[0] += 0.25
        if checkpointer.due():
            step(log, i := i + 1)
            checkpointer._reached = (16, 0)
            checkpointer.checkpoint()
            assert checkpointer.cost_seconds == pytest.approx(cost)
            spent += cost
    assert spent >= 15 * cost
    assert spent / now[0] < 0.05


def without_its_column(file):
    del file["a/x"]


def without_its_table(file):
    del file["a"]


def with_a_shorter_column(file):
    file["a/x"].resize(7, 0)


def with_another_type(file):
    del file["a/x"]
    file["a/x"] = "x"


def with_odd_marks(file):
    file.attrs["labmtj_journal_bytes"] = "x"


@pytest.mark.parametrize(
    "harm", [without_its_column, without_its_table, with_a_shorter_column, with_another_type, with_odd_marks]
)
def test_a_data_file_that_somebody_has_harmed_is_made_anew_from_the_journal(tmp_path, harm):
    """Without the second try in `checkpoint`, a run cannot go on that could: its journal is whole."""
    journal, data = tmp_path / "journal.lmj", tmp_path / "data.h5"
    with JournalWriter.create(journal) as writer:
        log = JournalLog(writer)
        log.table(Table("a", "read", {"x": Column("f8", "1", "x")}))
        log.append("a", {"x": np.arange(20.0)})
        log.commit()
        Checkpointer(journal, data).checkpoint()
        with h5py.File(data, "r+") as file:
            harm(file)
        log.append("a", {"x": np.arange(5.0)})
        log.commit()
        Checkpointer(journal, data).checkpoint()
    with open_data(data) as file:
        assert len(file.read("a/x")) == 25


def test_a_data_file_made_from_more_of_the_journal_is_not_replaced(log, journal, data):
    for i in range(3):
        step(log, i)
    Checkpointer(journal, data).checkpoint()
    before = data.read_bytes()
    with journal.open("r+b") as file:
        file.truncate(journal.stat().st_size // 2)
    with pytest.raises(DataError, match=r"was cut short.*Nothing was changed"):
        recover(journal, data)
    assert data.read_bytes() == before
    data.unlink()
    recover(journal, data)  # what is left, where it is asked for
