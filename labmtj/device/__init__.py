"""Kinds of devices: what a cell is. A model is found by the name that an array file gives."""

from functools import cache
from typing import Any

from labmtj.device.cellmap import CellMap
from labmtj.device.model import CellArray, Conduction, DeviceModel, OwnCells, StateArray, Switching
from labmtj.device.parameter import DescribedModel, Parameter, Positive, Range
from labmtj.device.telegraph import Telegraph
from labmtj.device.wear import Wear
from labmtj.errors import ConfigError, LabmtjError
from labmtj.plugins import find, plugins

__all__ = [
    "CellArray",
    "CellMap",
    "Conduction",
    "DescribedModel",
    "DeviceModel",
    "OwnCells",
    "Parameter",
    "Positive",
    "Range",
    "StateArray",
    "Switching",
    "Telegraph",
    "Wear",
    "drawn_cells",
    "model_of",
]


@cache
def model_of(name: str) -> DeviceModel:
    """Return the model of a device by its name; ConfigError if there is none, or if it cannot be loaded or is none."""
    found: Any = find("labmtj.devices", name)
    try:
        model: DeviceModel = found()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plug-in may raise anything
        raise ConfigError(f"{_called(name)} cannot be made: {type(error).__name__}: {error}") from error
    return model


def drawn_cells(name: str, *arguments: Any) -> CellArray:
    """Return the cells that the model of a device draws, from the arguments of `DeviceModel.draw`.

    Raises:
        ConfigError: if it raises what it should not, or returns something else; names the plug-in.
    """
    try:
        cells = model_of(name).draw(*arguments)
        if lacking := [part for part in ("conduction", "switching", "is_free") if not hasattr(cells, part)]:
            raise TypeError(f"{type(cells).__name__} without {', '.join(lacking)}")
    except (KeyboardInterrupt, LabmtjError):
        raise
    except BaseException as error:
        if plugins("labmtj.devices")[name].is_own:
            raise
        raise ConfigError(f"{_called(name)} cannot draw cells: {type(error).__name__}: {error}") from error
    return cells


def _called(name: str) -> str:
    return plugins("labmtj.devices")[name].called
