"""Which VISA library a file may name. Any file may give a name, only the user's own bench files a path: it is code.

A library is loaded by `check`, `read`, `safe`, `run` and `resume`, before anything is asked of an instrument. A bench
file or a run.yaml that another user wrote must not be able to choose it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationInfo

from labmtj.system import user

NAMES = ("@py", "@ivi", "@ni", "@sim")
"""PyVISA-py; the installed IVI library, by two names; PyVISA-sim"""
VARIABLE = "PYVISA_LIBRARY"
"""of the environment: what stands there was chosen by the user (PyVISA's own name for it)"""
_KEY = "visa_libraries"


def trusted_libraries(file: Path) -> Mapping[str, Any]:
    """Return what a bench file is trusted with: libraries by path, if it is the user's own."""
    return {_KEY: is_own(file)}


def visa_library(name: str, info: ValidationInfo) -> str:
    """Return the library; ValueError for a path in a file that is not trusted with it."""
    if name in NAMES or name == os.environ.get(VARIABLE):
        return name
    if name.startswith("@"):
        raise ValueError(f"{name} is not a library that labmtj loads; choose one of {', '.join(NAMES)}")
    where = Path(name.partition("@")[0])
    if not (info.context or {}).get(_KEY):
        raise ValueError(
            "is the path of a library, and only a bench file of yours may name one: a run.yaml, and a file that others "
            f"own or can change, may come from another user. If you trust it, set {VARIABLE} to this path"
        )
    if not where.is_absolute() or not is_own(where):
        raise ValueError(f"{name} must be an absolute path of a file of yours or of root that no other user can change")
    return name


def is_own(path: Path) -> bool:
    """Return whether a file belongs to this user or to root, and no other user can change it."""
    try:
        found = path.stat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_uid in (user(), 0) and not found.st_mode & 0o022
