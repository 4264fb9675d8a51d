"""The order of a shut-down: no relay is moved before every source has answered that it is off."""

import threading

import pytest

from labmtj.errors import InstrumentError
from labmtj.safety import Step, shut_down


class Boxes:
    """Steps that note what was done; those named `dead` raise, those named `hanging` do not come back."""

    def __init__(self, dead=(), hanging=()):
        self.dead, self.hanging, self.done, self.released = dead, hanging, [], threading.Event()

    def step(self, what, name):
        def do():
            if (what, name) in self.hanging:
                self.released.wait()
            if name in self.dead:
                raise InstrumentError(name, f"at {name}", "does not answer")
            self.done.append((what, name))

        return Step(name, f"at {name}", do)

    def shut_down(self, relays):
        offs, zeros = ([self.step(what, name) for name in ("smu1", "smu2")] for what in ("off", "zero"))
        rests, asks = ([self.step(what, name) for name in ("matrix1", "matrix2")] for what in ("rest", "ask"))
        try:
            failed = shut_down(offs, rests, zeros=zeros, asks=asks, relays_without_sources=relays, seconds=0.2)
        finally:
            self.released.set()
        return [str(error) for error in failed]


def test_sources_are_at_zero_before_one_is_off_and_off_before_a_relay_moves():
    boxes = Boxes()
    assert boxes.shut_down("hold") == []
    assert [what for what, _ in boxes.done] == ["zero", "zero", "off", "off", "rest", "rest"]


@pytest.mark.parametrize("how", [{"dead": ("smu1",)}, {"hanging": [("off", "smu1")]}, {"hanging": [("zero", "smu1")]}])
def test_relays_hold_while_a_source_is_not_known_to_be_off(how):
    """Fails if relays open after a time: what is left on one of them is switched under voltage."""
    boxes = Boxes(**how)
    failed = boxes.shut_down("hold")
    assert ("off", "smu2") in boxes.done
    assert not {"ask", "rest"} & {what for what, _ in boxes.done}
    assert failed[0].startswith("smu1 at at smu1: ")
    for matrix, said in zip(("matrix1", "matrix2"), failed[1:], strict=True):
        assert said.startswith(f"{matrix} at at {matrix}: its relays stay as they are")


def test_relays_open_without_sources_where_the_bench_says_so_but_only_on_a_matrix_that_answers():
    boxes = Boxes(dead=("smu1", "matrix2"))
    failed = boxes.shut_down("open")
    assert ("rest", "matrix1") in boxes.done
    assert boxes.done.index(("ask", "matrix1")) < boxes.done.index(("rest", "matrix1"))
    assert [said.split()[0] for said in failed] == ["smu1", "matrix2"]


def test_a_step_counts_as_failed_whatever_it_raises():
    def ends():
        raise SystemExit(0)

    (error,) = shut_down([Step("smu", "here", ends)], [], relays_without_sources="hold")
    assert str(error) == "smu at here: SystemExit: 0"
