"""The page of the virtual instruments promises no more than they know."""

import re
from pathlib import Path

from labmtj.virtual.coverage import coverage_text, coverages

PAGE = Path(__file__).parents[2] / "docs" / "virtual-instruments.md"


def test_the_page_lists_every_instrument_and_no_name_too_many() -> None:
    rows = re.findall(r"^\| (.+?) \| (\d+) \| (\d+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    promised = {name: (int(names), int(known)) for name, names, known in rows}
    found = {each.instrument: (len(each.names), len(each.names & each.known)) for each in coverages()}
    assert promised.keys() == found.keys()
    for name, (names, known) in promised.items():
        assert names <= found[name][0], name
        assert known <= found[name][1], name


def test_the_names_that_are_missing_are_listed_for_one_instrument() -> None:
    text = coverage_text("3700")
    (each,) = [each for each in coverages() if "3700" in each.instrument]
    assert all(name in text for name in each.missing)
