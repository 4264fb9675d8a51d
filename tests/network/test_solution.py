import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmtj.errors import DataError, UsageError
from labmtj.network.solution import Solutions


def arrays(n=4, inputs=5, hidden=3, outputs=2, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "w1": rng.integers(0, 2, (n, inputs, 2 * hidden)),
        "w2": rng.integers(0, 2, (n, hidden, 2 * outputs)),
        "b1": rng.normal(size=(n, hidden)),
        "b2": rng.normal(size=(n, outputs)),
    }


@given(st.integers(1, 5), st.integers(1, 6), st.integers(1, 4), st.integers(1, 4))
def test_sizes_follow_from_the_shapes(n, inputs, hidden, outputs):
    solutions = Solutions(**arrays(n, inputs, hidden, outputs))
    assert (len(solutions), solutions.inputs, solutions.hidden, solutions.outputs) == (n, inputs, hidden, outputs)
    assert solutions.bits.shape == (n, 2 * hidden * (inputs + outputs))


def test_effective_weights_are_even_minus_odd():
    one = Solutions(np.array([[[1, 0, 0, 1, 1, 1]]]), np.zeros((1, 3, 2)), np.zeros((1, 3)), np.zeros((1, 1)))
    np.testing.assert_array_equal(one.effective1, [[[1, -1, 0]]])


def test_save_and_load_round_trip(tmp_path):
    solutions = Solutions(**arrays(), name="set", origin="a test")
    solutions.save(tmp_path / "set.npz")
    back = Solutions.load(tmp_path / "set.npz")
    assert (back.name, back.origin, back.checksum()) == ("set", "a test", solutions.checksum())
    for key in ("w1", "w2", "b1", "b2"):
        np.testing.assert_array_equal(getattr(back, key), getattr(solutions, key))
    assert [path.name for path in tmp_path.iterdir()] == ["set.npz"]


def test_selection():
    solutions = Solutions(**arrays(), name="set")
    assert len(solutions[2]) == 1
    np.testing.assert_array_equal(solutions[np.array([3, 1])].b1, solutions.b1[[3, 1]])
    assert len(solutions[1:3]) == 2
    assert solutions[:2].name == "set"


def test_unique_sees_one_repeated_network():
    bits = arrays()
    assert Solutions(**bits).unique
    for key in ("w1", "w2"):
        bits[key][3] = bits[key][0]
    assert not Solutions(**bits).unique


def test_checksum_depends_on_every_array_and_not_on_words():
    sums = {Solutions(**arrays()).checksum()}
    assert Solutions(**arrays(), name="other", origin="other").checksum() in sums
    for key in ("w1", "w2", "b1", "b2"):
        changed = arrays()
        changed[key].flat[0] = 1 - changed[key].flat[0]
        sums.add(Solutions(**changed).checksum())
    assert len(sums) == 5


def test_checksum_is_the_documented_one():
    one = Solutions(np.array([[[1, 0]]]), np.array([[[0, 1]]]), np.array([[0.5]]), np.array([[-0.0]]))
    assert one.checksum() == "c25921f4ce93400e9a8f8693f1f9daf421e5428a8377067dede80273185039f1"


def test_arrays_are_copied_and_frozen():
    given_arrays = arrays()
    solutions = Solutions(**given_arrays)
    given_arrays["b1"][0, 0] = 99
    assert solutions.b1[0, 0] != 99
    with pytest.raises(ValueError, match="read-only"):
        solutions.w1[0, 0, 0] = 0


@pytest.mark.parametrize(
    ("key", "change", "words"),
    [
        ("w1", lambda a: a[:, :, :-1], "'w1' has shape (4, 5, 5); wanted (4, 5, 6)"),
        ("w2", lambda a: a[:3], "'w2' has shape (3, 3, 4); wanted (4, 3, 4)"),
        ("b2", lambda a: a[0], "'b2' has shape (2,); wanted 2 axes"),
        ("w1", lambda a: a + 1, "'w1' of shape (4, 5, 6) holds other values than 0 and 1"),
        ("w2", lambda a: a * 0.5, "'w2' of shape (4, 3, 4) holds other values than 0 and 1"),
        ("b1", lambda a: a * np.nan, "'b1' of shape (4, 3) holds 12 values that are not finite"),
        ("b1", lambda a: a.astype(str), "'b1' of shape (4, 3) holds <U"),
        ("b1", lambda a: a[:, :0], "none empty"),
    ],
)
def test_bad_arrays_are_named(tmp_path, key, change, words):
    bad = arrays()
    bad[key] = change(bad[key])
    with pytest.raises(UsageError) as caught:
        Solutions(**bad)
    assert words in str(caught.value)
    np.savez(tmp_path / "bad.npz", **bad)
    with pytest.raises(DataError) as caught:
        Solutions.load(tmp_path / "bad.npz")
    assert words in str(caught.value)
    assert "bad.npz" in str(caught.value)


def test_a_missing_array_is_named(tmp_path):
    incomplete = arrays()
    del incomplete["b2"]
    np.savez(tmp_path / "half.npz", **incomplete)
    with pytest.raises(DataError, match=r"half\.npz: holds no array 'b2'"):
        Solutions.load(tmp_path / "half.npz")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_truncated_files_are_data_errors(tmp_path, share):
    Solutions(**arrays()).save(tmp_path / "whole.npz")
    whole = (tmp_path / "whole.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match=r"cut\.npz"):
        Solutions.load(tmp_path / "cut.npz")


@given(st.data())
def test_damaged_bytes_never_give_another_error(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damage")
    path = folder / "set.npz"
    Solutions(**arrays()).save(path)
    damaged = bytearray(path.read_bytes())
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(damaged)
    try:
        solutions = Solutions.load(path)
    except DataError:
        return
    assert solutions.checksum() == Solutions(**arrays()).checksum()


def test_foreign_files_are_data_errors(tmp_path):
    (tmp_path / "text.npz").write_text("not an archive")
    np.save(tmp_path / "bare.npy", np.zeros(3))
    np.savez(tmp_path / "pickled.npz", w1=np.array([None]), w2=0, b1=0, b2=0)
    for name in ("text.npz", "bare.npy", "pickled.npz", "absent.npz", "."):
        with pytest.raises(DataError):
            Solutions.load(tmp_path / name)


def test_a_newer_layout_is_refused(tmp_path):
    np.savez(tmp_path / "new.npz", **arrays(), version=2)
    with pytest.raises(DataError, match="version 2 is unknown"):
        Solutions.load(tmp_path / "new.npz")
