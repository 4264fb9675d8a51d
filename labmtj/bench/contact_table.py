"""The contact checks of a run in its record: one row per touch-down, that of a resumed run behind the first."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from labmtj.bench.contact import Contact
from labmtj.safety import line_name
from labmtj.schema import Column, Table, Variable

PATH = "bench/contact"


def contact_table(shape: tuple[int, int]) -> Table:
    """Return the schema for an array of (rows, columns) lines."""
    names = np.array([line_name(line, shape) for line in range(sum(shape))])
    columns = {
        "utc_seconds": Column("f8", "seconds since 1970-01-01", "when the check began, UTC"),
        "amperes": Column("f8", "A", "current into the line alone, all others at 0 V; NaN = not driven", ("line",)),
        "open": Column("bool", "1", "whether the line carried too little", ("line",)),
        "shorted": Column("bool", "1", "whether the line carried too much", ("line",)),
    }
    lines = {"line": Variable(names, "1", "line of the array", ("line",))}
    return Table(PATH, "check", columns, coordinates=lines, signal="amperes")


def contact_row(contact: Contact) -> dict[str, ArrayLike]:
    """Return a check as one row of the table."""
    values = {name: getattr(contact, name)[np.newaxis] for name in ("amperes", "open", "shorted")}
    return {"utc_seconds": np.array([contact.utc_seconds]), **values}
