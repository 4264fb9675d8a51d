"""Puts the clients in reach that `make test` installs, each in a folder of its own (see the Makefile)."""

import sys
from pathlib import Path

for folder in ("qcodes", "tm_devices", "keithley2600-2.1.0"):
    path = Path(sys.prefix, "clients", folder)
    if path.is_dir() and str(path) not in sys.path:
        sys.path.append(str(path))  # at the end: what the environment has goes first
