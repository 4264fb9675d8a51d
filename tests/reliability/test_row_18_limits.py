"""Row 18: whatever a procedure, a configuration or a resume file asks for, nothing beyond the limits reaches the bench.

The crossbar within checks by itself, cell by cell, what reaches it. Every property fails at once if `Safety` passes on
what it is given: without the check of volts, of amperes, of seconds, of joules, or of the ledger, an escape is found.
"""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labmtj.arrays import ArrayDescription
from labmtj.bench import load_array
from labmtj.bench.files.protecting import protected
from labmtj.bench.files.simulated import crossbar_of
from labmtj.errors import LabmtjError
from labmtj.network import Block
from labmtj.quantities import Bias, Limits, Lines, ReadSettings
from labmtj.safety import Envelope, Ledger, Safety, cell_names
from procedures.common.infer import InferSettings, Multiplier
from procedures.common.reference import ReferenceMaps, ReferenceSettings, reference_maps
from procedures.common.write import METHODS, WriteSettings, write_matrix

SHAPE = (2, 3)
LINES = sum(SHAPE)
SIEMENS = 1 / 5000
BUDGET = 30
ODD = st.sampled_from([0.0, math.nan, -1.0, 1e9, 0.45, -0.45, 0.9, -0.9, 0.9000001, 5e-324])
WILD = st.one_of(st.floats(-2.0, 2.0), ODD)
TAME = st.one_of(st.just(math.nan), st.floats(-0.25, 0.25), st.floats(-0.05, 0.05))
SECONDS = st.one_of(
    st.floats(1e-4, 1e-2), st.floats(0.0, 0.3), st.sampled_from([-1.0, math.nan, math.inf, 0.1, 0.1000001, 1e9])
)
ANY = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.floats(0.01, 3.0))


class Escaped(AssertionError):
    """Something beyond the limits came through; no procedure catches it."""


class Recording:
    """A crossbar that raises Escaped for whatever its array would not survive; told cell by cell, in plain Python."""

    def __init__(self, inner, siemens):
        self.inner, self.siemens = inner, siemens
        self.shape, self.limits, self.clock = inner.shape, inner.limits, inner.clock
        self.pulses, self.reached = np.zeros(inner.shape, int), 0

    def arm(self):
        pass

    def make_safe(self):
        pass

    def refusal(self, bias, seconds=0.0):
        return self.inner.refusal(bias, seconds)

    def measure(self, bias, lines, how):
        self._look(bias, how.settle_seconds + how.aperture_seconds, reading=True, shots=len(how.signs))
        self._look_at_all(bias, (how.settle_seconds + how.aperture_seconds) * len(how.signs))
        return self.inner.measure(bias, lines, how)

    def pulse(self, bias, seconds):
        self._look(bias, seconds, reading=False, shots=1)
        return self.inner.pulse(bias, seconds)

    def _look(self, bias, seconds, *, reading, shots):
        self.reached += 1
        limits = self.limits
        for volts in bias.line_volts.tolist():
            driven = [each for each in volts if not math.isnan(each)]
            spread = max(driven) - min(driven) if driven else 0.0
            self._must(spread <= limits.cell_volts + 1e-8, f"{spread} V")
            rows, columns = volts[: self.shape[0]], volts[self.shape[0] :]
            for own, other in ((rows, columns), (columns, rows)):
                for line in own:
                    amperes = self.siemens * sum(abs(line - each) for each in other if not math.isnan(each))
                    self._must(not amperes > limits.line_amperes * (1 + 1e-9), f"{amperes} A")
            if not (reading and spread <= limits.disturb_volts):
                self._must(0 <= seconds <= limits.pulse_seconds, f"{seconds} s")
                self._must(
                    spread**2 * self.siemens * seconds <= limits.pulse_joules * (1 + 1e-9), f"{spread} V {seconds} s"
                )
            for (row, high), (column, low) in itertools.product(enumerate(rows), enumerate(columns)):
                self.pulses[row, column] += shots * (abs(high - low) > limits.cell_volts / 2 + 1e-8)
        self._must(self.pulses.max() <= limits.pulses_per_cell, f"{self.pulses.max()} pulses")

    def _look_at_all(self, bias, seconds):
        """Add up what every cell sees in one go: shots and biases follow each other without a rest (case F3)."""
        limits, runs = self.limits, {}
        for volts in bias.line_volts.tolist():
            driven = [each for each in volts if not math.isnan(each)]
            rows, columns = volts[: self.shape[0]], volts[self.shape[0] :]
            for (row, high), (column, low) in itertools.product(enumerate(rows), enumerate(columns)):
                ends = [(driven if math.isnan(each) else [each]) for each in (high, low)]
                seen = max((abs(a - b) for a, b in itertools.product(*ends)), default=0.0)
                before = runs.get((row, column), (0.0, 0.0))
                added = (before[0] + seconds, before[1] + seen**2 * self.siemens * seconds)
                runs[row, column] = added if seen > limits.disturb_volts + 1e-8 else (0.0, 0.0)
                self._must(runs[row, column][0] <= limits.pulse_seconds * (1 + 1e-8), f"{added[0]} s in one go")
                self._must(runs[row, column][1] <= limits.pulse_joules * (1 + 1e-8), f"{added[1]} J in one go")

    def _must(self, holds, what):
        if not holds:
            raise Escaped(f"{what} reached a crossbar with {self.limits}")


@pytest.fixture(scope="session")
def small_array():
    """Return a function that describes an array of a few cells without noise, with some limits."""
    whole = load_array("mtj-50nm").model_dump(mode="json")
    whole |= {"name": "small", "shape": SHAPE}

    def make(**limits):
        return ArrayDescription.from_mapping(whole | {"limits": whole["limits"] | limits})

    return make


