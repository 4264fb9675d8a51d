"""From a bench file to a virtual bench: boxes of every brand on the terminals of one network, with the chip in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labmtj.bench.files.laboratory import InstrumentFile, VirtualFile
from labmtj.bench.files.simulated import crossbar_of
from labmtj.bench.files.wiring import Channel, wiring_of
from labmtj.bench.files.wiring import Column as BenchColumn
from labmtj.bench.files.wiring import Wiring as BenchWiring
from labmtj.bench.session.sessions import driver_class
from labmtj.dottednames import CannotLoad
from labmtj.errors import SettingError, UsageError
from labmtj.extras import what_is_missing
from labmtj.plugins import named
from labmtj.virtual.network.line_noise import LineNoise
from labmtj.virtual.network.network import Network
from labmtj.virtual.network.terminals import VirtualInstrument
from labmtj.virtual.network.wiring import ChannelName, Column, Ground, Line, Link, MatrixPlan, Row, Wire, Wiring

GROUND_PORT = 12
"""the row that a matrix with a ground mode grounds open lines through, unless its options name another"""


@dataclass(frozen=True)
class VirtualBench:
    """Instruments by name, and the network between them."""

    file: VirtualFile
    network: Network
    instruments: Mapping[str, VirtualInstrument]
    chip: str
    """name of the simulated chip: with the seed of the file it names every random number of its cells"""

    def close(self) -> None:
        """End what the instruments have started."""
        for instrument in self.instruments.values():
            instrument.close()


def assemble(file: VirtualFile, *, record: bool = False) -> VirtualBench:
    """Build the virtual counterpart of a bench.

    Args:
        file: the virtual bench; the chip is the first of a campaign on its first array.
        record: whether the network keeps what the pads see (for tests: it grows).

    Raises:
        SettingError: for an instrument that has no virtual counterpart, or a card that it does not take.
    """
    classes = {name: virtual_class(name, each) for name, each in file.of.instruments.items()}
    array = next(iter(file.arrays.values()))
    chip = f"{array.name}-0a"
    crossbar = crossbar_of(array, seed=file.seed, name=chip)
    noise = LineNoise(crossbar.array.cells, file.seed, chip) if file.noise else None
    wiring = _wiring(file, wiring_of(file.of), classes)
    network = Network(crossbar.array, wiring, noise=noise, realtime_factor=file.realtime_factor)
    network.seen_by_pads = [] if record else None
    instruments: dict[str, VirtualInstrument] = {}
    try:
        for number, (name, virtual) in enumerate(classes.items(), 1):
            instruments[name] = virtual(
                network.box(
                    name,
                    f"{4300000 + number}",
                    cards=file.of.instruments[name].cards,
                    seed=file.seed,
                    noise=file.noise,
                    language=file.languages.get(name, ""),
                )
            )
    except BaseException:
        for started in instruments.values():
            started.close()
        raise
    return VirtualBench(file, network, instruments, chip)


def virtual_class(name: str, instrument: InstrumentFile) -> Any:
    """Return the virtual instrument of a driver: of its name among the plug-ins, or its class under `virtual`.

    Raises:
        SettingError: if the driver has no virtual counterpart.
    """
    driver, virtual = instrument.driver, ""
    if "." in driver:
        module, _, class_name = driver.rpartition(".")
        package, _, brand = module.rpartition(".")
        virtual = f" {package}.virtual.{brand}.{class_name}"
    try:
        return named("labmtj.virtual", virtual.strip() or driver, lambda found: hasattr(found, "power_cycle"))
    except CannotLoad as error:
        if missing := what_is_missing(error.__cause__):
            problem = f"the virtual {driver.rpartition('.')[2]} {missing}"
        else:
            driver_class(name, instrument)  # misspelt, more likely
            problem = f"{driver} has no virtual counterpart{virtual}: {error}"
        raise SettingError(("instruments", name, "driver"), problem) from None


# -- what is connected to what -----------------------------------------------------------------------------------------


def _wiring(file: VirtualFile, bench: BenchWiring, classes: Mapping[str, Any]) -> Wiring:
    cables = file.cables
    matrices = {
        name: MatrixPlan(
            _geometry(name, classes[name], each.cards), cables.relay_ohms, leakage_siemens=1 / cables.relay_leak_ohms
        )
        for name, each in file.of.instruments.items()
        if hasattr(classes[name], "geometry")
    }
    lines: list[Wire | None] = []
    for line in bench.lines:
        match line.end:
            case BenchColumn(matrix, slot, number):
                lines.append(Wire(Column(matrix, slot, number), cables.series_ohms))
            case Channel():
                lines.append(None)
            case None:
                lines.append(Wire(Ground(), cables.series_ohms))
    return Wiring(
        tuple(lines), _channels(bench, classes, cables.series_ohms), matrices, tuple(_links(file, bench, matrices))
    )


def _geometry(name: str, matrix: Any, cards: Mapping[int, str]) -> dict[int, tuple[int, int]]:
    try:
        return dict(matrix.geometry(cards))
    except UsageError as error:
        raise SettingError(("instruments", name, "cards"), str(error)) from None


def _channels(bench: BenchWiring, classes: Mapping[str, Any], series_ohms: float) -> dict[ChannelName, Wire | None]:
    """Return every channel of every unit with the bus or pad it is wired to, None for one that is not in use."""
    found: dict[ChannelName, Wire | None] = {
        (unit, channel): None
        for unit, virtual in classes.items()
        if hasattr(virtual, "channel_names")
        for channel in virtual.channel_names()
    }
    for bus in bench.buses:
        if bus.channel is not None:
            found[bus.channel] = Wire(Row(_matrix_of(bench), bus.row))
    for number, line in enumerate(bench.lines):
        if isinstance(line.end, Channel):
            found[line.end] = Wire(Line(number), series_ohms)
    return found


def _matrix_of(bench: BenchWiring) -> str:
    """Return the first matrix; buses are joined from matrix to matrix."""
    return _matrices_of(bench)[0]


def _matrices_of(bench: BenchWiring) -> list[str]:
    return list(dict.fromkeys(line.end.matrix for line in bench.lines if isinstance(line.end, BenchColumn)))


def _links(file: VirtualFile, bench: BenchWiring, matrices: Mapping[str, MatrixPlan]) -> list[Link]:
    """Return what ties buses and inputs of a ground mode to ground, and the same bus of several matrices together."""
    names = _matrices_of(bench)
    grounded = [Link(Row(names[0], bus.row), Ground()) for bus in bench.buses if bus.ground]
    joined = [Link(Row(names[0], bus.row), Row(other, bus.row)) for bus in bench.buses for other in names[1:]]
    assert all(name in matrices for name in names), "a line ends on a matrix"
    modes = [
        Link(Row(name, int(each.options.get("ground_port", GROUND_PORT))), Ground())
        for name, each in file.of.instruments.items()
        if each.options.get("ground_mode")
    ]
    return grounded + modes + joined
