"""Scikit-learn classifiers: a binary-pair network in software, and the same one computing through an array."""

from __future__ import annotations

from typing import Any, Self
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from labmtj.edges import edge_name
from labmtj.errors import UsageError
from labmtj.network.hardware import Hardware
from labmtj.network.pairs import difference
from labmtj.network.settings import TrainingSettings
from labmtj.network.training import fit_networks
from labmtj.network.tuning import GAINS, best_each, scan_common
from labmtj.quantities import FloatArray
from labmtj.streams import stream


class BinaryPairPerceptron(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Two-layer perceptron whose weights are differences of two bits, for any numeric features and classes.

    Features are scaled to [0, 1] by the minimum and maximum seen in `fit` and clipped to it in `predict`, as an array
    accepts no larger input.

    Args:
        hidden: hidden neurons.
        epochs, learning_rate, logit_scale, variation, tmr, flips, gain_jitter: as in `TrainingSettings`.
        random_state: seed, generator or None, as everywhere in scikit-learn.
    """

    def __init__(
        self,
        hidden: int = 6,
        *,
        epochs: int = 600,
        learning_rate: float = 0.02,
        logit_scale: float = 2.0,
        variation: float = 0.1,
        tmr: float = 1.0,
        flips: float = 0.0,
        gain_jitter: float = 0.0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden = hidden
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.logit_scale = logit_scale
        self.variation = variation
        self.tmr = tmr
        self.flips = flips
        self.gain_jitter = gain_jitter
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train on samples X (samples, features) of classes y (samples,)."""
        features, targets = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(targets)
        self.classes_, classes = np.unique(targets, return_inverse=True)
        self._check_sizes()
        self.minimum_, self.span_ = features.min(axis=0), np.ptp(features, axis=0)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        x = self._scaled(features)
        networks = fit_networks(x, classes, len(self.classes_), [stream(seed, "classifier")], self._settings())
        self.w1_, self.w2_ = networks.w1[0].astype(np.uint8), networks.w2[0].astype(np.uint8)
        self.b1_, self.b2_ = networks.b1[0], networks.b2[0]
        self.gain_, self.gain_edge_ = 1.0, ""
        self._after_training(x, classes)
        return self

    def decision_function(self, X: ArrayLike) -> FloatArray:
        """Return logits, (samples, classes), or of two classes the second's lead, (samples,)."""
        check_is_fitted(self)
        logits = self._logits(self._scaled(validate_data(self, X, dtype=np.float64, reset=False)))
        decision: FloatArray = logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits
        return decision

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the class of every sample, (samples,)."""
        check_is_fitted(self)
        logits = self._logits(self._scaled(validate_data(self, X, dtype=np.float64, reset=False)))
        labels: NDArray[Any] = self.classes_[np.argmax(logits, axis=1)]
        return labels

    def _settings(self) -> TrainingSettings:
        return TrainingSettings(
            hidden=self.hidden,
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            logit_scale=self.logit_scale,
            variation=self.variation,
            tmr=self.tmr,
            flips=self.flips,
            gain_jitter=self.gain_jitter,
        )

    def _scaled(self, features: FloatArray) -> FloatArray:
        # a feature that never changed carries nothing and has no scale
        scaled: FloatArray = np.clip((features - self.minimum_) / np.where(self.span_ > 0, self.span_, 1.0), 0.0, 1.0)
        return scaled

    def _logits(self, x: FloatArray) -> FloatArray:
        hidden = np.tanh(self._multiply(1, x) / self.gain_ + self.b1_)
        logits: FloatArray = self._multiply(2, hidden) / self.gain_ + self.b2_
        return logits

    def _multiply(self, layer: int, inputs: FloatArray) -> FloatArray:
        weights: FloatArray = difference(self.w1_ if layer == 1 else self.w2_)
        return inputs @ weights

    def _check_sizes(self) -> None:
        """Raise UsageError if a network of this size cannot be had."""

    def _after_training(self, x: FloatArray, classes: NDArray[np.intp]) -> None:
        """Do what comes between training and the first prediction."""


_holders: WeakValueDictionary[int, CrossbarPerceptron] = WeakValueDictionary()
"""whose bits a hardware holds, by the identity of the hardware, which its holder keeps alive"""


class CrossbarPerceptron(BinaryPairPerceptron):
    """The same network trained in software, written to an array, and predicting through it.

    Estimators and their clones share one hardware: `cross_val_score` writes each fold's network over the last, and an
    estimator whose bits were overwritten writes them again before it predicts.

    Args:
        hardware: what holds the two layers.
        hidden: hidden neurons.
        tune: whether the gain is scanned after writing, on the training samples; otherwise it is 1.
        settings: the other arguments of `BinaryPairPerceptron`.
    """

    def __init__(
        self,
        hardware: Hardware | None = None,
        hidden: int = 6,
        *,
        tune: bool = True,
        epochs: int = 600,
        learning_rate: float = 0.02,
        logit_scale: float = 2.0,
        variation: float = 0.1,
        tmr: float = 1.0,
        flips: float = 0.0,
        gain_jitter: float = 0.0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(
            hidden,
            epochs=epochs,
            learning_rate=learning_rate,
            logit_scale=logit_scale,
            variation=variation,
            tmr=tmr,
            flips=flips,
            gain_jitter=gain_jitter,
            random_state=random_state,
        )
        self.hardware = hardware
        self.tune = tune

    def __sklearn_clone__(self) -> Self:
        # the default clone would deep-copy the hardware, and there is only one
        parameters = self.get_params(deep=False)
        hardware = parameters.pop("hardware")
        return type(self)(hardware, **{name: clone(value, safe=False) for name, value in parameters.items()})

    def _check_sizes(self) -> None:
        if self.hardware is None:
            raise UsageError("CrossbarPerceptron has no hardware to predict through; give hardware=...")
        needed = ((self.n_features_in_, 2 * self.hidden), (self.hidden, 2 * len(self.classes_)))
        largest = getattr(self.hardware, "max_shapes", None) or needed
        for layer, (rows, columns), (most_rows, most_columns) in zip((1, 2), needed, largest, strict=True):
            if rows > most_rows or columns > most_columns:
                raise UsageError(
                    f"layer {layer} needs {rows} x {columns} cells, the hardware has {most_rows} x {most_columns}; "
                    "use fewer features, hidden neurons or classes, or a larger array"
                )

    def _after_training(self, x: FloatArray, classes: NDArray[np.intp]) -> None:
        self._write()
        if self.tune:
            # rows of the identity read layer 2 as a matrix, so that the scan needs no further reading
            d1, t2 = self._multiply(1, x), self._multiply(2, np.eye(self.hidden))
            self.gain_ = float(best_each(scan_common(d1[None], t2[None], self.b1_[None], self.b2_[None], classes))[0])
            self.gain_edge_ = edge_name(self.gain_, GAINS)

    def _write(self) -> None:
        hardware = self._hardware()
        _holders.pop(id(hardware), None)  # no holder until both layers are written
        hardware.write(1, self.w1_)
        hardware.write(2, self.w2_)
        _holders[id(hardware)] = self

    def _multiply(self, layer: int, inputs: FloatArray) -> FloatArray:
        hardware = self._hardware()
        if _holders.get(id(hardware)) is not self:
            self._write()
        return hardware.multiply(layer, inputs)

    def _hardware(self) -> Hardware:
        if self.hardware is None:
            raise UsageError("CrossbarPerceptron has lost its hardware; set it with set_params(hardware=...)")
        return self.hardware
