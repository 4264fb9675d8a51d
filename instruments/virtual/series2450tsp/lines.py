"""`digio` and `tsplink`: digital lines with nothing on them; an output reads back what it was set to."""

from __future__ import annotations

from instruments.virtual.series2450tsp.attributes import Attribute, Table
from instruments.virtual.series2450tsp.constants import LINE_MODES
from instruments.virtual.series2450tsp.kinds import OneOf
from labmtj.virtual.tsp.tree import Members, whole

DRIVEN = ("MODE_DIGITAL_OUT", "MODE_DIGITAL_OPEN_DRAIN", "MODE_TRIGGER_OPEN_DRAIN", "MODE_TRIGGER_OUT")


class Lines:
    """Lines of one kind.

    Args:
        table: "digio" or "tsplink".
        count: of lines.
        mode: after a reset, such as "MODE_DIGITAL_IN".
        high: whether an undriven line is high.
    """

    def __init__(self, table: str, count: int, mode: str, *, high: bool) -> None:
        self._table, self._count, self._first_mode, self._first_high = table, count, mode, high
        self._modes = OneOf({f"MODE_{name}": name for name in LINE_MODES}, table)
        self._states = OneOf({"STATE_LOW": False, "STATE_HIGH": True}, table)
        self._mode, self._high = [f"{table}.{mode}"] * count, [high] * count

    def reset(self) -> None:
        """Bring the mode of every line to its default; what it was driven to stays."""
        self._mode[:] = [f"{self._table}.{self._first_mode}"] * self._count

    def write_port(self, pattern: object) -> None:
        """Set all lines that are outputs."""
        bits = int(whole(0, (1 << self._count) - 1)(pattern))
        for place in range(self._count):
            self._drive(place, high=bool(bits >> place & 1))

    def members(self) -> Members:
        """Return what is in the table."""
        lines = {place + 1: self._line(place) for place in range(self._count)}
        return {
            "line": Table(f"{self._table}.line", dict(lines)), "writeport": self.write_port,
            "readport": lambda: float(sum(high << place for place, high in enumerate(self._high))),
        }  # fmt: skip

    def _line(self, place: int) -> Table:
        def set_mode(value: object) -> None:
            self._mode[place] = self._modes.accept(value)
            self._high[place] = self._first_high

        def set_state(value: object) -> None:
            state = f"{self._table}.STATE_{'HIGH' if value else 'LOW'}" if value in (0, 1) else value
            self._drive(place, high=self._states.accept(state).endswith("HIGH"))

        return Table(
            f"{self._table}.line[{place + 1}]",
            {
                "mode": Attribute(lambda: self._mode[place], set_mode), "reset": lambda: self._reset(place),
                "state": Attribute(lambda: self._states.shown(self._high[place]), set_state),
            },
        )  # fmt: skip

    def _drive(self, place: int, *, high: bool) -> None:
        if self._mode[place].rpartition(".")[2] in DRIVEN:
            self._high[place] = high

    def _reset(self, place: int) -> None:
        self._mode[place], self._high[place] = f"{self._table}.{self._first_mode}", self._first_high
