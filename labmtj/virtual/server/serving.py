"""A virtual bench on the loopback interface: one server per instrument, and a line of JSON to ask the bench itself.

Asked with `{"ask": "seconds"}` and the like, the bench answers `{"answer": ...}` or `{"error": ...}`: what no
instrument on a real bench would report, for tests, benchmarks and rehearsals.
"""

from __future__ import annotations

import json
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, BinaryIO, Self

from labmtj.bench.files.laboratory import VirtualFile
from labmtj.bench.files.loading import load_any
from labmtj.bench.session.opening import located
from labmtj.errors import ConfigError, LabmtjError, UsageError
from labmtj.stopping import SIGNALS
from labmtj.virtual.assembly import VirtualBench, assemble
from labmtj.virtual.server.exchange import Served
from labmtj.virtual.server.faults import LONGEST_SECONDS, Faulty, fault
from labmtj.virtual.server.hislip import HislipServer
from labmtj.virtual.server.rawsocket import LOOPBACK, Listener, SocketServer
from labmtj.virtual.server.vxi11 import Vxi11Server
from labmtj.virtual.server.web import looks_like_web

LONGEST_QUESTION = 1 << 16
LONGEST_BENCH = 1 << 22
"""characters of a question to the bench, and of a resolved bench"""


class ServedInstruments:
    """Servers of all instruments of a virtual bench; ends them all.

    Args:
        bench: assembled.
        faults: to arm, as on the command line: `smu:late:3:0.5`.
        hislip: serve over HiSLIP instead of raw sockets.
        vxi11: serve over VXI-11 instead of raw sockets.

    Raises:
        UsageError: for a fault that cannot be, or of an instrument that is not there.
    """

    def __init__(
        self, bench: VirtualBench, *, faults: Sequence[str] = (), hislip: bool = False, vxi11: bool = False
    ) -> None:
        if hislip and vxi11:
            raise UsageError("serve over HiSLIP or over VXI-11, not over both")
        self.bench = bench
        self.faulty = {name: Faulty(instrument) for name, instrument in bench.instruments.items()}
        for text in faults:
            self.arm_fault(text)
        with ExitStack() as stack:
            stack.callback(bench.close)
            self.served = {
                name: Served(each, bench.network, bench.file.message_seconds) for name, each in self.faulty.items()
            }
            self.servers: dict[str, HislipServer | SocketServer | Vxi11Server] = {}
            for name, each in self.served.items():
                server = HislipServer if hislip else Vxi11Server if vxi11 else SocketServer
                self.servers[name] = server(each)
                stack.callback(self.servers[name].close)
            self.control = stack.enter_context(Control(self.answers()))
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def greetings(self) -> Iterator[dict[str, Any]]:
        """Iterate what is printed of every instrument: name, driver, VISA resource, identity, address of the bench.

        The identity is asked for without being counted or booked.
        """
        for name, server in self.servers.items():
            yield {
                "name": name, "driver": self.bench.file.of.instruments[name].driver, "resource": server.resource,
                "idn": self.bench.instruments[name].handle("*IDN?"), "control": f"{LOOPBACK}:{self.control.port}",
                "of": len(self.servers),
            }  # fmt: skip

    def arm_fault(self, text: str) -> None:
        """Arm a fault, or break a relay: `matrix:stuck_open:1-2-5`, `matrix:stuck_closed:1-2-5` (slot-row-column)."""
        name, _, rest = text.partition(":")
        if name not in self.faulty:
            raise UsageError(f"fault {text!r}: no instrument is called {name!r}; there are {', '.join(self.faulty)}")
        kind, _, where = rest.partition(":")
        if kind in ("stuck_open", "stuck_closed"):
            self._stick(name, where, closed=kind == "stuck_closed")
        elif kind == "interlock_open":
            self._open_interlock(name)
        else:
            self.faulty[name].arm(fault(text)[1])

    def _stick(self, name: str, where: str, *, closed: bool) -> None:
        relays = self.bench.network.relays.get(name)
        parts = where.split("-")
        if relays is None or len(parts) != 3 or not all(part.isdigit() for part in parts):
            raise UsageError(
                f"fault of {name}: a stuck relay is named MATRIX:stuck_open:SLOT-ROW-COLUMN, not {where!r}"
            )
        slot, row, column = map(int, parts)
        try:
            relays.stick((slot, row, column), closed=closed)
        except KeyError as error:
            raise UsageError(f"fault of {name}: {error.args[0]}") from None

    def _open_interlock(self, name: str) -> None:
        instrument: Any = self.bench.instruments[name]
        if hasattr(instrument, "interlock_closed"):
            instrument.interlock_closed = False
        elif hasattr(instrument, "interlock_open"):
            instrument.interlock_open = True
        else:
            raise UsageError(f"fault of {name}: it has no interlock")

    def answers(self) -> Mapping[str, Callable[..., Any]]:
        """Return what the bench can be asked, by name."""
        network = self.bench.network

        def wait(seconds: float) -> float:
            if not 0 <= float(seconds) <= LONGEST_SECONDS:
                raise UsageError(f"a wait of {seconds} s; give 0 to {LONGEST_SECONDS:.0f} s")
            network.spend(float(seconds), "wait")
            return network.now()

        def arm(text: str) -> list[str]:
            self.arm_fault(str(text))
            return [str(each) for faulty in self.faulty.values() for each in faulty.armed()]

        return {
            "seconds": network.now,
            "booked": lambda: dict(network.clock.booked_seconds),
            "wait": wait,
            "messages": lambda: {name: each.messages for name, each in self.served.items()},
            "round_trips": lambda: {name: each.round_trips for name, each in self.served.items()},
            "joules": lambda: float(network.array.energy_joules),
            "closures": lambda: {
                f"{name}:{'-'.join(map(str, where))}": count
                for name, relays in network.relays.items()
                for where, count in relays.closures().items()
            },
            "closed": lambda: {
                name: ["-".join(map(str, where)) for where in sorted(relays.closed())]
                for name, relays in network.relays.items()
            },
            "events": lambda: [each._asdict() for each in network.events],
            "channels": lambda: {
                ".".join(name): network.channels[name].sense(0.0)._asdict() for name in network.channels
            },
            "fault": arm,
        }


