"""Write error rate of single cells against amplitude, per direction; an upper limit where no error was seen."""

from __future__ import annotations

from procedures.write_errors.procedure import WriteErrors

__all__ = ["WriteErrors"]
