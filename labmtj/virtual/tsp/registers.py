"""The status model: registers of 16 bits, each with what holds now, what has happened, and what of it is passed up.

`condition` is worked out when it is read; `event` keeps the bits that have risen (`ptr`) or fallen (`ntr`) until it is
read; what `enable` lets through of it sets the bit of a register in the one above. The names of a manual such as
`status.operation.instrument.*` say which registers there are (`register_names`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from labmtj.virtual.tsp.names import Row
from labmtj.virtual.tsp.register_bits import bits_of
from labmtj.virtual.tsp.tree import Group, Reading, Setting, whole

ALL_BITS = 0x7FFF
Condition = Callable[[], float]


class Register(Group):
    """One register, with those below it as members.

    Args:
        name: as a script writes it.
        condition: worked out when it is asked for; without one it is what lies below.
    """

    def __init__(self, name: str, condition: Condition | None = None) -> None:
        self._condition = condition
        self._before = self._events = 0
        self.below: dict[int, Register] = {}
        """registers whose enabled events are a bit of this one"""
        self.enable = Setting(0.0, whole(0, 65535), kept=True)
        self._falling, self._rising = (Setting(float(bits), whole(0, 65535), kept=True) for bits in (0, ALL_BITS))
        super().__init__(
            name,
            {
                "condition": Reading(lambda: float(self._look())), "event": Reading(self._take),
                "enable": self.enable, "ntr": self._falling, "ptr": self._rising,
            },
        )  # fmt: skip

    @property
    def passes(self) -> bool:
        """Whether an enabled event has happened, here or, through enabled bits, below."""
        enabled = int(self.enable.value)
        if not enabled:
            return False
        self._look()
        return bool(self._events & enabled)

    def preset(self) -> None:
        """Do what status.reset() does to a register."""
        self.reset(everything=True)
        self._events = 0

    def _look(self) -> int:
        """Return the condition, and keep what has changed since the last look."""
        now = int(self._condition()) if self._condition else 0
        for bit, register in self.below.items():
            now |= register.passes << bit
        rising, falling = now & ~self._before, self._before & ~now
        self._events |= rising & int(self._rising.value) | falling & int(self._falling.value)
        self._before = now
        return now

    def _take(self) -> float:
        self._look()
        events, self._events = self._events, 0
        return float(events)


class UserRegister(Register):
    """status.operation.user: its condition is what a script writes."""

    def __init__(self, name: str) -> None:
        user = Setting(0.0, whole(0, 65535), kept=True)
        super().__init__(name, lambda: user.value)
        self.members["condition"] = user


BITS: Mapping[str, Mapping[str, int]] = {
    "measurement": {
        "voltage_limit": 0, "current_limit": 1, "reading_overflow": 7, "buffer_available": 8, "instrument": 13,
    },
    "operation": {
        "calibrating": 0, "sweeping": 3, "measuring": 4, "trigger_overrun": 10, "remote": 11, "user": 12,
        "instrument": 13,
    },
    "questionable": {"calibration": 8, "unstable_output": 9, "over_temperature": 12, "instrument": 13},
    "instrument": {
        "smua": 1, "smub": 2, "trigger_blender": 10, "trigger_timer": 11, "digio": 12, "tsplink": 13, "lan": 14,
    },
}  # fmt: skip
"""bits by the last part of a register's name, then of the one below; Series 2600B reference manual, status model"""
SHORT = {
    "voltage_limit": "VLMT", "current_limit": "ILMT", "reading_overflow": "ROF", "buffer_available": "BAV",
    "instrument": "INST", "calibrating": "CAL", "sweeping": "SWE", "measuring": "MEAS", "trigger_overrun": "TRGOVR",
    "remote": "REM", "calibration": "CAL", "unstable_output": "UO", "over_temperature": "OTEMP",
}  # fmt: skip
"""second names of bits"""
OVERRUN_BIT = 10


def register_names(rows: Iterable[Row]) -> list[str]:
    """Return the names of the registers in a table, without `status.`: measurement, operation.user, ..."""
    names = {
        ".".join(map(str, path[1:-1]))
        for row in rows
        if row.name.startswith("status.") and row.name.endswith(".*")
        for path in row.paths()
    }
    return sorted(name for name in names if name != "standard")


def build(names: Iterable[str], conditions: Mapping[str, Condition]) -> dict[str, Register]:
    """Return the registers right below `status`, each with those below it.

    Args:
        names: of registers, without `status.`; parents come before their children.
        conditions: by name; a register without one has the bits of those below it.
    """
    every: dict[str, Register] = {}
    for name in sorted(names):
        above, _, last = name.rpartition(".")
        full = f"status.{name}"
        every[name] = UserRegister(full) if last == "user" else Register(full, conditions.get(name))
        every[name].members |= bits_of(name)
        if above in every:
            every[above].members[last] = every[name]
            bits = BITS.get(above.rpartition(".")[2], {})
            bit = bits.get(last, OVERRUN_BIT)
            every[above].below[bit] = every[name]
            every[above].members |= {last.upper(): float(1 << bit), SHORT.get(last, last.upper()): float(1 << bit)}
    return {name: register for name, register in every.items() if "." not in name}
