"""The one place of the core that opens sessions: drivers by dotted name, all failed connections reported together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from labmtj.bench.files.laboratory import InstrumentFile
from labmtj.dottednames import CannotLoad
from labmtj.errors import InstrumentError, LabmtjError, SettingError
from labmtj.extras import what_is_missing
from labmtj.forking import closed_in_forks
from labmtj.plugins import named
from labmtj.safety import Step, attempt
from labmtj.shots import Identity
from labmtj.verbs import SourceMeasureUnit, SwitchMatrix

_LOG = logging.getLogger(__name__)
Wrap = Callable[[str, Any], Any]
"""from an instrument's name and its PyMeasure adapter to the adapter to use, such as one that records the traffic"""


@dataclass(frozen=True)
class Sessions:
    """Instruments that are connected and are what the bench file says; nothing was changed on them."""

    units: Mapping[str, SourceMeasureUnit]
    matrices: Mapping[str, SwitchMatrix]
    identities: Mapping[str, Identity]


def driver_class(name: str, instrument: InstrumentFile) -> Callable[..., Any]:
    """Return the class of a driver; raise SettingError if there is none of that name."""
    try:
        found: Any = named("labmtj.drivers", instrument.driver, _is_driver)
    except CannotLoad as error:
        example = "; wanted is a dotted name such as instruments.keithley2600.Keithley2636B"
        missing = what_is_missing(error.__cause__)
        raise SettingError(
            ("instruments", name, "driver"),
            f"{instrument.driver} {missing}"
            if missing
            else f"cannot load {instrument.driver!r}: {error}{'' if 'did you mean' in str(error) else example}",
        ) from None
    if not _is_driver(found):
        raise SettingError(("instruments", name, "driver"), f"{instrument.driver!r} is not a driver of labmtj")
    return found  # type: ignore[no-any-return]


def _is_driver(found: Any) -> bool:
    return isinstance(found, type) and hasattr(found, "identify") and hasattr(found, "make_safe")


def at_resources(instruments: Mapping[str, InstrumentFile], resources: Mapping[str, str]) -> dict[str, InstrumentFile]:
    """Return the instruments, some of them at another resource, which is opened without a vendor's VISA."""
    return {
        name: each.model_copy(update={"resource": resources[name], "visa_library": "@py"})
        if name in resources
        else each
        for name, each in instruments.items()
    }


def keywords(instrument: InstrumentFile) -> dict[str, Any]:
    """Return what a driver's class is called with, besides resource and name."""
    cards = {"cards": dict(instrument.cards)} if instrument.cards else {}
    timeout = round(instrument.timeout_seconds * 1000)
    return {**instrument.options, "visa_library": instrument.visa_library, "timeout": timeout, **cards}


@contextmanager
def open_sessions(
    instruments: Mapping[str, InstrumentFile],
    *,
    resources: Mapping[str, str] | None = None,
    adapters: Mapping[str, Any] | None = None,
    wrap: Wrap | None = None,
    before: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> Iterator[Sessions]:
    """Open and identify all instruments; close them at the end.

    Args:
        instruments: of the bench file.
        resources: VISA resources that replace those of the file, such as those of virtual instruments; they are
            opened without a vendor's VISA.
        adapters: PyMeasure adapters used instead of sessions.
        wrap: puts something around each session's adapter.
        before: called with the drivers before the first message is sent; may raise.

    Raises:
        SettingError: for a driver that cannot be loaded, or options that it does not know.
        InstrumentError: naming every instrument that did not answer, or is another than the file says.
    """
    given = at_resources(instruments, resources or {})
    classes = {name: driver_class(name, each) for name, each in given.items()}
    drivers: dict[str, Any] = {}
    try:
        failed = _tried(
            given,
            lambda name: drivers.update(
                {name: _opened(name, given[name], classes[name], (adapters or {}).get(name), wrap)}
            ),
        )
        if not failed:
            before(drivers)
        identities: dict[str, Identity] = {}
        failed += _tried(drivers, lambda name: identities.update({name: drivers[name].identify()}))
        if failed:
            raise _together(failed)
        with closed_in_forks(lambda: _leave_sockets(drivers)):
            yield Sessions(
                {name: each for name, each in drivers.items() if hasattr(each, "run_shots")},
                {name: each for name, each in drivers.items() if hasattr(each, "crosspoint")},
                identities,
            )
    finally:
        for error in attempt([Step(name, given[name].resource, each.adapter.close) for name, each in drivers.items()]):
            # noted only: the instrument is safe by now or was never touched
            _LOG.warning("closing a session failed: %s", error)


def _opened(name: str, instrument: InstrumentFile, driver: Callable[..., Any], adapter: Any, wrap: Wrap | None) -> Any:
    try:
        opened = driver(adapter or instrument.resource, name=name, **keywords(instrument))
    except TypeError as error:
        raise SettingError(("instruments", name), f"the driver does not take these settings: {error}") from error
    except LabmtjError:
        raise
    except Exception as error:  # VISA libraries raise their own errors, and OSError, and ValueError
        raise InstrumentError(
            name, instrument.resource, f"cannot be opened: {error}; check resource, cable, power and visa_library"
        ) from error
    if wrap is not None:
        opened.adapter = wrap(name, opened.adapter)
    return opened


def _tried(names: Mapping[str, Any], step: Callable[[str], None]) -> list[InstrumentError]:
    """Do a step for every instrument and return what failed."""
    failed = []
    for name in names:
        try:
            step(name)
        except InstrumentError as error:
            failed.append(error)
    return failed


def _together(failed: list[InstrumentError]) -> InstrumentError:
    if len(failed) == 1:
        return failed[0]
    complaints = "\n  ".join(str(error).replace("\n", "\n  ") for error in failed)
    addresses = ", ".join(error.address for error in failed)
    return InstrumentError(
        f"{len(failed)} instruments", addresses, f"are not there as the bench file says:\n  {complaints}"
    )


def _leave_sockets(drivers: Mapping[str, Any]) -> None:
    """Close raw sockets in a forked child, which says nothing to the other end; other interfaces would."""
    for driver in drivers.values():
        if driver.address.upper().endswith("SOCKET"):
            driver.adapter.close()
