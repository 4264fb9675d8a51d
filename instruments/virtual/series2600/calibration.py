"""smua.cal, and the adjustments that it locks: the lock is modelled, the constants are not."""

from __future__ import annotations

from labmtj.virtual.tsp.complaints import Complaint
from labmtj.virtual.tsp.tree import Accept, Group, Members, Reading, Setting, number, one_of, text

LOCKED, CALIBRATING, UNLOCKED = 0, 1, 2
PASSWORD = "KI0026XX"  # noqa: S105 - printed in the manual
NOT_WHILE_LOCKED, NOT_SAVED, CANNOT_SAVE, CANNOT_RESTORE, DATE_LOCKED, WRONG_PASSWORD = (
    5011,
    5012,
    5013,
    5014,
    5016,
    5019,
)
FACTORY_DATE = 1.4e9
"""UTC seconds of the last adjustment [assumed]"""


class Calibration:
    """The lock of one channel."""

    def __init__(self, name: str) -> None:
        self._state = LOCKED
        date = self._unless_locked(number)
        self.group = Group(
            f"{name}.cal",
            {
                "state": Reading(lambda: float(self._state)), "lock": self._lock, "unlock": self._unlock,
                "save": lambda: self._only_unlocked(CANNOT_SAVE, "Cannot save cal data - unlock before save"),
                "restore": lambda _=0: self._only_unlocked(
                    CANNOT_RESTORE, "Cannot restore cal data - unlock before restore"
                ),
                "password": Setting(PASSWORD, text, kept=True), "polarity": Setting(0.0, one_of(0, 1, 2)),
                "adjustdate": Setting(FACTORY_DATE, date, kept=True), "date": Setting(FACTORY_DATE, date, kept=True),
                "due": Setting(0.0, date, kept=True),
            },
        )  # fmt: skip

    def adjustments(self, *names: str) -> Members:
        """Return functions that only an unlocked channel takes."""
        return dict.fromkeys(names, self._adjust)

    def _adjust(self, *_: object) -> None:
        self._only_unlocked(NOT_WHILE_LOCKED, "Operation not permitted while cal is locked")
        self._state = CALIBRATING

    def _unlock(self, password: object) -> None:
        if password != self.group.members["password"].value:
            raise Complaint(WRONG_PASSWORD, "Cannot unlock - invalid password")
        self._state = UNLOCKED

    def _lock(self) -> None:
        if self._state == CALIBRATING:
            raise Complaint(NOT_SAVED, "Cal data not saved - save or restore before lock")
        self._state = LOCKED

    def _only_unlocked(self, code: int, problem: str) -> None:
        if self._state == LOCKED:
            raise Complaint(code, problem)
        self._state = UNLOCKED

    def _unless_locked(self, accept: Accept) -> Accept:
        def dated(value: object) -> object:
            if self._state == LOCKED:
                raise Complaint(DATE_LOCKED, "Cannot change cal date - unlock before operation")
            return accept(value)

        return dated
