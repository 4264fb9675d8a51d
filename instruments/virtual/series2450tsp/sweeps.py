"""`smu.source.sweep...`: a configuration list of levels, and the trigger model that goes through it."""

from __future__ import annotations

import math
from collections.abc import Callable

from instruments.virtual.series2450tsp.blocks import Block
from instruments.virtual.series2450tsp.configlists import ConfigLists
from instruments.virtual.series2450tsp.kinds import Between, OneOf
from instruments.virtual.series2450tsp.source import Source
from instruments.virtual.series2450tsp.templates import sweep
from labmtj.virtual.tsp.complaints import OUT_OF_RANGE, Complaint
from labmtj.virtual.tsp.tree import Members, number

MOST_POINTS = 1_000_000
POINTS = Between(2, MOST_POINTS, whole=True)
COUNT = Between(1, 268_435_455, whole=True)
RANGES = OneOf({f"RANGE_{name}": name for name in ("AUTO", "BEST", "FIXED")})


class Sweeps:
    """Plans sweeps.

    Args:
        source: of the box.
        lists: of the source.
        plan: takes the blocks of the trigger model.
    """

    def __init__(self, source: Source, lists: ConfigLists, plan: Callable[[list[Block]], None]) -> None:
        self._source, self._lists, self._plan = source, lists, plan

    def members(self) -> Members:
        """Return what is in `smu.source`."""
        return {
            "sweeplinear": self._linear, "sweeplinearstep": self._by_steps, "sweeplog": self._logarithmic,
            "sweeplist": self._list,
        }  # fmt: skip

    def _linear(self, name: object, start: object, stop: object, points: object, *rest: object) -> None:
        first, last, count = number(start), number(stop), int(POINTS.accept(points))
        self._sweep(name, [first + (last - first) * place / (count - 1) for place in range(count)], rest)

    def _by_steps(self, name: object, start: object, stop: object, step: object, *rest: object) -> None:
        first, last, width = number(start), number(stop), number(step)
        count = round((last - first) / width) + 1 if width else 0
        if not 1 <= count <= MOST_POINTS:
            raise Complaint(OUT_OF_RANGE, f"Parameter data out of range: {count} points")
        self._sweep(name, [first + width * place for place in range(count)], rest)

    def _logarithmic(self, name: object, start: object, stop: object, points: object, *rest: object) -> None:
        first, last, count = number(start), number(stop), int(POINTS.accept(points))
        if first * last <= 0:
            raise Complaint(OUT_OF_RANGE, "Parameter data out of range: start and stop must be of one sign")
        factor = math.log(last / first) / (count - 1)
        self._sweep(name, [first * math.exp(factor * place) for place in range(count)], rest)

    def _sweep(self, name: object, levels: list[float], rest: tuple[object, ...]) -> None:
        """Make the list anew and plan; after the levels come delay, count, range, abort, dual and buffer."""
        delay, count, kind, _, dual, buffer = (*rest, *[None] * (6 - len(rest)))[:6]
        if dual in ("smu.ON", True, 1):
            levels = [*levels, *levels[-2::-1]]
        ranged = RANGES.accept("smu.RANGE_BEST" if kind is None else kind)
        function, values = self._lists.snapshot()
        values |= {"autorange": "smu.ON" if ranged == "smu.RANGE_AUTO" else "smu.OFF"}
        if ranged == "smu.RANGE_BEST":
            values["range"] = max(levels, key=abs)
        self._lists.lists.pop(str(name), None)
        self._lists.create(name)
        self._lists.lists[str(name)] = [(function, {**values, "level": level}) for level in levels]
        self._planned(name, len(levels), delay, count, buffer)

    def _list(
        self, name: object, index: object = 1, delay: object = None, count: object = None, _abort: object = None,
        buffer: object = None,
    ) -> None:  # fmt: skip
        self._lists.point(name, int(number(index)))
        self._planned(name, len(self._lists.lists[str(name)]), delay, count, buffer)

    def _planned(self, name: object, points: int, delay: object, count: object, buffer: object) -> None:
        wait = -1.0 if delay is None or delay == "smu.DELAY_AUTO" else number(delay)
        repeats = 1 if count is None else int(COUNT.accept(count))
        self._plan(sweep(str(name), points, wait, repeats, buffer))
