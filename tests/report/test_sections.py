"""Sections: found by the kind of a group, generic where nobody registered the kind, and no harm where one breaks."""

import base64
import re
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from labmtj.calibration.predicted import twin_figures
from labmtj.errors import ConfigError, LabmtjWarning
from labmtj.record import Checkpointer, JournalLog, JournalWriter, open_data
from labmtj.report import sections, summary_text, write_report
from labmtj.report.comparison import _measures
from labmtj.report.predictions import TwinFigures
from labmtj.schema import Variable


@pytest.fixture
def data(tmp_path):
    """A data file with a group of a kind that nobody knows, and one of reference maps."""
    log, cells = JournalLog(JournalWriter.create(tmp_path / "journal.lmj")), ("row", "column")
    maps = {name: Variable(np.full((2, 3), 1e-5), "A", name, cells) for name in
            ("parallel_amperes", "antiparallel_amperes", "threshold_amperes")}  # fmt: skip
    maps["parallel_amperes"] = Variable(np.full((2, 3), 2e-5), "A", "P", cells)
    maps["outcome"] = Variable(np.zeros((2, 3), np.uint8), "1", "usable", cells)
    log.put("arrays/die-7/reference", maps, kind="reference")
    log.put(
        "arrays/die-7/ramp",
        {
            "siemens": Variable(np.arange(6.0).reshape(2, 3) * 1e-6, "S", "conductance of the cell", cells),
            "volts": Variable(np.linspace(0, 0.4, 5), "V", "level of the ramp", ("volts",)),
            "amperes": Variable(np.linspace(0, 2e-6, 5), "A", "current of the row", ("volts",)),
            "slope": Variable(5e-6, "S", "slope of the ramp"),
        },
        kind="ramp",
    )
    log.attributes("arrays/die-7/ramp", {"read_volts": 0.1})
    log.commit()
    log.journal.close()
    Checkpointer(tmp_path / "journal.lmj", tmp_path / "data.h5").checkpoint()
    return tmp_path / "data.h5"


def page_of(data):
    write_report(data, data.with_suffix(".html"))
    return data.with_suffix(".html").read_text(encoding="utf-8")


def test_a_kind_that_nobody_registered_is_shown_by_its_own_description(data):
    page, text = page_of(data), " ".join(summary_text(data).split())
    assert "ramp: arrays/die-7/ramp" in page
    for said in ("conductance of the cell", "level of the ramp", "slope of the ramp", "read_volts", "5 µS"):
        assert said in page.replace("\u00a0", " ")
    chapter = page[page.index("<h2>ramp: ") :]
    assert chapter[: chapter.index("</section>")].count("<figure>") == 2  # its maps, its curves
    drawn = [base64.b64decode(each).decode() for each in re.findall(r"svg\+xml;base64,([^\"]*)", chapter)]
    assert "amperes (A)" in drawn[1]
    assert "volts (V)" in drawn[1]  # the coordinate of its axis
    assert "arrays/die-7/ramp (ramp): " in text
    assert "siemens 2.5 µS" in text


def test_a_section_that_raises_is_reported_in_its_place_and_the_rest_goes_on(data, monkeypatch):
    class Broken(sections.Section):
        rank = 1

        def headline(self):
            raise ZeroDivisionError("no reads")

        def lines(self):
            raise RuntimeError("half a line")

        def chapters(self):
            raise KeyError("volts")

    known = sections.section_of
    monkeypatch.setattr(sections, "section_of", lambda kind: Broken if kind == "ramp" else known(kind))
    with pytest.warns(LabmtjWarning, match="report: Broken cannot be shown: KeyError: 'volts'"):
        page = page_of(data)
    text = " ".join(summary_text(data).split())
    assert "Broken cannot be shown: KeyError: &#39;volts&#39;" in page
    assert "Chip die-7" in page
    assert "Broken cannot be shown: ZeroDivisionError: no reads." in text
    assert "Broken cannot be shown: RuntimeError: half a line." in text


def test_what_a_section_covers_and_measures_is_not_left_out_in_silence(data, monkeypatch):
    class Broken(sections.Section):
        def covers(self):
            raise KeyError("groups")

        def measures(self):
            raise KeyError("slope")

    known = sections.section_of
    monkeypatch.setattr(sections, "section_of", lambda kind: Broken if kind == "ramp" else known(kind))
    with pytest.warns(LabmtjWarning, match="shown twice: Broken cannot be shown: KeyError: 'groups'"):
        page_of(data)
    run = SimpleNamespace(data=open_data(data), name="run-1")
    with run.data, pytest.warns(LabmtjWarning) as seen:
        assert {where for where, _ in _measures(run)} == {"die-7"}  # of the reference maps
    assert "compare: results of run-1 are left out: Broken cannot be shown: KeyError: 'slope'" in map(
        str, (warned.message for warned in seen)
    )


@pytest.mark.parametrize("what", ["init", "type", "exit"])
def test_a_section_of_another_make_ends_nothing(data, monkeypatch, what):
    class Odd(sections.Section):
        def __init__(self, *args):
            if what == "init":
                raise OSError("no \x1b[31m paint")
            super().__init__(*args)

        def covers(self):
            return 42 if what == "type" else set()

        def chapters(self):
            if what == "exit":
                raise SystemExit(0)
            return

    known = sections.section_of
    monkeypatch.setattr(sections, "section_of", lambda kind: Odd if kind == "ramp" else known(kind))
    with pytest.warns(LabmtjWarning) if what != "init" else nullcontext():
        page, text = page_of(data), summary_text(data)
    assert "cannot be shown: " in page
    assert "Chip die-7" in page
    assert "\x1b" not in page + text


def test_a_section_that_cannot_be_imported_is_a_warning_and_its_groups_are_shown_generically(data, monkeypatch):
    class Plugin:
        distribution, target = "mine 1.0", "mine:Ramp"

        def load(self):
            raise ConfigError("labmtj.sections: 'ramp' of mine 1.0 cannot be loaded")

    known = sections.plugins.plugins
    monkeypatch.setattr(sections.plugins, "plugins", lambda group: {**known(group), "ramp": Plugin()})
    with pytest.warns(UserWarning, match="'ramp' of mine 1.0 cannot be loaded"):
        page = page_of(data)
    assert "conductance of the cell" in page


def test_a_section_says_what_a_twin_is_compared_by_and_one_that_raises_is_a_warning(data, monkeypatch):
    class Ramp(sections.Section):
        def twin_figures(self, data):
            slope = float(data.read(f"{self.groups[0]}/slope"))
            yield TwinFigures("die-7", "slope of die-7", {"": slope}, ".2e")

    class Broken(sections.Section):
        def twin_figures(self, data):
            raise KeyError("slope")

    known = sections.section_of
    with open_data(data) as file:
        monkeypatch.setattr(sections, "section_of", lambda kind: Ramp if kind == "ramp" else known(kind))
        assert [each.values for each in twin_figures(file)] == [{"": 5e-6}]
        monkeypatch.setattr(sections, "section_of", lambda kind: Broken if kind == "ramp" else known(kind))
        with pytest.warns(UserWarning, match="Broken cannot be shown: KeyError: 'slope'"):
            assert twin_figures(file) == []


def test_every_shipped_procedure_has_its_section():
    kinds = set(sections.plugins.plugins(sections.GROUP))
    assert kinds >= {"wine", "patterns", "hysteresis", "retention", "ports", "reference", "health", "read_map"}
    for kind in kinds:
        assert issubclass(sections.section_of(kind), sections.Section)
