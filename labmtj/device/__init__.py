"""Kinds of devices: what a cell is. A model is found by the name that an array file gives."""

from functools import cache

from labmtj.device.cellmap import CellMap
from labmtj.device.model import CellArray, Conduction, DeviceModel, OwnCells, StateArray, Switching
from labmtj.device.parameter import DescribedModel, Parameter, Range
from labmtj.device.telegraph import Telegraph
from labmtj.device.wear import Wear
from labmtj.plugins import find

__all__ = [
    "CellArray",
    "CellMap",
    "Conduction",
    "DescribedModel",
    "DeviceModel",
    "OwnCells",
    "Parameter",
    "Range",
    "StateArray",
    "Switching",
    "Telegraph",
    "Wear",
    "model_of",
]


@cache
def model_of(name: str) -> DeviceModel:
    """Return the model of a device by its name; ConfigError if there is none, or if it cannot be loaded."""
    model: DeviceModel = find("labmtj.devices", name)()
    return model
