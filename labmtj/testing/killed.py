"""A run in a process that kills itself once its journal has so many bytes: `FILE OUT BYTES`, FILE a `run.yaml`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from labmtj.record import JournalWriter
from labmtj.run import start
from labmtj.run.experiment import load_run


def main(file: str, out: str, most_bytes: str) -> None:
    """Run an experiment, and die as a process does when memory is short."""
    append = JournalWriter.append_encoded

    def counted(self: JournalWriter, encoded: bytes) -> None:
        append(self, encoded)
        if self.bytes >= int(most_bytes):
            self.commit()
            os.kill(os.getpid(), signal.SIGKILL)

    JournalWriter.append_encoded = counted  # type: ignore[method-assign]
    start(load_run(Path(file)), Path(out), workers=1, show=lambda _: None)


if __name__ == "__main__":
    main(*sys.argv[1:])
