"""The blocks of the trigger model: what each takes, and how the list of them is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from labmtj.virtual.tsp.complaints import INVALID_PARAMETER, TOO_FEW_PARAMETERS, Complaint
from labmtj.virtual.tsp.tree import number

MOST_BLOCKS = 63
LEAST_PARAMETERS = {
    "BRANCH_ALWAYS": 1, "BRANCH_COUNTER": 2, "BRANCH_DELTA": 2, "BRANCH_LIMIT_CONSTANT": 4,
    "BRANCH_LIMIT_DYNAMIC": 3, "BRANCH_ONCE": 1, "BRANCH_ONCE_EXCLUDED": 1, "BRANCH_ON_EVENT": 2, "BUFFER_CLEAR": 0,
    "CONFIG_NEXT": 1, "CONFIG_PREV": 1, "CONFIG_RECALL": 1, "DELAY_CONSTANT": 1, "DELAY_DYNAMIC": 1, "DIGITAL_IO": 1,
    "LOG_EVENT": 2, "MEASURE": 0, "NOP": 0, "NOTIFY": 1, "RESET_BRANCH_COUNT": 1, "SOURCE_OUTPUT": 1, "WAIT": 1,
}  # fmt: skip
TARGET = {
    "BRANCH_ALWAYS": 0, "BRANCH_COUNTER": 1, "BRANCH_DELTA": 1, "BRANCH_LIMIT_CONSTANT": 3, "BRANCH_LIMIT_DYNAMIC": 2,
    "BRANCH_ONCE": 0, "BRANCH_ONCE_EXCLUDED": 0, "BRANCH_ON_EVENT": 1,
}  # fmt: skip
"""which parameter is the block to go to"""


class Block(NamedTuple):
    """One block."""

    kind: str
    """as the constant ends, such as "MEASURE" """
    parameters: tuple[object, ...] = ()

    def parameter(self, place: int, otherwise: object = None) -> object:
        """Return a parameter that may be left out."""
        return self.parameters[place] if place < len(self.parameters) else otherwise

    @property
    def target(self) -> int | None:
        """The block that a branch goes to."""
        place = TARGET.get(self.kind)
        return None if place is None else int(number(self.parameters[place]))


NOP = Block("NOP")


def block_of(constant: object, parameters: Sequence[object]) -> Block:
    """Return a block; Complaint for one that does not exist, or lacks a parameter."""
    kind = str(constant).removeprefix("trigger.BLOCK_").replace("MEASURE_DIGITIZE", "MEASURE")
    if kind not in LEAST_PARAMETERS or not str(constant).startswith("trigger.BLOCK_"):
        raise Complaint(INVALID_PARAMETER, f"parameter 2 is invalid: {constant} is not a block")
    if len(parameters) < LEAST_PARAMETERS[kind]:
        raise Complaint(TOO_FEW_PARAMETERS, f"expected at least {LEAST_PARAMETERS[kind] + 2} parameters")
    block = Block(kind, tuple(parameters))
    if block.target is not None and not 1 <= block.target <= MOST_BLOCKS:
        raise Complaint(INVALID_PARAMETER, f"parameter is invalid: no block {block.target}")
    return block


def listed(blocks: Sequence[Block]) -> str:
    """Return the list of blocks as text, one a line."""
    if not blocks:
        return "Empty"
    shown = [", ".join(map(_shown, block.parameters)) for block in blocks]
    return "\n".join(
        f"{place:>2}) {block.kind:<22} {text}".rstrip()
        for place, (block, text) in enumerate(zip(blocks, shown, strict=True), 1)
    )


def _shown(parameter: object) -> str:
    """Return a parameter as the list shows it: a buffer by its name, the default one for none."""
    if isinstance(parameter, int | float) and not isinstance(parameter, bool):
        return f"{parameter:g}"
    return "defbuffer1" if parameter is None else str(getattr(parameter, "name", parameter))
