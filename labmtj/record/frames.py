"""Frames of the journal: a record (a mapping with a `kind`) as bytes that show any change made to them.

    frame   = magic (4) | length of payload (u32) | crc32 of magic, length and payload (u32) | payload
    payload = msgpack map, `kind` first; arrays are extension type 1, integers beyond 64 bits extension type 2
    array   = length of head (u16) | head: msgpack [dtype, stored shape, shape] | zeros to a multiple of 8 | raw bytes

Axes of stride zero (`numpy.broadcast_to`) are stored once and come back as a broadcast view. The same record always
gives the same bytes.
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray

from labmtj.errors import UsageError

Record = dict[str, Any]

FOREIGN = (UsageError, AttributeError, LookupError, RuntimeError, StopIteration, TypeError, ValueError)
"""what records raise that are whole, but not such as labmtj writes, when they are used"""
MAGIC = b"\xabLMJ"
HEAD = struct.Struct("<4sII")
MAX_PAYLOAD = 1 << 30
"""Largest payload in bytes, and largest array after broadcasting: what one record may ask of a reader's memory."""

_ARRAY, _INTEGER = 1, 2
_ARRAY_HEAD = struct.Struct("<H")
_DTYPE = re.compile(r"\|b1|[<|>](i[1248]|u[1248]|f[248]|[SU][1-9][0-9]{0,5})")


@dataclass(slots=True, eq=False)
class Stored:
    """An array as it will lie in the journal: its bytes in C order."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    data: bytes


def encode(record: Mapping[str, object]) -> bytes:
    """Return the record as one frame; UsageError for what a journal cannot hold."""
    try:
        payload = msgpack.packb(record, default=_encode_object)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise UsageError(f"a record of kind {record.get('kind')!r} cannot be journalled: {error}") from error
    if len(payload) > MAX_PAYLOAD:
        raise UsageError(
            f"a record of {len(payload)} bytes is too large for one frame ({MAX_PAYLOAD}); append it in parts"
        )
    return HEAD.pack(MAGIC, len(payload), checksum(payload)) + payload


def decode(payload: bytes) -> Record:
    """Return the record of a payload; ValueError if it is not one. Arrays are read-only."""
    try:
        record = msgpack.unpackb(payload, ext_hook=_decode_object, strict_map_key=False)
    except (msgpack.UnpackException, TypeError, struct.error, RecursionError) as error:
        raise ValueError(f"not a record: {error}") from error
    if not isinstance(record, dict) or not isinstance(record.get("kind"), str):
        raise ValueError("not a record: no kind")
    return record


def checksum(payload: bytes) -> int:
    """Return the crc32 that stands in the head of a frame: of magic, length and payload."""
    return zlib.crc32(payload, zlib.crc32(MAGIC + len(payload).to_bytes(4, "little")))


def has_kind(payload: bytes, kind: str) -> bool:
    """Return whether a payload made here is of the kind, without decoding it."""
    return payload[1:].startswith(b"\xa4kind" + msgpack.packb(kind))


def _encode_object(value: object) -> object:
    if isinstance(value, Stored):
        return _extension(_ARRAY, _array_head(value.dtype, value.shape, value.shape) + value.data)
    if isinstance(value, np.ndarray):
        return _extension(_ARRAY, encode_array(value))
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, int):
        return _extension(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True))
    raise TypeError(f"{type(value).__name__} is neither a number, text, list, mapping nor array")


def _extension(code: int, data: bytes) -> msgpack.ExtType:
    """Return the extension without the checks of its class, which cost more than packing it."""
    return tuple.__new__(msgpack.ExtType, (code, data))


def _decode_object(code: int, data: bytes) -> object:
    if code == _ARRAY:
        return decode_array(data)
    if code == _INTEGER:
        return int.from_bytes(data, "little", signed=True)
    raise ValueError(f"unknown extension type {code}")


def collapse(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array with every broadcast (stride zero) axis cut to length 1: what has to be stored or converted."""
    if array.size == 0 or 0 not in array.strides:
        return array
    return array[tuple(slice(1) if stride == 0 else slice(None) for stride in array.strides)]


def encode_array(array: NDArray[Any]) -> bytes:
    """Return dtype, shape and raw bytes of an array; TypeError for objects, masks, times and complex numbers.

    Raises:
        ValueError: for an array larger than one frame.
    """
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"an array of {array.dtype} ({type(array).__name__}) has no place in a journal")
    if array.nbytes > MAX_PAYLOAD:
        raise ValueError(
            f"an array of {array.nbytes} bytes is too large for one frame ({MAX_PAYLOAD}); append it in parts"
        )
    stored = collapse(array)
    return _array_head(array.dtype, stored.shape, array.shape) + stored.tobytes()


@lru_cache(1024)
def _array_head(dtype: np.dtype[Any], stored: tuple[int, ...], shape: tuple[int, ...]) -> bytes:
    """Return what precedes the bytes of an array; a run asks for few kinds, again and again."""
    if not _DTYPE.fullmatch(dtype.str):
        raise TypeError(f"an array of {dtype} has no place in a journal")
    head = msgpack.packb([dtype.str, stored, shape])
    return _ARRAY_HEAD.pack(len(head)) + head + bytes(-(_ARRAY_HEAD.size + len(head)) % 8)


def decode_array(data: bytes) -> NDArray[Any]:
    """Return the array, read-only and without a copy; ValueError for anything but what `encode_array` wrote."""
    (length,) = _ARRAY_HEAD.unpack_from(data)
    start = _ARRAY_HEAD.size + length
    dtype, stored, shape = _array_kind(data[_ARRAY_HEAD.size : start])
    start, count = start + (-start % 8), math.prod(stored)
    if len(data) - start != count * dtype.itemsize:
        raise ValueError(f"{len(data) - start} bytes do not make an array of {dtype.str} {shape}")
    array = np.frombuffer(data, dtype, count, start if count else 0).reshape(stored)
    return array if stored == shape else np.broadcast_to(array, shape)


@lru_cache(1024)
def _array_kind(head: bytes) -> tuple[np.dtype[Any], tuple[int, ...], tuple[int, ...]]:
    """Return the type, the stored shape and the shape that the head of an array states; ValueError for none."""
    dtype_name, stored, shape = msgpack.unpackb(head)
    if not isinstance(dtype_name, str) or not _DTYPE.fullmatch(dtype_name):
        raise ValueError(f"arrays of {dtype_name!r} are refused")
    if len(stored) != len(shape) or not all(type(n) is int and n >= 0 for n in (*stored, *shape)):
        raise ValueError(f"{stored} and {shape} are no shapes of an array")
    dtype = np.dtype(dtype_name)
    if math.prod(shape) * dtype.itemsize > MAX_PAYLOAD:
        raise ValueError(f"an array of {dtype_name} {shape} is larger than {MAX_PAYLOAD} bytes")
    return dtype, tuple(stored), tuple(shape)
