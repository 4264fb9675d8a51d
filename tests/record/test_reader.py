"""Reading files of strangers: nothing outside the file, nothing larger than it can be, errors that name the place."""

import contextlib
import random

import h5py
import numpy as np
import pytest

from labmtj.errors import DataError
from labmtj.record import Checkpointer, JournalLog, JournalWriter, open_data
from labmtj.schema import Column, Table, Variable


@pytest.fixture
def good(tmp_path):
    with JournalWriter.create(tmp_path / "journal.lmj") as journal:
        log = JournalLog(journal)
        log.table(Table("a/reads", "read", {"amperes": Column("f8", "A", "current", ("line",))}, sizes={"line": 3}))
        log.append("a/reads", {"amperes": np.arange(30.0).reshape(10, 3)})
        log.put(
            "maps",
            {"ohms": Variable(np.eye(3), "ohm", "resistance", ("row", "column")), "word": Variable("µ", "1", "w")},
        )
        log.attributes("", {"title": "a run"})
    Checkpointer(tmp_path / "journal.lmj", tmp_path / "good.h5").checkpoint()
    return tmp_path / "good.h5"


def test_the_tree_shows_arrays_by_group_and_no_bare_axes(good):
    with open_data(good) as file:
        assert file.tree() == {"": [], "a": [], "a/reads": ["amperes"], "maps": ["ohms", "word"]}
        assert file.group("a/reads")["amperes"].shape == (10, 3)
        assert file.read("maps/word") == "µ"
        assert file.attributes("a/reads/amperes") == {"units": "A", "long_name": "current"}
        assert file.attributes()["title"] == "a run"


@pytest.mark.parametrize(
    "ask",
    [
        lambda f: f.read("a/reads/volts"),
        lambda f: f.read("a/reads"),
        lambda f: f.read("a/reads/line"),
        lambda f: f.group("b"),
        lambda f: f.attributes("a/b"),
    ],
)
def test_what_is_not_there_is_named(good, ask):
    with open_data(good) as file, pytest.raises(DataError, match=r"good\.h5 has no "):
        ask(file)


def external_link(file):
    file["a"] = h5py.ExternalLink("other.h5", "/secret")


def soft_link(file):
    file["x"] = 1
    file["a"] = h5py.SoftLink("/x")


def external_storage(file):
    file.create_dataset("a", (8,), "u1", external=[("/etc/hostname", 0, 8)])


def sparse(file):
    file.create_dataset("a", (10**12,), "f8", chunks=(10**6,))


def sparse_but_within_the_cap(file):
    file.create_dataset("a", (10**8,), "f8", chunks=(10**4,), compression="gzip")


def virtual(file):
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "secret", (4,))
    file.create_virtual_dataset("a", layout)


def large_chunk(file):
    file.create_dataset("a", (1,), "f8", maxshape=(None,), chunks=(10**8,))


def ring(file):
    file.create_group("a/b")
    file["a/b/c"] = file["a"]


def deep(file):
    file.create_group("/".join("abcdefgh" * 6))


def reference(file):
    file.create_dataset("a", data=np.array([file.ref], dtype=h5py.ref_dtype))


def records(file):
    file.create_dataset("a", data=np.zeros(2, [("x", "f8")]))


def other_filter(file):
    file.create_dataset("a", data=np.zeros(100), compression="lzf")


def named_type(file):
    file["a"] = np.dtype("f8")


def disguised_axis(file):
    file.create_dataset("a", (10**12,), "f8", chunks=(10**6,)).attrs["NAME"] = "an axis"


FOREIGN = [external_link, soft_link, external_storage, virtual]
LARGE = [sparse, sparse_but_within_the_cap, large_chunk, disguised_axis]
ODD = [ring, deep, reference, records, other_filter, named_type]


@pytest.mark.parametrize("make", [*FOREIGN, *LARGE, *ODD])
@pytest.mark.parametrize("inside", ["", "deeper/"])
def test_hostile_files_are_refused_as_a_whole(tmp_path, make, inside):
    with h5py.File(tmp_path / "hostile.h5", "w") as file:
        make(file.create_group(inside) if inside else file)
    with pytest.raises(DataError, match=r"hostile\.h5"):
        open_data(tmp_path / "hostile.h5")
    assert (tmp_path / "hostile.h5").stat().st_size < 3e6


