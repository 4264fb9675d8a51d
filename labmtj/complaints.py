"""What is wrong with the input of a model, in a sentence: the error to correct first, and a value that works."""

from __future__ import annotations

import difflib
import json
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from labmtj.unithints import without_unit

Key = tuple[str | int, ...]
_SHOULD_BE = "Input should be "
_OF_LISTS = {"tuple_type", "list_type", "too_long", "too_short"}
_LISTED_CHARACTERS = 120
"""of the keys that are wrong, too"""


def worst_complaint(
    error: ValidationError, model: type[BaseModel], given: Any, context: dict[str, Any]
) -> tuple[Key, str]:
    """Return the key of the error to correct first, and its message.

    A key that is not known comes before one that is missing: it may be that one, misspelt. Of the ways in which a
    value fails each of several types, the one that got farthest counts.
    """
    problems: dict[Key, list[Any]] = {}
    for problem in error.errors(include_url=False):
        key = _key_of(problem, given)
        field = next((known for known in problems if known == key[: len(known)] or key == known[: len(key)]), key)
        problems.setdefault(field, []).append((key, problem))
    first = min(problems, key=lambda field: problems[field][0][1]["type"] != "extra_forbidden")
    key, problem = max(problems[first], key=lambda each: len(each[0]))
    missing = [str(name[-1]) for name, found in problems.items() if found[0][1]["type"] == "missing"]
    said = _said([each for its_key, each in problems[first] if len(its_key) == len(key)])
    text = _sentence(problem, said, key, [*missing, *_names_at(model, key[:-1])])
    others = [".".join(map(str, name)) or "the whole" for name in problems if name != first]
    more = f" (also wrong: {_listed(others)})" if others else ""
    form = _suggestion(model, given, first, context) or _example(
        model, key, {each["type"] for _, each in problems[first]}
    )
    return key, text + form + more


def _listed(names: list[str]) -> str:
    """Return names as far as they fit into a line, and how many more there are."""
    fitting = [name for at, name in enumerate(names) if sum(map(len, names[: at + 1])) <= _LISTED_CHARACTERS]
    rest = len(names) - len(fitting)
    return ", ".join(fitting + [f"{rest} more"] * (rest > 0))


def _key_of(problem: Any, given: Any) -> Key:
    """Return where in the input a fault is: without the names of types that pydantic puts between the keys."""
    key: list[str | int] = []
    for part in problem["loc"]:
        is_there = (
            part in given if isinstance(given, dict) else isinstance(part, int) and isinstance(given, list | tuple)
        )
        if is_there and not (isinstance(given, list | tuple) and int(part) >= len(given)):
            key.append(part)
            given = given[part]
    if problem["type"] == "missing":
        key.append(problem["loc"][-1])
    return tuple(key)


def _names_at(model: Any, key: Key) -> list[str]:
    """Return the keys that a model knows at a place in it."""
    models = _models_in(model)
    for part in map(str, key):  # a name or a number within a mapping or a list leads to no other model
        fields = [each.model_fields[part].annotation for each in models if part in each.model_fields]
        models = [inner for annotation in fields for inner in _models_in(annotation)] or models
    return [name for each in models for name in each.model_fields]


def _example(model: Any, key: Key, types: set[str]) -> str:
    """Return "; write, for example, [15, 15]" for what is no list of that form, where its field says one or has one."""
    if not (types & _OF_LISTS or isinstance(key[-1] if key else "", int)):
        return ""
    models, field = _models_in(model), None
    for part in map(str, key):
        field = next((each.model_fields[part] for each in models if part in each.model_fields), field)
        models = _models_in(field.annotation) if field else models
    example = (field.examples or [field.get_default()])[0] if field else None
    return f"; write, for example, {json.dumps(example)}" if example and isinstance(example, list | tuple) else ""


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that a type names, within unions, lists and mappings."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for inner in get_args(annotation) for found in _models_in(inner)]


def _said(problems: list[Any]) -> str:
    """Return what pydantic says of a value: of one that may be of several types all of them."""
    texts = [_in_yaml(str(problem["msg"]).removeprefix("Value error, ")) for problem in problems]
    if not all(text.startswith(_SHOULD_BE) for text in texts):
        return texts[0]
    return _SHOULD_BE + " or ".join(dict.fromkeys(text.removeprefix(_SHOULD_BE) for text in texts))


def _in_yaml(text: str) -> str:
    """Return what pydantic says in the words of a YAML file, which has lists and no tuples."""
    return text.replace("tuple", "list", 1).replace("Tuple", "List", 1).replace(" after validation", "")


def _sentence(problem: Any, said: str, key: Key, known: list[str]) -> str:
    """Say what is wrong with a value; `known` are the keys at its place, those that are missing first."""
    match problem["type"]:
        case "extra_forbidden":
            close = difflib.get_close_matches(str(problem["loc"][-1]), known, 1)
            return (
                f"is not a known key; {f'did you mean {close[0]}?' if close else 'remove it or correct its spelling'}"
            )
        case "string_pattern_mismatch":
            return f"{str(problem['input'])[:60]!r} is not a name here; take letters, digits, - and _"
        case "missing":
            return "is missing; add it"
    if isinstance(text := problem["input"], str) and (with_unit := without_unit(text, _named(key))):
        return with_unit
    return f"{said[0].lower()}{said[1:]}; found {problem['input']!r}"[:300]


def _named(key: Key) -> str:
    """Return the part of a key that names a quantity: of `diameter_metres.value` the first."""
    return next((str(part) for part in reversed(key) if "_" in str(part)), "this")


def _suggestion(model: type[BaseModel], given: Any, key: Key, context: dict[str, Any]) -> str:
    """Return "; write [...]" if the value is right but for a pair of brackets around it."""
    value = given
    for part in key:
        if not isinstance(value, dict | list) or part not in (value if isinstance(value, dict) else range(len(value))):
            return ""
        value = value[part]  # type: ignore[index]
    if not key or isinstance(value, dict) or not _is_valid(model, _replaced(given, key, [value]), key, context):
        return ""
    return f"; write {json.dumps([value])}"


def _is_valid(model: type[BaseModel], given: Any, key: Key, context: dict[str, Any]) -> bool:
    try:
        model.model_validate(given, context=context)
    except ValidationError as error:
        return all(_key_of(problem, given)[: len(key)] != key for problem in error.errors(include_url=False))
    return True


def _replaced(given: Any, key: Key, value: Any) -> Any:
    if not key:
        return value
    first, *rest = key
    if isinstance(given, dict):
        return {**given, first: _replaced(given[first], tuple(rest), value)}
    return [_replaced(each, tuple(rest), value) if at == first else each for at, each in enumerate(given)]
