"""Which section shows what: a section is registered for a kind of group, and writes everything about such groups.

A procedure brings the section of what it records, through the entry-point group `labmtj.sections`; the name of the
entry point is the kind. Groups of a kind without a registered section are shown by their own description (`generic`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, TypeVar

from numpy.typing import NDArray

from labmtj import plugins
from labmtj.errors import DataError, LabmtjError
from labmtj.escaped import escaped
from labmtj.quantities import ChipGroup
from labmtj.report.blocks import Block, Chapter, Note, left_out
from labmtj.report.contents import Contents
from labmtj.report.digits import plural
from labmtj.report.measures import Measure, generic_measures
from labmtj.report.predictions import ChipModel, TwinFigures
from labmtj.verbs import Data

GROUP = "labmtj.sections"
T = TypeVar("T")
Finding = tuple[str, list[str]]
"""what the main figures are, and a text of each chip or station"""
_NAMED = 4
"""chips in a headline"""


class Section:
    """What report and terminal say of the groups of one kind in a run. A subclass overrides the parts that it has.

    Args:
        contents: the open data file.
        groups: paths of the groups of this kind, in the order of the file.
    """

    rank: ClassVar[int] = 50
    """sections with a lower one come first"""
    places: ClassVar[Mapping[str, str]] = {}
    """where groups of the kind are in files that do not say it yet: a pattern of paths, and an array that each has"""

    origin = ""
    """what a message calls it: the plug-in that brings it, where labmtj does not"""

    records: ClassVar[Sequence[str]] = ()
    """last parts of the paths of groups that go with the kind, where they are not the name of an experiment"""

    is_foreign = False
    """whether another distribution than labmtj brings it"""

    def __init__(self, contents: Contents, groups: Sequence[str]) -> None:
        self.contents, self.groups = contents, list(groups)
        self.covered = set[str]()
        """groups that chapters of other sections show"""

    def finding(self) -> Finding | None:
        """Return the main figures, with their unit and interval; None where nothing was found yet."""
        return None

    def headline(self) -> str:
        """Return the result in one or two sentences, the main figure first; "" if there is none yet."""
        found = self.finding()
        if not found or not found[1]:
            return ""
        what, texts = found
        more = f"; and {plural(len(texts) - _NAMED, 'more chip')}" if len(texts) > _NAMED else ""
        return f"{what}: {'; '.join(texts[:_NAMED])}{more}."

    def missing(self) -> list[str]:
        """Return what a complete run would have and this one has not, each a sentence."""
        return []

    def lines(self) -> list[str]:
        """Return what a terminal of 80 columns shows below the headline.

        A line that starts with a space is part of a table and stays as it is; others are wrapped.
        """
        return []

    def remarks(self) -> Iterable[tuple[str, str]]:
        """Return what limits a result, such as a value at the end of its scan, and what it is about, such as a chip."""
        return ()

    def result(self) -> list[Block]:
        """Return what stands at the top of the report."""
        return []

    def chapters(self) -> list[Chapter]:
        """Return chapters of the report of their own."""
        return []

    def bench(self) -> list[Block]:
        """Return the blocks on time on the bench."""
        return []

    def covers(self) -> set[str]:
        """Return groups of other kinds that the chapters of this section show as well."""
        return set()

    def outcomes(self) -> Iterable[tuple[str, str]]:
        """Return chips, and arrays of codes that say what is wrong with their cells.

        (writes, rows, columns): how each write ended; (rows, columns): what the cells were like before the first.
        """
        return ()

    def measures(self) -> Iterable[Measure]:
        """Return what `labmtj compare` compares; by default what a generic group declares."""
        return generic_measures(self.contents, self.groups)

    def twin_figures(self, data: Data) -> Iterable[TwinFigures]:  # noqa: ARG002 - a subclass needs it
        """Return what `labmtj twin` compares, read from `data`: this file, or the same groups as twins give them."""
        return ()

    def predicted(
        self,
        settings: Mapping[str, Any],  # noqa: ARG002 - a subclass needs them
        station: ChipGroup,  # noqa: ARG002
        models: Mapping[str, ChipModel],  # noqa: ARG002
    ) -> Mapping[str, NDArray[Any]]:
        """Return what a station would have recorded had its chips been their twins, by path of the array.

        In the very states that were written: the analysis of the procedure makes `twin_figures` of it.

        Args:
            settings: of the procedure, nested as in its YAML.
            station: the chips.
            models: the twins of its chips, by name.
        """
        return {}

    def overview(self) -> bytes | None:
        """Return a picture of the whole as a PNG, if there is one."""
        return None


class Unmade(Section):
    """Instead of a section that could not be made."""

    def __init__(self, contents: Contents, groups: Sequence[str], why: str = "") -> None:
        super().__init__(contents, groups)
        self._why = why

    def missing(self) -> list[str]:
        """Return the reason."""
        return [f"{self._why}."]

    def measures(self) -> Iterable[Measure]:
        """Return what its groups declare, with a warning."""
        return left_out("compared by what its groups declare", self._why, super().measures())


def sections(contents: Contents) -> list[Section]:
    """Return the sections of everything in a file, in the order of the report."""
    from labmtj.report.generic import Generic

    kinds = {kind: (section_of(kind), groups) for kind, groups in contents.by_kind(_places).items()}
    found: dict[str, Section] = {}
    for kind, (make, groups) in kinds.items():
        if make is not None:
            origin = _origin(kind, make)
            made: list[Section | str] = asked(origin, partial(_made, make, contents, groups), _reason, (Section, str))
            found[kind] = made[0] if isinstance(made[0], Section) else Unmade(contents, groups, made[0])
            found[kind].origin, found[kind].is_foreign = origin, origin != make.__name__
    covered = set[str]().union(*(asked(section, section.covers, _nothing_covered, str) for section in found.values()))
    for section in found.values():
        section.covered = covered
    if others := [group for make, groups in kinds.values() if make is None for group in groups]:
        found["generic"] = Generic(contents, others)
    return sorted(found.values(), key=lambda section: section.rank)


def overview_png(contents: Contents) -> bytes:
    """Return the picture of the whole that the first section offers; DataError if none does."""
    for section in sections(contents):
        if picture := asked(section, partial(_overview, section), lambda why: left_out("overview", why, b"")):
            return picture
    raise DataError(f"{contents.data.path}: there is no overview of this run yet")


def _nothing_covered(why: str) -> set[str]:
    return left_out("groups that this section covers are shown twice", why, set())


def _overview(section: Section) -> bytes:
    return section.overview() or b""


def _made(make: type[Section], contents: Contents, groups: list[str]) -> list[Section | str]:
    return [make(contents, groups)]


def _reason(why: str) -> list[Section | str]:
    return [why]


def section_of(kind: str) -> type[Section] | None:
    """Return the class that is registered for a kind, None if there is none, or none that can be loaded."""
    plugin = plugins.plugins(GROUP).get(kind)
    if plugin is None:
        return None
    found = plugins.loaded_or_warned(plugin)
    if found is not None and (why := _unlike_a_section(found)):
        plugins.warn(f"{GROUP}: {kind!r} of {plugin.distribution} is not a Section: {why}: {plugin.target}")
        return None
    return found  # type: ignore[no-any-return]


def _unlike_a_section(found: type) -> str:
    """Return what keeps a class from being used, "" if nothing does."""
    if not issubclass(found, Section):
        return "it is no subclass of labmtj.report.sections.Section"
    if not isinstance(found.rank, int | float):
        return f"rank is {found.rank!r}, not a number"
    if not (isinstance(found.places, Mapping) and _all(str, [*found.places, *found.places.values()])):
        return f"places is {found.places!r}, not a mapping of patterns to names of arrays"
    if isinstance(found.records, str) or not (isinstance(found.records, Sequence) and _all(str, found.records)):
        return f"records is {found.records!r}, not a list of names"
    return ""


def _all(kind: type | tuple[type, ...], items: Iterable[object]) -> bool:
    return all(isinstance(each, kind) for each in items)


def _origin(kind: str, made_by: type[Section]) -> str:
    """Return what messages call a section: its class, and the plug-in if another distribution brings it."""
    plugin = plugins.plugins(GROUP).get(kind)
    own = plugin is None or plugin.is_own
    return (
        made_by.__name__
        if own or plugin is None
        else f"{made_by.__name__} ({GROUP}: {kind!r} of {plugin.distribution})"
    )


def _places() -> Iterator[tuple[str, str, str]]:
    """Yield kind, pattern of paths and array of everything that older files hold without saying its kind."""
    for kind in plugins.plugins(GROUP):
        if section := section_of(kind):
            for pattern, array in section.places.items():
                yield kind, pattern, array


def asked(
    section: Section | str, ask: Callable[[], T], instead: Callable[[str], T], of: type | tuple[type, ...] = object
) -> T:
    """Return the answer of a section; if it raises, `instead` of the reason: the rest of the report goes on.

    Args:
        section: that is asked, or what messages call it.
        ask: has it say something.
        instead: makes the same kind of thing of the reason why it did not.
        of: what a list or a set of it holds.
    """
    what = section if isinstance(section, str) else section.origin or type(section).__name__
    try:
        found, example = ask(), instead("")
        if not isinstance(found, type(example)):
            raise TypeError(f"{type(found).__name__} where a {type(example).__name__} is needed")
        if isinstance(found, list | set) and (wrong := [each for each in found if not isinstance(each, of)]):
            raise TypeError(f"{type(wrong[0]).__name__} in a {type(found).__name__} of {_names(of)}")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a section of a plug-in may raise anything
        why = str(error) if isinstance(error, LabmtjError) else f"{type(error).__name__}: {error}"
        return instead(f"{what} cannot be shown: {escaped(why)}")
    return found


def _names(of: type | tuple[type, ...]) -> str:
    return " or ".join(each.__name__ for each in (of if isinstance(of, tuple) else (of,)))


def missing_block(why: str) -> list[Block]:
    """Return a note instead of blocks, with a warning."""
    return left_out("report", why, [Note(why, "missing")])
