"""Two paths, one answer: instruments on sockets, and a simulated crossbar that is given what those delivered.

Both run the same procedure objects. What the pads of the virtual bench saw during each call is handed to the simulated
crossbar, call by call: it flips its own cells, and reads its own currents while the instruments integrated.
"""

from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pytest

from instruments.virtual import keithley2600
from labmtj import library
from labmtj.bench.files.simulated import crossbar_of, describe
from labmtj.layer import Layer
from labmtj.network import Solutions, forward, load_wine, pairs
from labmtj.quantities import Bias, Currents, Lines, Pulse, ReadSettings, Waveform
from labmtj.simulated import Timing
from procedures.common.infer import InferSettings
from procedures.common.networks.hardware import CrossbarHardware
from procedures.common.reference import ReferenceSettings, reference_maps
from procedures.common.schemes import select_rows
from procedures.common.write import WriteSettings, write_matrix

WIDTHS = {  # of a pulse: what units time themselves is short, what messages time takes 10 ms and more
    "virtual-2636b-3706a": 1e-3,
    "virtual-2636b-707b": 1e-3,
    "virtual-b2902a-b2201a": 1e-3,
    "virtual-2400-7002": 2.5e-2,
    "virtual-rack-2602b": 2.5e-2,
}
DIGIT = {"virtual-2400-7002": 1e-5}
"""of the meter, as a fraction of full scale, where it is not 1e-6"""
SOLVED = 1e-7
"""of full scale: what two solutions of one network may differ by, each settled to a microvolt"""
SAMPLES = slice(None, None, 16)
"""of Wine, all three classes"""
WHOLE, SMALL = (15, 15), (6, 6)
"""chips: for both layers, and for the second alone"""


@dataclass
class Call:
    """One call of a bench, what it answered, and what its pads saw meanwhile."""

    bias: Bias
    asked: object
    answer: Currents | Pulse
    seen: list


class Recorded(Layer):
    """A bench that keeps what its pads saw during each call."""

    def __init__(self, bench, network):
        super().__init__(bench)
        self._network, self.calls, self.refusals = network, [], []
        self.before = []
        """what the pads saw before the first call"""

    def _kept(self, bias, asked, act):
        seen = self._network.seen_by_pads
        if not self.calls:
            self.before = seen[:]
        seen.clear()
        answer = act()
        self.calls.append(Call(bias, asked, answer, seen[:]))
        seen.clear()
        return answer

    def refusal(self, bias, seconds=0.0):
        self.refusals.append(super().refusal(bias, seconds))
        return self.refusals[-1]

    def measure(self, bias, lines, how):
        return self._kept(bias, lines, lambda: super(Recorded, self).measure(bias, lines, how))

    def pulse(self, bias, seconds):
        return self._kept(bias, seconds, lambda: super(Recorded, self).pulse(bias, seconds))


class Twin(Layer):
    """A simulated crossbar that lives through what a bench delivered, and answers from that."""

    def __init__(self, simulated, recorded):
        super().__init__(simulated)
        self.simulated = simulated
        self.digits = []
        """between the two answers of every call, as a fraction of full scale"""
        self._calls, self._refusals = iter(recorded.calls), iter(recorded.refusals)
        self.live(recorded.before)

    def live(self, seen):
        """Apply what pads saw, as one waveform; neighbours that are alike make one step."""
        steps = [
            (sum(each.seconds for each in alike), volts)
            for volts, alike in ((np.frombuffer(key), list(each)) for key, each in groupby(seen, _volts_of))
        ]
        if steps:
            seconds, volts = zip(*steps, strict=True)
            self.simulated.apply(Waveform(np.array([seconds]), np.array([volts])))

    def read(self, piece):
        """Live through a piece of an aperture and return the currents out of all lines, (lines,)."""
        every = Lines(rows=tuple(range(self.shape[0])), columns=tuple(range(self.shape[1])))
        bias = Bias.from_lines(piece.line_volts, self.shape)
        return self.simulated.measure(bias, every, ReadSettings(piece.seconds, settle_seconds=0.0)).raw_amperes[0, 0]

    def refusal(self, bias, seconds=0.0):
        return next(self._refusals)

    def _next(self, bias, asked):
        call = next(self._calls)
        # it decides as on the bench; what it computes from currents has their digits
        np.testing.assert_allclose(bias.line_volts, call.bias.line_volts, rtol=0, atol=1e-5)
        assert asked == call.asked
        return call

    def pulse(self, bias, seconds):
        call = self._next(bias, seconds)
        self.live(call.seen)
        return call.answer

    def measure(self, bias, lines, how):
        """Answer with the simulated currents of the apertures that the bench stamped."""
        call = self._next(bias, lines)
        apertures, waiting = [], []
        for piece in call.seen:
            if piece.purpose != "aperture":
                waiting.append(piece)
                continue
            self.live(waiting)
            waiting = []
            if not (apertures and apertures[-1].goes_on(piece, how.aperture_seconds)):
                apertures.append(Aperture(piece.start_seconds))
            apertures[-1].add(piece.seconds, self.read(piece))
        self.live(waiting)
        shown, starts = call.answer, np.array([each.start_seconds for each in apertures])
        nearest = np.abs(shown.start_seconds[..., np.newaxis] - starts).argmin(axis=-1)
        assert np.abs(shown.start_seconds - starts[nearest]).max() < how.aperture_seconds
        own = np.array([each.amperes for each in apertures])[nearest, lines.indices(self.shape)]
        self.digits.append(((own - shown.raw_amperes) / shown.range_amperes).ravel())
        return Currents(own, shown.flags, shown.range_amperes, shown.start_seconds, shown.volts, shown.signs)


