"""Runs that were stopped, other procedures, files that are none of ours, hostile ones: never a traceback."""

import html
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from labmtj import yamlfile
from labmtj.errors import DataError, LabmtjWarning, RecordError, Stopped
from labmtj.record import Checkpointer, JournalLog, JournalWriter
from labmtj.record.recorded import declare_tables
from labmtj.report import summary_text, write_overview, write_report
from labmtj.report.contents import Contents, open_contents
from labmtj.report.provenance import provenance_blocks
from labmtj.report.writing import write_whole
from labmtj.run import Progress
from labmtj.schema import Variable

Change = Callable[[Callable[[h5py.File], None]], Path]
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\x1b[2J"


def report(data: Path) -> str:
    write_report(data, data.with_name("page.html"))
    return html.unescape(data.with_name("page.html").read_text(encoding="utf-8"))


def missing(page: str) -> str:
    return " ".join(re.findall(r'<p class="missing">(.*?)</p>', page))


@pytest.mark.parametrize(("blocks", "figures"), [(1, 2), (4, 6)])
def test_run_stopped_between_blocks_shows_what_is_there(
    blocks: int, figures: int, stopped: Callable[[Callable[[Progress], None]], Path]
) -> None:
    def stop(progress: Progress) -> None:
        if progress.done == blocks:
            raise Stopped

    data = stopped(stop)
    page, text = report(data), summary_text(data)
    for found in (missing(page), " ".join(text.split())):
        assert "Not all solutions were written" in found
        assert "labmtj resume RUN" in found
    assert "Pulses and reads by purpose" in page
    assert page.count("<figure>") == figures
    assert "cannot be shown" not in page
    assert all(len(line) <= 80 for line in text.splitlines())


@pytest.mark.usefixtures("unrendered")
def test_run_stopped_in_its_analysis_says_which_sizes_wait(changed: Change) -> None:
    def remove(file: h5py.File) -> None:
        for name in ("accuracy", "tuning", "metrics", "correlations", "confusion"):
            del file[f"wine/mtj-100nm-0/{name}"]
        del file["wine/summary"]

    data = changed(remove)
    page = report(data)
    assert page.count("<figure>") == 2 + 5 + 3
    for found in (missing(page), " ".join(summary_text(data).split())):
        assert "The analysis is missing for 100 nm" in found
    assert "cannot be shown" not in page


def test_another_procedure_shows_its_chips(tmp_path: Path) -> None:
    journal = JournalLog(JournalWriter.create(tmp_path / "journal.lmj"))
    declare_tables(journal, "die-7", (2, 3))
    high, low = np.full((2, 3), 2e-5) + np.arange(6).reshape(2, 3) * 1e-7, np.full((2, 3), 1e-5)
    cells = ("row", "column")
    journal.put(
        "arrays/die-7/reference",
        {
            "parallel_amperes": Variable(high, "A", "P", cells),
            "antiparallel_amperes": Variable(low, "A", "AP", cells),
            "threshold_amperes": Variable((high + low) / 2, "A", "middle", cells),
            "outcome": Variable(np.zeros((2, 3), np.uint8), "1", "usable", cells),
        },
        kind="reference",
    )
    journal.commit()
    journal.journal.close()
    Checkpointer(tmp_path / "journal.lmj", tmp_path / "data.h5").checkpoint()
    page, text = report(tmp_path / "data.h5"), summary_text(tmp_path / "data.h5")
    assert "Chip die-7" in page
    assert page.count("<figure>") == 1
    assert "Contrast (P - AP) / AP of the read currents, median (5 to 95 % of the cells): die-7 10" in page
    assert "run_yaml" in missing(page)
    assert re.search(r"die-7 +0 +0", text)


@pytest.mark.usefixtures("unrendered")
def test_parts_missing_from_one_size_hide_nothing_of_another(changed: Change) -> None:
    paths = ("arrays/mtj-35nm-0a/reference", "wine/mtj-35nm-0/solutions/layer1_achieved", "wine/mtj-35nm-0/confusion")

    def remove(file: h5py.File) -> None:
        for path in (*paths, "wine/summary", "dataset"):
            del file[path]

    data = changed(remove)
    page = report(data)
    for path in paths:
        assert path in missing(page)
    chapter = page.partition("<h2>100 nm junctions</h2>")[2].partition("<h2>")[0]
    assert chapter.count("<figure>") == 5
    assert missing(chapter) == ""
    assert "samples tuned on" in summary_text(data)


@pytest.mark.parametrize(
    "path",
    [
        "provenance",
        "solutions",
        "arrays",
        "wine",
        "wine/mtj-35nm-0/tuning/gain",
        "wine/mtj-35nm-0/metrics/write_fidelity",
    ],
)
def test_summary_goes_on_without_a_part(path: str, changed: Change) -> None:
    def remove(file: h5py.File) -> None:
        del file[path]

    assert "experiment wine, seed 5" in summary_text(changed(remove))


@pytest.mark.usefixtures("unrendered")
def test_a_part_of_the_wrong_shape_hides_nothing_else(changed: Change) -> None:
    def replace(file: h5py.File) -> None:
        for path in (
            "arrays/mtj-35nm-0a/reference/outcome",
            "wine/mtj-35nm-0/confusion/hardware",
            "wine/mtj-35nm-0/correlations/p",
        ):
            del file[path]
            file[path] = np.zeros(2)
        file["wine/mtj-100nm-0"].attrs["diameter_metres"] = "wide"

    with pytest.warns(LabmtjWarning, match="report: .*cannot be shown"):
        page = report(changed(replace))
    assert missing(page).count("cannot be shown") == 5
    assert "mtj-100nm-0 junctions" in page


def test_what_users_typed_is_escaped(changed: Change) -> None:
    def write(file: h5py.File) -> None:
        content = yamlfile.loads(file["provenance"].attrs["run_yaml"], "x").content
        content["operator"] = content["notes"] = content["experiment"] = HOSTILE[:-4]
        content["settings"]["solutions"] = HOSTILE[:-4]
        content["bench"]["meter"]["source"] = HOSTILE[:-4]
        content["bench"]["arrays"]["mtj-35nm"]["family"]["tmr"]["source"] = HOSTILE[:-4]
        content["bench"]["arrays"][HOSTILE[:-4]] = content["bench"]["arrays"].pop("mtj-100nm")
        file["provenance"].attrs["run_yaml"] = yamlfile.dumps(content)
        file.attrs["experiment"] = file.attrs["run"] = HOSTILE
        file["solutions"].attrs["origin"] = HOSTILE
        del file["wine/mtj-35nm-0"]
        file["wine/mtj-100nm-0"].attrs["arrays"] = [HOSTILE[:-4], "b"]

    data = changed(write)
    write_report(data, data.with_name("page.html"))
    page = data.with_name("page.html").read_text(encoding="utf-8")
    assert page.count("&lt;script&gt;") >= 8
    assert "<script" not in page
    assert "<img src=x" not in page
    assert not [letter for letter in summary_text(data) if unicodedata.category(letter) == "Cc" and letter != "\n"]


def test_nonsense_in_the_description_of_the_run_is_no_accident(changed: Change) -> None:
    def write(file: h5py.File) -> None:
        file["provenance"].attrs["run_yaml"] = (
            "settings: 3\nbench: {arrays: {a: {provenance: assumed}, b: 4}, meter: {ranges: 7}}\nprovenance: [1, 2]\n"
        )

    with open_contents(changed(write)) as contents, pytest.warns(LabmtjWarning, match="Parameters: cannot be shown"):
        assert [block.kind for block in provenance_blocks(contents)] == ["table", "table", "note", "table", "note"]


def test_foreign_files_are_refused(tmp_path: Path, changed: Change) -> None:
    foreign, text = tmp_path / "foreign.h5", tmp_path / "text.h5"
    h5py.File(foreign, "w").close()
    text.write_text("not HDF5")

    def newer(file: h5py.File) -> None:
        file.attrs["labmtj_record_version"] = 99

    for path, words in (
        (foreign, "not a data file of labmtj"),
        (text, "cannot be read"),
        (tmp_path / "none.h5", "not there"),
        (changed(newer), "99"),
    ):
        for use in (
            lambda path: write_report(path, tmp_path / "r.html"),
            summary_text,
            lambda path: write_overview(path, tmp_path / "o.png"),
        ):
            with pytest.raises(DataError, match=words):
                use(path)
    assert not (tmp_path / "r.html").exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"nowhere/report\.html"):
        write_whole(tmp_path / "nowhere" / "report.html", b"")


def test_count_is_what_the_fixture_asked_for(data: Path) -> None:
    assert "4 of 4 trained solutions" in summary_text(data).replace("\n", " ")


@pytest.mark.parametrize(
    ("bench", "simulated"),
    [
        ({"kind": "simulated"}, True),
        ({"kind": "virtual"}, True),
        ({"kind": "instruments"}, False),
        ({"kind": "replay", "recorded": "virtual"}, True),
        ({"kind": "replay", "recorded": "instruments"}, False),
    ],
)
def test_a_chip_on_virtual_instruments_is_never_called_measured(monkeypatch, bench, simulated):
    """Fails for a replay if only the kind of the bench is looked at."""
    contents = object.__new__(Contents)
    monkeypatch.setattr(Contents, "setting", lambda self, *keys: bench.get(keys[-1]))
    assert contents.simulated is simulated