@contextmanager
def serve(
    name: str, *, faults: Sequence[str] = (), hislip: bool = False, vxi11: bool = False
) -> Iterator[ServedInstruments]:
    """Serve the virtual bench of a file; "-" is a resolved one, a line of JSON on standard input.

    Raises:
        ConfigError: with file, line and key; also for a bench of another kind.
    """
    if name == "-":
        with ServedInstruments(assemble(_from_parent()), faults=faults, hislip=hislip, vxi11=vxi11) as served:
            yield served
        return
    file = load_any(name)
    if not isinstance(file, VirtualFile):
        raise ConfigError(
            f"{name}: is a bench of kind {file.kind}; served are those of kind virtual, such as virtual-2636b-3706a"
        )
    with located(name), ServedInstruments(assemble(file), faults=faults, hislip=hislip, vxi11=vxi11) as served:
        yield served


def _from_parent() -> VirtualFile:
    try:
        return VirtualFile.model_validate_json(sys.stdin.readline(LONGEST_BENCH))
    except ValueError as error:
        said = " ".join(str(error).split())[:300]
        raise ConfigError(f"standard input: is not a resolved virtual bench: {said}") from None


def until_signal(also_end_of: BinaryIO | None = None) -> None:
    """Wait for SIGINT, SIGTERM or SIGHUP, or for the end of a stream that a parent process holds open."""
    ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in SIGNALS}
    if also_end_of is not None:
        threading.Thread(target=_set_at_end, args=(also_end_of, ended), daemon=True).start()
    try:
        while not ended.wait(1.0):  # a wait without end would keep the handlers from running
            pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _set_at_end(stream: BinaryIO, ended: threading.Event) -> None:
    stream.read()
    ended.set()


class Control(Listener):
    """Questions to the bench itself, one line of JSON each.

    Args:
        answers: by what is asked; called with the other entries of the question.
    """

    def __init__(self, answers: Mapping[str, Callable[..., Any]]) -> None:
        self._answers = answers
        super().__init__()

    def serve(self, link: socket.socket) -> None:
        """Answer one client until it goes."""
        with link.makefile("r", encoding="utf-8", errors="replace", newline="\n") as lines:
            for number, line in enumerate(iter(lambda: lines.readline(LONGEST_QUESTION), "")):
                if number == 0 and looks_like_web(line.encode("latin-1", "replace")):
                    return
                link.sendall((json.dumps(self._answer(line)) + "\n").encode())

    def _answer(self, line: str) -> dict[str, Any]:
        try:
            question = json.loads(line)
            asked = self._answers[question.pop("ask")]
            return {"answer": asked(**question)}
        except LabmtjError as error:
            return {"error": str(error)}
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            said = repr(error)[:200]
            return {"error": f"not a question to this bench: {said}; ask one of {', '.join(self._answers)}"}