@dataclass
class Aperture:
    """What the simulated crossbar shows while an instrument integrates: in pieces, where a cell flips meanwhile."""

    start_seconds: float
    seconds: float = 0.0
    amperes: np.ndarray | float = 0.0
    """(lines,) the mean"""

    def goes_on(self, piece, aperture_seconds):
        """Return whether a piece belongs to this aperture."""
        whole = self.seconds + piece.seconds
        return piece.start_seconds - self.start_seconds - self.seconds < 1e-9 and whole < aperture_seconds + 1e-9

    def add(self, seconds, amperes):
        self.amperes = (self.amperes * self.seconds + amperes * seconds) / (self.seconds + seconds)
        self.seconds += seconds


def _volts_of(segment):
    return np.asarray(segment.line_volts, float).tobytes()


@dataclass
class Result:
    """What a campaign found."""

    hardware: CrossbarHardware
    products: list
    predicted: np.ndarray

    @property
    def accuracy(self):
        return (self.predicted == load_wine().classes[SAMPLES]).mean()


def campaign(crossbar, array, pulse_seconds, mode):
    """Write both layers of a solution to one chip, one after the other, and run them on Wine.

    On a small chip the first is computed.
    """
    solutions, inputs = Solutions.load(library.find("wine-300.npz", "solutions")), load_wine().features[SAMPLES]
    hardware = CrossbarHardware(
        [crossbar], describe(array).delta_siemens,
        reference=ReferenceSettings(pulse_seconds=max(pulse_seconds, 1e-2)),
        write=WriteSettings(
            method="row_parallel", parallel_volts=0.42, antiparallel_volts=0.5, pulse_seconds=pulse_seconds
        ),
        infer=InferSettings(mode=mode, baseline_reads=1),
    )  # fmt: skip
    products = []
    for layer, bits, bias in ((1, solutions.w1[0], solutions.b1[0]), (2, solutions.w2[0], solutions.b2[0])):
        if layer == 1 and crossbar.shape == SMALL:
            inputs = np.tanh(forward.preactivation(inputs @ pairs.difference(bits), bias, 1.0))
            continue
        hardware.write(layer, bits)
        products.append(hardware.multiply(layer, np.clip(inputs, -1, 1)))
        activations = forward.preactivation(products[-1], bias, 1.0)
        inputs = np.tanh(activations)
    return Result(hardware, products, forward.predictions(activations))


