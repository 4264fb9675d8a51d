"""After a lost answer: the bench is confirmed, then an operation that may safely be repeated is repeated."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from labmtj.errors import AnswerLost, InstrumentError, LabmtjError
from labmtj.verbs import Instrument

RETRIES = 3
"""most times that a reading is taken, or a relay set, again"""
CLEANUP_SECONDS = 5.0
"""in which a bench is made safe as far as its instruments answer"""
_LONGEST_SECONDS, _SHORTEST_SECONDS = 2.0, 0.4
_LOG = logging.getLogger(__name__)
Answer = TypeVar("Answer")


def again(attempt: Callable[[], Answer], recover: Callable[[], None]) -> Answer:
    """Return what an attempt gives; if its answer is lost, recover and try again.

    Args:
        attempt: can be done twice: a reading, or relays that are moved from where they are. Never a pulse.
        recover: raises unless the bench is as the attempt expects it.

    Raises:
        AnswerLost: the answer is lost time and again.
    """
    for _ in range(RETRIES):
        try:
            return attempt()
        except AnswerLost as error:
            _LOG.warning("an answer was lost, trying again: %s", error)
            recover()
    return attempt()


@contextmanager
def cleanup_deadline(instruments: Collection[Instrument]) -> Iterator[None]:
    """Limit the wait for all instruments together to about `CLEANUP_SECONDS`, if none of them answers."""
    each = min(_LONGEST_SECONDS, max(_SHORTEST_SECONDS, CLEANUP_SECONDS / max(1, len(instruments))))
    with ExitStack() as stack:
        for instrument in instruments:
            stack.enter_context(instrument.bounded_wait(each))
        yield


def asked(instrument: Instrument) -> None:
    """Ask an instrument for an answer."""
    instrument.identify()


def all_of(failed: Sequence[LabmtjError]) -> InstrumentError:
    """Return one error that says what failed while a bench was made safe."""
    addresses = dict.fromkeys(str(getattr(error, "address", "?")) for error in failed)
    problems = "\n  ".join(dict.fromkeys(map(str, failed)))
    return InstrumentError(
        "bench", ", ".join(addresses), f"not everything is safe, switch these off by hand:\n  {problems}"
    )
