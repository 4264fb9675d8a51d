"""A process that reads mutated files: told kind, corpus file and seed on a line, it answers on a line how that went.

Its memory is limited, and whoever started it kills it when an answer is late: a reader that runs wild harms nobody.
"""

import io
import json
import os
import random
import resource
import shutil
import sys
import time
import warnings
from pathlib import Path

import mutations
from targets import TARGETS

from labmtj.errors import LabmtjError

MEMORY_BYTES = 3 << 30
MUTATIONS = {
    ".yaml": mutations.of_yaml, ".lmj": mutations.of_journal, ".h5": mutations.of_hdf5, ".jsonl": mutations.of_json_lines,
    ".npz": mutations.of_npz, ".txt": mutations.of_text,
}  # fmt: skip
NAMES = {
    "run": ["run.yaml"], "journal": ["journal.lmj"], "data": ["data.h5"], "report": ["data.h5"],
    "resume": ["run.yaml", "journal.lmj", "data.h5"], "texts": ["0_fc1_weight.txt", "0_fc1_bias.txt"],
}  # fmt: skip
"""which file is made wrong, where it is not the one called "mutated" """


def judged(kind, path):
    """Return "read", "refused", or what is wrong with how the file was taken."""
    try:
        TARGETS[kind](path)
    except LabmtjError as error:
        said = str(error)
        if path.stem not in said and path.parent.name not in said:
            return f"names no file: {type(error).__name__}: {said}"
        if len(said) > 1500 or len(said.splitlines()) > 12:
            return f"says too much: {said}"
        return "refused"
    except MemoryError:
        return "takes too much memory"
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is to be told
        return f"{type(error).__name__}: {error}"[:600]
    return "read"


def case(kind, source, seed, scratch):
    """Make the wrong file and have it read."""
    chance = random.Random(f"{kind} {seed}")
    folder = Path(shutil.copytree(source, scratch / source.name))  # what stands beside the file may be needed
    names = NAMES.get(kind) or [each.name for each in folder.glob("mutated*")]
    path = folder / chance.choice(names)
    path.write_bytes(MUTATIONS[path.suffix](path.read_bytes(), chance))
    begun = time.process_time()
    outcome = judged(kind, path)
    seconds = time.process_time() - begun
    shutil.rmtree(folder)
    return {"outcome": outcome, "seconds": seconds}


def main(scratch):
    os.environ["LABMTJ_TRACE"] = "1"
    warnings.simplefilter("error")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers, sys.stdout = sys.stdout, io.StringIO()
    print("{}", file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(case(asked["kind"], Path(asked["source"]), asked["seed"], scratch)), file=answers, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
