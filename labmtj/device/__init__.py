"""Kinds of devices: what a cell is. A model is found by the name that an array file gives."""

from functools import cache
from typing import Any

from labmtj.device.cellmap import CellMap
from labmtj.device.model import CellArray, Conduction, DeviceModel, OwnCells, StateArray, Switching
from labmtj.device.parameter import DescribedModel, Parameter, Range
from labmtj.device.telegraph import Telegraph
from labmtj.device.wear import Wear
from labmtj.errors import ConfigError
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
    """Return the model of a device by its name; ConfigError if there is none, or if it cannot be loaded or is none."""
    found: Any = find("labmtj.devices", name)
    if not (isinstance(found, type) and all(hasattr(found, part) for part in ("states", "family", "draw"))):
        raise ConfigError(f"labmtj.devices: {name!r} is not a model of a device: it lacks states, family or draw")
    model: DeviceModel = found()
    return model
