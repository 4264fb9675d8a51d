"""The one loader of YAML files: refuses what YAML lets slip, and names file, line and key when a value is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from labmtj.errors import ConfigError

if TYPE_CHECKING:
    from pydantic import BaseModel

Model = TypeVar("Model", bound="BaseModel")
Key = tuple[str | int, ...]
MAX_BYTES = 1_000_000


class _Loader(yaml.SafeLoader):
    """YAML as people mean it: `1e-3` is a number, `no` is a word, `010` is ten; no aliases, no duplicate keys."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"^(?:true|false)$", "tf"),
    ("tag:yaml.org,2002:null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("tag:yaml.org,2002:int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("tag:yaml.org,2002:float", r"^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$", "-+0123456789."),
    ("tag:yaml.org,2002:float", r"^(?:[-+]?\.inf|\.nan)$", "-+."),
):
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), list(_first))


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node), 10)


def _float(loader: _Loader, node: yaml.ScalarNode) -> float:
    return float(loader.construct_scalar(node).replace(".inf", "inf").replace(".nan", "nan"))


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)


@dataclass(frozen=True)
class YamlFile:
    """A parsed file with the line of every key, so that a later complaint can point at it."""

    path: Path
    content: dict[str, Any]
    lines: dict[Key, int]
    origins: Mapping[Key, str] = field(default_factory=dict)
    """where values come from that somebody put in the place of the file's, such as an option"""

    def complaint(self, key: Key, problem: str) -> ConfigError:
        """Return the error that says where in the file a value is wrong, and why."""
        return ConfigError(f"{self._where(key)}: {'.'.join(map(str, key)) or 'file'}: {problem}")

    def _where(self, key: Key) -> str:
        for known in (key[:length] for length in range(len(key), -1, -1)):
            if known in self.origins:
                return self.origins[known]
            if known in self.lines:
                return f"{self.path}:{self.lines[known]}"
        return f"{self.path}:1"

    def parse(self, model: type[Model], content: Any = None, under: Key = ()) -> Model:
        """Return the content (or the part of it found under the key `under`) as a strict model; raise ConfigError.

        Validators find the folder of the file in their context, as `beside`.
        """
        from pydantic import ValidationError  # 0.1 s that `labmtj --help` does not need

        try:
            given = self.content if content is None else content
            return model.model_validate(given, context={"beside": self.path.parent})
        except ValidationError as error:
            raise self._first_of(error, under) from None

    def _first_of(self, error: Any, under: Key) -> ConfigError:
        problems = error.errors(include_url=False)
        first = problems[0]
        key = (*under, *(part for part in first["loc"] if not str(part).startswith(("function-", "is-instance"))))
        remedy = {"extra_forbidden": "is not a known key; remove it or correct its spelling"}
        said = first["msg"].removeprefix("Value error, ")
        text = remedy.get(first["type"], f"{said[0].lower()}{said[1:]}; found {first['input']!r}"[:300])
        if first["type"] == "missing":
            text = "is missing; add it"
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        return self.complaint(key, text + more)


def load(path: str | Path) -> YamlFile:
    """Read a YAML file whose top level is a mapping; raise ConfigError naming file, line and key."""
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(
                f"{path}: is larger than {MAX_BYTES // 1000} kB; a labmtj YAML file holds settings, not data"
            )
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    return loads(text, path)


def loads(text: str, path: str | Path) -> YamlFile:
    """Parse YAML text; `path` is the name used in errors."""
    path = Path(path)
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        lines: dict[Key, int] = {}
        if not isinstance(node, yaml.MappingNode):
            raise ConfigError(f"{path}:1: the file must be a list of `key: value` lines")
        _check(node, (), lines, path, set())
        content = loader.construct_document(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        raise ConfigError(f"{path}:{line}: not valid YAML: {getattr(error, 'problem', None) or error}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from None
    return YamlFile(path, content, lines)


def _check(node: yaml.Node, key: Key, lines: dict[Key, int], path: Path, seen: set[int]) -> None:
    """Walk the tree once: note lines, refuse aliases and duplicate keys."""
    line = node.start_mark.line + 1
    lines.setdefault(key, line)
    if id(node) in seen:
        raise ConfigError(
            f"{path}:{line}: {'.'.join(map(str, key))}: YAML aliases (*name) are not accepted; write it out"
        )
    seen.add(id(node))
    if len(key) > 20:
        raise ConfigError(f"{path}:{line}: nested deeper than 20 levels")
    if isinstance(node, yaml.MappingNode):
        found: set[str] = set()
        for name_node, value in node.value:
            name, at = str(name_node.value), name_node.start_mark.line + 1
            if name in found:
                raise ConfigError(f"{path}:{at}: {'.'.join(map(str, (*key, name)))}: stands twice; keep one of them")
            found.add(name)
            lines[(*key, name)] = at
            _check(value, (*key, name), lines, path, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _check(value, (*key, index), lines, path, seen)


def dumps(content: dict[str, Any]) -> str:
    """Return the mapping as YAML text that `loads` reads back unchanged."""
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
