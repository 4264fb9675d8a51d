"""Status registers summarised by the status byte: conditions that hold, past events, masks for the summary bits."""

from __future__ import annotations

from typing import ClassVar

from labmtj.virtual.scpi.instrument import SCPIInstrument
from labmtj.virtual.scpi.table import Call, command
from labmtj.virtual.scpi.values import Whole

SUMMARY_BITS = {"MEAS": 1, "QUES": 8, "OPER": 128}
"""of the status byte"""


class StatusRegisters(SCPIInstrument):
    """An instrument with registers for measurement, questionable data and operation.

    An event is set when its condition begins to hold, as far as that is looked at: after every message.
    """

    conditions: ClassVar[tuple[str, ...]] = ("MEAS", "QUES", "OPER")

    def reset(self) -> None:
        """Forget nothing: `*RST` leaves the registers as they are."""
        if not hasattr(self, "_latched"):
            self._latched = dict.fromkeys(self.conditions, 0)
            self._masks = dict.fromkeys(self.conditions, 0)
            self._before = dict.fromkeys(self.conditions, 0)
        super().reset()

    def power_cycle(self) -> None:
        """Be as after power-on."""
        super().power_cycle()
        self._preset_status()
        self.clear_events()

    def condition(self, name: str) -> int:
        """Return the bits that hold now."""
        raise NotImplementedError

    def latch(self) -> None:
        """Set the events of conditions that have begun to hold."""
        for name in self.conditions:
            now = self.condition(name)
            self._latched[name] |= now & ~self._before[name]
            self._before[name] = now

    def note(self, name: str, bits: int) -> None:
        """Set events that no condition stands for."""
        self._latched[name] |= bits

    def clear_events(self) -> None:
        """Forget what has been."""
        self._latched = dict.fromkeys(self.conditions, 0)

    def summary(self) -> int:
        """Return the summary bits."""
        if any(self._masks.values()):
            self.latch()
        return sum(SUMMARY_BITS[name] for name, mask in self._masks.items() if self._latched[name] & mask)

    @command("*CLS", ":STATus:CLEar")
    def _clear_all(self) -> None:
        self._clear_status()
        self.latch()
        self.clear_events()

    @command(":STATus:PRESet")
    def _preset_status(self) -> None:
        self._masks = dict.fromkeys(self.conditions, 0)

    @command(*(f":STATus:{node}[:EVENt]?" for node in ("MEASurement", "QUEStionable", "OPERation")))
    def _event_query(self, call: Call) -> str:
        name = _name(call)
        self.latch()
        events, self._latched[name] = self._latched[name], 0
        return self.register(events)

    @command(*(f":STATus:{node}:CONDition?" for node in ("MEASurement", "QUEStionable", "OPERation")))
    def _condition_query(self, call: Call) -> str:
        return self.register(self.condition(_name(call)))

    @command(*(f":STATus:{node}:ENABle" for node in ("MEASurement", "QUEStionable", "OPERation")))
    def _set_mask(self, call: Call) -> None:
        self._masks[_name(call)] = Whole(0, 65535).read(call.arguments, 0)

    @command(*(f":STATus:{node}:ENABle?" for node in ("MEASurement", "QUEStionable", "OPERation")))
    def _mask_query(self, call: Call) -> str:
        return self.register(self._masks[_name(call)])


def _name(call: Call) -> str:
    return next(name for name in SUMMARY_BITS if f":STAT:{name}" in call.header or f":STATUS:{name}" in call.header)
