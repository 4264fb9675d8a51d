"""What goes wrong on a wire, on purpose: a layer around a virtual instrument that spoils chosen answers.

Fault("late", at=3, argument="0.5")          the third message from now is answered half a second late
Fault("dropped", match=":READ?")             the next message that holds `:READ?` ends the connection
fault("smu:late:3:0.5")                      the same for the command line, with the name of the instrument
fault("smu:dropped:/:READ?/")
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast, get_args

from labmtj.errors import UsageError
from labmtj.virtual.network.terminals import VirtualInstrument
from labmtj.virtual.server.exchange import LinkDropped, Unterminated

Kind = Literal[
    "late", "lost", "doubled", "garbled", "partial", "empty", "replaced", "sentinel", "unheard", "dropped", "reboot",
    "upset",
]  # fmt: skip
"""
late        the answer comes after `argument` seconds; what is asked meanwhile waits for it
lost        done, but the answer does not come
doubled     the answer comes twice
garbled     the first bytes of the answer are no text
partial     half of the answer, without its end
empty       an empty line
replaced    `argument` comes instead of the answer, such as 9.91E37
sentinel    `argument` (9.91E37 if there is none) comes instead of every number that has an exponent, in its right place
unheard     the message is not done and not answered
dropped     the message is done, the connection ends without an answer
reboot      the instrument powers down and up before it looks at the message: its settings are gone
upset       commands that it does not know come in front of the message, `argument` times (1): its error queue fills up
"""
UNKNOWN_COMMAND = "nonsense 1 2"
"""to SCPI and to Lua"""
_EXPONENT = re.compile(r"(?<![\w.+-])[+-]?\d+(?:\.\d*)?[eE][+-]?\d+")
_SPOILS: dict[str, Callable[[str, str], str | None]] = {
    "late": lambda reply, _: reply,
    "lost": lambda _reply, _: None,
    "doubled": lambda reply, _: f"{reply}\n{reply}",
    "garbled": lambda reply, _: "\xff\xfe\x80" + reply[3:],
    "partial": lambda reply, _: Unterminated(reply[: (len(reply) + 1) // 2]),
    "empty": lambda _reply, _: "",
    "replaced": lambda _reply, argument: argument,
    "sentinel": lambda reply, argument: _EXPONENT.sub(argument or "9.91E37", reply),
}
LONGEST_SECONDS = 3600.0


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong once.

    A fault of an answer waits for a message that has one.

    Raises:
        UsageError: for an unknown kind, a number below 1, or a late answer without a time.
    """

    kind: Kind
    at: int = 1
    """the first message, counted from 1 when the fault is armed, that it may hit"""
    match: str = ""
    """what that message holds"""
    argument: str = ""

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise UsageError(f"no fault is called {self.kind!r}; there are {', '.join(get_args(Kind))}")
        if self.at < 1:
            raise UsageError(f"fault {self.kind}: messages count from 1, not {self.at}")
        if self.kind == "late" and not 0 <= self.seconds <= LONGEST_SECONDS:
            raise UsageError(f"fault late: {self.argument!r} is not a time in seconds up to {LONGEST_SECONDS:.0f}")
        if self.kind == "upset" and self.argument and not re.fullmatch(r"\d{1,4}", self.argument):
            raise UsageError(f"fault upset: {self.argument!r} is not a number of commands up to 9999")
        if self.argument and self.kind not in ("late", "replaced", "sentinel", "upset"):
            raise UsageError(f"fault {self.kind} takes no argument; {self.argument!r} is left over")

    @property
    def seconds(self) -> float:
        """The argument as a time; NaN if it is none."""
        return float(self.argument) if re.fullmatch(r"\d+(\.\d*)?|\.\d+", self.argument) else float("nan")


def fault(text: str) -> tuple[str, Fault]:
    """Read `INSTRUMENT:KIND[:N | :/PART OF A MESSAGE/][:ARGUMENT]`: the instrument's name and its fault.

    Raises:
        UsageError: if it cannot be read.
    """
    found = re.fullmatch(r"([^:]+):([a-z]+)(?::(?:(\d{1,9})|/(.+)/))?(?::(.*))?", text)
    if found is None:
        raise UsageError(f"fault {text!r} is not INSTRUMENT:KIND[:N][:ARGUMENT], such as smu:late:3:0.5")
    name, kind, at, match, argument = found.groups()
    return name, Fault(cast(Kind, kind), int(at or 1), match or "", argument or "")


class Faulty:
    """A virtual instrument on a bad day.

    Args:
        instrument: the one that is meant.
    """

    def __init__(self, instrument: VirtualInstrument) -> None:
        self.instrument = instrument
        self.happened: list[tuple[Fault, str]] = []
        """faults that came true, each with its message"""
        self._armed: list[tuple[int, Fault]] = []
        self._messages = 0
        self._lock = threading.Lock()
        self._cleared = threading.Event()

    def arm(self, *faults: Fault) -> None:
        """Let faults happen; each once."""
        with self._lock:
            self._armed.extend((self._messages + each.at, each) for each in faults)

    def armed(self) -> list[Fault]:
        """Return the faults that have not happened yet."""
        return [each for _, each in self._armed]

    def handle(self, message: str) -> str | None:
        """Handle a message, or do what goes wrong with it."""
        self._cleared.clear()
        due = self._due(message)
        if due is None:
            return self.instrument.handle(message)
        if due.kind == "reboot":
            self.instrument.power_cycle()
        for _ in range(int(due.argument or 1) if due.kind == "upset" else 0):
            self.instrument.handle(UNKNOWN_COMMAND)
        reply = None if due.kind == "unheard" else self.instrument.handle(message)
        if reply is None and due.kind in _SPOILS:
            return None
        self._happens(due, message)
        if due.kind == "dropped":
            raise LinkDropped
        if due.kind == "late" and self._cleared.wait(due.seconds):
            return None
        return _SPOILS[due.kind](reply, due.argument) if reply is not None and due.kind in _SPOILS else reply

    def _due(self, message: str) -> Fault | None:
        if not self._armed:
            self._messages += 1
            return None
        with self._lock:
            self._messages += 1
            due = (each for first, each in self._armed if self._messages >= first and each.match in message)
            return next(due, None)

    def _happens(self, due: Fault, message: str) -> None:
        with self._lock:
            self.happened.append((due, message))
            self._armed.remove(next(each for each in self._armed if each[1] is due))

    def interrupt(self, message: str) -> bool:
        """Pass it on."""
        return self.instrument.interrupt(message)

    def status_byte(self) -> int:
        """Pass it on."""
        return self.instrument.status_byte()

    def device_clear(self) -> None:
        """Give up a late answer, and pass it on."""
        self._cleared.set()
        self.instrument.device_clear()

    def power_cycle(self) -> None:
        """Pass it on."""
        self.instrument.power_cycle()

    def close(self) -> None:
        """Give up a late answer, and pass it on."""
        self._cleared.set()
        self.instrument.close()
