"""The JSON schema of bench files, for editors: made from the models, kept beside the benches that come along.

Write it anew with `python -m labmtj.bench.files.schema`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from labmtj import library
from labmtj.bench.files.loading import AnyBenchFile

FILE = "bench.schema.json"


def bench_schema() -> dict[str, Any]:
    """Return the schema of a bench file of any kind; `name` may be left out, it is the name of the file."""
    schema = TypeAdapter(AnyBenchFile).json_schema()
    for kind in ("BenchFile", "LaboratoryFile", "VirtualFile", "ReplayFile"):
        required = schema["$defs"][kind]["required"]
        required.remove("name")
    schema["$defs"]["VirtualFile"]["required"].remove("arrays")
    replayed = schema["$defs"]["ReplayFile"]
    replayed["required"].remove("recorded")  # the file of traffic tells it
    del replayed["properties"]["recorded"]
    for cards in (schema["$defs"]["InstrumentFile"]["properties"]["cards"],):
        cards["additionalProperties"] = {"type": ["string", "integer"]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "a labmtj bench", **schema}


def schema_text() -> str:
    """Return the text of the schema file."""
    return json.dumps(bench_schema(), indent=2, sort_keys=True) + "\n"


def schema_path() -> Path:
    """Return where the schema file lies."""
    return library.folder() / "benches" / FILE


if __name__ == "__main__":
    schema_path().write_text(schema_text(), encoding="utf-8")
