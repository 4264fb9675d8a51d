import numpy as np
import pytest
from sklearn.model_selection import cross_val_score

from labmtj.bench import load_bench
from labmtj.bench.files.simulated import crossbar_of, describe
from labmtj.errors import UsageError
from labmtj.network import CrossbarPerceptron, load_wine
from labmtj.network.pairs import difference
from procedures.common.amplitude import AmplitudeSettings
from procedures.common.infer import InferSettings
from procedures.common.networks.hardware import CrossbarHardware
from procedures.common.write import WriteSettings

DELTA = 1 / 6000.0
"""of cells of 3 and 6 kohm"""


def bits(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 2, shape).astype(np.uint8)


def inputs(samples, rows, seed=1):
    return np.random.default_rng(seed).uniform(-1, 1, (samples, rows))


@pytest.fixture
def small(make):
    """Return a function that makes hardware of one or two 6 x 8 arrays without wires."""

    def build(count, corners=((0, 0), (0, 0)), **settings):
        chips = [make((6, 8), seed=seed, sigma_ohms=0.0, segment_ohms=0, lead_ohms=0) for seed in range(count)]
        volts = {"parallel_volts": 0.58, "antiparallel_volts": 0.68}
        return CrossbarHardware(chips, DELTA, corners=corners, write=WriteSettings(**volts), **settings), chips

    return build


@pytest.mark.parametrize("mode", ["simultaneous", "transfer", "bit_serial"])
@pytest.mark.parametrize("count", [1, 2])
def test_products_are_those_of_the_weights(small, count, mode):
    """Cells without spread behind wires without resistance multiply exactly; one array is rewritten in turn."""
    hardware, chips = small(count, ((1, 2), (0, 0)), infer=InferSettings(mode=mode, bits=12))
    w1, w2 = bits((5, 6)), bits((3, 4), 2)
    hardware.write(1, w1)
    hardware.write(2, w2)
    for layer, matrix in ((1, w1), (2, w2), (1, w1)):
        x = inputs(4, len(matrix))
        np.testing.assert_allclose(hardware.multiply(layer, x), x @ difference(matrix), atol=2e-3)
        assert hardware.results[layer].fidelity == 1.0
    assert [chip.shape for chip in chips] == [(6, 8)] * count


def test_two_arrays_keep_their_layers(small, true_state):
    hardware, chips = small(2)
    hardware.write(1, bits((6, 8)))
    hardware.write(2, bits((6, 4), 3))
    flips = [chip.array.flips.copy() for chip in chips]
    for layer, rows in ((1, 6), (2, 6), (1, 6)):
        hardware.multiply(layer, inputs(2, rows))
    for chip, before in zip(chips, flips, strict=True):
        np.testing.assert_array_equal(chip.array.flips, before)
    np.testing.assert_array_equal(true_state(chips[0]), bits((6, 8)))
    np.testing.assert_array_equal(true_state(chips[1])[:, :4], bits((6, 4), 3))
    assert not true_state(chips[1])[:, 4:].any()


def test_sizes_and_order_are_checked(small, make):
    hardware, _ = small(2, ((1, 2), (3, 0)))
    assert hardware.max_shapes == ((5, 6), (3, 8))
    with pytest.raises(UsageError, match="layer 2 was not written yet"):
        hardware.multiply(2, inputs(1, 3))
    with pytest.raises(UsageError, match="does not fit"):
        hardware.write(1, bits((6, 6)))
    with pytest.raises(UsageError, match="one crossbar or two; got 3"):
        CrossbarHardware([make((2, 2))] * 3, DELTA)
    with pytest.raises(UsageError, match="positive conductance"):
        CrossbarHardware([make((2, 2))], 0.0)
    with pytest.raises(UsageError, match="does not fit"):
        small(1, ((6, 0), (0, 0)))


@pytest.mark.parametrize("count", [1, 2])
def test_cross_validation_through_simulated_arrays(count):
    """Chips with every imperfection of the shipped 50 nm family, behind real meters, amplitudes scanned.

    The second chip has shorts at (2, 1) and (9, 11): its layer is placed beside them.
    """
    bench, wine = load_bench("simulated"), load_wine()
    array = bench.arrays["mtj-50nm"]
    chips = [crossbar_of(array, seed=4, name=name, meter=bench.meter.model()) for name in "ab"[:count]]
    hardware = CrossbarHardware(
        chips, describe(array).delta_siemens, corners=((0, 0), (3, 0)), amplitude=AmplitudeSettings(points=6)
    )
    model = CrossbarPerceptron(hardware, epochs=200, random_state=0)
    scores = cross_val_score(model, wine.features[::2], wine.classes[::2], cv=2)
    assert scores.min() > 0.8
    assert hardware.results[1].fidelity > 0.97
    assert chips[0].clock.now() > 1.0
