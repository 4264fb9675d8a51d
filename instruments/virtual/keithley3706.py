"""Virtual Keithley 3706A system switch: the side of the relays."""

from __future__ import annotations

from pathlib import Path

from instruments.virtual.tspmatrix.mainframe import Mainframe
from labmtj.virtual.tsp.names import SHARED


class Keithley3706A(Mainframe):
    """Six slots for 3730 matrix and 3720 multiplexer cards."""

    model = "3706A"
    series = "Series 3700A"
    tables = (SHARED, Path(__file__).with_name("tspmatrix") / "names.tsv")
