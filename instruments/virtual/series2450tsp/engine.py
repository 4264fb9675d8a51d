"""A 2450 in its TSP language: source, meter, buffers, trigger model and events, together."""

from __future__ import annotations

from collections.abc import Callable

from instruments.virtual.series2450tsp.attributes import Attribute, Table
from instruments.virtual.series2450tsp.buffers import Buffers, printed
from instruments.virtual.series2450tsp.configlists import ConfigLists
from instruments.virtual.series2450tsp.constants import constants
from instruments.virtual.series2450tsp.core import Core
from instruments.virtual.series2450tsp.eventlog import EventLog
from instruments.virtual.series2450tsp.events import Events
from instruments.virtual.series2450tsp.kinds import FLAG, OneOf
from instruments.virtual.series2450tsp.lines import Lines
from instruments.virtual.series2450tsp.measure import Meter
from instruments.virtual.series2450tsp.naming import NAMES, settings_of_smu, trim
from instruments.virtual.series2450tsp.numbers import AutomaticFormat
from instruments.virtual.series2450tsp.source import Source
from instruments.virtual.series2450tsp.status import status_members
from instruments.virtual.series2450tsp.sweeps import Sweeps
from instruments.virtual.series2450tsp.trigger_model import TriggerModel
from labmtj.virtual.tsp.clock import Remote
from labmtj.virtual.tsp.complaints import TOO_FEW_PARAMETERS, Complaint
from labmtj.virtual.tsp.config_script import config_script
from labmtj.virtual.tsp.engine import Engine, Nature
from labmtj.virtual.tsp.tree import Group, Members, Reading, Setting, number, text

FIRMWARE = "1.7.5"  # from memory, unverified
OWN = ("digio", "display", "printbuffer", "status", "timer", "trigger", "tsplink")
FIRST_NODE = 2.0  # 2450 reference (web help), tsplink.node
TERMINALS = OneOf({"TERMINALS_FRONT": "FRON", "TERMINALS_REAR": "REAR"})
PROMPTS = OneOf({"DISABLE": 0.0, "ENABLE": 1.0}, "localnode")


def build(remote: Remote, identity: str, serial: str, line_hertz: float) -> Engine:
    """Return the engine of a 2450."""
    engine = Engine(Nature("2450", identity, serial, FIRMWARE, line_hertz), remote)
    log = EventLog(engine.utc_seconds)
    engine.errors, engine.format = log, AutomaticFormat()
    core, events = Core(remote), Events(engine.clock)
    engine.triggered = events.command
    buffers = Buffers(lambda seconds: engine.utc_at_zero + seconds, engine.clock.now)
    source = Source(core)
    meter = Meter(core, source, buffers.chosen)
    source_lists = ConfigLists(source.attributes, lambda function: core.set("function", function))
    meter_lists = ConfigLists(meter.attributes, core.measure)
    source_lists.partner, meter_lists.partner = meter_lists, source_lists
    digital = Lines("digio", 6, "MODE_DIGITAL_IN", high=False)
    link = Lines("tsplink", 3, "MODE_DIGITAL_OPEN_DRAIN", high=True)
    model = TriggerModel(engine, events, source, meter, (source_lists, meter_lists), digital.write_port, log.note)
    source.table.members |= {"configlist": source_lists.group, **Sweeps(source, source_lists, model.replace).members()}
    meter.table.members["configlist"] = meter_lists.group

    def reset_smu() -> None:
        core.reset()
        source.attributes.reset()
        meter.reset()

    saved = engine.root.members["script"].members["user"].members["catalog"]
    trim(engine)
    link_members = {**engine.root.members["tsplink"].members, **link.members()}
    status = {**engine.root.members["status"].members, **status_members(engine.common)}
    for name in OWN:  # whose tables are of another kind
        del engine.root.members[name]
    engine.extend(
        {
            "smu": _smu(core, source, meter, reset_smu),
            **buffers.members(),
            "eventlog": log.group,
            "trigger": Group("trigger", {**events.members, "model": model.group}),
            "digio": Group("digio", digital.members()),
            "tsplink": Group("tsplink", link_members),
            "status": Group("status", status),
            **_language(engine),
            "script": Group("script", {"catalog": saved}),
            "display": _display(buffers),
        }
    )
    _local(engine)
    engine.root.members["format"] = engine.format.group
    engine.sandbox.expose({"format": engine.format.group})
    engine.extend({table: Group(table, names) for table, names in constants().items()})
    engine.complete(NAMES)
    engine.resets += [
        model.reset, reset_smu, buffers.reset, source_lists.reset, meter_lists.reset, events.reset, digital.reset,
        link.reset,
    ]  # fmt: skip
    return engine


