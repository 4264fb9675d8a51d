import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import check_estimator

from labmtj.errors import UsageError
from labmtj.network import BinaryPairPerceptron, CrossbarPerceptron
from labmtj.network.pairs import difference


class FakeArray:
    """Multiplies exactly with what was last written, attenuated."""

    def __init__(self, attenuation=1.0, max_shapes=None):
        self.attenuation, self.max_shapes = attenuation, max_shapes
        self.bits, self.writes = {}, 0

    def write(self, layer, bits):
        self.bits[layer] = np.array(bits)
        self.writes += 1

    def multiply(self, layer, inputs):
        assert inputs.min(initial=0) >= -1
        assert inputs.max(initial=0) <= 1
        return self.attenuation * inputs @ difference(self.bits[layer])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (BinaryPairPerceptron(epochs=150), {}),
        # fit writes the array, so the parameter is another afterwards: that is what it is for
        (CrossbarPerceptron(FakeArray(0.6), epochs=150), {"check_estimators_overwrite_params": "fit writes the array"}),
    ],
    ids=["software", "crossbar"],
)
def test_scikit_learn_accepts_it(estimator, expected):
    results = check_estimator(estimator, expected_failed_checks=expected)
    assert {result["status"] for result in results} <= {"passed", "skipped", "xfail"}
    assert {result["check_name"] for result in results if result["status"] == "xfail"} == set(expected)
    assert len(results) > 40


def test_cross_validation_through_an_array(data):
    hardware = FakeArray(0.5)
    scores = cross_val_score(CrossbarPerceptron(hardware, random_state=0), data.features, data.classes, cv=4)
    assert scores.min() > 0.85
    assert hardware.writes == 8


def test_an_ideal_array_predicts_as_software_does(data):
    software = BinaryPairPerceptron(random_state=1).fit(data.features, data.classes)
    hardware = CrossbarPerceptron(FakeArray(), tune=False, random_state=1).fit(data.features, data.classes)
    np.testing.assert_allclose(
        hardware.decision_function(data.features), software.decision_function(data.features), atol=1e-12
    )


def test_tuning_recovers_an_attenuation(data):
    plain, tuned = (
        CrossbarPerceptron(FakeArray(0.5), tune=tune, random_state=0).fit(data.features, data.classes)
        for tune in (False, True)
    )
    assert tuned.gain_ == pytest.approx(0.5, abs=0.1)
    assert tuned.score(data.features, data.classes) > plain.score(data.features, data.classes) + 0.1


def test_a_clone_shares_the_array_and_the_first_writes_again(data):
    hardware = FakeArray()
    first = CrossbarPerceptron(hardware, epochs=50, random_state=0).fit(data.features, data.classes)
    expected = first.predict(data.features)
    second = clone(first).set_params(random_state=1)
    assert second.hardware is hardware
    second.fit(data.features, data.classes)
    assert hardware.writes == 4
    np.testing.assert_array_equal(first.predict(data.features), expected)
    assert hardware.writes == 6
    first.predict(data.features)
    assert hardware.writes == 6


@pytest.mark.parametrize(
    ("max_shapes", "words"),
    [
        (((12, 15), (15, 15)), "layer 1 needs 13 x 12 cells, the hardware has 12 x 15"),
        (((15, 15), (6, 5)), "layer 2 needs 6 x 6 cells, the hardware has 6 x 5"),
    ],
)
def test_a_network_too_large_is_refused_before_training(data, max_shapes, words):
    hardware = FakeArray(max_shapes=max_shapes)
    with pytest.raises(UsageError, match=words):
        CrossbarPerceptron(hardware, epochs=10**9).fit(data.features, data.classes)
    assert hardware.writes == 0


def test_no_hardware(data):
    with pytest.raises(UsageError, match="no hardware"):
        CrossbarPerceptron().fit(data.features, data.classes)


def test_the_package_comes_without_scikit_learn_until_a_classifier_is_asked_for():
    code = """
import sys
import labmtj.network as package
from labmtj.network import comparison, metrics, forward, tuning
assert not {"sklearn", "scipy"} & set(sys.modules)
package.CrossbarPerceptron
assert "sklearn" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_is_there():
    import labmtj.network as package

    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="nothing_like_this"):
        package.nothing_like_this  # noqa: B018
