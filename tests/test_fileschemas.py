"""The JSON schemas beside the shipped files: made from the models, named by every file, true of every file."""

import re
from pathlib import Path

import pytest

from labmtj import library, yamlfile
from labmtj.arrays import ArrayDescription
from labmtj.fileschemas import SCHEMAS, array_schema, bench_schema, experiment_schema, schema_path, schema_text
from labmtj.plugins import plugins
from labmtj.run.experiment import PROCEDURES, ExperimentFile

FILES = [(name, path) for name in SCHEMAS for path in sorted((library.folder() / Path(name).parent).glob("*.yaml"))]
NAMES = [f"{path.parent.name}/{path.stem}" for _, path in FILES]


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_up_to_date(name):
    assert schema_path(name).read_text(encoding="utf-8") == schema_text(name), "write it: python -m labmtj.fileschemas"


@pytest.mark.parametrize(("name", "path"), FILES, ids=NAMES)
def test_a_shipped_file_names_its_schema_in_its_first_line(name, path):
    first = path.read_text(encoding="utf-8").splitlines()[0]
    found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert found
    assert path.parent / found[1] == schema_path(name)


@pytest.mark.parametrize(
    "path", [path for _, path in FILES if path.parent.name == "arrays"], ids=lambda path: path.stem
)
def test_a_shipped_array_fits_the_model_and_its_schema(path):
    content = yamlfile.load(path).content
    described = ArrayDescription.from_mapping(content)
    schema = array_schema()
    assert set(schema["required"]) <= set(content) <= set(schema["properties"])
    family = schema["$defs"][type(described.family).__name__]
    assert set(family["required"]) <= set(content["family"]) <= set(family["properties"])


def test_the_schema_of_benches_knows_every_key_of_the_shipped_ones():
    definitions = bench_schema()["$defs"]
    kinds = {"instruments": "LaboratoryFile", "virtual": "VirtualFile", "simulated": "BenchFile"}
    for path in (path for _, path in FILES if path.parent.name == "benches"):
        content = yamlfile.load(path).content
        schema = definitions[kinds[content["kind"]]]
        assert set(schema["required"]) <= set(content) <= set(schema["properties"])
    assert definitions["ChipFile"]["properties"]["array"]["type"] == "string"


@pytest.mark.parametrize(
    "path", [path for _, path in FILES if path.parent.name == "experiments"], ids=lambda path: path.stem
)
def test_the_settings_of_a_shipped_experiment_are_those_of_its_procedure(path):
    content = yamlfile.load(path).parse(ExperimentFile)
    schema = experiment_schema()
    (case,) = [case for case in schema["allOf"] if content.procedure in case["if"]["properties"]["procedure"]["enum"]]
    reference = case["then"]["properties"]["settings"]["anyOf"][0]["$ref"]
    settings = schema["$defs"][reference.removeprefix("#/$defs/")]
    assert set(content.settings) <= set(settings["properties"])
    assert settings["additionalProperties"] is False


def test_both_names_of_each_procedure_choose_its_settings():
    listed = [case["if"]["properties"]["procedure"]["enum"] for case in experiment_schema()["allOf"]]
    own = {name: plugin for name, plugin in plugins(PROCEDURES).items() if plugin.distribution.startswith("labmtj ")}
    assert listed == [[name, plugin.dotted] for name, plugin in own.items()]
