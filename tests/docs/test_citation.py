"""The version that a user cites and finds in the list of changes is that of the package."""

from pathlib import Path

import labmtj
from labmtj import yamlfile

ROOT = Path(__file__).parents[2]


def test_citation_and_changes_have_the_version_of_the_package():
    citation = yamlfile.load(ROOT / "CITATION.cff").content
    assert citation["version"] == labmtj.__version__
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert f"\n## {labmtj.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
