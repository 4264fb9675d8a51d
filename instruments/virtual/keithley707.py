"""Virtual Keithley 707B and 708B switching matrices: the side of the relays."""

from __future__ import annotations

from instruments.virtual.tspmatrix.mainframe import Mainframe


class Keithley707B(Mainframe):
    """Six slots for 7072, 7072-HV, 7173-50 and 7174A cards."""

    model = "707B"


class Keithley708B(Mainframe):
    """One slot for a card of the 707B."""

    model = "708B"
