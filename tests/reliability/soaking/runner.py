"""A process that runs the small campaign again and again, and resumes what has failed: one line of JSON after each.

It waits for a line on standard input before it goes on: whoever started it looks at the bench meanwhile.
"""

import json
import sys
from pathlib import Path

from labmtj.errors import LabmtjError
from labmtj.run import RunFolder, load_experiment, resume, start


def once(experiment, runs, unfinished):
    """Run or resume; return the folder and what was said if it did not come to its end."""
    try:
        if unfinished is None:
            return start(experiment, runs, workers=1, show=lambda _: None).path, ""
        return resume(RunFolder.open(unfinished), workers=1, show=lambda _: None).path, ""
    except LabmtjError as error:
        return newest(runs), f"{type(error).__name__}: {error}"


def newest(runs):
    """Return the folder of the last run, None if there is none."""
    return max((path for path in runs.iterdir() if path.is_dir()), key=lambda path: path.name, default=None)


def main(experiment, runs):
    """Go on until standard input ends."""
    unfinished = newest(runs)
    for _ in sys.stdin:
        folder, said = once(load_experiment(experiment), runs, unfinished)
        unfinished = folder if said else None
        print(json.dumps({"run": str(folder), "said": said}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
