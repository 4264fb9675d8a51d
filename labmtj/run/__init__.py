"""One run: load, connect, execute, record, conclude, report; and resume or recover what was cut off.

What executes runs is loaded on first use: listing and reading runs do without it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from labmtj.run.folder import RunFolder

if TYPE_CHECKING:
    from labmtj.run.execute import Progress, resume, start
    from labmtj.run.experiment import Experiment, load_experiment, load_run

__all__ = ["Experiment", "Progress", "RunFolder", "load_experiment", "load_run", "resume", "start"]

_MODULES = {"Experiment": "experiment", "load_experiment": "experiment", "load_run": "experiment"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'execute')}"), name)
