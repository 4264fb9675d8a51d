"""Configuration lists of a 2450: settings of the source, or of the meter, stored by name and index."""

from __future__ import annotations

from typing import Any

from instruments.virtual.series2450.buffers import at_least
from instruments.virtual.series2450.readings import Measuring
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.table import Call, command, one
from labmtj.virtual.scpi.values import Whole, quoted

SIDES = ("[:SENSe#]", "[:SOURce#]")
MOST_ENTRIES = 300_000
OF_SOURCE = ("level", "range", "autorange", "delay", "delay auto", "limit", "read back", "protection", "off mode")


class Configurations(Measuring):
    """A 2450 that remembers settings."""

    def reset(self) -> None:
        """Have no list."""
        self._configurations: dict[str, dict[str, list[dict[str, Any]]]] = {"SENS": {}, "SOUR": {}}
        super().reset()

    def _lists(self, call: Call) -> dict[str, list[dict[str, Any]]]:
        return self._configurations["SOUR" if call.header.startswith(":SOUR") else "SENS"]

    def _named(self, call: Call, argument: str) -> list[dict[str, Any]]:
        found = self._lists(call).get(quoted(argument))
        if found is None:
            raise SCPIError(-224)
        return found

    @command(*(f"{side}:CONFiguration:LIST:CREate" for side in SIDES))
    def _create_list(self, call: Call) -> None:
        name = quoted(one(call))
        if not name or name in self._lists(call):
            raise SCPIError(-224)
        self._lists(call)[name] = []

    @command(*(f"{side}:CONFiguration:LIST:CATalog?" for side in SIDES))
    def _catalog(self, call: Call) -> str:
        return ",".join(f'"{name}"' for name in self._lists(call)) or '""'

    @command(*(f"{side}:CONFiguration:LIST:DELete" for side in SIDES))
    def _delete_list(self, call: Call) -> None:
        entries = self._named(call, at_least(call, 1)[0])
        if len(call.arguments) > 1:
            del entries[self._index(call, entries, 1)]
        else:
            del self._lists(call)[quoted(call.arguments[0])]

    @command(*(f"{side}:CONFiguration:LIST:SIZE?" for side in SIDES))
    def _list_size(self, call: Call) -> str:
        return str(len(self._named(call, one(call))))

    @command(*(f"{side}:CONFiguration:LIST:STORe" for side in SIDES))
    def _store(self, call: Call) -> None:
        entries = self._named(call, at_least(call, 1)[0])
        entry = self._present(of_source=call.header.startswith(":SOUR"))
        if len(call.arguments) > 1 and call.arguments[1] != str(len(entries) + 1):
            entries[self._index(call, entries, 1)] = entry
        elif len(entries) >= MOST_ENTRIES:
            raise SCPIError(-223)
        else:
            entries.append(entry)

    @command(*(f"{side}:CONFiguration:LIST:RECall" for side in SIDES))
    def _recall_entry(self, call: Call) -> None:
        entries = self._named(call, at_least(call, 1)[0])
        self._bring(entries[self._index(call, entries, 1)])

    def recall_configuration(self, name: str, index: int) -> int:
        """Recall an entry of every list of a name, counted from 1; return how many entries the longest has."""
        found = [lists[name] for lists in self._configurations.values() if name in lists]
        if not any(found):
            raise SCPIError(-224)
        for entries in found:
            if entries:
                self._bring(entries[(index - 1) % len(entries)])
        return max(map(len, found))

    @staticmethod
    def _index(call: Call, entries: list[dict[str, Any]], place: int) -> int:
        """Return the place that an argument names, the first where there is none."""
        index = Whole(1, MOST_ENTRIES).read(call.arguments[place : place + 1] or ("1",), 1)
        if index > len(entries):
            raise SCPIError(-222)
        return index - 1

    def _present(self, *, of_source: bool) -> dict[str, Any]:
        values = self.values[1]
        if of_source:
            kept = {name: values[name] for name in values if name.partition(" ")[2] in OF_SOURCE}
            return {**kept, "function": values["function"]}
        names = [name for name in values if name.startswith(("sense ", f"{self.measured} "))]
        kept = {name: values[name] for name in names if name.partition(" ")[2] not in OF_SOURCE}
        return {**kept, "measured": self.measured}

    def _bring(self, entry: dict[str, Any]) -> None:
        self.measured = entry.get("measured", self.measured)
        self.values[1] |= {name: value for name, value in entry.items() if name != "measured"}
        self.apply(1)
