"""Makes wrong files of right ones: bytes changed at random, and values, keys and objects changed where they stand."""

import io
import json
import zipfile

import h5py
import numpy as np
import yaml

from labmtj.record import frames
from labmtj.record.replay import START, split_frames

WORDS = [b"", b"\0", b"\xff\xfe", b"\n", b" ", b"\t", b"- ", b": ", b"{", b"}", b"[", b"[" * 3000, b"&a ", b"*a", b"!!python/name:os.system",
         b"!!bool x", b".nan", b"1e999", b"'", b'"', b"\\", b"#", b"---\n", b"|", b"%", b"9" * 5000, b"\x1b[2J", b"\xe2\x80\xa8", b"<<: *a", b"..."]  # fmt: skip
VALUES = [None, True, False, 0, -1, 1, 2, 63, 2**31, 2**63, -(2**70), 10**400, 0.0, -0.0, 1e-320, 1e-30, 1e30, 1e308, -1e308, "", "x", "1e-3", "no",
          "../../etc/passwd", "/dev/zero", "a" * 5000, "\x1b[2Jx", "µ", "😀", "a\0b", [], {}, [[]], {"a": 1}, [1, 2, 3], [100_000, 100_000], ["x"] * 3000,
          "mtj-50nm", "simulated", "virtual", "instruments", "matrix.1.1-900", "matrix.1.1-99999999999", "smu.a", "procedures.classify.WineCampaign"]  # fmt: skip


def of_bytes(data, random):
    """Return the bytes with a few places changed."""
    data = bytearray(data)
    for _ in range(random.choice([1, 1, 1, 2, 3, 8, 30])):
        at, length = random.randrange(len(data) + 1), random.choice([1, 1, 2, 4, 8, 50, 500])
        match random.randrange(7):
            case 0 if data:
                data[at % len(data)] ^= 1 << random.randrange(8)
            case 1:
                data[at : at + length] = random.randbytes(length)
            case 2:
                del data[at : at + length]
            case 3:
                data[at:at] = data[at : at + length]
            case 4:
                data[at : at + random.choice([0, length])] = random.choice(WORDS)
            case 5:
                data[at : at + length] = bytes([random.choice([0, 0x7F, 0x80, 0xFF])]) * length
            case 6 if random.random() < 0.3:
                del data[at:]
    return bytes(data)


def of_tree(tree, random):
    """Return a copy of nested mappings, lists and values with one to three places changed."""
    tree = _copy(tree)
    for _ in range(random.choice([1, 1, 2, 3])):
        place = random.choice(list(_places(tree)) or [None])
        if place is not None:
            _change(*place, random)
    return tree


def _copy(tree):
    if isinstance(tree, dict):
        return {key: _copy(value) for key, value in tree.items()}
    return [_copy(value) for value in tree] if isinstance(tree, list | tuple) else tree


def _places(tree):
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield tree, key
        yield from _places(tree[key])


def _change(holder, key, random):
    match random.randrange(6):
        case 0 | 1:
            holder[key] = _copy(random.choice(VALUES))
        case 2:
            holder[key] = _near(holder[key], random)
        case 3:
            del holder[key]
        case 4 if isinstance(holder, dict):
            holder[random.choice(["x", "", key[:-1] if isinstance(key, str) else "1", "a" * 300, "\x1b[2J", 7])] = (
                holder[key]
            )
        case _:
            holder[key] = [_copy(holder[key]) for _ in range(random.choice([1, 2, 300]))]


