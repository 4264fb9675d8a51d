"""The source memory of a 2400: up to 100 set-ups that are saved, recalled, and swept through."""

from __future__ import annotations

from typing import Any

from instruments.virtual.series2400.calculations import Calculating
from instruments.virtual.series2400.tables import MEMORY_PLACES
from labmtj.virtual.network.terminals import Box
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.table import Call, command, one
from labmtj.virtual.scpi.values import Whole, spelling

LEFT_OUT = ("output", "trigger", "arm", "memory", "buffer", "display", "beeper", "format", "border", "register")
"""what begins with one of these is no part of a set-up"""


class Remembering(Calculating):
    """A 2400 with a source memory."""

    def __init__(self, box: Box) -> None:
        self._memory: dict[int, tuple[dict[str, Any], set[str]]] = {}
        super().__init__(box)

    def reset(self) -> None:
        """Sweep no memory; what is saved stays."""
        self.sweeps_memory = False
        super().reset()

    @command("[:SOURce#]:FUNCtion[:MODE]")
    def _choose_function(self, call: Call) -> None:
        word = spelling("VOLTage|CURRent|MEMory", one(call))
        if word is None:
            raise SCPIError(-224)
        self.sweeps_memory = word == "MEM"
        if word != "MEM":
            self.put(next(each for each in self.settings if each.name == "function"), 1, word)

    @command("[:SOURce#]:FUNCtion[:MODE]?")
    def _chosen_function(self) -> str:
        return "MEM" if self.sweeps_memory else str(self.values[1]["function"])

    @command("[:SOURce#]:MEMory:SAVE")
    def _save_place(self, call: Call) -> None:
        kept = {name: value for name, value in self.values[1].items() if not name.startswith(LEFT_OUT)}
        self._memory[Whole(1, MEMORY_PLACES).read(call.arguments, 1)] = kept, set(self.functions)

    @command("[:SOURce#]:MEMory:RECall")
    def _recall_place(self, call: Call) -> None:
        self.recall_place(Whole(1, MEMORY_PLACES).read(call.arguments, 1))

    def recall_place(self, place: int) -> None:
        """Bring source and meter to a set-up; one that was never saved changes nothing."""
        kept, functions = self._memory.get(place, ({}, self.functions))
        self.values[1] |= kept
        self.functions = set(functions)
        self.apply(1)
