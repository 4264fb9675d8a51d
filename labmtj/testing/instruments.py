"""What every driver keeps to, whatever its instrument is."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from labmtj import verbs
from labmtj.bench.files.laboratory import InstrumentFile
from labmtj.bench.session.sessions import driver_class
from labmtj.errors import InstrumentError
from labmtj.testing.benches import NOWHERE, ServedBench

FOREIGN = "Another Maker,M1,0,1.0"


class InstrumentConformance:
    """What units and matrices have in common; a subclass has the fixture `bench`."""

    name: ClassVar[str]
    """of the instrument on that bench"""
    driver: ClassVar[str]
    """as in a bench file"""
    options: ClassVar[Mapping[str, Any]] = {}
    """of the bench file"""

    def assert_verbs(self, instance: object, protocol: type) -> None:
        """Assert that the driver has the verbs of its kind."""
        cls = driver_class(self.name, InstrumentFile(driver=self.driver, resource=NOWHERE))
        assert_verbs(cls, instance, protocol, verbs.Instrument)

    def test_another_instrument_is_refused(self, bench: ServedBench) -> None:
        bench.served.arm_fault(f"{self.name}:replaced:/*IDN?/:{FOREIGN}")
        with pytest.raises(InstrumentError) as caught, bench.session(self.name):
            pass
        assert_sentence(caught.value, self.name)

    def test_silence_is_an_error_that_names_instrument_and_address(self, bench: ServedBench) -> None:
        with pytest.raises(InstrumentError) as caught, bench.session(self.name) as driver, driver.bounded_wait(0.5):  # noqa: PT012
            bench.served.servers[self.name].close()
            driver.confirm()
        assert_sentence(caught.value, self.name)


def assert_verbs(cls: Any, instance: object, *protocols: type) -> None:
    """Assert that a driver has the verbs of its kind, with their parameters, each with a docstring."""
    for protocol in protocols:
        for verb, member in vars(protocol).items():
            if verb.startswith("_"):
                continue
            if isinstance(member, property):
                assert hasattr(instance, verb), verb
                continue
            ours, theirs = (inspect.signature(each).parameters for each in (getattr(cls, verb), member))
            assert [(p.name, p.kind) for p in ours.values()] == [(p.name, p.kind) for p in theirs.values()], verb
            assert inspect.getdoc(getattr(cls, verb)), verb


def assert_sentence(error: InstrumentError, name: str) -> None:
    """Assert that an error names the instrument, where it is, and what is wrong."""
    assert error.instrument == name
    assert name in str(error)
    assert error.address
    assert error.address in str(error)
    assert len(str(error).split()) > 4
