import threading

from labmtj.errors import InstrumentError
from labmtj.safety import Step, attempt


def test_every_step_is_tried_and_none_waited_for_beyond_the_deadline():
    """Steps one after another without a deadline would hang here for ever, and never reach the last."""
    forever, done = threading.Event(), []

    def complains():
        raise InstrumentError("b", "addr-b", "no")

    steps = [
        Step("a", "addr-a", forever.wait), Step("b", "addr-b", complains), Step("c", "addr-c", lambda: 1 / 0),
        Step("d", "addr-d", lambda: done.append("d")),
    ]  # fmt: skip
    failed = attempt(steps, 0.1)
    forever.set()
    assert done == ["d"]
    assert [str(error) for error in failed] == [
        "a at addr-a: did not end within 0.1 s", "b at addr-b: no", "c at addr-c: ZeroDivisionError: division by zero"
    ]  # fmt: skip


def test_nothing_to_do():
    assert attempt([]) == []
