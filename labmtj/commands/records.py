"""What runs found: shown, listed, exported, compared, and turned into array files and twins.

The options of each command stand with what it does; `rest` holds settings of an experiment. Heavy imports happen
inside the commands.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labmtj.commands.options import RUNS, Add, run_path, some_path, with_data
from labmtj.errors import UsageError
from labmtj.terminal import say

if TYPE_CHECKING:
    from labmtj.run import RunFolder


def declare(add: Add) -> None:
    """Add the commands to the parser."""
    its = add("show", show, "print what a run found")
    its.add_argument("run", type=run_path, help="folder of the run, or its data.h5")
    its = add("ls", ls, "list runs")
    _add_choice(its)
    its = add("export", export, "write a group of a run to a file, .nc or .csv")
    its.add_argument("run", type=run_path, help="folder of the run, or its data.h5")
    its.add_argument("group", help="path of a group, such as arrays/mtj-50nm-0a/reads, or of an array in it")
    its.add_argument("file", type=some_path, help="a name that ends in .nc (netCDF) or .csv")
    its.add_argument("--force", action="store_true", help="replace the file if it is there")
    its = add("compare", compare, "compare two runs: settings, and what they found")
    its.add_argument("first", type=run_path, metavar="RUN", help="folder of the first run, or its data.h5")
    its.add_argument("second", type=run_path, metavar="RUN", help="folder of the second run, or its data.h5")
    its.add_argument("--all", action="store_true", help="every setting and result, where they are more than a screen")
    its = add("calibrate", calibrate, "write an array file with the cells and wires of a run's chip")
    its.add_argument("run", type=run_path, help="folder of the run, or its data.h5")
    its.add_argument("--chip", metavar="NAME", help="name of the chip in the run (default: all)")
    its.add_argument(
        "--on",
        metavar="ARRAY",
        help="array file of the chip, for what this run does not determine (default: the run's own)",
    )
    its.add_argument(
        "--out", type=some_path, metavar="FILE", help="where to write it (default: CHIP-calibrated.yaml, here)"
    )
    its.add_argument(
        "--draws",
        metavar="N",
        type=int,
        default=0,
        help="also write N array files sampled from the posterior",
    )
    its = add("twin", twin, "compare a run with the twin of its chip")
    its.add_argument("run", type=run_path, help="folder of the run, or its data.h5")
    its.add_argument("--on", metavar="ARRAY", help="array file that `labmtj calibrate` wrote (default: from this run)")
    its.add_argument("--chip", metavar="NAME", help="name of the chip in the run (default: all)")
    its.add_argument(
        "--seed",
        type=int,
        default=1,
        metavar="N",
        help="seed of the procedure that is run again on the twin (default: 1)",
    )
    its.add_argument("--no-rerun", action="store_true", help="predict the reads of the run alone")


def show(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Print what a run found."""
    from labmtj.report import summary_text

    folder = with_data(known.run)
    say(summary_text(folder.data))
    if folder.run_yaml.exists() and (condition := folder.condition) != "done":
        say("", f"not complete, this run is: {condition}", *filter(None, [folder.reason, *_what_now(folder)]))
    return 0


def _what_now(folder: RunFolder) -> list[str]:
    """Return how a run that is not done goes on, and how much of its journal data.h5 does not have yet."""
    from labmtj.reading.condition import Condition
    from labmtj.reading.opening import open_recorded

    with open_recorded(folder.data) as data:
        condition = Condition.of(folder, data)
    if not condition.behind_bytes:
        return list(condition.advice)
    when = (
        "it comes with the next checkpoint"
        if condition.ended in ("running", "paused")
        else f"`labmtj recover {folder.path}` brings it in"
    )
    missing = f"the journal has {condition.behind_bytes / 1e6:.3g} MB that data.h5 lacks: {when}"
    return [missing, *condition.advice]


