import numpy as np
import pytest

from labmtj.report import summary_text, write_report
from labmtj.report.contents import open_contents
from labmtj.report.sections import sections
from labmtj.run import load_experiment, start
from procedures.ports.section import PortsSection, leaking, wires_of


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A run of all-port reads on the four arrays of the simulated bench."""
    experiment = load_experiment("all-ports", changes={"repeats": 2})
    return start(experiment, tmp_path_factory.mktemp("ports"), workers=1, show=lambda progress: None).data


def test_summary_tells_the_wires_of_every_chip_in_80_columns(data):
    text = summary_text(data)
    assert max(map(len, text.splitlines())) <= 80
    with open_contents(data) as contents:
        groups = [group for each in sections(contents) if isinstance(each, PortsSection) for group in each.groups]
        assert len(groups) == 4
        for group in groups:
            told = contents.attributes(f"{group}/network")
            assert f"row lead {told['row_lead_ohms']:.4g} +-" in text.replace("\n", " ")
            assert told["row_lead_ohms"] == pytest.approx(20, rel=0.02)


def test_the_page_has_a_section_for_every_chip_and_nothing_that_cannot_be_shown(data):
    write_report(data, data.with_name("report.html"))
    page = data.with_name("report.html").read_text(encoding="utf-8")
    assert page.count("All ports of chip mtj-") >= 4
    assert "cannot be shown" not in page
    assert "Cells without the wires" in page


def test_a_wire_that_was_refused_keeps_its_reason():
    network = {"wires": ["row_lead_ohms", "column_lead_ohms"], "row_lead_ohms_refused": "rank 225 for 229 unknowns",
               "column_lead_ohms": 20.0, "column_lead_ohms_error": 0.1}  # fmt: skip
    first, second = wires_of(network)
    assert (first[1], first[3]) == (None, "rank 225 for 229 unknowns")
    assert second[1:3] == (20.0, 0.1)


def test_leaks_are_told_when_they_are_certain():
    error = np.full(4, 0.1)
    assert leaking(np.array([0.1, -0.2, 0.0, np.nan]), error).startswith("no line leaks for certain")
    assert leaking(np.array([0.1, 0.5, 0.0, 0.9]), error) == "2 lines leak"
    assert "not known" in leaking(np.full(4, np.nan), error)
