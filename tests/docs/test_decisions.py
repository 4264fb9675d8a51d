"""The index of decisions has every page, by its own title."""

import re
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs/decisions"


def test_the_index_lists_every_decision_by_its_title():
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[(\d{4})\]\((\S+)\) \| (.+?) \| (?:accepted|replaced).*\|$", index, re.MULTILINE)
    pages = sorted(FOLDER.glob("[0-9]*.md"))
    titles = [re.sub(r"^# \d+[.:]?\s+", "", page.read_text(encoding="utf-8").splitlines()[0]) for page in pages]
    assert listed == [(page.name[:4], page.name, title) for page, title in zip(pages, titles, strict=True)]


def test_every_decision_has_the_same_four_parts():
    for page in FOLDER.glob("[0-9]*.md"):
        title, *rest = re.findall(r"^##? .*$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert re.match(rf"# {int(page.name[:4])}\. ", title), page.name
        assert rest == ["## Status", "## Context", "## Decision", "## Consequences"], page.name
