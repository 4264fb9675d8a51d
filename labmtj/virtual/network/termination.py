"""What is connected to pads and channels for one set of closed relays; every channel sources volts or amperes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labmtj.circuit import eliminate
from labmtj.quantities import FloatArray


class Termination:
    """Cables, closed relays and inner resistances of the channels together, as the pads and the channels see them.

    Args:
        routing: (1 + ports, 1 + ports) siemens between each two of ground and ports.
        ports: (channels,) where each channel is wired.
        siemens: (channels,) of each that holds a voltage, zero of those that drive a current or are off.
    """

    def __init__(self, routing: FloatArray, ports: NDArray[np.intp], siemens: FloatArray) -> None:
        self._ports, self._siemens = ports, siemens
        count, first = len(siemens), 1 + len(siemens)
        whole = np.zeros((count + len(routing), count + len(routing)))
        whole[0, first:], whole[first:, 0], whole[first:, first:] = routing[0, 1:], routing[1:, 0], routing[1:, 1:]
        channels = np.arange(1, first)
        whole[channels, first + ports] = whole[first + ports, channels] = siemens
        self.nodal_siemens = np.diag(whole[first:].sum(axis=1)) - whole[first:, first:]
        """(ports, ports)"""
        self._between, shares = eliminate(whole, first)
        self.shares: FloatArray = shares[first:, 1:]
        """(ports, channels) volts per volt without the array; by reciprocity amperes per ampere drawn at a port"""

    def into_ports(self, volts: FloatArray, amperes: FloatArray) -> FloatArray:
        """Return the amperes into every port, (ports,), of channels that hold volts or drive amperes."""
        forced = np.zeros(len(self.shares))
        np.add.at(forced, self._ports, self._siemens * volts + amperes)
        return forced

    def channel_amperes(self, volts: FloatArray, amperes: FloatArray, line_amperes: FloatArray) -> FloatArray:
        """Return what every channel gives, (channels,), when the array draws `line_amperes`, (lines,).

        Built from what is drawn, not from the drop over a milliohm: so nothing cancels.
        """
        drawn = np.zeros(len(self.shares))
        drawn[: len(line_amperes)] = line_amperes
        np.add.at(drawn, self._ports, -amperes)
        levels = np.concatenate([[0.0], volts])
        leaking = (self._between * (levels[:, np.newaxis] - levels)).sum(axis=1)[1:]
        return np.where(self._siemens > 0, leaking + self.shares.T @ drawn, amperes)
