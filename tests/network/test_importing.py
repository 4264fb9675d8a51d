import os
import zipfile

import numpy as np
import pytest

from labmtj.errors import DataError
from labmtj.network.importing import import_solutions


@pytest.fixture
def folder(tmp_path, shipped):
    """Solutions 0, 2 and 10 of the shipped set in the text form."""
    for number in (0, 2, 10):
        for text, array in (
            ("fc1_weight", shipped.w1), ("fc2_weight", shipped.w2), ("fc1_bias", shipped.b1), ("fc2_bias", shipped.b2)
        ):  # fmt: skip
            np.savetxt(tmp_path / f"{number}_{text}.txt", array[number], fmt="%d" if "weight" in text else "%.18e")
    (tmp_path / "notes.txt").write_text("not a table")
    return tmp_path


def test_texts_in_the_order_of_their_numbers(folder, shipped):
    found = import_solutions(folder)
    assert found.checksum() == shipped[np.array([0, 2, 10])].checksum()
    assert found.name == folder.name


def test_an_npz_is_read_too(tmp_path, shipped):
    shipped[:2].save(tmp_path / "two.npz")
    assert import_solutions(tmp_path / "two.npz").checksum() == shipped[:2].checksum()


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("2_fc1_bias.txt", None, "missing"),
        ("2_fc1_bias.txt", "", "empty"),
        ("2_fc1_bias.txt", "1\n2\nx\n4\n5\n6\n", "not a table"),
        ("2_fc1_bias.txt", "1\n2\n3\n", "holds (3,) numbers; wanted (6,) as in 0_fc1_bias.txt"),
        ("2_fc1_bias.txt", "1\nnan\n3\n4\n5\n6\n", "not finite"),
        ("2_fc2_weight.txt", "1 0 1 0 1 2\n" * 6, "other values than 0 and 1"),
        ("2_fc2_weight.txt", "1 0 1 0 1 1\n" * 5 + "1 0\n", "not a table"),
        ("2_fc2_weight.txt", "1 0 1 0\n" * 6, "wanted (6, 6)"),
    ],
)
def test_bad_texts_are_named(folder, file, text, words):
    (folder / file).unlink()
    if text is not None:
        (folder / file).write_text(text)
    with pytest.raises(DataError) as caught:
        import_solutions(folder)
    assert file in str(caught.value)
    assert words in str(caught.value)


def test_layers_that_do_not_belong_together(folder):
    for number in (0, 2, 10):
        (folder / f"{number}_fc2_bias.txt").write_text("1\n2\n")
    with pytest.raises(DataError, match=r"'w2' has shape \(3, 6, 6\); wanted \(3, 6, 4\)"):
        import_solutions(folder)


def test_a_folder_without_solutions(tmp_path):
    with pytest.raises(DataError, match="no file like 0_fc1_weight"):
        import_solutions(tmp_path)


def test_a_path_to_nothing(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        import_solutions(tmp_path / "nothing")


def test_public_texts_equal_the_public_archive(nist_folder, public):
    assert import_solutions(nist_folder / "text").checksum() == public[:3].checksum()


def bomb(path, claimed, held):
    """An archive whose arrays claim `claimed` bytes and unpack to `held` zeros."""
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({claimed}, 1, 1), }}".ljust(117) + "\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("w1", "w2", "b1", "b2"):
            data = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + bytes(held)
            archive.writestr(f"{name}.npy", data)


@pytest.mark.parametrize(("claimed", "held"), [(100_000_000, 100_000_000), (10**15, 10)])
def test_a_bomb_is_not_unpacked(tmp_path, claimed, held):
    """Without `_check_size` the first takes 400 MB, and as many more as one likes; the second never took any."""
    bomb(tmp_path / "s.npz", claimed, held)
    with pytest.raises(DataError, match=r"s\.npz: not a readable .*(more than 256 MB|allocate)"):
        import_solutions(tmp_path / "s.npz")


def test_nothing_is_unpickled(tmp_path):
    arrays = {"w1": np.array([print], object), "w2": np.zeros(1), "b1": np.zeros(1), "b2": np.zeros(1)}
    np.savez(tmp_path / "s.npz", allow_pickle=True, **arrays)
    with pytest.raises(DataError, match=r"s\.npz: not a readable"):
        import_solutions(tmp_path / "s.npz")


@pytest.mark.parametrize("name", ["x" * 2000, "\x1b[2J", 3])
def test_names_of_sets_are_text(tmp_path, name):
    bits = np.zeros((1, 2, 4), np.uint8), np.zeros((1, 2, 2), np.uint8), np.zeros((1, 2)), np.zeros((1, 1))
    np.savez(tmp_path / "s.npz", **dict(zip(("w1", "w2", "b1", "b2"), bits, strict=True)), name=np.array(name))
    with pytest.raises(DataError, match=r"s\.npz: name is not text"):
        import_solutions(tmp_path / "s.npz")


def test_a_text_file_that_is_none_is_not_waited_for(tmp_path):
    """Without `is_file` in `_content`, opening a pipe waits for somebody who writes into it."""
    os.mkfifo(tmp_path / "0_fc1_weight.txt")
    with pytest.raises(DataError, match=r"0_fc1_weight\.txt: missing"):
        import_solutions(tmp_path)


def test_a_text_file_without_end_is_not_read_to_its_end(tmp_path):
    (tmp_path / "0_fc1_weight.txt").write_text("1 0\n" * 500_000)
    with pytest.raises(DataError, match="larger than 1 MB"):
        import_solutions(tmp_path)
