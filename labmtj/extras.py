"""Libraries that come with an extra of labmtj only, and what to say where one is not installed."""

from __future__ import annotations

EXTRAS = {
    "pymeasure": "instruments", "pyvisa": "instruments", "pyvisa_py": "instruments", "lupa": "virtual",
    "xarray": "notebook", "h5netcdf": "notebook",
}  # fmt: skip
"""name of the import: extra"""


def how_to_install(library: str) -> str:
    """Return what to say of a library that is not installed."""
    return f"needs {library.replace('_', '-')}, which is not installed: pip install 'labmtj[{EXTRAS[library]}]'"


def what_is_missing(error: BaseException | None) -> str:
    """Return the same of the library that an import did not find; "" for any other failure."""
    library = str(getattr(error, "name", None) or "").partition(".")[0]
    return how_to_install(library) if isinstance(error, ImportError) and library in EXTRAS else ""
