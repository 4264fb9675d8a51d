"""Another distribution that brings `instruments` or `procedures` is found and named."""

import sys

import pytest

from labmtj.errors import UsageError
from labmtj.ownership import check_ownership


def install(folder, distribution, files):
    """Lay out an installed distribution as pip would."""
    info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    for file in files:
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).touch()


def test_a_stranger_that_brings_one_of_our_names_is_refused_by_name(tmp_path, monkeypatch):
    install(tmp_path, "lab-things", ["instruments/__init__.py", "lab_things/__init__.py"])
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    with pytest.raises(UsageError, match=r"'instruments' \(from lab-things\)"):
        check_ownership()


def test_every_stranger_is_named_at_once(tmp_path, monkeypatch):
    install(tmp_path, "lab-things", ["instruments/__init__.py"])
    install(tmp_path, "recipes", ["procedures/__init__.py"])
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(UsageError, match=r"lab-things.*and 'procedures' \(from recipes\)"):
        check_ownership()


def test_other_names_do_not_matter(tmp_path, monkeypatch):
    install(tmp_path, "lab-things", ["lab_instruments/__init__.py"])
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    check_ownership()
