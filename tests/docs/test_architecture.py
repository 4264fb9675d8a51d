"""The architecture page names the floors of the import contract, the homes of libraries, and files that exist."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]


def rows(title):
    """Yield the two cells of each row of the first table after the line `title`."""
    table = PAGE.split(title, 1)[1].split("\n|---|---|\n", 1)[1].split("\n\n", 1)[0]
    for line in table.splitlines():
        yield tuple(cell.strip() for cell in line.strip("|").split("|"))


def test_the_floors_are_those_of_the_contract():
    (floors,) = (each["layers"] for each in CONTRACTS if each.get("containers") == ["labmtj"])
    contract = [set(re.findall(r"\w+", floor)) for floor in floors]
    assert [set(re.findall(r"`(\w+)`", modules)) for modules, _ in rows("## Floors")] == contract


def test_the_homes_are_those_of_the_contracts():
    names = {"pyyaml": "yaml", "scikit-learn": "sklearn"}
    stated = {
        names.get(library, library): set(re.findall(r"`([a-z][\w/.]*)`", homes.split(";")[0]))
        for libraries, homes in rows("one home")
        for library in re.sub(r" \(.*?\)", "", libraries).lower().split(", ")
    }
    contract = {
        library: {home.replace(".", "/") for home in each["allowed_importers"]}
        for each in CONTRACTS
        if each["type"] == "protected"
        for library in each["protected_modules"]
    }
    assert {library: {home.removesuffix(".py") for home in homes} for library, homes in stated.items()} == contract


PAGES = ("docs/architecture.md", "docs/glossary.md", "docs/decisions/README.md", "CONTRIBUTING.md", "CHANGELOG.md")


@pytest.mark.parametrize("page", PAGES)
def test_links_and_paths_lead_to_what_is_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:|#)([^)#]*)[^)]*\)", text):
        assert ((ROOT / page).parent / link).exists(), link
    for path in re.findall(r"`((?:labmtj|instruments|procedures|tests|docs|data|examples)/[\w./-]*)`", text):
        assert (ROOT / path).exists(), path


def test_the_commands_of_contributing_are_there():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"^    make ([a-z]+)", text, re.MULTILINE)) <= set(targets)
    for module in re.findall(r"python -m (labmtj[\w.]*)", text):
        assert (ROOT / module.replace(".", "/")).with_suffix(".py").exists(), module
