"""The names that a notebook gets from `import labmtj`: exactly which, each where it is defined, none loaded before."""

import ast
import importlib
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

import labmtj

NAMES = [
    "AmplitudeSettings", "Bias", "Lines", "ReadSettings", "ReferenceSettings", "SimulatedCrossbar", "WriteSettings", "bench",
    "load_array", "open", "reference_maps", "scan_amplitudes", "simulate", "write_matrix",
]  # fmt: skip


def test_the_names_are_these():
    assert sorted(labmtj.__all__) == sorted([*NAMES, "__version__"])
    assert set(NAMES) <= set(dir(labmtj))
    for name in NAMES:
        assert getattr(labmtj, name) is getattr(labmtj, name)
        assert getattr(labmtj, name).__doc__
    with pytest.raises(AttributeError, match="module 'labmtj' has no attribute 'crossbar'"):
        labmtj.crossbar  # noqa: B018


def test_nothing_is_loaded_before_it_is_used():
    code = "import sys, labmtj; print(sorted(name for name in sys.modules if name.startswith(('labmtj', 'numpy'))))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['labmtj']"


def test_an_editor_finds_each_name_where_it_is_loaded_from():
    tree = ast.parse(Path(labmtj.__file__).read_text())
    (guarded,) = (
        node for node in tree.body if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
    )
    typed = {
        alias.asname: (node.module, alias.name) for node in guarded.body for alias in node.names
    }  # checked by mypy: an import of what is not there fails
    assert sorted(typed) == NAMES
    for name, (module, attribute) in typed.items():
        assert getattr(importlib.import_module(module), attribute) is getattr(labmtj, name)


def test_a_chip_is_the_same_by_name_and_by_file():
    by_name, by_file = labmtj.simulate("mtj-50nm", seed=3), labmtj.simulate(labmtj.load_array("mtj-50nm"), seed=3)
    maps = [labmtj.reference_maps(chip, labmtj.ReferenceSettings()) for chip in (by_name, by_file)]
    np.testing.assert_array_equal(maps[0].parallel_amperes, maps[1].parallel_amperes)
    assert by_name.name == "mtj-50nm-0a"


def test_the_folder_that_holds_the_checkout_is_a_good_place_to_work_in(tmp_path):
    """A folder called labmtj without an __init__.py is not taken for the package: a fresh clone in ~, and Python there."""
    (tmp_path / "labmtj").mkdir()
    purelib = Path(sysconfig.get_path("purelib"))
    if not (purelib / "labmtj-checkout.pth").exists():
        pytest.skip("installed without `make`")
    done = subprocess.run(
        [sys.executable, "-c", "import labmtj; print(labmtj.simulate('mtj-50nm').shape)"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "(15, 15)\n", done.stderr
