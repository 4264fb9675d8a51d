"""The page of what procedures record says what their results declare."""

import re
import runpy
from collections import Counter
from pathlib import Path


def test_the_page_is_made_of_the_declarations_as_they_are():
    made = runpy.run_path(str(Path(__file__).with_name("recorded.py")))
    page = made["page"]()
    assert page == made["PAGE"].read_text(encoding="utf-8"), "make it again: python tests/docs/recorded.py"
    for part in page.split("\n## ")[1:]:
        twice = [name for name, count in Counter(re.findall(r"^\| `(\w+)`", part, re.MULTILINE)).items() if count > 1]
        assert not twice, (part.partition("\n")[0], twice)