@pytest.mark.parametrize("name", WIDTHS)
@pytest.mark.parametrize("shape", [SMALL, WHOLE])
def test_the_bench_and_the_simulation_give_one_answer(virtual_bench, small_bench, tmp_path, torture, shape, name):
    if shape == WHOLE and not torture:
        pytest.skip("under --torture: 5 to 10 s")
    mode = "simultaneous" if "rack" in name else "transfer"
    files = small_bench(tmp_path, name.removeprefix("virtual-"), shape=shape)
    with virtual_bench(str(files / "virtual.yaml"), noise=False) as (bench, served):
        virtual, lines = served.bench, served.bench.network
        array = virtual.file.of.chip.array
        recorded = Recorded(bench.protected(), lines)
        on_bench = campaign(recorded, array, WIDTHS[name], mode)
        physics = lines.array.snapshot()
        assert lines.events == []  # no relay moved under voltage
    twin = Twin(
        crossbar_of(array, seed=virtual.file.seed, name=virtual.chip, cell_noise=False, timing=Timing(0.0, 0.0)),
        recorded,
    )
    in_simulation = campaign(twin, array, WIDTHS[name], mode)

    assert np.abs(np.concatenate(twin.digits)).max() < 0.5 * DIGIT.get(name, 1e-6) + SOLVED
    assert physics["flips"].sum() > 1.8 * np.prod(shape)
    for what in ("flips", "state", "broken"):
        np.testing.assert_array_equal(twin.simulated.array.snapshot()[what], physics[what])
    hazard = twin.simulated.array.hazard  # how near to its next flip each cell is: 1 on average
    np.testing.assert_allclose(hazard, physics["hazard"], rtol=0, atol=1e-4)
    for layer in on_bench.hardware.results:
        ours, theirs = on_bench.hardware.results[layer], in_simulation.hardware.results[layer]
        np.testing.assert_array_equal(ours.achieved, theirs.achieved)
        np.testing.assert_array_equal(ours.outcome, theirs.outcome)
        assert ours.fidelity == theirs.fidelity > 0.9
    for ours, theirs in zip(on_bench.products, in_simulation.products, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=3e-3)  # in units of one cell's step at the read voltage
    np.testing.assert_array_equal(on_bench.predicted, in_simulation.predicted)
    assert on_bench.accuracy == in_simulation.accuracy > 0.8


def noisy(crossbar):
    """Return repeated reads of three rows of the chip as it is, (repeats, cells), and the fidelity of a checkerboard."""
    rows = select_rows(crossbar.shape, np.linspace(0, crossbar.shape[0] - 1, 3).astype(int), 0.1)
    every = Lines(columns=tuple(range(crossbar.shape[1])))
    reads = crossbar.measure(rows, every, ReadSettings(polarity="both", repeats=REPEATS))
    pairs = (reads.raw_amperes * reads.signs[:, np.newaxis]).reshape(3, REPEATS, 2, -1).mean(axis=2)
    reference = reference_maps(crossbar, ReferenceSettings())
    checkerboard = np.indices(crossbar.shape).sum(axis=0) % 2 == 0
    written = write_matrix(
        crossbar, checkerboard, reference, WriteSettings(parallel_volts=0.42, antiparallel_volts=0.5, max_rounds=0)
    )
    return np.moveaxis(pairs, 1, 0).reshape(REPEATS, -1), written.fidelity


REPEATS = 8
GAIN = 2.5e-4 + 2e-4
"""of the 10 uA range of a 2636B in one year, and of its source: what two units may differ by, offsets cancelled"""


def test_with_noise_on_the_statistics_agree(virtual_bench, small_bench, tmp_path, torture):
    files = small_bench(tmp_path, shape=WHOLE if torture else SMALL)
    with virtual_bench(str(files / "virtual.yaml")) as (bench, served):
        virtual = served.bench
        ours, our_fidelity = noisy(bench.protected())
        assert virtual.network.events == []
    chip = crossbar_of(
        virtual.file.of.chip.array,
        seed=virtual.file.seed,
        name=virtual.chip,
        meter=keithley2600.meter_of("2636B", 50.0),
    )
    theirs, their_fidelity = noisy(chip)

    error = np.sqrt((ours.var(axis=0, ddof=1) + theirs.var(axis=0, ddof=1)) / REPEATS)
    difference = ours.mean(axis=0) - theirs.mean(axis=0)
    rms = [np.sqrt(np.median(reads.var(axis=0, ddof=1))) for reads in (ours, theirs)]
    assert (np.abs(difference) < GAIN * ours.mean(axis=0) + 4 * error).all()
    assert rms[0] > 0
    assert 0.7 < rms[0] / rms[1] < 1.4
    assert abs(our_fidelity - their_fidelity) < 0.1
