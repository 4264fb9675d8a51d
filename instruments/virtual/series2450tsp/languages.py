"""A 2450 that speaks one of its languages: which one counts from power-on, as `*LANG` has left it (manual B-5)."""

from __future__ import annotations

from instruments.virtual.keithley2450tsp import Keithley2450Scripts
from instruments.virtual.series2450.readings import Measuring
from labmtj.virtual.network.terminals import Box

LANGUAGES = ("SCPI", "TSP", "SCPI2400")


class TwoLanguages(Measuring):
    """What decides where a message goes; settings, source and meter are the same for both languages."""

    _scripts: Keithley2450Scripts | None = None

    def __init__(self, box: Box) -> None:
        self.language = box.language or LANGUAGES[0]
        """that counts from the next power-on"""
        super().__init__(box)

    def power_cycle(self) -> None:
        """Be as after power-on, in the language that was chosen last."""
        self._end_scripts()
        super().power_cycle()
        if self.language == "TSP":
            self._scripts = Keithley2450Scripts(self)

    def handle(self, message: str) -> str | None:
        """Do what a message says, in the present language."""
        if self._scripts is None:
            return super().handle(message)
        command, _, chosen = message.strip().upper().partition(" ")
        if command == "*LANG?":
            return self.language
        if command == "*LANG" and chosen.strip() in LANGUAGES:
            self.language = chosen.strip()
            return None
        return self._scripts.handle(message)

    def interrupt(self, message: str) -> bool:
        """End what runs if the message says so."""
        return super().interrupt(message) if self._scripts is None else self._scripts.interrupt(message)

    def status_byte(self) -> int:
        """Return the status byte."""
        return super().status_byte() if self._scripts is None else self._scripts.status_byte()

    def device_clear(self) -> None:
        """End what runs; settings stay."""
        super().device_clear()
        if self._scripts is not None:
            self._scripts.device_clear()

    def close(self) -> None:
        """End the helper process."""
        super().close()
        self._end_scripts()

    def _end_scripts(self) -> None:
        if self._scripts is not None:
            self._scripts.close()
            self._scripts = None
