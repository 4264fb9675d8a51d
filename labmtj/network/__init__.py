"""The network of the reference campaign: data, training, solutions, mapping to arrays, tuning and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labmtj.network.hardware import Hardware
from labmtj.network.importing import import_solutions
from labmtj.network.mapping import Block, Mapping
from labmtj.network.placement import Placement, avoiding
from labmtj.network.readout import Readout, refit
from labmtj.network.settings import TrainingSettings
from labmtj.network.solution import Solutions
from labmtj.network.training import train
from labmtj.network.wine import Wine
from labmtj.network.wine import load as load_wine

if TYPE_CHECKING:
    from labmtj.network.classifier import BinaryPairPerceptron, CrossbarPerceptron

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
        from labmtj.network import classifier

        return getattr(classifier, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
