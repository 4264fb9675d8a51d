"""Import of solutions that come from elsewhere: the public text form, or an .npz."""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from labmtj.errors import DataError, UsageError
from labmtj.network.solution import Solutions
from labmtj.quantities import FloatArray

MOST_SOLUTIONS = 100_000
LARGEST_TEXT = 1 << 20
"""bytes of a text file: 64 lines of 64 numbers take a hundredth of it"""
TEXTS = {"w1": "fc1_weight", "w2": "fc2_weight", "b1": "fc1_bias", "b2": "fc2_bias"}


def import_solutions(path: str | os.PathLike[str]) -> Solutions:
    """Return the solutions of an .npz file, or of a folder of text files.

    The folder holds four files per solution N, as the repository usnistgov/daffodil-lib publishes them:
    `N_fc1_weight.txt` (inputs lines of 2 * hidden bits), `N_fc1_bias.txt` (hidden numbers), `N_fc2_weight.txt` and
    `N_fc2_bias.txt`. Solutions are taken in the order of their numbers.

    Raises:
        DataError: naming the file, what was found and wanted, and the remedy.
    """
    source = Path(path)
    return _from_folder(source) if source.is_dir() else Solutions.load(source)


def _from_folder(folder: Path) -> Solutions:
    # 0, 1, 2, ...: numbers with leading zeros would not lead back to their files
    matches = (re.fullmatch(r"(0|[1-9]\d*)_fc1_weight\.txt", file.name) for file in folder.iterdir())
    numbers = sorted(int(match[1]) for match in matches if match)
    if not numbers:
        raise DataError(f"{folder}: holds no file like 0_fc1_weight.txt; give the folder of the text files, or an .npz")
    if len(numbers) > MOST_SOLUTIONS:
        raise DataError(f"{folder}: holds {len(numbers)} solutions; {MOST_SOLUTIONS} at most, import it in parts")
    files = {key: [folder / f"{number}_{text}.txt" for number in numbers] for key, text in TEXTS.items()}
    arrays: dict[str, Any] = {key: _stack(files[key], key) for key in TEXTS}
    origin = f"text files of folder {folder.resolve().name}, solutions {numbers[0]} to {numbers[-1]}"
    try:
        return Solutions(**arrays, name=folder.resolve().name, origin=origin)
    except UsageError as error:
        names = ", ".join(f"{key} = {text}" for key, text in TEXTS.items())
        raise DataError(f"{folder}: {error} ({names}); check the text files against their source") from None


def _stack(files: Sequence[Path], key: str) -> FloatArray:
    tables = [_table(file, key) for file in files]
    for file, table in zip(files, tables, strict=True):
        if table.shape != tables[0].shape:
            raise DataError(
                f"{file}: holds {table.shape} numbers; wanted {tables[0].shape} as in {files[0].name}; "
                "keep networks of other sizes in a folder of their own"
            )
        if key.startswith("w") and not np.isin(table, (0, 1)).all():
            raise DataError(
                f"{file}: holds other values than 0 and 1; wanted bits, the columns + - + - of device pairs"
            )
        if not np.isfinite(table).all():
            raise DataError(f"{file}: holds numbers that are not finite; copy it again from its source")
    return np.stack(tables)


def _content(file: Path) -> str:
    if not file.is_file():
        raise FileNotFoundError
    with file.open(encoding="utf-8") as opened:
        text = opened.read(LARGEST_TEXT + 1)
    if len(text) > LARGEST_TEXT:
        raise ValueError(f"larger than {LARGEST_TEXT >> 20} MB")
    return text


def _table(file: Path, key: str) -> FloatArray:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of an empty file, which the size shows, too
            values: FloatArray = np.loadtxt(io.StringIO(_content(file)), ndmin=2)
    except FileNotFoundError:
        raise DataError(f"{file}: missing; every solution needs {', '.join(TEXTS.values())}") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: not a table of numbers ({error}); copy it again from its source") from None
    if values.size == 0:
        raise DataError(f"{file}: empty; copy it again from its source")
    return values if key.startswith("w") else values.ravel()
