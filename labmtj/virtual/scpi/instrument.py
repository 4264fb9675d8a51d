"""A SCPI instrument: a table of settings and commands, declared per brand, with the commands that all of them know.

A brand derives from `SCPIInstrument`, lists its `settings` (a stored value with a header) and decorates methods that
do something with `command`. What a setting must be checked against, and what follows from it, are methods decorated
with `check` and `after`.
"""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from labmtj.virtual.coverage import Coverage
from labmtj.virtual.scpi import names as scpi_names
from labmtj.virtual.scpi.blocks import register
from labmtj.virtual.scpi.engine import SCPIEngine
from labmtj.virtual.scpi.table import Call, command
from labmtj.virtual.scpi.values import Whole


class SCPIInstrument(SCPIEngine):
    """What every SCPI instrument answers to."""

    manual_of: ClassVar[str] = ""
    """the instrument whose manual the table of headers is from"""

    @classmethod
    def coverage(cls) -> Coverage | None:
        """Return the headers of the manual, and those that are known."""
        if not cls.manual_of:
            return None
        rows = scpi_names.names(cls.names_in)
        known = (
            row.pattern for row in rows if row.behaviour != "-" and (cls.knows(row.header) or cls.asks(row.header))
        )
        every = frozenset(row.pattern for row in rows)
        return Coverage(cls.manual_of, scpi_names.source(cls.names_in), every, frozenset(known))

    @classmethod
    def asks(cls, header: str) -> bool:
        """Say whether a header has a question."""
        return cls.knows(header.removesuffix("?") + "?")

    def register(self, value: int) -> str:
        """Return a status register in the digits that are set, decimal ones where there is no such setting."""
        return register(value, self.values[min(self.suffixes)].get("register format", "ASC"))

    # IEEE 488.2

    @command("*IDN?")
    def _identity(self) -> str:
        return self.identity()

    @command("*RST")
    def _reset(self) -> None:
        self.reset()

    @command("*CLS", ":STATus:CLEar")
    def _clear_status(self) -> None:
        self._events = 0
        self.errors.clear()

    @command("*ESR?")
    def _events_query(self) -> str:
        events, self._events = self._events, 0
        return self.register(events)

    @command("*ESE")
    def _set_event_mask(self, call: Call) -> None:
        self._event_mask = Whole(0, 255).read(call.arguments, 0)

    @command("*ESE?")
    def _event_mask_query(self) -> str:
        return self.register(self._event_mask)

    @command("*SRE")
    def _set_service_mask(self, call: Call) -> None:
        self._service_mask = Whole(0, 255).read(call.arguments, 0) & ~64

    @command("*SRE?")
    def _service_mask_query(self) -> str:
        return self.register(self._service_mask)

    @command("*STB?")
    def _status_query(self) -> str:
        return self.register(self.status_byte())

    @command("*OPC")
    def _note_completion(self) -> None:
        self._events |= 1  # messages are handled one by one: all before this one is complete

    @command("*OPC?")
    def _completion_query(self) -> str:
        return "1"

    @command("*TST?")
    def _self_test(self) -> str:
        return "0"

    @command("*TRG")
    def _bus_trigger(self) -> None:
        self.trigger()

    def trigger(self) -> None:
        """Go on with what waits for a trigger of the bus; nothing does where there is no trigger system."""

    @command("*SAV")
    def _save_setup(self, call: Call) -> None:
        self._saved[Whole(0, 4).read(call.arguments, 0)] = copy.deepcopy(self.values)

    @command("*RCL")
    def _recall_setup(self, call: Call) -> None:
        found = self._saved.get(Whole(0, 4).read(call.arguments, 0))
        self.reset()
        if found is not None:
            self.restore(copy.deepcopy(found))

    def restore(self, values: dict[int, dict[str, Any]]) -> None:
        """Bring the settings to those of a saved set-up; outputs stay off."""
        for suffix, kept in values.items():
            self.values[suffix] |= {name: value for name, value in kept.items() if name != "output"}

    @command("*WAI")
    def _wait_for_all(self) -> None:
        """Go on: messages are handled one by one."""

    @command("*OPT?")
    def _options(self) -> str:
        return "0"

    # SCPI

    @command(":SYSTem:ERRor[:NEXT]?", ":STATus:QUEue[:NEXT]?")
    def _next_error(self) -> str:
        return self.error_reply(*self.errors.pop())

    @command(":SYSTem:ERRor:ALL?")
    def _all_errors(self) -> str:
        replies = [self.error_reply(*self.errors.pop())]
        while len(self.errors):
            replies.append(self.error_reply(*self.errors.pop()))
        return ",".join(replies)

    @command(":SYSTem:ERRor:COUNt?")
    def _error_count(self) -> str:
        return str(len(self.errors))

    @command(":SYSTem:ERRor:CODE[:NEXT]?")
    def _next_code(self) -> str:
        return str(self.errors.pop()[0])

    @command(":SYSTem:ERRor:CODE:ALL?")
    def _all_codes(self) -> str:
        codes = [self.errors.pop()[0]]
        while len(self.errors):
            codes.append(self.errors.pop()[0])
        return ",".join(map(str, codes))

    @command(":SYSTem:CLEar", ":STATus:QUEue:CLEar")
    def _clear_errors(self) -> None:
        self.errors.clear()

    @command(":SYSTem:VERSion?")
    def _version(self) -> str:
        return "1996.0"

    @command(":SYSTem:PRESet")
    def _preset(self) -> None:
        self.reset()

    @command(":SYSTem:LOCal", ":SYSTem:REMote", ":SYSTem:RWLock", ":STATus:PRESet")
    def _panel(self, _call: Call) -> None:
        """There is no panel to lock, and no status mask beyond the standard ones."""

    @command(":STATus:OPERation[:EVENt]?", ":STATus:OPERation:CONDition?", ":STATus:QUEStionable[:EVENt]?")
    def _quiet_registers(self) -> str:
        return "0"
