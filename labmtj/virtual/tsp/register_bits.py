"""Names of the bits of status registers (Series 2600B reference manual, status model; in part from memory).

Bits that stand for a register below are named where that register is (`registers.build`); here are the others.
"""

from __future__ import annotations

from collections.abc import Mapping

_CHANNELS = {"SMUA": 1, "SMUB": 2}
_LAYERS = {"ARM": 1, "SOURCE": 2, "SRC": 2, "MEASURE": 3, "MEAS": 3, "ENDPULSE": 4, "ENDP": 4}
_OVERRUNS = {
    **_CHANNELS, "TRIGGER_BLENDER": 10, "TRGBLND": 10, "TRIGGER_TIMER": 11, "TRGTMR": 11, "DIGITAL_IO": 12, "DIGIO": 12,
    "TSPLINK": 13, "LAN": 14,
}  # fmt: skip
STANDARD = {
    "OPERATION_COMPLETE": 0, "OPC": 0, "QUERY_ERROR": 2, "QYE": 2, "DEVICE_DEPENDENT_ERROR": 3, "DDE": 3,
    "EXECUTION_ERROR": 4, "EXE": 4, "COMMAND_ERROR": 5, "CME": 5, "USER_REQUEST": 6, "URQ": 6, "POWER_ON": 7, "PON": 7,
}  # fmt: skip
_MEASURED = {
    "VOLTAGE_LIMIT": 0, "VLMT": 0, "CURRENT_LIMIT": 1, "ILMT": 1, "READING_OVERFLOW": 7, "ROF": 7,
    "BUFFER_AVAILABLE": 8, "BAV": 8, "PROTECTION": 12,
}  # fmt: skip
_OPERATED = {
    "CALIBRATING": 0, "CAL": 0, "SWEEPING": 3, "SWE": 3, "MEASURING": 4, "MEAS": 4, "TRIGGER_OVERRUN": 10, "TRGOVR": 10,
}  # fmt: skip
_QUESTIONED = {
    "CALIBRATION": 8, "CAL": 8, "UNSTABLE_OUTPUT": 9, "UO": 9, "OVER_TEMPERATURE": 12, "OTEMP": 12,
}  # fmt: skip
_NODES = {"system": 1, "system2": 15, "system3": 29, "system4": 43, "system5": 57}
"""number of the first node of each of these registers, at bit 1"""


def _numbered(word: str, most: int) -> dict[str, int]:
    return {f"{word}{place}": place for place in range(1, most + 1)}


_OF_PARENT = {
    "digio": _numbered("LINE", 14), "tsplink": _numbered("LINE", 3), "lan": _numbered("LAN", 8),
    "trigger_blender": _numbered("BLENDER", 6), "trigger_timer": _numbered("TIMER", 8),
    "smua": _LAYERS, "smub": _LAYERS, "operation": _OVERRUNS,
}  # fmt: skip
_OF_CHANNEL = {"measurement": _MEASURED, "operation": _OPERATED, "questionable": _QUESTIONED}
_BY_CHANNEL = (
    "voltage_limit", "current_limit", "reading_overflow", "buffer_available", "calibrating", "sweeping", "measuring",
    "calibration", "unstable_output", "over_temperature",
)  # fmt: skip
_OF_NAME: Mapping[str, Mapping[str, int]] = {
    "user": {f"BIT{bit}": bit for bit in range(15)},
    "remote": {"COMMAND_AVAILABLE": 0, "CAV": 0, "PROMPTS_ENABLED": 11, "PRMPT": 11},
    **dict.fromkeys(_BY_CHANNEL, _CHANNELS),
}  # fmt: skip


def bits_of(name: str) -> dict[str, float]:
    """Return the values of the bits of a register by their names; `name` without `status.`."""
    *parents, last = name.split(".")
    above = parents[-1] if parents else ""
    if last == "trigger_overrun":
        found: Mapping[str, int] = _OF_PARENT.get(above, {})
    elif last in ("smua", "smub"):
        found = _OF_CHANNEL.get(name.split(".")[0], {})
    elif last in _NODES:
        first = _NODES[last]
        found = {"EXT": 0, **{f"NODE{node}": node - first + 1 for node in range(first, min(first + 14, 65))}}
    elif last in ("digio", "tsplink", "lan", "trigger_blender", "trigger_timer"):
        found = {"TRIGGER_OVERRUN": 10, "TRGOVR": 10}
    else:
        found = _OF_NAME.get(last, {})
    return {word: float(1 << bit) for word, bit in found.items()}
