"""The core names no procedure, and no path of a procedure's groups, in any text: it asks the registry of sections."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from labmtj import library

ROOT = Path(__file__).parents[1]
NAMES = sorted(
    path.name
    for path in (ROOT / "procedures").iterdir()
    if (path / "__init__.py").is_file() and path.name not in ("common", "__pycache__")
)
EXCEPTIONS = {
    "health": "the core keeps health maps itself (labmtj/health.py), in groups <path>/health",
    "calibration": "a package of the core has the name",
}
DATA_SET = "labmtj/network"
"""the home of the Wine data; elsewhere they may be called so, for `labmtj train`"""
ADVICE = re.compile(r"labmtj run ([a-z][a-z-]*)")
"""an experiment that comes with labmtj"""
READERS = ("report", "reading", "calibration", "run", "record", "cli.py", "commands.py", "display.py")
"""modules that look into data files: there a text that is a name alone is a group or a kind"""


def texts() -> Iterator[tuple[str, str]]:
    """Yield the place and the content of every text of the core that is no docstring; {} stands for what is put in."""
    for path in sorted((ROOT / "labmtj").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        notes = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                notes |= {id(part) for part in node.values}
                parts = [str(each.value) if isinstance(each, ast.Constant) else "{}" for each in node.values]
                yield f"{path.relative_to(ROOT)}:{node.lineno}", "".join(parts)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in notes:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value


def names_in(place: str, text: str) -> set[str]:
    """Return the procedures that a text names: as a module, as part of a path, or alone where data files are read."""
    text = ADVICE.sub("", text)
    found = set(re.findall(r"procedures\.(\w+)", text)) & set(NAMES)
    paths = [name for name in NAMES if re.search(rf"(?:^|/){name}/|/{name}(?:/|$)", text) and "/" in text]
    alone = [name for name in NAMES if text == name and place.split("/")[1].split(":")[0] in READERS]
    data_set = {"wine"} if re.search("(?i)wine(?! data)", text) and not place.startswith(DATA_SET) else set()
    return (found | {*paths, *alone} | data_set) - set(EXCEPTIONS)


def test_the_core_names_no_procedure():
    named = {
        f"{place}: {text[:80]!r} names {sorted(each)}" for place, text in texts() if (each := names_in(place, text))
    }
    assert not named, "\n".join(sorted(named))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("wine/{}/solutions", "wine"),
        ("arrays/{}/switching", "switching"),
        ("arrays/{}/reference/outcome", "reference"),
        ("procedures.noise.NoiseSeries", "noise"),
        ("patterns", "patterns"),
        ("what the wine campaign would take", "wine"),
    ],
)
def test_a_text_that_names_one_is_found(text, name):
    assert names_in("labmtj/report/page.py:1", text) == {name}


def test_words_that_are_no_group_are_free():
    for text in (
        "noise of the reference cells",
        "amplitude {} V",
        "switching / disturb",
        "labmtj run reference",
        "Wine data",
    ):
        assert not names_in("labmtj/report/page.py:1", text)


def test_every_experiment_that_the_core_advises_comes_with_labmtj():
    shipped = {path.stem for path in (library.folder() / "experiments").glob("*.yaml")}
    assert library.default()[0] in shipped
    advised = {name: place for place, text in texts() for name in ADVICE.findall(text)}
    assert set(advised) <= shipped, advised
