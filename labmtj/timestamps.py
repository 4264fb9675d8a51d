"""Moments that two processes can compare: by the clock of the machine since its boot, else by the wall clock."""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A moment that any process on this machine can compare."""

    utc: str
    """ISO 8601; a wall clock may have been set meanwhile"""
    boot_seconds: float = float("nan")
    """since the machine was booted; never set, and the time asleep counts"""
    boot: str = ""
    """identifier of the boot, "" if the system has none"""

    @classmethod
    def now(cls) -> Self:
        """Return the present moment."""
        utc = datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")
        return cls(utc, _boot_seconds(), _boot())

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return the moment that `values` describe; KeyError or ValueError if they describe none."""
        datetime.datetime.fromisoformat(str(values["utc"]))
        return cls(str(values["utc"]), float(values.get("boot_seconds", "nan")), str(values.get("boot", "")))

    def values(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"utc": self.utc, "boot_seconds": self.boot_seconds, "boot": self.boot}

    def seconds_since(self, earlier: Timestamp) -> float:
        """Return the seconds between two moments; NaN if that is unknown, because the wall clock was set back."""
        if self.boot and self.boot == earlier.boot:
            return self.boot_seconds - earlier.boot_seconds
        passed = datetime.datetime.fromisoformat(self.utc) - datetime.datetime.fromisoformat(earlier.utc)
        return passed.total_seconds() if passed.total_seconds() >= 0 else float("nan")


def _boot_seconds() -> float:
    clock = getattr(time, "CLOCK_BOOTTIME", None)  # Linux: unlike the monotonic clock it goes on while asleep
    return time.clock_gettime(clock) if clock is not None else time.monotonic()


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
