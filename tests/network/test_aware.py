"""Training that knows the array: exact gradients, and networks that work on chips where the given ones do not."""

import numpy as np
import pytest

from labmtj.errors import UsageError
from labmtj.network import forward
from labmtj.network.aware import Cells, Statistics, _OnChips, hardware_aware, statistics_aware
from labmtj.network.pairs import difference
from labmtj.network.straight_through import Networks
from labmtj.streams import stream

BAD = Statistics(stuck_parallel=0.02, stuck_antiparallel=0.02, open=0.01, short=0.005)


def networks(solutions):
    return Networks(solutions.w1.astype(bool), solutions.w2.astype(bool), solutions.b1, solutions.b2)


def chips(count, seed=1, statistics=BAD):
    generator = stream(seed, "chips")
    return tuple(statistics.draw(generator, (count, 1, *shape)) for shape in ((13, 12), (6, 6)))


def right(x, classes, trained, gains, cells):
    """Fraction of samples classified correctly, computed cell by cell."""
    w1, w2 = (
        difference(np.where(bits, each.parallel[:, 0], each.antiparallel[:, 0]))
        for bits, each in zip(trained[:2], cells, strict=True)
    )
    hidden = np.tanh(np.matmul(x, w1) / gains[0][:, np.newaxis] + trained.b1[:, np.newaxis])
    logits = np.matmul(hidden, w2) / gains[1][:, np.newaxis] + trained.b2[:, np.newaxis]
    return forward.accuracy(logits, classes)


def test_statistics_are_drawn_as_said():
    statistics = Statistics(0.1, 0.05, 0.02, 0.03, variation=0.0)
    cells = statistics.draw(stream(1, "test"), (1, 400, 13, 12))
    kinds = {
        (2.0, 2.0): 0.1, (1.0, 1.0): 0.05, (30.0, 30.0): 0.02, (0.0, 0.0): 0.03, (2.0, 1.0): 0.8,
    }  # fmt: skip
    for (parallel, antiparallel), fraction in kinds.items():
        found = np.mean((cells.parallel == parallel) & (cells.antiparallel == antiparallel))
        assert found == pytest.approx(fraction, abs=4 * np.sqrt(fraction * (1 - fraction) / cells.parallel.size))


def test_an_ideal_chip_computes_the_network_itself(shipped, data):
    few, x = shipped[:3], data.features[:10]
    cells = Statistics(0, 0, 0, 0, variation=0.0).draw(stream(1, "test"), (3, 1, 13, 12))
    np.testing.assert_allclose(x @ cells.weights(few.w1.astype(bool))[:, 0], x @ few.effective1, atol=1e-12)


@pytest.mark.parametrize("free_gains", [True, False])
def test_gradients_are_those_of_finite_differences(shipped, data, free_gains):
    """Of biases and log-gains exactly; of the cells, those of a weight times what the cell has of a step."""
    few, (first, second) = networks(shipped[:2]), chips(2, statistics=Statistics(0.05, 0.05, 0, 0.02, variation=0.2))
    layers = first.scaled(), second.scaled()
    forward = _OnChips(data.features[:20], few, layers, lambda: layers, free_gains=free_gains)
    rng = np.random.default_rng(3)
    bits = [few.w1 ^ (rng.random(few.w1.shape) < 0.2), few.w2]
    free = [few.b1 + 0.1, few.b2 - 0.1, 0.2 * rng.normal(size=few.b1.shape), 0.1 * rng.normal(size=few.b2.shape)]
    found = forward.gradients(bits, free)
    for number in range(4) if free_gains else range(2):
        for index in ((0, 1), (1, 2)):
            values = []
            for step in (1e-5, -1e-5):
                moved = [each.copy() for each in free]
                moved[number][index] += step
                values.append(-forward.judged(bits, moved)[index[0]])
            assert found[2 + number][index] == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-5, abs=1e-9)
    if not free_gains:
        assert not np.any(found[4])
        assert not np.any(found[5])
    moved = [Cells(each.parallel.copy(), each.antiparallel.copy()) for each in layers]
    i, j = np.argwhere((layers[0].step[0, 0] > 0.3) & bits[0][0])[0]
    values = []
    for step in (1e-5, -1e-5):
        moved[0].parallel[0, 0, i, j] = layers[0].parallel[0, 0, i, j] + step
        values.append(-forward_on(data, few, tuple(moved)).judged(bits, free)[0])
    slope = (values[0] - values[1]) / 2e-5
    assert found[0][0, i, j] == pytest.approx(slope * layers[0].step[0, 0, i, j], rel=1e-4)


