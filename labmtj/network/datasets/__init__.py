"""Data sets: samples by name, of a plug-in or from a file of the user, scaled and parted for training and test."""

from __future__ import annotations

from labmtj.network.datasets.dataset import Dataset
from labmtj.network.datasets.loading import load
from labmtj.network.datasets.samples import Samples
from labmtj.network.datasets.scaling import Scaling
from labmtj.network.datasets.settings import DataSettings, SplitSettings

__all__ = ["DataSettings", "Dataset", "Samples", "Scaling", "SplitSettings", "load"]
