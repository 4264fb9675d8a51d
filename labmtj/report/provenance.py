"""Where everything comes from: versions, seed, settings, array parameters with their provenance, the meter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, get_args

from labmtj.device.mtj.population import ROOM_KELVIN
from labmtj.device.mtj.validity import TEMPERATURE_TEXT, temperature_remark
from labmtj.device.parameter import Provenance
from labmtj.errors import DataError
from labmtj.report.blocks import Block, Cell, Mark, Note, Table, cells, tried
from labmtj.report.contents import Contents
from labmtj.report.digits import MISSING, quantity, unit_of

Key = tuple[str, ...]
_MOST_ROWS = 400
MARKS_TEXT = (
    "published: a cited text gives it; typical: as texts report; fitted: to a measured chip; assumed: a choice. "
    "A spread is the standard deviation from cell to cell."
)


def provenance_blocks(contents: Contents) -> list[Block]:
    """Return every table that the resolved run allows."""
    if not contents.run_yaml:
        return [Note("The resolved run is not in the file.", "missing")]
    tables = {"Versions": _versions, "Settings": _settings, "Parameters": _parameters, "Arrays": _arrays}
    if isinstance(contents.setting("bench", "meter"), dict):  # of a simulated bench; instruments measure for themselves
        tables["Meter"] = _meter
    return [tried(what, partial(make, contents)) for what, make in tables.items()]


def flattened(content: object, key: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Yield every value of nested mappings with its keys; lists of plain values stay whole."""
    if isinstance(content, Mapping) and content:
        for name, value in content.items():
            yield from flattened(value, (*key, str(name)))
    elif isinstance(content, list) and any(isinstance(each, Mapping) for each in content):
        for index, value in enumerate(content):
            yield from flattened(value, (*key, str(index)))
    else:
        yield key, content


def _versions(contents: Contents) -> Table:
    rows = [cells("run", contents.run), cells("experiment", contents.experiment), cells("seed", contents.seed)]
    names = ("procedure", "operator", "notes", "inputs_sha256")
    rows += [cells(name.replace("_", " "), contents.setting(name) or MISSING) for name in names]
    rows += [
        cells(".".join(key), _text(value)) for key, value in flattened(contents.setting("provenance") or {}) if key
    ]
    solutions = contents.attributes("solutions")
    rows += [cells(f"solutions: {name}", solutions.get(name, MISSING)) for name in ("name", "origin", "sha256")]
    rows += [
        cells(f"bench: {name}", contents.setting("bench", name) or MISSING)
        for name in ("name", "kind", "operator", "notes")
    ]
    return Table(
        "Who and what", ("", ""), rows, "Attribute run_yaml of the group provenance; attributes of the group solutions."
    )


def _settings(contents: Contents) -> Table:
    rows = [
        cells(".".join(key), _with_unit(key, value))
        for key, value in flattened(contents.setting("settings") or {})
        if key
    ]
    return Table("Settings of the procedure", ("setting", "value"), rows[:_MOST_ROWS], folded=True)


def _with_unit(key: Key, value: object) -> str:
    return quantity(value, unit_of(key[-1])) if isinstance(value, int | float) else _text(value)


def _text(value: object) -> str:
    return "none" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _parameters(contents: Contents) -> Table:
    found = {name: dict(_stated(description)) for name, description in _described(contents).items()}
    keys = list(dict.fromkeys(key for parameters in found.values() for key in parameters))
    rows = [_parameter_row(key, [parameters.get(key) for parameters in found.values()]) for key in keys[:_MOST_ROWS]]
    return Table("Array parameters", ("parameter", *found, "provenance", "source"), rows, MARKS_TEXT)


