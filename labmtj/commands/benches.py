"""Benches: checked, made safe, served; one cell by hand.

The options of each command stand with what it does; `rest` holds settings of an experiment. Heavy imports happen
inside the commands.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from labmtj.commands.options import Add
from labmtj.terminal import say

if TYPE_CHECKING:
    pass


BENCH = "bench file, or the name of one that comes with labmtj"
ANEW = "; on a virtual bench of a chip that is drawn anew"


def declare(add: Add) -> None:
    """Add the commands to the parser."""
    its = add("check", check, "check a bench file and its arrays; of instruments also wiring and contact")
    its.add_argument("bench", nargs="?", default="simulated", help=f"{BENCH} (default: simulated)")
    its.add_argument(
        "--no-rehearsal",
        action="store_true",
        help="leave out what the default experiment would take on these instruments",
    )
    its = add("safe", safe, "bring every source of a bench to 0 V and off, every relay to rest")
    its.add_argument("bench", help=BENCH)
    for name, command, text in (("read", read, f"read one cell{ANEW}"), ("pulse", pulse, f"pulse one cell{ANEW}")):
        its = add(name, command, text)
        its.add_argument("bench", help=BENCH)
        its.add_argument("row", type=int, help="row of the cell, from 0")
        its.add_argument("column", type=int, help="column of the cell, from 0")
        its.add_argument("--array", metavar="NAME", help="which array of a simulated bench (default: the first)")
        if command is read:
            its.add_argument("--volts", type=float, default=0.1, metavar="V", help="volts on the row (default: 0.1)")
            continue
        its.add_argument(
            "--volts", type=float, required=True, metavar="V", help="volts across the cell; the sign is the direction"
        )
        its.add_argument("--over-budget", action="store_true", help="pulse a cell that has used up its budget")
        its.add_argument("--seconds", type=float, default=1e-3, metavar="S", help="width in seconds (default: 0.001)")
    its = add("serve", serve, "serve the virtual instruments of a bench, until interrupted")
    its.add_argument("bench", help=f"{BENCH}, of kind virtual")
    its.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="TEXT",
        help="fault to plant, INSTRUMENT:KIND[:N][:ARGUMENT], such as smu:late:3:0.5",
    )
    its.add_argument("--hislip", action="store_true", help="HiSLIP instead of raw sockets")
    its.add_argument("--vxi11", action="store_true", help="VXI-11 instead of raw sockets")
    its.add_argument("--with-parent", action="store_true", help="end when standard input ends")
    its = add("coverage", coverage, "list what virtual instruments know of the names in their manuals")
    its.add_argument(
        "instrument", nargs="?", default="", help="part of an instrument's name: also lists what is not known"
    )


@contextmanager
def _stopped_at_once() -> Iterator[None]:
    """Let a signal break off what goes on within, Ctrl+Z too: a bench in hand is never left with its outputs on."""
    from labmtj.stopping import PAUSE, stop_requests

    with stop_requests(patience_seconds=0, further={PAUSE}):
        yield


def check(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Check a bench: its file, its instruments, its wiring; and rehearse the default experiment on it."""
    from labmtj.bench import BenchFile, load_any
    from labmtj.bench.checks.check import check_text
    from labmtj.bench.checks.text import bench_text
    from labmtj.display import Display
    from labmtj.ownership import check_ownership
    from labmtj.run.options import check_settings

    check_ownership()
    file = load_any(known.bench)
    check_settings(known.bench, file)
    if isinstance(file, BenchFile):
        say(bench_text(file))
        return 0
    with _stopped_at_once():
        with Display() as display:
            text = check_text(known.bench, file, display.phase)
        say(text)
        if not known.no_rehearsal:
            from labmtj.run.rehearsal_text import bench_rehearsal

            with Display() as display:
                text = bench_rehearsal(known.bench, display.phase)
            say("", text)
    say("", "ok")
    return 0


def safe(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Make a bench safe."""
    from labmtj.bench.session.make_safe import make_safe

    say(*make_safe(known.bench))
    return 0


def read(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Read one cell."""
    from labmtj.bench.session.hands import read_cell

    with _stopped_at_once():
        say(read_cell(known.bench, known.row, known.column, known.volts, known.array))
    return 0


def pulse(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Pulse one cell."""
    from labmtj.bench.session.hands import pulse_cell

    with _stopped_at_once():
        line = pulse_cell(
            known.bench,
            known.row,
            known.column,
            known.volts,
            known.seconds,
            known.array,
            over_budget=known.over_budget,
        )
        say(line)
    return 0


def serve(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Serve virtual instruments until a signal comes."""
    import json

    from labmtj.system import check_system

    check_system()
    from labmtj.bench.files.simulated import drawn_text
    from labmtj.virtual.server.serving import serve, until_signal

    with serve(known.bench, faults=known.fault, hislip=known.hislip, vxi11=known.vxi11) as served:
        for greeting in served.greetings():
            say(json.dumps(greeting))
        if known.bench != "-":
            say(drawn_text(served.bench.file.seed), file=sys.stderr)
        until_signal(also_end_of=sys.stdin.buffer if known.with_parent else None)
    return 0


def coverage(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Print what the virtual instruments know of their manuals."""
    from labmtj.virtual.coverage import coverage_text

    say(coverage_text(known.instrument))
    return 0