def _near(value, random):
    """Return a value of the same kind that may just be possible."""
    if isinstance(value, bool) or value is None:
        return _copy(random.choice(VALUES))
    if isinstance(value, int | float):
        if random.random() >= 0.8:
            return str(value)
        factor = random.choice([-1, 0, 0.5, 2, 10, 1e6, 1e-6, 1e200])
        return value * factor if abs(value) < 1e100 else float("inf")  # a large integer times a float may not be one
    if isinstance(value, np.ndarray):
        return random.choice([value[:0], value.T, value.astype("f4"), value.astype("U9"), value.ravel(), np.zeros(3)])
    return value[: len(value) // 2] if isinstance(value, str | list) else _copy(random.choice(VALUES))


def of_yaml(data, random):
    """Change bytes, or the tree."""
    if random.random() < 0.4:
        return of_bytes(data, random)
    return yaml.safe_dump(of_tree(yaml.safe_load(data), random), allow_unicode=True, sort_keys=False).encode()


def of_json_lines(data, random):
    """Change bytes, or the tree of a line."""
    if random.random() < 0.4:
        return of_bytes(data, random)
    lines = data.splitlines(keepends=True)
    index = random.randrange(len(lines))
    lines[index] = json.dumps(of_tree(json.loads(lines[index]), random)).encode() + random.choice([b"\n", b""])
    return b"".join(lines)


def of_journal(data, random):
    """Change bytes, or a record within frames whose checks are right, or the order of frames."""
    if random.random() < 0.4:
        return of_bytes(data, random)
    records = [frames.decode(payload) for payload in split_frames(data[START:])]
    index = random.randrange(len(records))
    match random.randrange(4):
        case 0:
            del records[index]
        case 1:
            records.insert(random.randrange(len(records)), records[index])
        case _:
            records[index] = of_tree(records[index], random)
    out = bytearray(data[:START])
    for record in records:
        if isinstance(record.get("offset"), int):
            record["offset"] = len(out)
        try:
            out += frames.encode(record)
        except Exception:  # noqa: BLE001 - what no journal can hold
            out += frames.encode({"kind": random.choice(["rows", "state", "table", "put", "attributes", "x"])})
    return bytes(out)


def of_hdf5(data, random):
    """Change bytes, or an object."""
    if random.random() < 0.6:
        return of_bytes(data, random)
    held = io.BytesIO(data)
    with h5py.File(held, "r+") as file:
        names = []
        file.visit(names.append)
        for _ in range(random.choice([1, 1, 3])):
            _change_object(file, random.choice(names), random)
    return held.getvalue()


def _change_object(file, name, random):
    if name not in file:
        return
    item, where = file[name], f"{name}{random.choice(['', '/x' if isinstance(file[name], h5py.Group) else ''])}"
    match random.randrange(9):
        case 0:
            del file[name]
        case 1 if item.attrs:
            del item.attrs[random.choice(list(item.attrs))]
        case 2:
            key = random.choice([*item.attrs, "x"])
            item.attrs[key] = random.choice(
                [1, 1.5, "x", "a" * 5000, [1, 2], np.zeros(0), file.ref, h5py.Empty("f8"), np.zeros(3, "S5"), True]
            )
        case 3:
            _replaced(
                file,
                where,
                random.choice([h5py.SoftLink("/"), h5py.SoftLink("/nowhere"), h5py.ExternalLink("/etc/passwd", "/")]),
            )
        case 4:
            _replaced(
                file,
                where,
                random.choice(
                    [
                        1,
                        "x",
                        np.zeros(3),
                        np.zeros((2, 2, 2), "i1"),
                        np.zeros(0),
                        np.zeros(2, "f4,i4"),
                        np.float64(np.nan),
                    ]
                ),
            )
        case 5:
            _replaced(file, where, None)
            file.create_dataset(where, (10**12,), "f8", chunks=(10**5,), compression="gzip")
        case 6:
            _replaced(file, where, None)
            file.create_dataset(where, (8,), "u1", external=[("/etc/hostname", 0, 8)])
        case 7 if isinstance(item, h5py.Dataset) and item.maxshape[:1] == (None,):
            item.resize(random.choice([0, 1, 10**6, 10**11]), 0)
        case _:
            file.move(name, f"{random.choice(['x', 'arrays/', name])}{random.randrange(10**6)}")


def _replaced(file, name, value):
    if name in file:
        del file[name]
    if value is not None:
        file[name] = value


def of_npz(data, random):
    """Change bytes, or the arrays."""
    if random.random() < 0.5:
        return of_bytes(data, random)
    with np.load(io.BytesIO(data)) as loaded:
        arrays = dict(loaded)
    key = random.choice(list(arrays))
    match random.randrange(7):
        case 0:
            del arrays[key]
        case 1:
            arrays[key] = random.choice(
                [
                    np.zeros(0),
                    np.float64(np.nan),
                    np.zeros((3, 3)),
                    np.array("x"),
                    np.array(["x"]),
                    np.zeros(2, "f4,i4"),
                ]
            )
        case 2:
            arrays[key] = np.array([{"a": 1}, None], object)
        case 3:
            arrays[key] = arrays[key][: len(arrays[key]) // 2] if arrays[key].ndim else arrays[key].reshape(1, 1)
        case 4:
            arrays[key] = arrays[key].astype(
                random.choice(["f2", "c16", "U5", "O", "i8"]) if arrays[key].dtype.kind in "uif" else "O"
            )
        case 5:
            arrays[key] = (
                np.full_like(arrays[key], random.choice([0, 1, 7, 255]))
                if arrays[key].dtype.kind in "uif"
                else arrays[key]
            )
        case _:
            return _bomb(random)
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=True, **arrays)
    return out.getvalue()


def _bomb(random):
    """Return an archive whose members unpack to very much, or say so."""
    out = io.BytesIO()
    shape = random.choice(["(1000000000, 15, 6)", "(100000000000000, 15, 6)", "(-1, 2)", "(1,)" * 3])
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("w1", "w2", "b1", "b2"):
            body = bytes(random.choice([10, 400_000_000 if name == "w1" and random.random() < 0.05 else 10]))
            archive.writestr(
                f"{name}.npy", b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + body
            )
    return out.getvalue()


def of_text(data, random):
    """Change bytes."""
    return of_bytes(data, random)