def _arrays(contents: Contents) -> Table:
    rows = [
        cells(".".join((name, *key)), _with_unit(key, value))
        for name, description in _described(contents).items()
        for key, value in flattened(description)
        if key and key[0] not in ("family", "wires")
    ]
    described = _described(contents).values()
    kelvin = [float(each.get("temperature_kelvin", ROOM_KELVIN)) for each in described if isinstance(each, Mapping)]
    remarks = dict.fromkeys(remark for each in kelvin if (remark := temperature_remark(each)))
    note = "; ".join(remarks) or f"In a simulation {TEMPERATURE_TEXT}"
    return Table(
        "Shapes, temperatures and limits of the arrays", ("array", "value"), rows[:_MOST_ROWS], f"{note}.", folded=True
    )


def _described(contents: Contents) -> dict[str, Any]:
    """Return the descriptions of up to six arrays by name."""
    arrays = contents.setting("bench", "arrays")
    if not isinstance(arrays, dict) or not arrays:
        raise DataError("the bench describes no arrays")
    return {str(name): arrays[name] for name in list(arrays)[:6]}


def stated_provenances(contents: Contents) -> list[str]:
    """Return the kinds of provenance that the parameters of the described arrays have, the best first."""
    try:
        described = _described(contents)
    except DataError:
        return []
    found = {str(parameter["provenance"]) for each in described.values() for _, parameter in _stated(each)}
    return [kind for kind in get_args(Provenance) if kind in found]


def _stated(content: object, key: Key = ()) -> Iterator[tuple[Key, Mapping[str, Any]]]:
    """Yield every parameter, a mapping with a provenance, with its keys."""
    if isinstance(content, Mapping):
        if "provenance" in content:
            yield key, content
            return
        for name, value in content.items():
            yield from _stated(value, (*key, str(name)))


def _parameter_row(key: Key, stated: list[Mapping[str, Any] | None]) -> list[Cell]:
    unit = unit_of(key[-1])
    values = [MISSING if each is None else _value(each, unit) for each in stated]
    columns = [Cell(values[0], span=len(values))] if len(set(values)) == 1 else [Cell(value) for value in values]
    kinds = list(dict.fromkeys(str(each.get("provenance")) for each in stated if each))
    sources = dict.fromkeys(str(each.get("source", "")) for each in stated if each)
    mark: Mark = kinds[0] if len(kinds) == 1 and kinds[0] in get_args(Mark) else ""  # type: ignore[assignment]
    name = ".".join(key[1:] if key[0] in ("family", "wires") else key)
    return [Cell(name), *columns, Cell(", ".join(kinds), mark), Cell("; ".join(sources), "faint")]


def _value(parameter: Mapping[str, Any], unit: str) -> str:
    if "lowest" in parameter:
        return f"{quantity(parameter['lowest'], unit)} to {quantity(parameter.get('highest'), unit)}"
    text = quantity(parameter.get("value"), unit)
    if parameter.get("sigma"):
        return f"{text}\u00a0±\u00a0{quantity(parameter['sigma'], unit)}"
    spread = parameter.get("relative_sigma")
    return f"{text}\u00a0±\u00a0{100 * spread:.3g}\u00a0%" if isinstance(spread, float) and spread else text


def _meter(contents: Contents) -> Table:
    meter = contents.setting("bench", "meter")
    ranges = meter.get("ranges") if isinstance(meter, dict) else None
    if not isinstance(ranges, list) or not all(isinstance(each, dict) for each in ranges):
        raise DataError("the bench describes no meter")
    columns = {
        "full scale": "full_scale_amperes",
        "gain, fraction of reading": "gain_fraction",
        "offset": "offset_amperes",
        "noise, 0.1 to 10 Hz, peak to peak": "noise_peak_to_peak_amperes",
    }
    rows = [cells(*(quantity(each.get(name), unit_of(name)) for name in columns.values())) for each in ranges[:40]]
    others = [
        f"{name} = {_with_unit((name,), value)}" for name, value in meter.items() if name not in ("ranges", "source")
    ]
    return Table("Meter", list(columns), rows, f"{meter.get('source', '')}. {', '.join(others)}", folded=True)
