"""What boxes of the 2600B's age have in addition to meters: a front panel, and TSP-Net, where no other box answers."""

from __future__ import annotations

from labmtj.virtual.tsp.complaints import Complaint
from labmtj.virtual.tsp.stores import catalog
from labmtj.virtual.tsp.tree import Group, Members, number, text, whole

ROWS, COLUMNS = 2, 20
NO_MENU, SAME_MENU = 1108, 1109
NO_CONNECTION, NO_SUCH_CONNECTION = 2411, 2400
NEEDS_CONNECTION = ("clear", "disconnect", "execute", "idn", "read", "readavailable", "termination", "write")


KEYS = {
    "KEY_NONE": 0, "KEY_UP": 97, "KEY_RANGEUP": 65, "KEY_MODEA": 66, "KEY_RELA": 67, "KEY_MENU": 68, "KEY_MODEB": 69,
    "KEY_RELB": 70, "KEY_LIMITB": 72, "KEY_SPEEDB": 73, "KEY_TRIG": 74, "KEY_FILTERA": 75, "KEY_EXIT": 76,
    "KEY_FILTERB": 77, "KEY_STORE": 78, "KEY_RECALL": 79, "KEY_CONFIG": 80, "KEY_RANGEDOWN": 81, "KEY_ENTER": 82,
    "KEY_LOAD": 84, "KEY_RUN": 85, "KEY_DISPLAY": 86, "KEY_AUTO": 87, "KEY_OUTPUTA": 88, "KEY_OUTPUTB": 89,
    "KEY_SRCA": 90, "KEY_SRCB": 91, "KEY_LIMITA": 93, "KEY_SPEEDA": 94, "KEY_LEFT": 104, "KEY_RIGHT": 103,
    "KEY_DOWN": 105, "WHEEL_ENTER": 97, "WHEEL_LEFT": 107, "WHEEL_RIGHT": 114,
}  # fmt: skip
"""numbers from memory, unverified"""
TERMINATIONS = {"TERM_LF": 1, "TERM_CR": 2, "TERM_CRLF": 3, "TERM_LFCR": 4}


class Panel:
    """The display: it keeps the text that a script writes, and its menus; no user presses a key."""

    def __init__(self) -> None:
        self._text = ""
        self._cursor = (1.0, 1.0, 0.0)
        self._menus: dict[str, str] = {}

    def members(self) -> Members:
        """Return what a script calls."""
        menus = {"add": self._add, "delete": self._delete, "catalog": lambda: catalog(list(self._menus))}
        return {
            **KEYS, "clear": self._clear, "settext": self._write, "gettext": lambda *_: self._text,
            "setcursor": self._move, "getcursor": lambda: self._cursor, "loadmenu": Group("display.loadmenu", menus),
        }  # fmt: skip

    def _clear(self) -> None:
        self._text, self._cursor = "", (1.0, 1.0, 0.0)

    def _write(self, shown: object) -> None:
        self._text = (self._text + text(shown))[: ROWS * COLUMNS]

    def _move(self, row: object, column: object, style: object = 0) -> None:
        self._cursor = (whole(1, ROWS)(row), whole(1, COLUMNS)(column), number(style))

    def _add(self, name: object, code: object, _: object = 0) -> None:
        if text(name) in self._menus:
            raise Complaint(SAME_MENU, "Menu name already exists")
        self._menus[str(name)] = text(code)

    def _delete(self, name: object) -> None:
        if text(name) not in self._menus:
            raise Complaint(NO_MENU, "Menu name does not exist")
        del self._menus[str(name)]


def tspnet() -> Group:
    """Return the table that reaches other instruments: there are none."""

    def connect(_: object, *__: object) -> None:
        raise Complaint(NO_CONNECTION, "TSPnet connection failed")

    def refuse(*_: object) -> None:
        raise Complaint(NO_SUCH_CONNECTION, "Invalid specified connection")

    others = dict.fromkeys(("abort", "rbtablecopy", "runscript"), refuse)
    members = {"connect": connect, "reset": lambda: None, "tsp": Group("tspnet.tsp", others)}
    return Group("tspnet", TERMINATIONS | members | dict.fromkeys(NEEDS_CONNECTION, refuse))
