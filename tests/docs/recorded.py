"""The page of what procedures record, made of the declarations of their results: `python tests/docs/recorded.py`."""

import inspect
from collections.abc import Iterator
from pathlib import Path

from labmtj import plugins
from labmtj.results import Declared, Estimate, Quantity, Result, quantities

PAGE = Path(__file__).parents[2] / "docs" / "recorded.md"
HEAD = """# What procedures record

Groups of `data.h5` by their kind (the attribute `labmtj_kind`), as the classes of results declare them. Made by
`python tests/docs/recorded.py`. Tables that grow by rows (reads, pulses, solutions) describe their columns in the file.
"""


def page() -> str:
    """Return the text."""
    list(plugins.load_all("labmtj.procedures"))
    kinds = sorted((kind for kind in _below(Result) if kind.kind), key=lambda kind: (kind.kind, kind.__name__))
    parts = [HEAD]
    for kind in kinds:
        if rows := [row for name, each in quantities(kind) for row in _rows(name, each)]:
            about = inspect.getdoc(kind).split("\n\n")[0].replace("\n", " ")
            parts.append(f"## {kind.kind}: {kind.__name__}\n\n{about}\n")
            parts.append("| name | unit | axes | meaning |\n|---|---|---|---|")
            parts.append("\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n")
    return "\n".join(parts)


def _below(kind: type[Result]) -> Iterator[type[Result]]:
    for each in kind.__subclasses__():
        if each.__module__.startswith("procedures."):
            yield each
            yield from _below(each)


def _rows(name: str, each: Declared) -> Iterator[tuple[str, str, str, str]]:
    if not isinstance(each, Quantity):
        yield f"`{name}`", each.units, "attribute", each.long_name
        return
    axes = ", ".join(each.dims)
    if each.long_name:
        yield f"`{name}`", each.units, axes, each.long_name
    if isinstance(each, Estimate):
        of = f", {each.of}" if each.of else ""
        ends = " and ".join(f"`{(each.ends or name + '_{}').format(end)}`" for end in ("low", "high"))
        yield ends, each.units, axes, f"ends of its {each.level} interval{of}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
