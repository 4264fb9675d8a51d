"""A TSP matrix in the helper process: the language, its channels, scans and slots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from instruments.virtual.tspmatrix.cards import CARDS_707, CARDS_3706
from instruments.virtual.tspmatrix.channels import Channels
from instruments.virtual.tspmatrix.matrix import Matrix
from instruments.virtual.tspmatrix.names import Names
from instruments.virtual.tspmatrix.patterns import Patterns
from instruments.virtual.tspmatrix.ports import Ports
from instruments.virtual.tspmatrix.scan import Scan
from instruments.virtual.tspmatrix.slots import slot_table
from labmtj.virtual.terminals import Crosspoint
from labmtj.virtual.tsp.clock import Remote
from labmtj.virtual.tsp.engine import Engine, Nature
from labmtj.virtual.tsp.names import SHARED
from labmtj.virtual.tsp.tree import Group, Members, Reading, Setting, number, truth

SLOTS = {"707B": 6, "708B": 1, "3706A": 6}


def build(remote: Remote, model: str, serial: str, line_hertz: float, cards: Mapping[str, str]) -> Engine:
    """Return the engine of a 707B, a 708B or a 3706A."""
    is_3706 = model == "3706A"
    firmware = "01.55a" if is_3706 else "1.03"  # the first as recorded, the second from memory
    maker = "KEITHLEY INSTRUMENTS INC.,MODEL 3706A," if is_3706 else f"Keithley Instruments Inc., Model {model}, "
    identity = f"{maker}{serial},{firmware}" if is_3706 else f"{maker}{serial}, {firmware}"
    engine = Engine(Nature(model, identity, serial, firmware, line_hertz), remote)
    known = CARDS_3706 if is_3706 else CARDS_707
    fitted = {int(slot): card for slot, card in cards.items()}
    matrix = Matrix(engine, Names({slot: known[card] for slot, card in fitted.items()}, letters=not is_3706))
    ports = Ports(matrix)
    scan = Scan(engine, matrix, ports.step, lambda _event: None)

    def changed(channels: Iterable[Crosspoint]) -> None:
        scan.changed(channels)
        ports.reset_channels(channels)

    channels = Channels(engine, matrix, changed)
    group = Group("channel", {**ports.members(), **channels.members(), "pattern": Patterns(matrix).group})
    engine.resets += [scan.reset, matrix.reset, channels.reset, ports.reset, group.reset]
    slots = slot_table(fitted, known, SLOTS[model], backplane=is_3706)
    engine.resets.append(slots.reset)
    engine.extend({"channel": group, "scan": scan.group, "slot": slots, **_mainframe()})
    engine.complete(SHARED)
    return engine


def _mainframe() -> Members:
    """Return what public drivers also ask a mainframe for."""
    return {
        "memory": Group("memory", {"available": lambda: "94.10,98.20", "used": lambda: "5.90,1.80"}),
        "gpib": Group("gpib", {"address": Setting(16.0, number)}),
        "comm": Group(
            "comm",
            {name: Group(f"comm.{name}", {"enable": Setting(default=True, accept=truth)}) for name in ("gpib", "lan")},
        ),
        "lan": Group(
            "lan",
            {
                "reset": lambda: None,
                "status": Group("lan.status", {"ipaddress": Reading(lambda: "127.0.0.1")}),
            },
        ),
    }
