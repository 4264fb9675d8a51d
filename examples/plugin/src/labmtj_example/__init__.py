"""An example of a plug-in: each module is found by labmtj through an entry point of `pyproject.toml`."""
