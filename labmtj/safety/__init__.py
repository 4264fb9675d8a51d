"""The layer between procedures and arrays: limits, budgets, and the states safe, armed and live."""

from __future__ import annotations

from labmtj.safety.checks import ROUNDING_VOLTS, Envelope, line_name, spread_volts
from labmtj.safety.deadlines import STEP_SECONDS, Step, attempt
from labmtj.safety.delivered import Delivered
from labmtj.safety.exposure import most_across
from labmtj.safety.layer import Safety, State
from labmtj.safety.ledger import Ledger, cell_names
from labmtj.safety.ledgerfile import kept_counts, ledger_folder, ledger_path
from labmtj.safety.shutdown import HOLD, OPEN, RelaysWithoutSources, shut_down
from labmtj.safety.worst import most_cell_volts

__all__ = [
    "HOLD",
    "OPEN",
    "ROUNDING_VOLTS",
    "STEP_SECONDS",
    "Delivered",
    "Envelope",
    "Ledger",
    "RelaysWithoutSources",
    "Safety",
    "State",
    "Step",
    "attempt",
    "cell_names",
    "kept_counts",
    "ledger_folder",
    "ledger_path",
    "line_name",
    "most_across",
    "most_cell_volts",
    "shut_down",
    "spread_volts",
]