def forward_on(data, few, layers):
    return _OnChips(data.features[:20], few, layers, lambda: layers, free_gains=True)


def test_a_stuck_cell_keeps_its_bit_and_networks_work_on_their_chip(shipped, data):
    """Better than the given bits at the gain that suits them best, over the samples that nothing was fitted to, too."""
    count, cells = 24, chips(24)
    given = networks(shipped[:count])
    found = hardware_aware(data.features[data.train], data.classes[data.train], given, cells, epochs=120)
    gains = (found.gain1, found.gain2)
    one = [np.ones_like(each) for each in gains]
    for rows, least in ((data.train, 0.05), (data.test, 0.03)):
        x, classes = data.features[rows], data.classes[rows]
        before = max(
            (right(x, classes, given, [g * each for each in one], cells) for g in (0.7, 1.0, 1.4)), key=np.mean
        )
        after = right(x, classes, found.networks, gains, cells)
        assert after.mean() > before.mean() + least
    stuck = np.abs(cells[0].scaled().step[:, 0]) < 0.25
    assert (found.networks.w1 == given.w1)[stuck].all()
    assert (found.networks.w1 != given.w1).any()


def test_networks_for_many_chips_are_better_on_chips_they_never_saw(public_like, data):
    """Of networks trained for ideal cells."""
    statistics = Statistics(0.03, 0.03, 0, 0.02, variation=0.15)
    x, given = data.features[data.train], public_like
    found = statistics_aware(x, given, statistics, stream(2, "test"), epochs=150)
    gains = []
    for seed in range(12):
        cells = chips(len(given.w1), seed + 100, statistics)
        one = [np.ones_like(found.gain1), np.ones_like(found.gain2)]
        args = (x, data.classes[data.train])
        gains.append(right(*args, found.networks, one, cells).mean() - right(*args, given, one, cells).mean())
    assert np.mean(gains) > 3 * np.std(gains) / np.sqrt(len(gains)) > 0


@pytest.fixture
def public_like(data):
    """Networks that were trained for ideal cells, 12 of them."""
    from labmtj.network import TrainingSettings
    from labmtj.network.training import fit_networks

    generators = [stream(7, "given", k) for k in range(12)]
    return fit_networks(
        data.features[data.train], data.classes[data.train], 3, generators, TrainingSettings(variation=0, epochs=150)
    )


def test_cells_that_tell_nothing_are_refused():
    with pytest.raises(UsageError, match="not finite"):
        Cells(np.full((1, 1, 2, 2), np.nan), np.zeros((1, 1, 2, 2)))
    with pytest.raises(UsageError, match="no step"):
        Cells(np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2)))
    with pytest.raises(UsageError, match="4 axes"):
        Cells(np.ones((2, 2)), np.zeros((2, 2)))


def test_the_ideal_network_is_what_is_aimed_at(shipped, data):
    """On ideal cells the given network cannot be improved: its cross-entropy with itself is least."""
    given = networks(shipped[:2])
    ideal = tuple(Statistics(0, 0, 0, 0, variation=0.0).draw(stream(1, "t"), (2, 1, *s)) for s in ((13, 12), (6, 6)))
    forward = _OnChips(data.features, given, ideal, lambda: ideal, free_gains=True)
    free = [given.b1, given.b2, np.zeros_like(given.b1), np.zeros_like(given.b2)]
    gradients = forward.gradients([given.w1, given.w2], free)
    assert max(np.abs(each).max() for each in gradients) < 1e-12
