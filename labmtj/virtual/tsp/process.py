"""The helper process as seen from the bench: started, asked, watched, and killed when it does not come back."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Functions = Mapping[str, Callable[..., Sequence[Any]]]
"""what the helper may call, with plain values"""


_DECODE = json.JSONDecoder().raw_decode  # quicker than `loads`, see `child`


class HelperLost(Exception):
    """The helper was killed at its deadline, or died."""


class Helper:
    """One helper process with a sandbox in it.

    Args:
        module: that has a `build(remote, **settings)` function.
        settings: plain values for it.
        functions: what it may call.
    """

    def __init__(self, module: str, settings: Mapping[str, object], functions: Functions) -> None:
        self._functions = functions
        command = [sys.executable, "-P", "-m", "labmtj.virtual.tsp.child", module, json.dumps(settings)]
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # a Ctrl-C at the terminal is for the bench alone
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._poll = select.poll()
        self._poll.register(self._from, select.POLLIN)
        self._rest = b""
        self.kill = weakref.finalize(self, _end, self._process)
        """end the process, however busy it is; also done when this object or the interpreter goes"""

    def clear(self) -> None:
        """Make it forget half a script."""
        self._send(b'["clear"]\n')

    def ask(self, message: str, seconds: float, stopping: Callable[[], float | None]) -> tuple[str | None, int, bool]:
        """Have a message handled, and return the reply, the status byte, and whether every line gets a prompt.

        Args:
            message: for the engine.
            seconds: that the helper itself may take, not counting what its calls take here.
            stopping: returns None, or once the script is to stop the seconds left until it must have done so.

        Raises:
            HelperLost: it did not come back in time, or died; it is gone.
        """
        self._send(json.dumps(message).encode() + b"\n")
        left = seconds
        while True:
            begin = time.perf_counter()
            frame = _DECODE(self._receive(left, stopping).decode())[0]
            left -= time.perf_counter() - begin
            self._make(frame[1], stopping)
            if frame[0] == "done":
                return frame[2], frame[3], bool(frame[4])
            self._answer(frame[2], frame[3:], stop=stopping() is not None)

    def _make(self, calls: list[list[Any]], stopping: Callable[[], float | None]) -> None:
        """Make the calls that need no answer; once the script is to stop, no time passes any more."""
        for name, *arguments in calls:
            if name != "spend" or stopping() is None:
                self._functions[name](*arguments)

    def _answer(self, name: str, arguments: list[Any], *, stop: bool) -> None:
        values: Sequence[Any] = () if stop or name == "poll" else self._functions[name](*arguments)
        self._send(json.dumps(["answer", stop, values]).encode() + b"\n")

    def _send(self, line: bytes) -> None:
        try:
            view = memoryview(line)
            while view:
                view = view[os.write(self._to, view) :]
        except OSError:
            self._lose("died")

    def _receive(self, seconds: float, stopping: Callable[[], float | None]) -> bytes:
        rest = self._rest
        while b"\n" not in rest:
            self._wait(seconds, stopping)
            piece = os.read(self._from, 1 << 16)
            if not piece:
                self._lose("died")
            rest += piece
        line, _, self._rest = rest.partition(b"\n")
        return line

    def _wait(self, seconds: float, stopping: Callable[[], float | None]) -> None:
        end = time.perf_counter() + seconds
        while True:
            left = end - time.perf_counter()
            hurry = stopping()
            if hurry is not None:
                left = min(left, hurry)
            if left <= 0:
                self._lose("ran too long and was ended")
            if self._poll.poll(min(left, 0.1) * 1000):
                return

    def _lose(self, how: str) -> None:
        self.kill()
        raise HelperLost(f"the script processor {how}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
