from pathlib import Path

import numpy as np
import pytest

from labmtj.errors import UsageError
from labmtj.network import forward, straight_through, training
from labmtj.network.pairs import conductances, difference
from labmtj.network.settings import TrainingSettings
from labmtj.network.training import train

CHECKSUM = "fed3745714a0b2cda1cd3f155cec7948d79237cb8f58ef3cad25680c9257042b"
QUICK = TrainingSettings(epochs=30)


def accuracies(solutions, data, rows):
    outputs = forward.logits(
        data.features[rows], solutions.effective1, solutions.b1, solutions.effective2, solutions.b2
    )
    return forward.accuracy(outputs, data.classes[rows])


def test_the_same_bits_twice_and_whatever_the_count(data):
    first, again, more = train(data, 3), train(data, 3), train(data, 5)[:3]
    assert first.checksum() == again.checksum() == more.checksum()
    assert accuracies(first, data, data.train).min() > 0.95


def test_chunks_do_not_change_the_bits(data, monkeypatch):
    whole = train(data, 5, settings=QUICK)
    monkeypatch.setattr(training, "CHUNK", 2)
    assert train(data, 5, settings=QUICK).checksum() == whole.checksum()


def test_seeds_differ(data):
    assert train(data, 2, 1, QUICK).checksum() != train(data, 2, 2, QUICK).checksum()


def test_repeated_bits_are_trained_again_from_the_next_stream(data, monkeypatch):
    real = training.stream
    # the streams of solutions 1 and 2 start as that of solution 0
    monkeypatch.setattr(
        training, "stream", lambda seed, what, k, attempt: real(seed, what, k if attempt else 0, attempt)
    )
    solutions = train(data, 3, settings=QUICK)
    assert solutions.unique
    untouched = train(data, 1, settings=QUICK)
    np.testing.assert_array_equal(solutions.w1[0], untouched.w1[0])


def test_settings_that_always_repeat_are_an_error(data, monkeypatch):
    monkeypatch.setattr(training, "stream", lambda *name: np.random.default_rng(0))
    monkeypatch.setattr(training, "ATTEMPTS", 2)
    with pytest.raises(UsageError, match="solution 1 repeats an earlier one"):
        train(data, 2, settings=TrainingSettings(epochs=1))


@pytest.mark.parametrize(
    "noise", [{"variation": 0.0}, {"flips": 0.05}, {"gain_jitter": 0.3}, {"tmr": 0.5}, {"logit_scale": 3.0}]
)
def test_every_setting_reaches_the_training(data, noise):
    plain, changed = train(data, 1, settings=QUICK), train(data, 1, settings=TrainingSettings(epochs=30, **noise))
    assert plain.checksum() != changed.checksum()


def test_variation_in_training_keeps_accuracy_under_variation(data):
    rng = np.random.default_rng(1)
    deviates1, deviates2 = rng.standard_normal((20, 12, 13, 12)), rng.standard_normal((20, 12, 6, 6))
    kept = []
    for variation in (0.0, 0.15):
        solutions = train(data, 12, settings=TrainingSettings(variation=variation))
        outputs = forward.logits(
            data.features[data.train],
            difference(conductances(solutions.w1, deviates1, 0.2, 1.0)),
            solutions.b1,
            difference(conductances(solutions.w2, deviates2, 0.2, 1.0)),
            solutions.b2,
        )
        kept.append(forward.accuracy(outputs, data.classes[data.train]).mean())
    assert kept[1] > kept[0] + 0.01


def test_gradients_agree_with_differences():
    rng = np.random.default_rng(0)
    x, onehot = rng.uniform(-1, 1, (4, 9)), np.eye(3)[rng.integers(0, 3, 9)].T
    parameters = [
        rng.normal(size=(1, 4, 5)),
        rng.normal(size=(1, 5, 3)),
        rng.normal(size=(1, 5)),
        rng.normal(size=(1, 3)),
    ]
    gain = np.full((1, 1, 1), 0.8)

    def loss():
        p = straight_through.Pass(x, parameters[0], parameters[1], parameters[2:], gain).probabilities(2.0)
        return -np.log((p * onehot).sum(axis=1)).sum()

    passed = straight_through.Pass(x, parameters[0], parameters[1], parameters[2:], gain)
    gradients = passed.gradients(2.0 * (passed.probabilities(2.0) - onehot))
    for parameter, gradient in zip(parameters, gradients, strict=True):
        for index in np.ndindex(parameter.shape):
            before = parameter[index]
            parameter[index] = before + 1e-6
            above = loss()
            parameter[index] = before - 1e-6
            slope = (above - loss()) / 2e-6
            parameter[index] = before
            assert gradient[index] == pytest.approx(slope, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"hidden": 0}, {"flips": 0.6}, {"variation": -0.1}, {"learning_rate": np.nan}, {"tmr": 0}]
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        TrainingSettings(**wrong)


def test_no_solutions_asked_for(data):
    with pytest.raises(UsageError, match="count = 0"):
        train(data, 0)


def test_the_shipped_set(shipped, data):
    assert (len(shipped), shipped.inputs, shipped.hidden, shipped.outputs) == (300, 13, 6, 3)
    assert shipped.unique
    assert shipped.checksum() == CHECKSUM
    assert CHECKSUM in (Path(__file__).parents[2] / "data" / "solutions" / "README.md").read_text()
    trained, tested = accuracies(shipped, data, data.train), accuracies(shipped, data, data.test)
    assert np.median(trained) == 1.0
    assert np.percentile(trained, 5) == 1.0
    assert trained.min() == pytest.approx(144 / 148)
    assert (np.median(tested), tested.min()) == (pytest.approx(28 / 30), pytest.approx(25 / 30))


def test_the_shipped_set_under_variation(shipped, data):
    rng = np.random.default_rng(5)
    outputs = forward.logits(
        data.features[data.train],
        difference(conductances(shipped.w1, rng.standard_normal(shipped.w1.shape), 0.1, 1.0)),
        shipped.b1,
        difference(conductances(shipped.w2, rng.standard_normal(shipped.w2.shape), 0.1, 1.0)),
        shipped.b2,
    )
    kept = forward.accuracy(outputs, data.classes[data.train])
    assert np.median(kept) > 0.97
    assert np.percentile(kept, 5) > 0.88