def ls(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """List runs, and the benches that are not known to be safe."""
    from labmtj.instrumentlocks import unsafe
    from labmtj.run.choice import Choice, accuracy_from, moment_from
    from labmtj.run.listing import list_runs

    if not known.folder.is_dir():
        raise UsageError(f"{known.folder}: no such folder; `labmtj run` makes runs here, or name another folder")
    choice = Choice(
        known.procedure, known.chip, tuple(known.tag), known.ended,
        known.since and moment_from("--since", known.since),
        known.until and moment_from("--until", known.until, end=True),
        known.accuracy and accuracy_from(known.accuracy),
    )  # fmt: skip
    say(list_runs(known.folder, choice), *unsafe())
    return 0


def export(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Write a group of a run to a file."""
    from labmtj.reading import open_run
    from labmtj.reading.export import export

    with open_run(known.run) as run:
        for remark in run.remarks:
            say(f"labmtj: {remark}", file=sys.stderr)
        export(run, known.group, known.file, force=known.force)
    say(f"{known.file}: {known.file.stat().st_size / 1e6:.1f} MB")
    return 0


def compare(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Compare two runs."""
    from labmtj.reading import open_run
    from labmtj.report.comparison import comparison_text

    with open_run(known.first) as first, open_run(known.second) as second:
        say(comparison_text(first, second, everything=known.all))
    return 0


def calibrate(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Write an array file of a chip, or of each, from the data of a run alone."""
    from labmtj.bench import load_array
    from labmtj.calibration.calibrate import calibrate
    from labmtj.calibration.observed import chips_to_calibrate
    from labmtj.calibration.text import calibration_lines
    from labmtj.calibration.writing import write_arrays
    from labmtj.reading.opening import data_of

    if not 0 <= known.draws <= 1000:
        raise UsageError(f"--draws {known.draws}: choose 0 to 1000")
    on = None if known.on is None else load_array(known.on)
    data = data_of(known.run)
    chips = chips_to_calibrate(data, known.chip, "--on" if known.on else "--out" if known.out else "")
    for chip in chips:
        found = calibrate(data, chip, on)
        lines = calibration_lines(found)
        out = known.out or Path(f"{found.observed.chip}-calibrated.yaml")
        say(*lines, "", *write_arrays(found, out, lines, known.draws), *[""] * (chip != chips[-1]))
    return 0


def twin(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Compare a run with the twin of its chip."""
    from labmtj.bench import load_array
    from labmtj.calibration.text import twin_lines
    from labmtj.calibration.twin import twin
    from labmtj.reading.opening import data_of

    if not 0 <= known.seed < 2**63:
        raise UsageError(f"--seed {known.seed}: must be a whole number from 0 to 2^63 - 1")
    on = None if known.on is None else load_array(known.on)
    result = twin(data_of(known.run), on, chip=known.chip, seed=known.seed, again=not known.no_rerun)
    say(*twin_lines(result))
    return 0


def _add_choice(ls: argparse.ArgumentParser) -> None:
    ls.add_argument("folder", type=some_path, nargs="?", default=RUNS, help="folder of runs (default: runs)")
    ls.add_argument("--procedure", default="", metavar="TEXT", help="part of the name of experiment or procedure")
    ls.add_argument("--chip", default="", metavar="TEXT", help="part of the name of a chip")
    ls.add_argument("--tag", action="append", default=[], metavar="WORD", help="a tag of the run; all that are given")
    ls.add_argument(
        "--ended",
        default="",
        choices=("done", "stopped", "failed", "running", "paused", "killed"),
        help="how they ended, or that they go on",
    )
    ls.add_argument("--since", metavar="DATE", help="made on or after it, UTC: 2026-11-25, or 2026-11-25T14:30")
    ls.add_argument("--until", metavar="DATE", help="made on or before it, UTC")
    ls.add_argument("--accuracy", metavar="TEXT", help="best median accuracy in percent, such as '>=95'")
