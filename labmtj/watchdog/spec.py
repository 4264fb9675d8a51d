"""An instrument as the watchdog knows it: how to reach it, and one attempt to make it safe."""

from __future__ import annotations

import importlib
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

ANSWER_SECONDS = 1.0
"""longest wait for an answer while an instrument is made safe; what a script on a box delays is aborted before"""
ATTEMPT_SECONDS = 2 * ANSWER_SECONDS
"""what one attempt spends on an instrument that is silent"""


def send_safe(driver: Any) -> None:
    """Send the safe state to an instrument without queries; third-party drivers may only be able to stop what runs."""
    getattr(driver, "send_safe", driver.abort)()


@dataclass(frozen=True)
class InstrumentSpec:
    """An instrument to be made safe."""

    name: str
    driver: str
    """dotted name of its class"""
    resource: str
    """VISA resource"""
    keywords: Mapping[str, Any]
    """further arguments of the class"""

    def __str__(self) -> str:
        return f"{self.name} at {self.resource}"

    def load(self) -> Callable[..., Any]:
        """Import the class."""
        module, _, name = self.driver.rpartition(".")
        driver: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return driver

    @property
    def is_source(self) -> bool:
        """Whether it is a source-measure unit, and no switch matrix."""
        return hasattr(self.load(), "run_shots")

    def rehearse(self) -> None:
        """Open and close a session with a silent server on this computer: all modules are loaded before they matter."""
        with socket.create_server(("127.0.0.1", 0)) as silent, suppress(Exception):
            self._opened(
                f"TCPIP::127.0.0.1::{silent.getsockname()[1]}::SOCKET", {"visa_library": "@py"}
            ).adapter.close()

    def make_safe(self, opened: Callable[[Any], None] = lambda _: None) -> None:
        """Bring the instrument to its safe state, in a session of its own: first unasked, then verified.

        Who would answer may be gone, or be what a script made of it: a source is off before the first question.

        Args:
            opened: is given the driver as soon as there is one, so that another thread can close its session.
        """
        driver = self._opened(self.resource, {})
        try:
            opened(driver)
            with driver.bounded_wait(ATTEMPT_SECONDS):
                self._clear(driver)
                send_safe(driver)
                driver.identify()
                driver.make_safe()
        finally:
            driver.adapter.close()

    def _opened(self, resource: str, changed: Mapping[str, Any]) -> Any:
        return self.load()(resource, name=self.name, **{**self._quick(), **changed})

    def _clear(self, driver: Any) -> None:
        """Clear the device where the interface can: it may be in a message of a run that hangs."""
        if self.resource.upper().endswith("INSTR"):
            with suppress(Exception):
                driver.adapter.connection.clear()

    def _quick(self) -> dict[str, Any]:
        """Return the arguments with the shorter patience; JSON has turned slots into text."""
        most = 1000 * ANSWER_SECONDS
        changed: dict[str, Any] = {
            "timeout": min(self.keywords.get("timeout", most), most), "open_timeout": round(most),
        }  # fmt: skip
        if "cards" in self.keywords:
            changed["cards"] = {int(slot): model for slot, model in self.keywords["cards"].items()}
        return {**self.keywords, **changed}
