"""What Python prints of a result is one short line: a notebook showed pages of arrays."""

import dataclasses
import importlib
import inspect
import pkgutil
import re
from functools import cache

import numpy as np
import pytest

import instruments
import labmtj
import procedures
from labmtj.bench import load_array
from labmtj.bench.files.simulated import crossbar_of
from labmtj.brief import LONGEST
from procedures.common.reference import ReferenceSettings, reference_maps
from procedures.common.write import WriteSettings, write_matrix

ARRAYS = r"FloatArray|BoolArray|NDArray|OutcomeMap|ArrayLike|ndarray"


@cache
def classes_with_arrays():
    """Public dataclasses with a field that holds arrays, or that holds one that does."""
    found = {}
    for package in (labmtj, instruments, procedures):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith("__main__"):
                continue
            for name, item in vars(importlib.import_module(module.name)).items():
                if inspect.isclass(item) and item.__module__ == module.name and dataclasses.is_dataclass(item):
                    found[f"{module.name}.{name}"] = item
    holding, names = {}, ARRAYS
    while True:
        held = re.compile(rf"\b({names})\b")
        grown = {path: item for path, item in found.items() if any(held.search(str(f.type)) for f in fields(item))}
        if grown.keys() == holding.keys():
            return {path: item for path, item in holding.items() if "._" not in path}
        holding, names = grown, "|".join([ARRAYS, *(item.__name__ for item in grown.values())])


def fields(item):
    return dataclasses.fields(item)


def test_every_public_class_with_arrays_is_printed_in_a_line():
    wrong = {}
    for path, item in classes_with_arrays().items():
        filled = object.__new__(item)
        for number, field in enumerate(fields(item)):
            value = (np.zeros((15, 15)), 1 / 3, "a long text " * 20, [np.zeros(9)] * 3, {"a": 1})[number % 5]
            object.__setattr__(filled, field.name, value)
        text = repr(filled)
        if len(text) > LONGEST or "\n" in text or "array(" in text or not text.startswith(f"{item.__name__}("):
            wrong[path] = text
    assert wrong == {}
    assert len(classes_with_arrays()) > 50


@pytest.fixture(scope="module")
def chip():
    return crossbar_of(load_array("mtj-50nm"), seed=1, name="chip-1")


def test_results_show_their_numbers_first(chip):
    reference = reference_maps(chip, ReferenceSettings())
    result = write_matrix(chip, np.ones(chip.shape, bool), reference, WriteSettings(max_rounds=0))
    assert re.fullmatch(
        r"ReferenceMaps\(read_volts=0\.1, polarity=1, .*parallel_amperes\[15 x 15\].*\)", repr(reference)
    )
    assert re.match(r"WriteResult\(.*pulses=\d+", repr(result))
    assert max(len(repr(each)) for each in (reference, result)) <= LONGEST