def test_an_axis_without_values_cannot_be_made_to_fill_the_memory(tmp_path):
    with h5py.File(tmp_path / "axis.h5", "w") as file:
        axis = file.create_dataset("a", (10**12,), "i1", chunks=(10**6,))
        axis.make_scale("This is a netCDF dimension but not a netCDF variable. 1")
    with open_data(tmp_path / "axis.h5") as opened:
        assert opened.tree() == {"": []}
        with pytest.raises(DataError, match="no array"):
            opened.read("a")


def test_plain_files_of_others_are_read(tmp_path):
    with h5py.File(tmp_path / "plain.h5", "w") as file:
        file["x"] = np.arange(5)
        file["x"].attrs["note"] = np.bytes_(b"fixed text")
        file["sub/text"] = "hello"
        file["sub/zeros"] = np.zeros((3, 0))
        file.create_dataset("constant", data=np.zeros(3_000_000), compression="gzip", shuffle=True)
    with open_data(tmp_path / "plain.h5") as opened:
        assert opened.read("x").tolist() == [0, 1, 2, 3, 4]
        assert opened.attributes("x") == {"note": "fixed text"}
        assert opened.read("sub/text") == "hello"
        assert opened.read("sub/zeros").shape == (3, 0)
        assert not opened.read("constant").any()


def test_an_array_larger_than_may_be_read_at_once_is_read_in_parts(good):
    with open_data(good, largest_bytes=100) as file:
        with pytest.raises(DataError, match=r"a/reads/amperes.*240 bytes.*read a part"):
            file.read("a/reads/amperes")
        assert file.part("a/reads/amperes", slice(9, None)).tolist() == [[27, 28, 29]]
        assert file.read("maps/ohms").shape == (3, 3)


def test_an_array_is_described_without_being_read(good):
    with open_data(good) as file:
        amperes = file.kind("a/reads/amperes")
        assert (amperes.shape, amperes.dtype, amperes.dims) == ((10, 3), np.dtype("f8"), ("read", "line"))
        assert (amperes.row_bytes, amperes.compressed) == (24, True)
        assert (file.kind("maps/word").shape, file.kind("maps/word").dtype) == ((), np.dtype(object))


def test_what_is_no_hdf5_file_is_named(tmp_path):
    with pytest.raises(DataError, match="not there"):
        open_data(tmp_path / "missing.h5")
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(DataError, match=r"text\.h5"):
        open_data(tmp_path / "text.h5")


def test_spoiled_files_give_data_errors_or_data(good):
    content = good.read_bytes()
    choose = random.Random(1)
    spoiled = good.with_name("spoiled.h5")
    for _ in range(300):
        changed = bytearray(content)
        for _ in range(choose.choice((1, 3, 20))):
            changed[choose.randrange(len(changed))] = choose.randrange(256)
        spoiled.write_bytes(changed[: choose.choice((len(changed), choose.randrange(len(changed))))])
        with contextlib.suppress(DataError), open_data(spoiled) as file:
            for group in file.tree():
                file.group(group)
                file.attributes(group)


def text_that_stands_once(path, count, letters):
    """Make a file whose text array names the same bytes `count` times."""
    with h5py.File(path, "w") as file:
        array = file.create_dataset("a", (count,), h5py.string_dtype(), chunks=(count,))
        array[0] = "x" * letters
        _, raw = array.id.read_direct_chunk((0,))
        array.id.write_direct_chunk((0,), raw[:16] * count)


def test_a_bomb_of_text_is_not_unpacked(tmp_path):
    """Without `_text`, 300 MB are made of 150 kB here, and as many more as one likes."""
    text_that_stands_once(tmp_path / "bomb.h5", 3000, 100_000)
    with open_data(tmp_path / "bomb.h5") as file, pytest.raises(DataError, match="its text takes more than 64 MB"):
        file.read("a")


def test_text_that_stands_once_is_read_where_it_is_short(tmp_path):
    text_that_stands_once(tmp_path / "names.h5", 100, 10)
    with open_data(tmp_path / "names.h5") as file:
        assert file.read("a").tolist() == ["x" * 10] * 100


def test_a_long_list_of_text_in_a_large_file_is_refused(tmp_path, monkeypatch):
    """An attribute cannot be read piece by piece."""
    with h5py.File(tmp_path / "list.h5", "w") as file:
        file.attrs["a"] = ["x"] * 65
        file.attrs["b"] = ["x"] * 64
        file["filled"] = np.zeros(10)
    with (tmp_path / "list.h5").open("r+b") as file:
        file.truncate(1 << 27)
    with open_data(tmp_path / "list.h5") as file, pytest.raises(DataError, match="attribute 'a' is too large"):
        file.attributes()