LIMITS = st.fixed_dictionaries(
    {
        "cell_volts": st.floats(0.2, 1.0), "line_amperes": st.floats(2e-5, 2e-3), "pulse_seconds": st.floats(1e-3, 0.1),
        "disturb_volts": st.floats(0.05, 0.2), "pulse_joules": st.floats(1e-8, 1e-5),
        "pulses_per_cell": st.integers(1, BUDGET),
    }
)  # fmt: skip


def attempted(operations):
    """Do operations one after another, whatever each of them raises: a procedure may catch anything but an escape."""
    for operation in operations:
        try:
            operation()
        except Escaped:
            raise
        except (LabmtjError, ArithmeticError, ValueError, TypeError, LookupError):
            continue


def batches(volts):
    """Return one to five biases of all lines."""
    return st.lists(st.lists(volts, min_size=LINES, max_size=LINES), min_size=1, max_size=5)


class Answering:
    """The end of the line: answers nothing that matters."""

    shape, clock = SHAPE, None

    def __init__(self, limits):
        self.limits = limits

    def refusal(self, bias, seconds=0.0):
        return None

    def measure(self, bias, lines, how):
        return None

    def pulse(self, bias, seconds):
        return None


OPERATION = st.tuples(
    st.booleans(), st.one_of(map(batches, (TAME, WILD))), SECONDS,
    st.sampled_from(["given", "both"]), st.integers(1, 60),
)  # fmt: skip


def test_no_call_whatever_gets_beyond_the_limits(torture, tally):
    seen = {"reached": 0}

    @settings(max_examples=20_000 if torture else 300, deadline=None)
    @given(LIMITS, st.lists(OPERATION, min_size=1, max_size=8))
    def holds(limits, operations):
        inner = Recording(Answering(Limits(**limits)), SIEMENS)
        ledger = Ledger(cell_names(SHAPE), limits["pulses_per_cell"], what="pulses", limit="limits.pulses_per_cell")
        safety = Safety(inner, Envelope(inner.limits, SHAPE, SIEMENS), ledger)

        def call(pulse, volts, seconds, polarity, repeats):
            safety.arm()
            bias = Bias.from_lines(volts, SHAPE)
            if pulse:
                safety.pulse(bias, seconds)
            else:
                safety.measure(bias, Lines(columns=(0, 1, 2)), ReadSettings(seconds, 0.0, None, repeats, polarity))

        with tally(18, "calls"):
            attempted(lambda each=each: call(*each) for each in operations)
            assert (safety.pulses.counts.reshape(SHAPE) >= inner.pulses).all()
        seen["reached"] += inner.reached

    holds()
    assert seen["reached"] > 100, "calls within the limits have to come through"


WRITE = st.fixed_dictionaries(
    {
        "method": st.sampled_from(sorted(METHODS)), "scheme": st.sampled_from(["half", "third", "grounded"]),
        "parallel_volts": ANY, "antiparallel_volts": ANY, "pulse_seconds": SECONDS,
        "step_fraction": ANY, "max_rounds": st.integers(0, 8), "read_volts": ANY, "aperture_seconds": SECONDS,
    }
)  # fmt: skip
REFERENCE = st.fixed_dictionaries(
    {
        "initialise_volts": ANY, "pulse_seconds": SECONDS, "initialise_pulses": st.integers(1, 40), "read_volts": ANY,
        "aperture_seconds": SECONDS,
    }
)  # fmt: skip
MAP = st.lists(ANY, min_size=6, max_size=6).map(lambda values: np.array(values).reshape(SHAPE))
MEMORY = st.fixed_dictionaries(
    {
        "parallel_amperes": MAP, "antiparallel_amperes": MAP, "read_volts": ANY, "polarity": st.sampled_from([-1, 1, 7]),
        "outcome": st.lists(st.integers(0, 5), min_size=6, max_size=6).map(
            lambda kinds: np.array(kinds, np.uint8).reshape(SHAPE)
        ),
    }
)  # fmt: skip
TARGET = st.lists(st.booleans(), min_size=6, max_size=6).map(lambda bits: np.array(bits).reshape(SHAPE))


def test_no_setting_and_no_snapshot_drives_a_procedure_beyond_the_limits(torture, tally, small_array):
    """Settings unchecked, as from a run.yaml or a snapshot that somebody edited, through the procedures themselves."""
    seen = {"reached": 0}

    @settings(max_examples=2_000 if torture else 60, deadline=None)
    @given(LIMITS, REFERENCE, WRITE, MEMORY, TARGET)
    def holds(limits, reference, write, memory, target):
        array = small_array(**limits)
        inner = Recording(crossbar_of(array, seed=1, name="small"), 1 / array.family.parallel_ohms)
        safety = protected(inner, array)
        wrong = WriteSettings.model_construct(**write)

        def written(maps):
            safety.arm()
            write_matrix(safety, target, maps, wrong, delivered=np.full(SHAPE, 0.01))

        def from_the_start():
            safety.arm()
            written(reference_maps(safety, ReferenceSettings.model_construct(**reference)))

        def multiplied():
            safety.arm()
            infer = InferSettings.model_construct(read_volts=write["read_volts"])
            Multiplier(safety, Block(0, 0, 2, 3), infer, 1e-3).multiply(np.full((2, 2), 1e3), np.zeros(3))

        with tally(18, "procedures"):
            attempted([from_the_start, lambda: written(ReferenceMaps(**memory)), multiplied])
        seen["reached"] += inner.reached

    with np.errstate(all="ignore"):
        holds()
    assert seen["reached"] > 30, "what is within the limits has to come through"
