"""Channels without a relay, as a 3750 has them: digital lines, totalizers and analogue outputs.

Nothing is wired to them in the virtual network: an output reads back what was written, an input is what it is left at.
After the Series 3700A reference (web help), channel.setmode and its relatives; numbers of modes beyond the defaults
given there are from memory, unverified.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from instruments.virtual.tspmatrix.cards import Kind
from instruments.virtual.tspmatrix.matrix import Matrix
from instruments.virtual.tspmatrix.names import BAD_CHANNEL
from labmtj.virtual.network.terminals import Crosspoint
from labmtj.virtual.tsp.complaints import INVALID_PARAMETER, Complaint
from labmtj.virtual.tsp.tree import Members, number, one_of, switch, whole

MODES = {
    "MODE_INPUT": 0, "MODE_OUTPUT": 1, "MODE_PROTECT_OUTPUT": 33,
    "MODE_FALLING_EDGE": 0, "MODE_RISING_EDGE": 1, "MODE_FALLING_TTL_EDGE": 2, "MODE_RISING_TTL_EDGE": 3,
    "MODE_VOLTAGE_1": 1, "MODE_CURRENT_1": 2, "MODE_CURRENT_2": 3,
    "MODE_PROTECT_VOLTAGE_1": 49, "MODE_PROTECT_CURRENT_1": 50, "MODE_PROTECT_CURRENT_2": 51,
}  # fmt: skip
MATCHES = {"MATCH_NONE": 0, "MATCH_EXACT": 1, "MATCH_ANY": 2, "MATCH_NOT_EXACT": 3}
INDICATORS = {"IND_CLOSED": 1, "IND_OVERLOAD": 2, "IND_MATCH": 4, "IND_OVERFLOW": 8}
LATCHED = 14
DEFAULT_MODE = {Kind.DIGITAL: 0, Kind.TOTALIZER: 3, Kind.DAC: 49}
TAKEN_MODES = {Kind.DIGITAL: (0, 1, 33), Kind.TOTALIZER: tuple(range(8)), Kind.DAC: (1, 2, 3, 49, 50, 51)}
DIGITAL, ALL_BITS = (Kind.DIGITAL,), 0xFFFFFFFF
COUNTED = (Kind.DIGITAL, Kind.TOTALIZER)
PORTS = (Kind.DIGITAL, Kind.TOTALIZER, Kind.DAC)
OUTPUT_MODES = (1, 33)


@dataclass
class Port:
    """What is known of one channel."""

    mode: int
    value: float = 0.0
    match: int = 0
    mask: int = ALL_BITS
    match_type: int = 0
    enabled: int = 0
    powered: int = 1
    latched: int = LATCHED


class Ports:
    """All channels of a mainframe that are no relays."""

    def __init__(self, matrix: Matrix) -> None:
        self._names = matrix.names
        self._ports: dict[Crosspoint, Port] = {}

    def reset(self) -> None:
        """Bring every port to its default."""
        self._ports.clear()

    def reset_channels(self, channels: Iterable[Crosspoint]) -> None:
        """Bring some ports to their defaults."""
        for each in channels:
            self._ports.pop(each, None)

    def step(self, channel: Crosspoint, value: float | None, width: int) -> Callable[[], None] | None:
        """Return what a step of a scan does with a channel: it writes or reads; None for a relay."""
        if self._names.kind(channel) not in PORTS:
            return None
        if value is None:
            return lambda: None
        return lambda: self._put(channel, value, width)

    def _chosen(self, given: object, kinds: tuple[Kind, ...]) -> list[tuple[Crosspoint, Port]]:
        """Return the ports of a list; in a range or slot others are passed over, elsewhere they are an error."""
        found: list[tuple[Crosspoint, Port]] = []
        for item in self._names.split(given):
            (channels,) = self._names.items(item, groups=True)
            for channel in channels:
                kind = self._names.kind(channel)
                if kind in kinds:
                    found.append((channel, self._ports.setdefault(channel, Port(DEFAULT_MODE[kind]))))
                elif not self._names.is_group(item):
                    name = self._names.text(channel)
                    raise Complaint(BAD_CHANNEL, f"parameter 1 is invalid: not supported by channel {name}")
        if not found:
            raise Complaint(BAD_CHANNEL, "parameter 1 is invalid: the list has no channel that supports this")
        return found

    def _asked(self, read: Callable[[Port], object], kinds: tuple[Kind, ...]) -> Callable[[object], str]:
        return lambda given: ",".join(str(read(port)) for _, port in self._chosen(given, kinds))

    def _set_mode(self, given: object, mode: object = None) -> None:
        chosen = self._chosen(given, PORTS)
        kinds = {self._names.kind(channel) for channel, _ in chosen}
        if len(kinds) > 1:
            raise Complaint(INVALID_PARAMETER, "parameter 1 is invalid: all channels must be of one kind")
        wanted = int(one_of(*TAKEN_MODES[kinds.pop()])(mode))
        for _, port in chosen:
            port.mode, port.enabled = wanted, 0

    def _set_match(self, given: object, value: object = None, mask: object = ALL_BITS, width: object = 1) -> None:
        wanted, bits = int(number(value)), int(number(mask))
        whole(1, 4)(width)
        for _, port in self._chosen(given, COUNTED):
            port.match, port.mask = wanted, bits

    def _set_match_type(self, given: object, kind: object = None) -> None:
        wanted = int(one_of(*MATCHES.values())(kind))
        for _, port in self._chosen(given, COUNTED):
            port.match_type = wanted

    def _set_enable(self, given: object, state: object = None) -> None:
        wanted = int(switch(state))
        for _, port in self._chosen(given, (Kind.DAC,)):
            port.enabled = wanted

    def _set_power(self, given: object, state: object = None) -> None:
        wanted = int(switch(state))
        for _, port in self._chosen(given, (Kind.TOTALIZER, Kind.DAC)):
            port.powered = wanted

    def _set_latch(self, given: object, mask: object = None) -> None:
        wanted = int(whole(0, 15)(mask))
        for _, port in self._chosen(given, PORTS):
            port.latched = wanted

    def _reset_latch(self, given: object, state: object = None) -> None:
        whole(0, 15)(state)
        self._chosen(given, PORTS)

    def _write(self, given: object, value: object = None, width: object = 1) -> None:
        written, wide = number(value), int(whole(1, 4)(width))
        for channel, _ in self._chosen(given, PORTS):
            self._put(channel, written, wide)

    def _put(self, channel: Crosspoint, value: float, width: int) -> None:
        kind = self._names.kind(channel)
        if kind is not Kind.DIGITAL:
            self._port(channel).value = value
            return
        outputs = [(port, 8 * index) for index, port in enumerate(self._wide(channel, width))]
        for port, shift in outputs:
            if port.mode in OUTPUT_MODES:
                port.value = float(int(value) >> shift & 0xFF)

    def _read(self, given: object, width: object = 1, buffer: object = None) -> str:
        if buffer is not None:
            raise Complaint(INVALID_PARAMETER, "parameter 3 is invalid: a reading buffer of the multimeter is expected")
        wide = int(whole(1, 4)(width))
        return ",".join(f"{self._value(channel, wide):.6e}" for channel, _ in self._chosen(given, PORTS))

    def _value(self, channel: Crosspoint, width: int) -> float:
        if self._names.kind(channel) is not Kind.DIGITAL:
            return self._port(channel).value
        return float(sum(int(port.value) << 8 * index for index, port in enumerate(self._wide(channel, width))))

    def _port(self, channel: Crosspoint) -> Port:
        return self._ports.setdefault(channel, Port(DEFAULT_MODE[self._names.kind(channel)]))

    def _wide(self, channel: Crosspoint, width: int) -> list[Port]:
        """Return a digital channel and those after it that are read or written along."""
        slot, row, first = channel
        columns = range(first, min(first + width, self._names.cards[slot].columns + 1))
        places = [(slot, row, column) for column in columns]
        return [self._port(each) for each in places if self._names.kind(each) is Kind.DIGITAL]

    def members(self) -> Members:
        """Return what is in the `channel` table."""
        return {
            **MODES, **MATCHES, **INDICATORS, "ALL": 15,
            "setmode": self._set_mode, "getmode": self._asked(lambda port: port.mode, PORTS),
            "setmatch": self._set_match, "getmatch": self._asked(lambda port: port.match, COUNTED),
            "setmatchtype": self._set_match_type, "getmatchtype": self._asked(lambda port: port.match_type, COUNTED),
            "setoutputenable": self._set_enable, "getoutputenable": self._asked(lambda port: port.enabled, (Kind.DAC,)),
            "setpowerstate": self._set_power,
            "getpowerstate": self._asked(lambda port: port.powered, (Kind.TOTALIZER, Kind.DAC)),
            "setstatelatch": self._set_latch, "getstatelatch": self._asked(lambda port: port.latched, PORTS),
            "resetstatelatch": self._reset_latch, "write": self._write, "read": self._read,
        }  # fmt: skip
