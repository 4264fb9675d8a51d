"""Plug-ins: found by the metadata of what is installed, loaded when they are used, and no harm when they are broken."""

import importlib
import warnings

import pytest

from labmtj import plugins
from labmtj.errors import ConfigError


def dist(folder, name, group, entries):
    """Write the metadata of a distribution that brings entry points."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = "\n".join(f"{key} = {target}" for key, target in entries.items())
    (info / "entry_points.txt").write_text(f"[{group}]\n{lines}\n")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    def install(name, entries, group="labmtj.sections"):
        dist(tmp_path, name, group, entries)
        (tmp_path / f"{name}_code.py").write_text("VALUE = 42\n")
        (tmp_path / f"{name}_broken.py").write_text("raise RuntimeError('half a file')\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.invalidate_caches()
        plugins.plugins.cache_clear()

    yield install
    plugins.plugins.cache_clear()


def test_a_name_is_loaded_when_it_is_used(installed):
    installed("good", {"drift": "good_code:VALUE"})
    assert plugins.plugins("labmtj.sections")["drift"].distribution == "good 1.0"
    assert plugins.find("labmtj.sections", "drift") == 42


def test_a_broken_plugin_is_a_warning_that_names_it_and_the_rest_goes_on(installed):
    installed("mixed", {"bad": "mixed_broken:VALUE", "gone": "nowhere:VALUE", "drift": "mixed_code:VALUE"})
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        found = dict(plugins.load_all("labmtj.sections"))
    assert found["drift"] == 42
    assert not found.keys() & {"bad", "gone"}
    said = [str(each.message) for each in seen]
    assert len(said) == 2
    assert "'bad' of mixed 1.0 cannot be loaded from mixed_broken:VALUE: RuntimeError: half a file" in said[0]


def test_two_plugins_of_one_name_are_both_named(installed):
    installed("alpha", {"drift": "alpha_code:VALUE"})
    installed("beta", {"drift": "beta_broken:VALUE"})
    with pytest.warns(UserWarning, match=r"two plug-ins are called 'drift': alpha_code:VALUE of alpha 1.0 is used"):
        assert plugins.find("labmtj.sections", "drift") == 42


def test_an_unknown_name_is_refused_with_those_that_are_known(installed):
    installed("good", {"drift": "good_code:VALUE"})
    with pytest.raises(ConfigError, match=r"'drfit' is not among the sections of the report.*drift"):
        plugins.find("labmtj.sections", "drfit")
