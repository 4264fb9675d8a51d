"""`status` of the 2450: registers whose bits follow events by a map that scripts may change."""

from __future__ import annotations

from labmtj.virtual.tsp.common import CommonCommands
from labmtj.virtual.tsp.tree import Group, Members, Reading, Setting, whole


class MappedRegister:
    """status.operation or status.questionable: scripts may map events to its bits; none of them happens here."""

    def __init__(self, name: str) -> None:
        self.enable = Setting(0.0, whole(0, 65535), kept=True)
        self._map: dict[int, tuple[float, float]] = {}
        self.group = Group(
            name,
            {
                "condition": Reading(lambda: 0.0), "event": Reading(lambda: 0.0), "enable": self.enable,
                "setmap": self._set_map, "getmap": lambda bit: self._map.get(int(whole(0, 14)(bit)), (0.0, 0.0)),
            },
        )  # fmt: skip

    def preset(self) -> None:
        """Bring it to its default."""
        self.enable.value = 0.0
        self._map.clear()

    def _set_map(self, bit: object, set_event: object, clear_event: object = 0) -> None:
        event = whole(0, 65535)
        self._map[int(whole(0, 14)(bit))] = (event(set_event), event(clear_event))


def status_members(common: CommonCommands) -> Members:
    """Return what is in the table besides the standard register and the status byte."""
    registers = {name: MappedRegister(f"status.{name}") for name in ("operation", "questionable")}

    def preset() -> None:
        for register in registers.values():
            register.preset()
        common.members["reset"]()

    return {
        **{name: register.group for name, register in registers.items()},
        "preset": preset,
        "clear": lambda: common.members["standard"].read("event") and None,  # reading it clears it
    }