def _smu(core: Core, source: Source, meter: Meter, reset: Callable[[], None]) -> Group:
    terminals = Attribute(
        lambda: TERMINALS.shown(core.get("terminals")),
        lambda value: core.set("terminals", TERMINALS.word(TERMINALS.accept(value))),
    )
    meter.table.members["terminals"] = terminals  # the name of earlier firmware, which public scripts use
    enabled = Setting("smu.OFF", FLAG.accept, kept=True)
    interlock = {"enable": enabled, "tripped": Reading(lambda: FLAG.shown(not core.interlocked()))}
    return Table(
        "smu",
        {
            "source": source.table, "measure": meter.table, "terminals": terminals, "reset": reset,
            "interlock": Group("smu.interlock", interlock),
            **source.attributes.constants(), **meter.attributes.constants(),
            "ATTR_SRC_FUNCTION": "smu.ATTR_SRC_FUNCTION", "ATTR_MEAS_FUNCTION": "smu.ATTR_MEAS_FUNCTION",
        },
    )  # fmt: skip


def _language(engine: Engine) -> Members:
    """Return what this box has of the language otherwise than its elders."""
    began = [0.0]

    def print_buffer(*parameters: object) -> None:
        if len(parameters) < 3:
            raise Complaint(TOO_FEW_PARAMETERS, "expected at least 3 parameters")
        first, last = int(number(parameters[0])), int(number(parameters[1]))
        rows = zip(*(each.values(first, last) for each in printed(parameters[2:])), strict=True)
        shown = [value for row in rows for value in row]
        if all(isinstance(value, float) for value in shown):
            engine.put(engine.format.numbers(value for value in shown if isinstance(value, float)))
        else:
            engine.put(", ".join(map(engine.format.text, shown)))

    def clear_time() -> None:
        began[0] = engine.clock.now()

    def create_script(name: object) -> None:
        engine.scripts.keep(text(name), config_script(engine.root, settings_of_smu(engine.root)))

    timer = {"cleartime": clear_time, "gettime": lambda: engine.clock.now() - began[0]}
    return {
        "printbuffer": print_buffer, "timer": Group("timer", timer), "createconfigscript": create_script,
    }  # fmt: skip


def _local(engine: Engine) -> None:
    """Have the box say of itself what a 2450 says."""
    prompting = engine.root.members["localnode"].members["prompts"]

    def accept(value: object) -> str:
        return PROMPTS.accept(f"localnode.{'ENABLE' if value else 'DISABLE'}" if value in (0, 1) else value)

    def switched() -> None:
        prompting.value = PROMPTS.words[prompts.value.rpartition(".")[2]]

    prompts = Setting("localnode.DISABLE", accept, switched, kept=True)
    local = engine.root.members["localnode"]
    node = engine.root.members["tsplink"].members["node"]
    node.default = node.value = FIRST_NODE
    engine.root.members["node"].members[1] = local  # a box that is alone also answers as the first
    local.members |= {
        "prompts": prompts,
        "linefreq": engine.nature.line_hertz, "version": engine.nature.firmware,
        "gettime": lambda: float(int(engine.utc_seconds())), "settime": lambda *_: None,
    }  # fmt: skip


def _display(buffers: Buffers) -> Group:
    def choose(given: object) -> None:
        buffers.active = buffers.chosen(given)

    return Table("display", {"activebuffer": Attribute(lambda: buffers.active, choose)})
