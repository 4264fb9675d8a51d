"""A TSP matrix in the helper process: the language, its channels, scans and slots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from instruments.virtual.tspmatrix.calibration import Calibration
from instruments.virtual.tspmatrix.cards import CARDS_707, CARDS_3706
from instruments.virtual.tspmatrix.channel_triggers import CHANNEL_TRIGGERS, ChannelTrigger, alarms
from instruments.virtual.tspmatrix.channels import Channels
from instruments.virtual.tspmatrix.matrix import Matrix
from instruments.virtual.tspmatrix.names import Names
from instruments.virtual.tspmatrix.patterns import Patterns
from instruments.virtual.tspmatrix.ports import Ports
from instruments.virtual.tspmatrix.scan import Scan
from instruments.virtual.tspmatrix.slots import slot_table
from labmtj.virtual.network.terminals import Crosspoint
from labmtj.virtual.tsp.clock import Remote
from labmtj.virtual.tsp.config_script import config_script
from labmtj.virtual.tsp.engine import Engine, Nature
from labmtj.virtual.tsp.names import SHARED
from labmtj.virtual.tsp.tree import Group, Members, text
from labmtj.virtual.tsp.triggers import BLENDED, BLENDERS, LINES, TIMERS

SLOTS = {"707B": 6, "708B": 1, "3706A": 6}
FIRST_NODE = 2.0  # Series 3700A reference (web help), tsplink.node
MOST_SLOTS = max(SLOTS.values())
NAMES = Path(__file__).with_name("names.tsv")
ONLY_3706 = frozenset({"ptp", "schedule", "calibration", "trigger"})
"""groups of the table that a 707B lacks [assumed]"""
LIMITS = {
    "MAX_TIMERS": TIMERS, "MAX_DIO_LINES": LINES["digio"], "MAX_TSPLINK_TRIGS": LINES["tsplink"],
    "MAX_BLENDERS": BLENDERS, "MAX_BLENDER_INPUTS": BLENDED, "MAX_LAN_TRIGS": LINES["lan"],
    "MAX_CHANNEL_TRIGS": CHANNEL_TRIGGERS,
}  # fmt: skip


def build(remote: Remote, model: str, serial: str, line_hertz: float, cards: Mapping[str, str]) -> Engine:
    """Return the engine of a 707B, a 708B or a 3706A."""
    is_3706 = model == "3706A"
    firmware = "01.55a" if is_3706 else "1.03"  # the first as recorded, the second from memory
    maker = "KEITHLEY INSTRUMENTS INC.,MODEL 3706A," if is_3706 else f"Keithley Instruments Inc., Model {model}, "
    identity = f"{maker}{serial},{firmware}" if is_3706 else f"{maker}{serial}, {firmware}"
    engine = Engine(Nature(model, identity, serial, firmware, line_hertz), remote)
    known = CARDS_3706 if is_3706 else CARDS_707
    fitted = {int(slot): card for slot, card in cards.items()}
    names = Names({slot: known[card] for slot, card in fitted.items()}, letters=not is_3706)
    engine.extend({"channel": _channel(engine, names), **_mainframe(engine, fitted)})
    slots = slot_table(fitted, known, MOST_SLOTS, backplane=is_3706)
    engine.extend({"slot": slots})
    if is_3706:
        engine.extend({"channel": Group("channel", _only_3706(engine, names)), **alarms(engine.triggers)})
    engine.complete(SHARED)
    engine.complete(NAMES, absent=frozenset() if is_3706 else ONLY_3706)
    for slot in range(SLOTS[model] + 1, MOST_SLOTS + 1):  # the table has the slots of the largest
        slots.members.pop(slot, None)
    _as_on_a_matrix(engine)
    return engine


def _as_on_a_matrix(engine: Engine) -> None:
    """Change what is otherwise on a matrix: its first number on a TSP-Link, and what a reset does to blenders."""
    nodes, link = engine.root.members["node"], engine.root.members["tsplink"]
    nodes.members[1] = engine.root.members["localnode"]  # a box that is alone also answers as the first
    number_of = link.members["node"]
    number_of.default = number_of.value = FIRST_NODE
    for blender in engine.triggers.blenders:
        for stimulus in blender.group.members["stimulus"].settings():
            stimulus.kept = False


def _channel(engine: Engine, names: Names) -> Group:
    """Return the `channel` table; the scan that belongs to it, and the script of settings, become globals."""
    matrix = Matrix(engine, names)
    ports = Ports(matrix)
    scan = Scan(engine, matrix, ports.step)

    def changed(channels: Iterable[Crosspoint]) -> None:
        scan.changed(channels)
        ports.reset_channels(channels)

    channels = Channels(engine, matrix, changed)
    engine.resets += [scan.reset, matrix.reset, channels.reset, ports.reset]

    def create_script(name: object) -> None:
        engine.scripts.keep(text(name), config_script(engine.root, channels.settings()))

    engine.extend({"scan": scan.group, "createconfigscript": create_script})
    return Group("channel", {**ports.members(), **channels.members(), "pattern": Patterns(matrix).group})


def _only_3706(engine: Engine, names: Names) -> Members:
    """Return what the `channel` table of a 3706A has in addition."""
    triggers = {
        place: ChannelTrigger(engine.triggers, names, f"channel.trigger[{place}]")
        for place in range(1, CHANNEL_TRIGGERS + 1)
    }
    engine.resets += [each.reset for each in triggers.values()]
    groups = {place: each.group for place, each in triggers.items()}
    return {"trigger": Group("channel.trigger", dict(groups)), "calibration": Calibration(names).group}


def _mainframe(engine: Engine, fitted: Mapping[int, str]) -> Members:
    """Return what a mainframe says of itself; the rest of it is in the table of names."""
    cards = ",".join(f"{slot}:{model}" for slot, model in sorted(fitted.items()))
    return {
        "localnode": Group(
            "localnode",
            {
                "define": Group("localnode.define", LIMITS),
                "OFF": 0, "ON": 1, "PASSWORD_NONE": 0, "PASSWORD_WEB": 1, "PASSWORD_LAN": 2, "PASSWORD_ALL": 3,
            },
        ),
        "display": Group("display", {"MAIN": 0, "USER": 1, "UNLOCK": 0, "LOCK": 1}),
        "setup": Group("setup", {"cards": lambda _file="": cards}),
        "ptp": Group("ptp", {"OFF": 0, "ON": 1, "time": lambda: _seconds(engine.clock.now())}),
    }  # fmt: skip


def _seconds(seconds: float) -> tuple[float, float]:
    """Return whole seconds and the rest."""
    whole, rest = divmod(seconds, 1.0)
    return whole, rest
