"""Trigger models that come ready: the sweeps of the source, and what `trigger.model.load` knows by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from instruments.virtual.series2450tsp.blocks import Block
from instruments.virtual.series2450tsp.kinds import Between
from labmtj.virtual.tsp.complaints import INVALID_PARAMETER, TOO_FEW_PARAMETERS, Complaint
from labmtj.virtual.tsp.tree import number

COUNT = Between(1, 268_435_455, whole=True)
DELAY = Between(0.0, 1e4)
LINE = Between(1, 6, whole=True)


def sweep(name: str, points: int, delay: float, count: int, buffer: object) -> list[Block]:
    """Return the blocks that go through a configuration list of the source, output on; with it off afterwards."""
    pause = [Block("DELAY_CONSTANT", (delay,))] if delay > 0 else [Block("NOP")]
    return [
        Block("BUFFER_CLEAR", (buffer,)), Block("CONFIG_RECALL", (name, 1)), Block("SOURCE_OUTPUT", ("smu.ON",)),
        *pause, Block("MEASURE", (buffer,)), Block("CONFIG_NEXT", (name,)),
        Block("BRANCH_COUNTER", (float(points), 4.0)), Block("BRANCH_COUNTER", (float(count), 4.0)),
        Block("SOURCE_OUTPUT", ("smu.OFF",)),
    ]  # fmt: skip


def _at(given: Sequence[object], place: int, otherwise: object = None) -> object:
    return given[place] if place < len(given) else otherwise


def _simple_loop(given: Sequence[object]) -> list[Block]:
    count, delay, buffer = COUNT.accept(given[0]), DELAY.accept(_at(given, 1, 0.0)), _at(given, 2)
    return [
        Block("BUFFER_CLEAR", (buffer,)), Block("DELAY_CONSTANT", (delay,)), Block("MEASURE", (buffer,)),
        Block("BRANCH_COUNTER", (count, 2.0)),
    ]  # fmt: skip


def _duration_loop(given: Sequence[object]) -> list[Block]:
    duration, delay, buffer = Between(5e-7, 1e5).accept(given[0]), DELAY.accept(_at(given, 1, 0.0)), _at(given, 2)
    return [
        Block("BUFFER_CLEAR", (buffer,)), Block("DELAY_CONSTANT", (delay,)), Block("MEASURE", (buffer,)),
        Block("BRANCH_ELAPSED", (duration, 2.0)),
    ]  # fmt: skip


def _config_list(given: Sequence[object]) -> list[Block]:
    delay, buffer = DELAY.accept(_at(given, 2, 0.0)), _at(given, 3)
    return [
        Block("BUFFER_CLEAR", (buffer,)), Block("CONFIG_RECALL", (given[0], 1.0, given[1], 1.0)),
        Block("SOURCE_OUTPUT", ("smu.ON",)), Block("DELAY_CONSTANT", (delay,)), Block("MEASURE", (buffer,)),
        Block("BRANCH_LAST", (given[0], given[1], 4.0)), Block("SOURCE_OUTPUT", ("smu.OFF",)),
    ]  # fmt: skip


def _loop_until(given: Sequence[object]) -> list[Block]:
    Between(0, 100).accept(given[1])
    delay, buffer = DELAY.accept(_at(given, 3, 0.0)), _at(given, 4)
    return [
        Block("BUFFER_CLEAR", (buffer,)), Block("DELAY_CONSTANT", (delay,)), Block("MEASURE", (buffer,)),
        Block("BRANCH_ON_EVENT", (given[0], 6.0)), Block("BRANCH_ALWAYS", (2.0,)), Block("NOP"),
    ]  # fmt: skip


def _logic_trigger(given: Sequence[object]) -> list[Block]:
    line_in, line_out, count = LINE.accept(given[0]), LINE.accept(given[1]), COUNT.accept(given[2])
    delay, buffer = DELAY.accept(_at(given, 4, 0.0)), _at(given, 5)
    return [
        Block("BUFFER_CLEAR", (buffer,)), Block("WAIT", (f"trigger.EVENT_DIGIO{int(line_in)}",)),
        Block("DELAY_CONSTANT", (delay,)), Block("MEASURE", (buffer,)),
        Block("DIGITAL_IO", (float(1 << int(line_out) - 1),)), Block("BRANCH_COUNTER", (count, 2.0)),
    ]  # fmt: skip


def _binning(given: Sequence[object]) -> list[Block]:
    """Wait for each component, measure it, and show on the digital lines whether it is within the first limit."""
    components, line = COUNT.accept(given[0]), LINE.accept(given[1])
    start, end, high, low = DELAY.accept(given[2]), DELAY.accept(given[3]), number(given[4]), number(given[5])
    failed = number(_at(given, 6, 1.0))
    return [
        Block("BUFFER_CLEAR", (None,)), Block("WAIT", (f"trigger.EVENT_DIGIO{int(line)}",)),
        Block("DELAY_CONSTANT", (start,)), Block("MEASURE", (None,)),
        Block("BRANCH_LIMIT_CONSTANT", ("trigger.LIMIT_INSIDE", low, high, 7.0)), Block("DIGITAL_IO", (failed,)),
        Block("DELAY_CONSTANT", (end,)), Block("BRANCH_COUNTER", (components, 2.0)),
    ]  # fmt: skip


_TEMPLATES: Mapping[str, tuple[int, Callable[[Sequence[object]], list[Block]]]] = {
    "empty": (0, lambda _: []), "simpleloop": (1, _simple_loop), "durationloop": (1, _duration_loop),
    "configlist": (2, _config_list), "loopuntilevent": (3, _loop_until), "logictrigger": (4, _logic_trigger),
    "gradebinning": (6, _binning), "sortbinning": (6, _binning),
}  # fmt: skip


def template(name: object, given: Sequence[object]) -> list[Block]:
    """Return the blocks of a model that comes ready; Complaint for a name or parameters that it has not."""
    found = _TEMPLATES.get(str(name).lower())
    if found is None:
        raise Complaint(INVALID_PARAMETER, f"parameter 1 is invalid: no trigger model is called {name}")
    least, build = found
    if len(given) < least:
        raise Complaint(TOO_FEW_PARAMETERS, f"expected at least {least + 1} parameters")
    return build(given)
