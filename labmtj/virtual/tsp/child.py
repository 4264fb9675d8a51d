"""The main of the helper process: runs one engine, controlled by frames on its standard input.

A frame is one line of JSON, plain values only, so that nothing a script could do here reaches the other process but
numbers and text. From there: a message as a string, ["clear"], or ["answer", stop, values] to a call. From here:
["call", posted, name, arguments...], and ["done", posted, reply, status byte, prompts] when a message is done. `posted`
are calls that need no answer, such as moving an output: they go with the next one that has an answer, in their order,
because every frame back and forth costs as much as a statement. Strings, and decoding without a look for white
space, take a third of the time of what `json` offers first: a tenth of a query.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from typing import Any, cast

from labmtj.virtual.tsp.complaints import RUNTIME_ERROR, Aborted, Entry, Severity
from labmtj.virtual.tsp.engine import Engine

MORE_BYTES = 512 << 20
"""of address space, beyond what the process has when it starts"""


def lock_up() -> None:
    """Limit what this process can take: memory, and no files written."""
    with contextlib.suppress(ImportError):  # not on every system; the sandbox does not depend on it
        import resource

        pages = int(open("/proc/self/statm").read().split()[0]) if os.path.exists("/proc/self/statm") else 0  # noqa: SIM115, PTH110, PTH123
        if pages:
            most = pages * resource.getpagesize() + MORE_BYTES
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


_DECODE = json.JSONDecoder().raw_decode
_WITHOUT_ANSWER = frozenset(
    {"spend", "source_volts", "source_amperes", "release", "remote_sense", "open_aperture", "drop_aperture", "operate"}
)
_MOST_POSTED, _MOST_POSTED_SECONDS = 64, 0.02
"""calls that are kept back, and the longest wait among them: so that an abort finds the script where it is"""


class Wire:
    """Frames to and from the other process."""

    def __init__(self) -> None:
        self._in, self._out = sys.stdin.fileno(), sys.stdout.fileno()
        self._rest = b""
        self._stopping = False
        self._posted: list[list[Any]] = []

    def receive(self) -> Any:
        """Return the next frame; EOFError when the other process is gone."""
        rest = self._rest
        while b"\n" not in rest:
            piece = os.read(self._in, 1 << 16)
            if not piece:
                raise EOFError
            rest += piece
        line, self._rest = rest.split(b"\n", 1)
        self._stopping = False
        return _DECODE(line.decode())[0]

    def done(self, reply: str | None, status: int, *, prompting: bool) -> None:
        """Say that a message is dealt with."""
        self._write(f'["done",{self._taken()},{json.dumps(reply)},{status},{prompting:d}]')

    def _taken(self) -> str:
        """Return what was kept back, as JSON, and keep it no longer."""
        if not self._posted:
            return "[]"
        posted, self._posted = self._posted, []
        return json.dumps(posted)

    def _write(self, line: str) -> None:
        view = memoryview(f"{line}\n".encode())
        while view:
            view = view[os.write(self._out, view) :]

    def call(self, name: str, *arguments: object) -> list[Any]:
        """Call a function of the other process; Aborted from the moment on that the script is to stop."""
        if self._stopping:
            raise Aborted(": script aborted")
        waits = name == "spend" and cast(float, arguments[0]) > _MOST_POSTED_SECONDS
        if name in _WITHOUT_ANSWER and not waits and len(self._posted) < _MOST_POSTED:
            self._posted.append([name, *arguments])
            return []
        self._write(f'["call",{self._taken()},{json.dumps([name, *arguments])[1:]}')
        _, stop, values = self.receive()
        if stop:
            self._stopping = True
            raise Aborted(": script aborted")
        answer: list[Any] = values
        return answer


def main() -> None:
    """Build the engine that the arguments name, and serve it until the other process goes away."""
    lock_up()
    module, settings = sys.argv[1], json.loads(sys.argv[2])
    wire = Wire()
    complaint = settings.pop("complaint")
    engine: Engine = importlib.import_module(module).build(wire.call, **settings)
    if complaint:
        engine.complain(Entry(RUNTIME_ERROR, f"TSP Runtime error: {complaint}", Severity.FATAL))
    with contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        while True:
            frame = wire.receive()
            if isinstance(frame, str):
                reply = engine.handle(frame)
                wire.done(reply, engine.common.status_byte(), prompting=engine.prompting)
            else:
                engine.clear()


if __name__ == "__main__":
    main()
