import numpy as np
import pytest

from labmtj.errors import UsageError
from labmtj.network import forward, readout
from labmtj.network.pairs import conductances, difference
from labmtj.network.readout import VARIANTS, Readout
from labmtj.network.tuning import best_each, scan_common


@pytest.fixture(scope="module")
def measured(shipped, data):
    """Thirty solutions on an array with 15 % variation, 3 % wrong bits and a loss of current."""
    few, rng = shipped[:30], np.random.default_rng(0)
    t1, t2 = (
        0.7
        * difference(conductances(bits ^ (rng.random(bits.shape) < 0.03), rng.standard_normal(bits.shape), 0.15, 1.0))
        for bits in (few.w1, few.w2)
    )
    return few, data.features[data.train] @ t1, t2, data.classes[data.train]


def accuracy(readout, d1, t2, classes):
    return forward.accuracy(readout.logits(readout.hidden(d1) @ t2), classes)


def test_readout_equals_the_network(shipped, data):
    few = shipped[:3]
    readout = Readout.of(few.b1, few.b2, np.array([0.8, 0.9, 1.0]), 0.7)
    expected = forward.logits(
        data.features, few.effective1, few.b1, few.effective2, few.b2, np.array([0.8, 0.9, 1.0]), 0.7
    )
    d1 = data.features @ few.effective1
    np.testing.assert_allclose(readout.logits(readout.hidden(d1) @ few.effective2), expected, atol=1e-12)


@pytest.mark.parametrize("variant", VARIANTS)
def test_refit_recovers_what_a_gain_cannot(measured, variant):
    few, d1, t2, classes = measured
    gains = best_each(scan_common(d1, t2, few.b1, few.b2, classes))
    start = Readout.of(few.b1, few.b2, gains)
    before = accuracy(start, d1, t2, classes)
    after = accuracy(readout.refit(d1, t2, classes, start, variant), d1, t2, classes)
    assert (after >= before).all()
    assert after.mean() > before.mean() + 0.5 * (1 - before.mean())


def test_only_what_is_free_moves(measured):
    few, d1, t2, classes = measured
    start = Readout.of(few.b1, few.b2, 0.7)
    gain, bias = (readout.refit(d1, t2, classes, start, variant, steps=20) for variant in ("gain", "bias"))
    np.testing.assert_array_equal(gain.b1, few.b1)
    np.testing.assert_allclose(bias.g2, 0.7, rtol=1e-12)
    assert (gain.g1 > 0).all()
    assert (gain.g1 != start.g1).any()
    assert (bias.b1 != start.b1).any()


def test_gradients_agree_with_differences(measured, monkeypatch):
    monkeypatch.setattr(readout, "WORKING", np.float64)  # differences need the digits
    few, d1, t2, classes = measured
    fit = readout._Fit(d1[:2], t2[:2], classes, Readout.of(few.b1[:2], few.b2[:2], 0.8), "both")

    def losses():
        h = np.tanh(d1[:2] / np.exp(fit.logs[0])[:, None] + fit.biases[0][:, None])
        logits = 2 * ((h @ t2[:2]) / np.exp(fit.logs[1])[:, None] + fit.biases[1][:, None])
        own = logits[:, np.arange(len(classes)), classes]
        return (np.log(np.exp(logits).sum(axis=-1)) - own).mean(axis=-1)

    _, gradients = fit._evaluate()
    for parameter, gradient in zip((*fit.logs, *fit.biases), gradients, strict=True):
        for index in np.ndindex(parameter.shape):
            before = parameter[index]
            parameter[index] = before + 1e-6
            above = losses()
            parameter[index] = before - 1e-6
            slope = (above - losses())[index[0]] / 2e-6
            parameter[index] = before
            assert gradient[index] == pytest.approx(slope, rel=1e-4, abs=1e-7)


def test_solutions_are_fitted_apart(measured, monkeypatch):
    few, d1, t2, classes = measured
    start = Readout.of(few.b1, few.b2)
    whole = readout.refit(d1, t2, classes, start, steps=10)
    monkeypatch.setattr(readout, "CHUNK", 7)
    parts = readout.refit(d1, t2, classes, start, steps=10)
    for key in ("g1", "g2", "b1", "b2"):
        np.testing.assert_array_equal(getattr(parts, key), getattr(whole, key))


def test_wrong_use(measured):
    few, d1, t2, classes = measured
    with pytest.raises(UsageError, match="'gains'"):
        readout.refit(d1, t2, classes, Readout.of(few.b1, few.b2), "gains")
    with pytest.raises(UsageError, match="positive"):
        readout.refit(d1, t2, classes, Readout.of(few.b1, few.b2, 0.0))
