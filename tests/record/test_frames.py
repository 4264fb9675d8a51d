"""Frames: what goes in comes out, to the bit, and always as the same bytes."""

import contextlib

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from labmtj.errors import UsageError
from labmtj.record import frames

DTYPES = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
    hnp.byte_string_dtypes(min_len=1, max_len=9),
    hnp.unicode_string_dtypes(min_len=1, max_len=5),
)
ARRAYS = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))


def round_trip(record):
    return frames.decode(frames.encode(record)[frames.HEAD.size :])


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@given(ARRAYS)
def test_any_array_comes_back_to_the_bit(array):
    assert same_bits(round_trip({"kind": "x", "a": array})["a"], array)


@given(ARRAYS.filter(lambda a: a.ndim > 1))
def test_other_memory_orders_come_back_too(array):
    assert same_bits(round_trip({"kind": "x", "a": array.T[::-1]})["a"], array.T[::-1])


@given(st.integers(0, 2**64 - 1))
def test_every_payload_of_a_nan_is_kept(bits):
    array = np.array([bits], np.uint64).view(np.float64)
    assert round_trip({"kind": "x", "a": array})["a"].view(np.uint64)[0] == bits


@given(hnp.arrays("f8", st.tuples(st.integers(1, 3), st.just(1))), st.integers(2, 50))
def test_broadcast_views_are_stored_once_and_come_back_as_views(column, width):
    view = np.broadcast_to(column, (4, len(column), width))
    encoded = frames.encode({"kind": "x", "a": view})
    back = frames.decode(encoded[frames.HEAD.size :])["a"]
    assert same_bits(back, view)
    assert back.strides[0] == back.strides[2] == 0
    assert len(encoded) < column.nbytes + 100


def test_a_million_values_of_one_number_are_a_small_frame():
    assert len(frames.encode({"kind": "x", "a": np.broadcast_to(1.5, (1000, 1000))})) < 100


@given(
    st.dictionaries(
        st.text(max_size=5), st.one_of(st.integers(), st.floats(allow_nan=False), st.text(), st.binary(), st.none())
    )
)
def test_plain_values_and_integers_of_any_size_come_back(values):
    assert round_trip({"kind": "x", "values": values})["values"] == values


def test_numpy_scalars_are_plain_numbers():
    assert round_trip({"kind": "x", "i": np.int16(-3), "f": np.float32(0.5), "b": np.True_}) == {
        "kind": "x",
        "i": -3,
        "f": 0.5,
        "b": True,
    }


@given(ARRAYS)
def test_the_same_record_gives_the_same_bytes(array):
    record = {"kind": "x", "a": array, "n": {"b": 1, "a": [2.5, "µ"]}}
    assert frames.encode(record) == frames.encode(
        {"kind": "x", "a": array.copy(order="F"), "n": {"b": 1, "a": [2.5, "µ"]}}
    )


@pytest.mark.parametrize(
    "value",
    [
        np.array([object()]),
        np.array([1j]),
        np.array(["2020-01-01"], "M8[D]"),
        np.zeros(2, [("a", "f8")]),
        np.ma.masked_array([1.0], [True]),
        np.zeros(2, np.longdouble),
        object(),
        "\ud800",
        np.broadcast_to(0.0, (1 << 14, 1 << 14)),
    ],
)
def test_what_a_journal_cannot_hold_is_refused_with_its_kind(value):
    with pytest.raises(UsageError, match="kind 'rows'"):
        frames.encode({"kind": "rows", "a": value})


def array_bytes(head, raw):
    packed = msgpack.packb(head)
    return frames._ARRAY_HEAD.pack(len(packed)) + packed + bytes(-(2 + len(packed)) % 8) + raw


@pytest.mark.parametrize(
    ("head", "raw"),
    [
        (["|O", [1], [1]], bytes(8)),
        (["<f8", [2], [2]], bytes(8)),
        (["<f8", [1], [1 << 60]], bytes(8)),
        (["<f8", [2], [3]], bytes(16)),
        (["<f8", [-1], [1]], bytes(8)),
        (["<f8", [1, 1], [1]], bytes(8)),
        (["<f8", [True], [1]], bytes(8)),
        (["<f8,<f8", [1], [1]], bytes(16)),
        ([3, [1], [1]], bytes(8)),
        (["<f8"], b""),
        (["<f8", 3, 4], b""),
    ],
)
def test_made_up_arrays_are_refused(head, raw):
    payload = msgpack.packb({"kind": "x", "a": msgpack.ExtType(1, array_bytes(head, raw))})
    with pytest.raises(ValueError):
        frames.decode(payload)


@given(st.binary(max_size=60))
def test_garbage_payloads_raise_nothing_but_value_errors(garbage):
    for payload in (garbage, msgpack.packb({"kind": "x", "a": msgpack.ExtType(1, garbage)})):
        with contextlib.suppress(ValueError):
            frames.decode(payload)


def test_deep_nesting_is_refused_both_ways():
    deep: list = []
    for _ in range(2000):
        deep = [deep]
    with pytest.raises(UsageError):
        frames.encode({"kind": "x", "a": deep})
    with pytest.raises(ValueError):
        frames.decode(b"\x91" * 100_000)
