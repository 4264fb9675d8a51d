"""Virtual Keithley 3706A system switch: the side of the relays."""

from __future__ import annotations

from instruments.virtual.tspmatrix.mainframe import Mainframe


class Keithley3706A(Mainframe):
    """Six slots for 3730 matrix and 3720 multiplexer cards."""

    model = "3706A"
