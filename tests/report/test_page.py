import base64
import datetime
import html
import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr

from labmtj.report import summary_text, write_report


def sources(page: str) -> list[tuple[str, str]]:
    found = re.findall(r"<dt>(.*?)</dt><dd><code>(.*?)</code></dd>", page)
    return [(html.unescape(path), html.unescape(expression)) for path, expression in found]


def pictures(page: str) -> list[str]:
    return [base64.b64decode(text).decode() for text in re.findall(r"data:image/svg\+xml;base64,([^\"]*)", page)]


def test_nothing_outside_the_file_is_referred_to(page: str) -> None:
    assert not re.search(r"https?:|//[a-z]|@import|url\(", page)
    assert all(value.startswith("data:") for value in re.findall(r"\ssrc=\"([^\"]*)", page))
    assert all(value.startswith("#") for value in re.findall(r"\shref=\"([^\"]*)", page))
    assert "<script" not in page
    for picture in pictures(page):
        outside = re.findall(r"href=\"([^\"]*)", picture)
        assert all(value.startswith(("#", "data:")) for value in outside)


def test_nothing_is_missing_from_the_page_of_a_whole_run(page: str) -> None:
    assert re.findall(r'<p class="missing">(.*?)</p>', page) == []


def test_figures_have_titles_alternative_texts_and_sources(page: str) -> None:
    figures = re.findall(r"<figure>.*?</figure>", page, re.DOTALL)
    assert len(figures) == 2 + 2 * 5
    for figure in figures:
        assert len(re.search(r'alt="([^"]*)"', figure)[1]) > 40
        assert re.search(r"<h3>.{5,}</h3>", figure)
        assert sources(figure)


def test_every_group_or_array_named_exists(page: str, data: Path) -> None:
    with h5py.File(data) as file:
        missing = [path for path, _ in sources(page) if path not in file]
    assert len(sources(page)) > 20
    assert missing == []


def test_every_line_of_xarray_loads_what_it_says(page: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data.parent)
    mpl.use("Agg")
    from matplotlib import pyplot

    once = SimpleNamespace(open_dataset=cache(xr.open_dataset))  # h5netcdf takes its time over a group of many arrays
    for path, expression in sources(page):
        assert f'group="{path}"' in expression or f'group="{path.rpartition("/")[0]}"' in expression
        assert path.rpartition("/")[2] in expression or "to_dataframe" in expression
        assert eval(expression, {"xr": once}) is not None, expression
        pyplot.close("all")


def test_contents_lead_to_sections(page: str) -> None:
    anchors = re.findall(r'href="#([^"]*)"', page)
    assert anchors == re.findall(r'<section id="([^"]*)"', page)
    assert len(anchors) == len(set(anchors)) == 5


def test_text_of_figures_stays_text_with_units(page: str) -> None:
    text = " ".join(pictures(page))
    for label in ("read current (µA)", "write amplitude (V)", "write fidelity (%)", "accuracy at common g (%)", ">µS<"):
        assert label in text


def test_numbers_are_those_of_the_file(page: str, data: Path) -> None:
    with h5py.File(data) as file:
        group = file["wine/mtj-100nm-0/accuracy"]
        variants = [name.decode() for name in group["variant"][:]]
        accuracy = group["accuracy"][variants.index("common"), 0]
        gain = file["wine/mtj-100nm-0/tuning"].attrs["common_gain"]
    median, low = (100 * np.percentile(accuracy, q) for q in (50, 5))
    assert f'<td class="strong">{median:.1f}<small>{low:.1f} · g {gain:.2f}' in page
    assert "95.3, median after tuning" in page


def test_simulation_is_named_as_such(page: str) -> None:
    assert "The arrays here are simulated, with typical and assumed parameters" in page
    assert "procedure, not the devices" in page


@pytest.mark.usefixtures("unrendered")
def test_of_solutions_only_what_the_record_knows_is_said(page: str, changed: Any, tmp_path: Path) -> None:
    """Case B3: labmtj's own set is not the published one; of an imported set that cannot be known here."""
    assert re.search(
        r"the set wine-300, trained by labmtj \(labmtj train, seed 0.*they are not the published ones", page
    )

    def imported(file: h5py.File) -> None:
        file["solutions"].attrs.update({"name": "wine", "origin": "text files of folder wine", "sha256": "ab" * 32})

    write_report(changed(imported), tmp_path / "imported.html")
    text = (tmp_path / "imported.html").read_text(encoding="utf-8")
    assert "not the published" not in text
    assert "the set wine, described as: text files of folder wine; sha256 abababababab" in text
    assert "Whether they are the published ones is not recorded" in text


@pytest.mark.usefixtures("unrendered")
def test_a_gain_at_the_edge_of_its_scan_is_flagged(page: str, changed: Any, tmp_path: Path) -> None:
    """Case B5: on the page and in what `labmtj show` prints."""
    assert "of its scan" not in page

    def at_edge(file: h5py.File) -> None:
        file["wine/mtj-35nm-0/tuning"].attrs["common_gain"] = 0.2
        file["wine/mtj-35nm-0/accuracy/per_solution_gain"][:2] = [0.2, 2.0]

    data = changed(at_edge)
    write_report(data, tmp_path / "edge.html")
    for text in ((tmp_path / "edge.html").read_text(encoding="utf-8"), " ".join(summary_text(data).split())):
        assert (
            "35 nm: the common g = 0.20 is the lowest of its scan (0.20 to 2.00); a better one may lie beyond" in text
        )
        assert "35 nm: g of 2 solutions at an end of the scan" in text


@pytest.mark.usefixtures("unrendered")
def test_provenance_says_what_temperature_does_not_change(page: str, changed: Any, tmp_path: Path) -> None:
    """Case B2."""
    assert "Barrier energy and critical voltages do not change with it" in page

    def colder(file: h5py.File) -> None:
        text = file["provenance"].attrs["run_yaml"]
        file["provenance"].attrs["run_yaml"] = re.sub(r"temperature_kelvin: 300\.0", "temperature_kelvin: 4.0", text)

    write_report(changed(colder), tmp_path / "cold.html")
    assert "4 K is outside 250 to 400 K" in (tmp_path / "cold.html").read_text(encoding="utf-8")


def test_provenance_is_complete_and_marked(page: str) -> None:
    for text in (
        "git_revision",
        "packages.numpy",
        "reference.read_volts",
        "critical_volts_to_parallel",
        "Keithley SPEC-2602B",
    ):
        assert text in page
    assert '<td class="assumed"><span class="badge">assumed</span>' in page
    assert '<td class="typical"><span class="badge">typical</span>' in page


def test_every_integer_code_says_what_it_means(data: Path, codes_without_meaning: Any) -> None:
    assert codes_without_meaning(data) == []


def test_the_file_says_when_the_run_began(data: Path) -> None:
    """In UTC, by ISO 8601: it lay only inside the text of run.yaml."""
    with h5py.File(data) as file:
        began = datetime.datetime.fromisoformat(str(file.attrs["started_utc"]))
    assert began.utcoffset() == datetime.timedelta(0)
    named = datetime.datetime.strptime(data.parent.name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
    assert abs(began - named) < datetime.timedelta(seconds=60)


def test_the_same_data_give_the_same_page(page: str, data: Path, tmp_path: Path) -> None:
    write_report(data, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page
    assert len(page) < 2_000_000


def test_a_mode_that_both_layers_share_is_said_once(page: str) -> None:
    assert "; products of both layers measured in mode simultaneous." in page
