"""`channel.trigger[N]` and `schedule.alarm[N]`: events of ports and of the calendar, which never come here."""

from __future__ import annotations

from instruments.virtual.tspmatrix.names import Names
from labmtj.virtual.tsp.tree import Group, Members, number
from labmtj.virtual.tsp.triggers import Latch, Triggers

CHANNEL_TRIGGERS, ALARMS = 8, 2


class ChannelTrigger:
    """One trigger: channels, and the state that they would have to come to."""

    def __init__(self, triggers: Triggers, names: Names, name: str) -> None:
        self._latch, self._names = Latch(triggers), names
        self._channels, self._state = "", 0.0
        self.group = Group(
            name,
            {
                "EVENT_ID": self._latch.event, "wait": self._latch.wait, "clear": self._latch.clear,
                "set": self._set, "get": lambda: (self._channels, self._state),
            },
        )  # fmt: skip

    def reset(self) -> None:
        """Forget the channels."""
        self._channels, self._state = "", 0.0
        self._latch.clear()

    def _set(self, given: object, state: object = 0) -> None:
        wanted = number(state)
        self._channels = ",".join(map(self._names.text, self._names.channels(given, groups=True)))
        self._state = wanted


def alarms(triggers: Triggers) -> Members:
    """Return the numbers of the events of the alarms; their settings are in the table of names."""
    numbered = {
        place: Group(f"schedule.alarm[{place}]", {"EVENT_ID": Latch(triggers).event}) for place in range(1, ALARMS + 1)
    }
    return {"schedule": Group("schedule", {"OFF": 0, "ON": 1, "alarm": Group("schedule.alarm", dict(numbered))})}
