"""Print how many files a kind of change touches, read from its commits: `python tests/touched.py COMMIT|RANGE ...`.

`--adds KIND` takes, of the commits given or of all up to HEAD, those with the line `Adds: KIND` at the end of their
message (CONTRIBUTING.md lists the kinds). Tests and documentation are counted apart. Of a merge, what it brought into
its first parent counts.
"""

import argparse
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

APART = {"tests", "docs"}
"""folders, at any depth, that a change may touch freely; so it may texts (.md)"""
STATUS = {"A": "added", "M": "changed", "D": "removed", "R": "moved", "T": "changed"}


def git(*arguments: str) -> str:
    """Return what git says in the current folder; CalledProcessError if it refuses."""
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout


def commits(given: Sequence[str], kind: str | None) -> list[str]:
    """Return the commits that are named, alone or as a range A..B, oldest first; with `kind` those that add one."""
    named: dict[str, None] = {}
    for each in given or ["HEAD"]:
        alone = [] if ".." in each or not given else ["--no-walk"]
        named |= dict.fromkeys(git("rev-list", "--reverse", *alone, each, "--").split())
    return [commit for commit in named if kind is None or kind in added_kinds(commit)]


def added_kinds(commit: str) -> list[str]:
    """Return the values of the trailer Adds of a commit."""
    text = git("show", "--no-patch", "--format=%(trailers:key=Adds,valueonly)", commit)
    return [line.strip() for line in text.splitlines()]


def touched(commit: str) -> dict[str, str]:
    """Return what became of each file of a commit, by its path; of a moved one by its new path."""
    text = git("show", "--format=", "--first-parent", "-M", "--name-status", "-z", commit)
    words = iter(text.removesuffix("\0").split("\0") if text else [])
    found = {}
    for status in words:
        path = next(words)
        if status[0] == "R":
            path = next(words)
        found[path] = STATUS.get(status[0], status)
    return found


def is_apart(path: str) -> bool:
    """Whether a file is a test or documentation."""
    return path.endswith(".md") or not APART.isdisjoint(PurePosixPath(path).parts[:-1])


def lines(found: dict[str, str]) -> Iterator[str]:
    """Yield the count, and a line for each folder with its files."""
    counted = sorted(path for path in found if not is_apart(path))
    how = Counter(found[path] for path in counted)
    kinds = ", ".join(f"{number} {word}" for word, number in sorted(how.items()))
    folders = sorted({str(PurePosixPath(path).parent) for path in counted})
    apart = sorted(path for path in found if is_apart(path))
    yield f"  files: {len(counted)}{f' ({kinds})' if kinds else ''}, folders: {len(folders)}"
    for folder in folders:
        names = [PurePosixPath(path).name for path in counted if str(PurePosixPath(path).parent) == folder]
        yield f"    {folder}: {', '.join(names)}"
    yield f"  tests and documentation: {len(apart)}{': ' if apart else ''}{', '.join(apart)}"


def main(arguments: Sequence[str]) -> int:
    """Print the count of each commit, and that of all together if they are several."""
    parser = argparse.ArgumentParser(description="Count the files that commits touch, without tests and documentation.")
    parser.add_argument("commit", nargs="*", help="a commit, or a range A..B")
    parser.add_argument("--adds", metavar="KIND", help="those with the trailer `Adds: KIND`")
    options = parser.parse_args(arguments)
    try:
        chosen = commits(options.commit, options.adds)
        together: dict[str, str] = {}
        for commit in chosen:
            found = touched(commit)
            together = {**found, **together}
            print(git("show", "--no-patch", "--format=%h %s", commit).strip(), *lines(found), sep="\n")
    except subprocess.CalledProcessError as error:
        print(f"touched: {error.stderr.strip()}", file=sys.stderr)
        return 2
    if not chosen:
        print("no such commit")
    elif len(chosen) > 1:
        print(f"{len(chosen)} commits together, each file once", *lines(together), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
