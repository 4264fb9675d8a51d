import numpy as np
import pytest

from labmtj.report import summary_text, write_report
from labmtj.report.contents import open_contents
from labmtj.report.sections import sections
from labmtj.run import load_experiment, start
from procedures.read_map.section import ReadMapSection


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A run of read maps on the four arrays of the simulated bench."""
    folder = tmp_path_factory.mktemp("maps")
    return start(load_experiment("read-map"), folder, workers=1, show=lambda progress: None).data


def test_summary_tells_the_median_conductance_of_every_chip(data):
    text = summary_text(data)
    assert max(map(len, text.splitlines())) <= 80
    with open_contents(data) as contents:
        groups = [group for each in sections(contents) if isinstance(each, ReadMapSection) for group in each.groups]
        assert len(groups) == 4
        for group in groups:
            median = 1e6 * np.median(contents.read(f"{group}/siemens"))
            assert f"{group.removeprefix('arrays/')}: median {median:.4g} µS" in text


def test_the_page_has_a_figure_of_every_map(data):
    write_report(data, data.with_name("report.html"))
    page = data.with_name("report.html").read_text(encoding="utf-8")
    assert page.count("Read map of mtj-") >= 4
    assert "cannot be shown" not in page
