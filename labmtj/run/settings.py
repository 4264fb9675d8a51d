"""Settings of a procedure: their names, those that a bench file sets, and the options that change them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from labmtj.bench import ReplayFile, VirtualFile
from labmtj.bench.files.loading import AnyBenchFile
from labmtj.errors import Instead


def walk(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Iterate (dotted name, field) over the plain fields of a model and of the models inside it."""
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is None or field.annotation is not inner:  # one that may be null is an option as a whole, too
            yield prefix + name, field
        if inner is not None:
            yield from walk(inner, f"{prefix}{name}.")


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model an annotation names, alone or as `Model | None`."""
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def option_of(key: str) -> str:
    """Return the option of a setting, without its dashes: "write.max-rounds" of "write.max_rounds"."""
    return key.replace("_", "-")


def leaves(settings: Mapping[str, Any], under: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Iterate (key, value) over nested settings."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*under, name))
        else:
            yield (*under, name), value


def merged(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested settings, replaced by others where given."""
    found = dict(settings)
    for key, value in changes.items():
        inner = found.get(key)
        found[key] = merged(inner if isinstance(inner, dict) else {}, value) if isinstance(value, Mapping) else value
    return found


def settings_of_bench(bench: AnyBenchFile) -> dict[str, Any]:
    """Return the settings that experiments have on a bench by default; a bench that stands for another has its."""
    return bench.of.settings if isinstance(bench, VirtualFile | ReplayFile) else bench.settings


def fitting(settings: Mapping[str, Any], model: type[BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of a bench's settings that a procedure has and that are not given.

    A group that may be null is left as it is, unless some of it is given: naming one of its settings would turn it on.
    """
    found: dict[str, Any] = {}
    for name, value in settings.items():
        field = model.model_fields.get(name)
        if field is None:
            continue
        inner = _model_in(field.annotation)
        if not isinstance(value, Mapping) or inner is None:
            if name not in given:
                found[name] = value
            continue
        stated = given.get(name, {} if field.annotation is inner or field.default is not None else None)
        if isinstance(stated, Mapping) and (part := fitting(value, inner, stated)):
            found[name] = part
    return found


def options_instead(settings: BaseModel, instead: Instead) -> str:
    """Return the options that set a valid value instead of the refused one, "" if no setting holds it.

    Of a list, such as widths, whatever lies on the wrong side of the value that works is refused with it.
    """
    fields = {key for key, _ in walk(type(settings))}
    own = [(key, value) for key, value in leaves(settings.model_dump(mode="json")) if ".".join(key) in fields]
    unit = instead.name.rpartition("_")[2]
    same = [key for key, _ in own if key[-1] == instead.name]
    like = [key for key, _ in own if key[-1].rpartition("_")[2] == unit]
    for names in (same, like):
        found = [
            f"--{option_of('.'.join(key))} {_text(works)}"
            for key, value in own
            if key in names and (works := _working(value, instead)) is not None
        ]
        if found:
            return " ".join(found)
    return ""


def _working(value: Any, instead: Instead) -> Any:
    """Return what to put instead of the value of a setting, None if it does not hold the one that was refused."""
    if value == instead.refused:
        return instead.works
    if isinstance(value, list) and isinstance(instead.works, float) and instead.refused in value:
        bound = max if instead.works > instead.refused else min  # type: ignore[operator]
        return list(dict.fromkeys(bound(each, instead.works) for each in value))
    return None


def _text(value: Any) -> str:
    if isinstance(value, list):
        return f"'[{', '.join(map(_text, value))}]'"
    return f"{value:g}" if isinstance(value, float) else str(value)
