"""`smu.source`: what is sourced, and how."""

from __future__ import annotations

from instruments.virtual.series2450tsp.attributes import FUNCTIONS, Attribute, Attributes, Spec, Table, read_only
from instruments.virtual.series2450tsp.constants import PROTECTIONS
from instruments.virtual.series2450tsp.core import CURR, VOLT, Core
from instruments.virtual.series2450tsp.kinds import FLAG, Between, OneOf

USER_DELAYS = 5
LONGEST_DELAY_SECONDS = 1e4
OFF_MODES = OneOf({"OFFMODE_NORMAL": "NORM", "OFFMODE_HIGHZ": "HIMP", "OFFMODE_ZERO": "ZERO", "OFFMODE_GUARD": "GUAR"})
PROTECTED = OneOf({"PROTECT_NONE": "NONE", **{f"PROTECT_{volts}V": f"PROT{volts}" for volts in PROTECTIONS}})
SOURCED = OneOf({FUNCTIONS[function].removeprefix("smu."): function for function in (VOLT, CURR)})


def both(pattern: str) -> dict[str, str]:
    """Return the settings of the meter for both functions; `q` stands for the function."""
    return {function: pattern.replace("q", function) for function in (VOLT, CURR)}


class Source:
    """The source of the box."""

    def __init__(self, core: Core) -> None:
        self._core = core
        delay = Between(0.0, LONGEST_DELAY_SECONDS)
        specs = [
            Spec("autodelay", "SRC_DELAY_AUTO", FLAG, both("q delay auto")),
            Spec("autorange", "SRC_RANGE_AUTO", FLAG, both("q autorange")),
            Spec("delay", "SRC_DELAY", delay, both("q delay"), after=self._delay_set),
            Spec("highc", "SRC_HIGHC", FLAG, both("q high capacitance")),
            Spec("offmode", "SRC_OFFMODE", OFF_MODES, both("q off mode")),
            Spec("readback", "SRC_READBACK", FLAG, both("q read back")),
            Spec("range", "SRC_RANGE", Between(-210.0, 210.0), both("q range")),
            Spec("level", "SRC_LEVEL", Between(-210.0, 210.0), both("q level")),
            Spec("protect.level", "SRC_PROTECT_LEVEL", PROTECTED, {VOLT: "protection"}, {CURR: "smu.PROTECT_NONE"}),
            Spec("xlimit.level", "SRC_LIMIT_LEVEL", Between(0.0, 210.0), {VOLT: "CURR limit", CURR: "VOLT limit"}),
            *(
                Spec(f"userdelay[{n}]", f"SRC_USER_DELAY_{n}", delay, default={"": 0.0})
                for n in range(1, USER_DELAYS + 1)
            ),
        ]
        self.attributes = Attributes(core, "smu.source", specs, self.present)
        self.table = self._table()

    def present(self) -> str:
        """Return what is sourced."""
        return str(self._core.get("function"))

    def switch(self, *, on: bool) -> None:
        """Switch the output."""
        self._core.set("output", str(int(on)))

    def is_on(self) -> bool:
        """Return whether the output is on."""
        return bool(self._core.get("output"))

    def _delay_set(self, function: str) -> None:
        """A delay that is set switches the automatic one off (web help, smu.source.delay)."""  # noqa: D401
        self._core.set(f"{function} delay auto", "0")

    def _table(self) -> Table:
        tree, attributes = self.attributes.tree(), self.attributes
        attributes.readings = {
            "SRC_LIMIT_TRIPPED": lambda: FLAG.shown(self._core.limited()),
            "SRC_PROTECT_TRIPPED": lambda: "smu.OFF",
        }
        limit = tree.members["xlimit"]
        for group, name in ((limit, "LIMIT"), (tree.members["protect"], "PROTECT")):
            group.members["tripped"] = read_only(attributes.readings[f"SRC_{name}_TRIPPED"], f"{group.name}.tripped")
        tree.members |= {
            "func": Attribute(
                lambda: SOURCED.shown(self.present()),
                lambda value: self._core.set("function", SOURCED.word(SOURCED.accept(value))),
            ),
            "output": Attribute(
                lambda: FLAG.shown(self.is_on()), lambda value: self._core.set("output", FLAG.word(FLAG.accept(value)))
            ),
            # names of earlier firmware, which public scripts use
            "ilimit": limit, "vlimit": limit,
            "getattribute": attributes.get_attribute, "setattribute": attributes.set_attribute,
        }  # fmt: skip
        return tree
