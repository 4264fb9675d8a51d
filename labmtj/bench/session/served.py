"""A virtual bench in a process of its own: started, asked for what its instruments do not report, and ended."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Self

from labmtj.bench.files.laboratory import VirtualFile
from labmtj.errors import InstrumentError, LabmtjError, SettingError

START_SECONDS = 60.0
"""a server that has not answered by then is taken for dead; scripts of several boxes take a few seconds to load"""

_KEY = re.compile(r"((?:instruments|buses|lines)(?:\.[\w-]+)*): ")
"""how the text of a SettingError about a bench begins"""
LONGEST_WAIT_SECONDS = 10.0
"""of one question to a server, well within what it may take to answer"""


class ServedBench:
    """`labmtj serve` of a bench file, as a child process that ends with this one, and with its watchdog.

    Args:
        file: of the bench, everything in it resolved: the child needs no other file.
        faults: to arm from the beginning, such as "smu:late:3:0.5".

    Raises:
        InstrumentError: if the server does not come up; with what it said.
        SettingError: for an instrument that has no virtual counterpart, or a card that it does not take.
    """

    def __init__(self, file: VirtualFile, faults: Sequence[str] = ()) -> None:
        self.name, self._left = file.name, False
        options = [word for fault in faults for word in ("--fault", fault)]
        command = [sys.executable, "-P", "-m", "labmtj", "serve", "-", "--with-parent", *options]
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,  # a Ctrl+C is for the run, which needs its instruments to make them safe
        )  # fmt: skip
        assert self._process.stdin is not None
        with suppress(OSError):  # a child that has died already says why on its standard error
            self._process.stdin.write(file.model_dump_json() + "\n")
            self._process.stdin.flush()
        timer = threading.Timer(START_SECONDS, self._process.kill)
        timer.start()
        try:
            self.instruments = self._greeting()
        finally:
            timer.cancel()
        host, port = next(iter(self.instruments.values()))["control"].rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), timeout=START_SECONDS)
        self._lines = self._socket.makefile("rw", encoding="utf-8", newline="\n")
        self._lock = threading.Lock()

    def _greeting(self) -> dict[str, dict[str, str]]:
        """Return what the server says of every instrument, by name."""
        assert self._process.stdout is not None
        found: dict[str, dict[str, str]] = {}
        for line in self._process.stdout:
            entry = json.loads(line)
            found[entry["name"]] = entry
            if len(found) == entry["of"]:
                return found
        raise self._failed()

    def _failed(self) -> LabmtjError:
        """Return why the server did not start; what it says of a key of the bench file is a SettingError here, too."""
        self._process.kill()
        _, said = self._process.communicate()
        text = said.strip().removeprefix("labmtj: ") or "it ended without a message"
        if key := _KEY.match(text):
            return SettingError(tuple(key[1].split(".")), text[key.end() :])
        return InstrumentError("virtual bench", self.name, f"the server did not start: {text[-1000:]}")

    @property
    def pid(self) -> int:
        """Of the server."""
        return self._process.pid

    @property
    def lifeline(self) -> int:
        """The descriptor that keeps the server alive: it ends when all processes that hold it have ended."""
        assert self._process.stdin is not None
        return self._process.stdin.fileno()

    @property
    def resources(self) -> dict[str, str]:
        """VISA resource of every instrument, by name."""
        return {name: entry["resource"] for name, entry in self.instruments.items()}

    def ask(self, what: str, **values: Any) -> Any:
        """Ask the bench itself: "seconds", "booked", "messages", "closures", "joules", "events", "fault" and others.

        Raises:
            InstrumentError: if the server has gone, or refuses the question.
        """
        with self._lock:
            try:
                self._lines.write(json.dumps({"ask": what, **values}) + "\n")
                self._lines.flush()
                answer = json.loads(self._lines.readline())
            except (OSError, ValueError) as error:
                raise InstrumentError(
                    "virtual bench", self.name, f"its server has gone ({error}); start the run again"
                ) from error
        if "error" in answer:
            raise InstrumentError("virtual bench", self.name, str(answer["error"]))
        return answer["answer"]

    def leave(self) -> None:
        """Release the server, and leave it alone: what a forked child does."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._left = True

    def close(self) -> None:
        """End the server; it has ended when this returns."""
        if self._left:
            return
        self._lines.close()
        self._socket.close()
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class BookedClock:
    """The clock of a virtual bench: seconds that its instruments have spent, whatever the wall clock says."""

    def __init__(self, bench: ServedBench) -> None:
        self.bench = bench

    def now(self) -> float:
        """Return the seconds since the bench was served."""
        return float(self.bench.ask("seconds"))

    def sleep(self, seconds: float) -> None:
        """Wait on the bench; in pieces, because a bench in real time answers only after the wait."""
        while seconds > 0:
            piece = min(seconds, LONGEST_WAIT_SECONDS)
            self.bench.ask("wait", seconds=piece)
            seconds -= piece
