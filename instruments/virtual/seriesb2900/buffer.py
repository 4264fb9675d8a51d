"""What a B2900 keeps: the readings of the last sequence of every channel, and a buffer that goes on over several."""

from __future__ import annotations

from instruments.virtual.seriesb2900.shown import Shown
from labmtj.virtual.scpi_errors import SCPIError
from labmtj.virtual.scpi_table import Call, command


class Buffered(Shown):
    """A B2900 that keeps readings."""

    def reset(self) -> None:
        """Keep nothing."""
        self.readings: dict[int, list[list[float]]] = {channel: [] for channel in sorted(self.suffixes)}
        self._buffers: dict[int, list[list[float]]] = {channel: [] for channel in sorted(self.suffixes)}
        super().reset()

    def feed(self, channel: int) -> None:
        """Store the readings of a channel, as far as there is room, if that is switched on."""
        values = self.values[channel]
        if values["feed"] == "NEXT":
            room = values["buffer size"] - len(self._buffers[channel])
            self._buffers[channel].extend(self.readings[channel][:room])

    @command(":TRACe#:CLEar")
    def _clear_buffer(self, call: Call) -> None:
        self._buffers[call.channel] = []

    @command(":TRACe#:DATA?")
    def _buffered(self, call: Call) -> str:
        if not self._buffers[call.channel]:
            raise SCPIError(-230)
        return self.show([self._buffers[call.channel]], self.elements)

    @command(":SENSe#:DATA?")
    def _sensed(self, call: Call) -> str:
        if not self.readings[call.channel]:
            raise SCPIError(-230)
        return self.show([self.readings[call.channel]], self.elements)

    @command(":TRACe#:POINts:ACTual?")
    def _buffer_fill(self, call: Call) -> str:
        return str(len(self._buffers[call.channel]))
