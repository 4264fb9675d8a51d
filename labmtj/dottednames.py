"""Classes by their dotted names, as files give them; and what a misspelt name may have meant."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterable
from typing import Any


class CannotLoad(Exception):
    """There is no such class; in words, with the names that come close."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean a, b?" of the names that come close to one, "" if none does."""
    close = difflib.get_close_matches(name, set(known), 3, 0.75)
    return f"; did you mean {', '.join(close)}?" if close else ""


def loaded(dotted: str, fits: Callable[[Any], bool]) -> Any:
    """Return what a dotted name stands for.

    Args:
        dotted: module and class, such as instruments.keithley2600.Keithley2636B.
        fits: says which objects of a module may have been meant.

    Raises:
        CannotLoad: the module is not there, has nothing of that name, or cannot be imported, which is then its cause.
    """
    module, _, name = dotted.rpartition(".")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = str(error.name)
        if module != missing and not module.startswith(f"{missing}."):
            raise CannotLoad(f"it needs {missing}, which is not installed") from error
        raise CannotLoad(f"there is no module {missing}{_similar(missing, dotted, fits)}") from None
    except Exception as error:
        raise CannotLoad(str(error) or repr(error)) from error
    if not hasattr(found, name):
        known = [each for each in vars(found) if fits(getattr(found, each))]
        raise CannotLoad(f"there is no {name} in {module}{did_you_mean(name, known)}")
    return getattr(found, name)


def _similar(missing: str, dotted: str, fits: Callable[[Any], bool]) -> str:
    """Return the name with the first part that is not there corrected, and the class as far as it can be."""
    package, _, last = missing.rpartition(".")
    places = getattr(importlib.import_module(package), "__path__", []) if package else None
    close = difflib.get_close_matches(last, [each.name for each in pkgutil.iter_modules(places)], 1)
    if not close:
        return ""
    right = ".".join(filter(None, [package, *close])) + dotted.removeprefix(missing)
    try:
        loaded(right, fits)
    except CannotLoad as error:
        return f"; did you mean {right}? ({error})"
    return f"; did you mean {right}?"
