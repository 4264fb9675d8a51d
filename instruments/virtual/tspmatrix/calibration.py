"""`channel.calibration` of a 3706A: a lock, a count and two dates for each card; nothing is adjusted here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from instruments.virtual.tspmatrix.names import BAD_CHANNEL, Names
from labmtj.virtual.tsp.complaints import UNAVAILABLE, Complaint
from labmtj.virtual.tsp.tree import Group, number, text

FIRST_PASSWORD = "KI3706"  # noqa: S105 - printed in the manual


@dataclass
class Dates:
    """What a card keeps."""

    count: int = 0
    adjusted: float = 0.0
    verified: float = 0.0


class Calibration:
    """The table of one mainframe; a password opens one card at a time."""

    def __init__(self, names: Names) -> None:
        self._names, self._password = names, FIRST_PASSWORD
        self._unlocked: int | None = None
        self._kept: Mapping[int, Dates] = {slot: Dates() for slot in names.cards}
        self.group = Group(
            "channel.calibration",
            {
                "unlock": self._unlock, "lock": self._lock, "password": self._set_password, "save": self._save,
                "step": self._step, "adjustcount": lambda slot: float(self._card(slot).count),
                "adjustdate": self._adjusted, "verifydate": self._verified,
            },
        )  # fmt: skip

    def _slot(self, given: object) -> int:
        named = text(given).lower()
        slot = int(named[4:]) if named[:4] == "slot" and named[4:].isdigit() else 0
        if slot not in self._kept:
            raise Complaint(BAD_CHANNEL, f"parameter 1 is invalid: {given} has no card")
        return slot

    def _card(self, given: object) -> Dates:
        return self._kept[self._slot(given)]

    def _open(self) -> Dates:
        if self._unlocked is None:
            raise Complaint(UNAVAILABLE, "command unavailable: calibration is locked")
        return self._kept[self._unlocked]

    def _unlock(self, given: object, password: object = "") -> None:
        slot = self._slot(given)
        if text(password) != self._password:
            raise Complaint(UNAVAILABLE, "command unavailable: the password is wrong")
        self._unlocked = slot

    def _lock(self) -> None:
        self._open()
        self._unlocked = None

    def _set_password(self, password: object) -> None:
        self._open()
        self._password = text(password)

    def _save(self) -> None:
        self._open().count += 1

    def _step(self, given: object, step: object = None, value: object = 0) -> None:
        self._open()
        self._names.channels(given, groups=False)
        number(step), number(value)

    def _adjusted(self, given: object, date: object = None) -> float:
        card = self._card(given)
        if date is not None:
            self._open().adjusted = number(date)
        return card.adjusted

    def _verified(self, given: object, date: object = None) -> float:
        card = self._card(given)
        if date is not None:
            self._open().verified = number(date)
        return card.verified
