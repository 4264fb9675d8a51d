"""What of a log larger than memory the commands that read it take. LOG_GB=1 makes a smaller one than 5 GB."""

import os
import shutil
import subprocess
import sys
import time

import pytest

GB = float(os.environ.get("LOG_GB", "5"))
_BYTES_PER_ROW = 120.2


def peak(*arguments):
    """Run `labmtj` with the arguments in a fresh process; return its most memory in MB, and the seconds."""
    program = (
        "import resource, sys; from labmtj.cli import main; code = main(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss); sys.exit(code)"
    )
    begun = time.perf_counter()
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) * 1024 / 1e6, time.perf_counter() - begun


@pytest.fixture
def folder(tmp_path):
    yield tmp_path
    shutil.rmtree(tmp_path)  # pytest would keep it


def test_a_log_larger_than_memory(long_log, folder, capsys):
    run = long_log(folder / "20260101T000000Z_0000", int(GB * 1e9 / _BYTES_PER_ROW))
    size = (run / "data.h5").stat().st_size / 1e9
    ways = {
        "show": ("show", run),
        "report": ("report", run),
        "export to .nc": ("export", run, "arrays/chip/reads", folder / "reads.nc"),
    }
    with capsys.disabled():
        print(f"\n{f'log of {size:.2f} GB':<24}{'peak MB':>10}{'seconds':>10}")
        for name, arguments in ways.items():
            megabytes, seconds = peak(*arguments)
            print(f"{name:<24}{megabytes:>10.0f}{seconds:>10.1f}")
            assert megabytes < 1000
