"""Digital lines of a box, with nothing connected: pulled up, low where a script writes so; and names of constants."""

from __future__ import annotations

from labmtj.virtual.tsp.complaints import Complaint
from labmtj.virtual.tsp.tree import Group, Members, Setting, number, one_of, whole

INVALID_LINE = 1801

_TRIGGER_MODES = {
    "TRIG_BYPASS": 0, "TRIG_FALLING": 1, "TRIG_RISING": 2, "TRIG_EITHER": 3, "TRIG_SYNCHRONOUSA": 4,
    "TRIG_SYNCHRONOUS": 5, "TRIG_SYNCHRONOUSM": 6, "TRIG_RISINGA": 7, "TRIG_RISINGM": 8,
}  # fmt: skip
CONSTANTS: dict[str, Members] = {
    "digio": dict(_TRIGGER_MODES),
    "tsplink": dict(_TRIGGER_MODES),
    "lan": {
        "ENABLE": 1, "DISABLE": 0, "AUTO": 0, "MANUAL": 1, "FULL": 1, "HALF": 0, "TCP": 0, "UDP": 1, "MULTICAST": 2,
        "TRIG_EITHER": 0, "TRIG_FALLING": 1, "TRIG_RISING": 2, "TRIG_RISINGA": 3, "TRIG_RISINGM": 4,
        "TRIG_SYNCHRONOUS": 5, "TRIG_SYNCHRONOUSA": 6, "TRIG_SYNCHRONOUSM": 7,
    },
    "beeper": {"ON": 1, "OFF": 0},
    "serial": {
        "FLOW_NONE": "none", "FLOW_HARDWARE": "hardware", "PARITY_NONE": "none", "PARITY_EVEN": "even",
        "PARITY_ODD": "odd",
    },
    "localnode": {
        "ENABLE": 1, "DISABLE": 0, "PASSWORD_NONE": 0, "PASSWORD_WEB": 1, "PASSWORD_LAN": 2, "PASSWORD_ALL": 3,
    },
    "display": {
        "ENABLE": 1, "DISABLE": 0, "LOCK": 1, "UNLOCK": 0, "MAIN": 0, "USER": 3, "SENDCODE_LOCAL": 0, "INTERNAL": 0,
        "SAVE": 0, "DONT_SAVE": 1,
    },
}  # fmt: skip
"""by group; Series 2600B reference manual, from memory where its web help lists none"""


class Port:
    """digio or tsplink as a port of some lines."""

    def __init__(self, lines: int) -> None:
        self._lines, self._all = lines, (1 << lines) - 1
        self._state = self._all
        self._protected = Setting(0.0, whole(0, self._all))

    def members(self) -> Members:
        """Return what a script reads and writes."""
        return {
            "writeprotect": self._protected,
            "readport": lambda: float(self._state),
            "readbit": lambda line: float(self._state >> self._bit(line) & 1),
            "writeport": lambda data: self._write(int(number(data)), self._all),
            "writebit": self._write_bit,
        }

    def _write_bit(self, line: object, data: object) -> None:
        bit = self._bit(line)
        self._write(int(one_of(0, 1)(data)) << bit, 1 << bit)

    def _write(self, data: int, mask: int) -> None:
        mask &= self._all & ~int(self._protected.value)
        self._state = self._state & ~mask | data & mask

    def _bit(self, line: object) -> int:
        place = int(number(line))
        if not 1 <= place <= self._lines:
            raise Complaint(INVALID_LINE, f"Invalid digital I/O line {place}")
        return place - 1


def constants() -> Members:
    """Return the groups with their constants."""
    return {name: Group(name, members) for name, members in CONSTANTS.items()}
