"""The network of the reference campaign: data, training, solutions, mapping to arrays, tuning and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labmtj.perceptron.hardware import Hardware
from labmtj.perceptron.importing import import_solutions
from labmtj.perceptron.mapping import Block, Mapping
from labmtj.perceptron.placement import Placement, avoiding
from labmtj.perceptron.readout import Readout, refit
from labmtj.perceptron.settings import TrainingSettings
from labmtj.perceptron.solution import Solutions
from labmtj.perceptron.training import train
from labmtj.perceptron.wine import Wine
from labmtj.perceptron.wine import load as load_wine

if TYPE_CHECKING:
    from labmtj.perceptron.classifier import BinaryPairPerceptron, CrossbarPerceptron

__all__ = [
    "BinaryPairPerceptron",
    "Block",
    "CrossbarPerceptron",
    "Hardware",
    "Mapping",
    "Placement",
    "Readout",
    "Solutions",
    "TrainingSettings",
    "Wine",
    "avoiding",
    "import_solutions",
    "load_wine",
    "refit",
    "train",
]


def __getattr__(name: str) -> object:
    # the two classifiers import scikit-learn, which takes a second: only for those who use them
    if name in ("BinaryPairPerceptron", "CrossbarPerceptron"):
        from labmtj.perceptron import classifier

        return getattr(classifier, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
