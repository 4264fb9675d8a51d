"""Schemas as an editor reads them: a validator of another maker accepts every shipped file, and refuses mistakes."""

import json
from pathlib import Path

import pytest

from labmtj import library, yamlfile
from labmtj.fileschemas import SCHEMAS, schema_path

jsonschema = pytest.importorskip("jsonschema")


def errors(name, content):
    schema = json.loads(schema_path(name).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    found = jsonschema.Draft202012Validator(schema).iter_errors(json.loads(json.dumps(content)))
    return [error.json_path for error in found]


def shipped(path):
    return yamlfile.load(library.folder() / path).content


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_shipped_file_is_valid(name):
    for path in (library.folder() / Path(name).parent).glob("*.yaml"):
        assert errors(name, yamlfile.load(path).content) == [], path


def test_the_family_is_checked_for_the_default_device_alone():
    array = shipped("arrays/mtj-50nm.yaml")
    name = "arrays/array.schema.json"
    assert errors(name, {**array, "family": {**array["family"], "tmrr": 1}}) == ["$.family"]
    assert errors(name, {**array, "family": {**array["family"], "tmr": 1}}) == ["$.family.tmr"]
    assert errors(name, {**array, "cells": {"chip": "a"}}) == ["$.cells"]
    other = {"device": "notches", "family": {"lowest_ohms": 1}, "cells": {"chip": "a"}}
    assert errors(name, {**array, **other}) == []


@pytest.mark.parametrize("procedure", ["noise", "procedures.noise.NoiseSeries"])
def test_settings_are_checked_by_the_procedure_that_is_named(procedure):
    name = "experiments/experiment.schema.json"
    assert errors(name, {"procedure": procedure, "settings": {"samples": 1000}}) == []
    assert errors(name, {"procedure": procedure, "settings": None}) == []
    assert errors(name, {"procedure": procedure, "settings": {"sample": 1000}}) == ["$.settings"]
    assert errors(name, {"procedure": "of_a_plug_in", "settings": {"sample": 1000}}) == []
    assert errors(name, {"settings": {}}) == ["$"]
