"""The line of Python under a figure, valid for the arrays of this file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from labmtj.report.blocks import Block, Chapter, Note, Source
from labmtj.report.contents import Contents

_LINES = 2
"""axes of what a line plot or a map can show"""


def with_sources_that_load(contents: Contents, sections: Sequence[Chapter]) -> list[Chapter]:
    """Return the sections with every source that this file has, each by an expression that works."""
    return [replace(each, blocks=[_checked(contents, block) for block in each.blocks]) for each in sections]


def _checked(contents: Contents, block: Block) -> Block:
    if isinstance(block, Note):
        return block
    return replace(block, sources=[_that_works(contents, each) for each in block.sources if _is_there(contents, each)])


def _is_there(contents: Contents, source: Source) -> bool:
    return contents.has(source.path) or source.path in contents.tree


def _that_works(contents: Contents, source: Source) -> Source:
    """Return a source that plots what xarray can plot, and gives the rest as a table."""
    name = source.path.rpartition("/")[2]
    opened, dot, rest = source.expression.partition(f").{name}.plot")
    if not dot or not contents.has(source.path) or rest == ".hist()" or _can_be_plotted(contents, source.path, rest):
        return source
    return replace(source, expression=f"{opened}).{name}.to_dataframe()")


def _can_be_plotted(contents: Contents, path: str, rest: str) -> bool:
    kind = contents.data.kind(path)
    axes = [dim for dim, length in zip(kind.dims, kind.shape, strict=True) if length > 1]
    group = path.rpartition("/")[0]
    has_text = any(
        contents.has(f"{group}/{axis}") and contents.data.kind(f"{group}/{axis}").dtype.kind == "O" for axis in axes
    )
    is_line = rest.startswith(".line(")
    return len(axes) == 1 or (len(axes) == _LINES and not has_text) or (len(axes) > _LINES and not is_line)
