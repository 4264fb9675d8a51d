"""JSON schemas of array, bench and experiment files, for editors: made from the models, kept next to the shipped files.

Write them again after a change of a model: `python -m labmtj.fileschemas`. In a file of yours, this first line gives
an editor with a YAML language server its keys, types and descriptions (a path or an address of the schema):

    # yaml-language-server: $schema=bench.schema.json
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from labmtj import library
from labmtj.arrays import ArrayDescription
from labmtj.bench.files.loading import AnyBenchFile
from labmtj.device import model_of
from labmtj.plugins import Plugin, installed
from labmtj.run.experiment import PROCEDURES, ExperimentFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def array_schema() -> Schema:
    """Return the schema of an array file: `family` and `cells` are checked for the default device, free for others."""
    device = ArrayDescription.model_fields["device"].default
    model = model_of(device)
    parts: dict[str, type[BaseModel]] = {"family": model.family}
    if model.own_cells is not None:
        parts["cells"] = model.own_cells
    references, definitions = _references(ArrayDescription, *parts.values())
    array = definitions.pop(ArrayDescription.__name__)
    array["properties"] |= {name: {"type": "object"} for name in ("family", "cells")}
    array["properties"]["cells"] = {"type": ["object", "null"]}
    of_the_default = {name: references[part] for name, part in parts.items()}
    if "cells" in of_the_default:
        of_the_default["cells"] = {"anyOf": [of_the_default["cells"], {"type": "null"}]}
    array["if"] = {"properties": {"device": {"const": device}}}  # holds, too, where the key is left out
    array["then"] = {"properties": of_the_default}
    return {"$schema": DIALECT, **array, "title": "a labmtj array", "$defs": definitions}


def bench_schema() -> Schema:
    """Return the schema of a bench file of any kind; `name` may be left out, it is the name of the file."""
    schema = TypeAdapter(AnyBenchFile).json_schema()
    for kind in ("BenchFile", "LaboratoryFile", "VirtualFile", "ReplayFile"):
        required = schema["$defs"][kind]["required"]
        required.remove("name")
    schema["$defs"]["VirtualFile"]["required"].remove("arrays")
    replayed = schema["$defs"]["ReplayFile"]
    replayed["required"].remove("recorded")  # it is in the file of traffic
    del replayed["properties"]["recorded"]
    for cards in (schema["$defs"]["InstrumentFile"]["properties"]["cards"],):
        cards["additionalProperties"] = {"type": ["string", "integer"]}
    return {"$schema": DIALECT, "title": "a labmtj bench", **schema}


def experiment_schema() -> Schema:
    """Return the schema of an experiment file: `settings` are those of labmtj's procedures, free for any other."""
    own = [plugin for plugin in installed(PROCEDURES) if plugin.distribution.split()[0] == "labmtj"]
    loaded: list[tuple[Plugin, type[BaseModel]]] = [(plugin, plugin.load()) for plugin in own]
    references, definitions = _references(ExperimentFile, *(procedure for _, procedure in loaded))
    experiment = definitions.pop(ExperimentFile.__name__)
    experiment["properties"]["settings"] = {"type": ["object", "null"]}  # null: nothing but comments below the key
    experiment["allOf"] = [
        {
            "if": {"properties": {"procedure": {"enum": [plugin.name, plugin.dotted]}}, "required": ["procedure"]},
            "then": {"properties": {"settings": {"anyOf": [references[procedure], {"type": "null"}]}}},
        }
        for plugin, procedure in loaded
    ]
    names = [name for plugin, _ in loaded for name in (plugin.name, plugin.dotted)]
    experiment["properties"]["procedure"]["examples"] = names
    return {"$schema": DIALECT, **experiment, "title": "a labmtj experiment", "$defs": definitions}


def _references(*models: type[BaseModel]) -> tuple[dict[type[BaseModel], Schema], dict[str, Schema]]:
    """Return a reference to the schema of each model, and the definitions that they refer to, by name."""
    by_mode, schema = models_json_schema([(model, "validation") for model in models])
    return {model: dict(by_mode[model, "validation"]) for model in models}, schema["$defs"]


SCHEMAS: Mapping[str, Callable[[], Schema]] = {
    "arrays/array.schema.json": array_schema,
    "benches/bench.schema.json": bench_schema,
    "experiments/experiment.schema.json": experiment_schema,
}
"""what makes each file, by its place in the folder of the library"""


def schema_text(name: str) -> str:
    """Return the text of a schema file."""
    return json.dumps(SCHEMAS[name](), indent=2, sort_keys=True) + "\n"


def schema_path(name: str) -> Path:
    """Return where a schema file lies."""
    return library.folder() / name


if __name__ == "__main__":
    for schema in SCHEMAS:
        schema_path(schema).write_text(schema_text(schema), encoding="utf-8")
