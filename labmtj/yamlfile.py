"""The one loader of YAML files: stricter than YAML, and names file, line and key when a value is wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from labmtj.errors import ConfigError
from labmtj.escaped import escaped
from labmtj.filing import read_plain

if TYPE_CHECKING:
    from pydantic import BaseModel

Model = TypeVar("Model", bound="BaseModel")
Key = tuple[str | int, ...]
MAX_BYTES = 1_000_000
MAX_VALUES = 20_000
"""keys and values of a file; a loader in Python takes half a second for them"""
MAX_DEPTH = 20
_SHORT_ROW = 3
_LONGEST_NUMBER = 400  # digits; the largest float has 309
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""control characters, but line feeds and tabs, and halves of pairs: categories Cc and Cs"""


_IN_C = yaml.__with_libyaml__
if _IN_C:

    class _Reader(yaml.composer.Composer, yaml.CSafeLoader):
        """Events by libyaml, in a fifth of the time of PyYAML's own reader; what is made of them is the same."""

        def __init__(self, text: str) -> None:
            yaml.CSafeLoader.__init__(self, text)
            yaml.composer.Composer.__init__(self)

    _Writer = yaml.CSafeDumper
else:
    _Reader = yaml.SafeLoader  # type: ignore[misc, assignment]
    _Writer = yaml.SafeDumper  # type: ignore[misc, assignment]


class _Loader(_Reader):
    """YAML as people mean it: `1e-3` is a number, `no` is a word, `010` is ten; no aliases, tags or endless nests."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._values = self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose a value if it is one that a labmtj file may hold; refused here, before it costs memory."""
        event: Any = self.peek_event()
        self._values += 1
        self._depth += 1
        if problem := self._problem(event):
            raise yaml.composer.ComposerError(None, None, problem, event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _problem(self, event: Any) -> str:
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            return "YAML anchors and aliases (&name, *name) are not accepted; write it out"
        if event.tag is not None:
            return f"the tag {event.tag[:60]!r} is not accepted; remove it"
        if self._depth > MAX_DEPTH:
            return f"nested deeper than {MAX_DEPTH} levels"
        return f"more than {MAX_VALUES} values; it holds settings, not data" if self._values > MAX_VALUES else ""


class _Dumper(_Writer):
    """Quotes text that the loader, or any other, would read as something else; writes out what stands twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's
        """Write it out."""
        return True


def _list(dumper: _Dumper, values: list[Any]) -> yaml.Node:
    """Write a row of numbers in one line, or a few: a map of cells would take a thousand."""
    row = len(values) > _SHORT_ROW and all(each is None or isinstance(each, float) for each in values)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=row)


_Dumper.add_representer(list, _list)
_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"^(?:true|false)$", "tf"),
    ("tag:yaml.org,2002:null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("tag:yaml.org,2002:int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("tag:yaml.org,2002:float", r"^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$", "-+0123456789."),
    ("tag:yaml.org,2002:float", r"^(?:[-+]?\.inf|\.nan)$", "-+."),
):
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), list(_first))
    _Dumper.add_implicit_resolver(_tag, re.compile(_pattern), list(_first))


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
    """where values that replace those of the file come from, such as an option"""

    def complaint(self, key: Key, problem: str) -> ConfigError:
        """Return the error that says where in the file a value is wrong, and why."""
        return ConfigError(f"{self._where(key)}: {dotted(key)}: {_shortened(problem)}")

    def _where(self, key: Key) -> str:
        for known in (key[:length] for length in range(len(key), -1, -1)):
            if known in self.origins:
                return self.origins[known]
            if known in self.lines:
                return f"{self.path}:{self.lines[known]}"
        return f"{self.path}:1"

    def parse(
        self, model: type[Model], content: Any = None, under: Key = (), trusted: Mapping[str, Any] | None = None
    ) -> Model:
        """Return the content (or the part of it found under the key `under`) as a strict model; raise ConfigError.

        Validators find the folder of the file in their context, as `beside`, and what is `trusted` of this file.
        """
        from pydantic import ValidationError  # 0.1 s that `labmtj --help` does not need

        given = self.content if content is None else content
        context = {"beside": self.path.parent, **(trusted or {})}
        try:
            return model.model_validate(given, context=context)
        except ValidationError as error:
            from labmtj.complaints import worst_complaint

            key, problem = worst_complaint(error, model, given, context)
            raise self.complaint((*under, *key), problem) from None


def load(path: str | Path) -> YamlFile:
    """Read a YAML file whose top level is a mapping; raise ConfigError naming file, line and key."""
    path = Path(path)
    try:
        content = read_plain(path, MAX_BYTES + 1)
        text = content.decode("utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; check the path") from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: cannot be read: it is not text in UTF-8; save it in that encoding") from None
    return loads(text, path)


def loads(text: str, path: str | Path) -> YamlFile:
    """Parse YAML text; `path` is the name used in errors.

    Raises:
        ConfigError: for invalid YAML, naming file and line.
    """
    path = Path(path)
    if len(text) > MAX_BYTES:
        raise ConfigError(f"{path}: is larger than {MAX_BYTES // 1000} kB; a labmtj YAML file holds settings, not data")
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise ConfigError(f"{path}:1: the file must be a list of `key: value` lines")
        lines: dict[Key, int] = {}
        _check(node, (), lines, path)
        return YamlFile(path, loader.construct_document(node), lines)
    except yaml.reader.ReaderError as error:  # libyaml counts bytes
        before = text.encode()[: error.position].decode("utf-8", "ignore") if _IN_C else text
        raise _foreign(path, text, min(error.position, len(before)), error.character) from None
    except UnicodeEncodeError as error:
        raise _foreign(path, text, error.start, ord(text[error.start])) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        raise ConfigError(f"{path}:{line}: not valid YAML: {error.problem or error}") from None


def _foreign(path: Path, text: str, position: int, character: int) -> ConfigError:
    """Return the error about a character that YAML does not know."""
    line = text.count("\n", 0, position) + 1
    return ConfigError(f"{path}:{line}: not valid YAML: holds the character {chr(character)!a}")


def _check(node: yaml.Node, key: Key, lines: dict[Key, int], path: Path) -> None:
    """Walk the tree once: note lines, refuse duplicate keys and numbers that are none."""
    line = lines.setdefault(key, node.start_mark.line + 1)
    if isinstance(node, yaml.ScalarNode):
        if problem := _wrong_number(node) or _wrong_text(node):
            raise ConfigError(f"{path}:{line}: {dotted(key)}: {problem}")
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _check(value, (*key, index), lines, path)
    else:
        _check_mapping(node, key, lines, path)


def _check_mapping(node: yaml.Node, key: Key, lines: dict[Key, int], path: Path) -> None:
    found: set[str] = set()
    for name_node, value in node.value:
        at = name_node.start_mark.line + 1
        if not isinstance(name_node, yaml.ScalarNode) or len(name_node.value) > _LONGEST_NUMBER:
            raise ConfigError(f"{path}:{at}: {dotted(key)}: a key must be a word or a number")
        is_number = name_node.tag == "tag:yaml.org,2002:int"
        name = str(int(name_node.value)) if is_number else name_node.value  # 1 and 01 are one key
        if name in found:
            raise ConfigError(f"{path}:{at}: {dotted((*key, name))}: is given twice; keep one of them")
        found.add(name)
        lines[(*key, name)] = at
        _check(value, (*key, name), lines, path)


def _wrong_number(node: yaml.ScalarNode) -> str:
    if node.tag not in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
        return ""
    if len(node.value) > _LONGEST_NUMBER:
        return f"is a number of {len(node.value)} characters; write it shorter"
    finite = node.tag.endswith("int") or math.isfinite(float(node.value.replace(".inf", "inf").replace(".nan", "nan")))
    return "" if finite else f"{node.value} is not accepted; give a finite number"


def _wrong_text(node: yaml.ScalarNode) -> str:
    """Say what is wrong with text that an escape within quotes has put a control character into."""
    wrong = _CONTROL.search(node.value)
    return f"holds the character {wrong[0]!a}, which is not text; remove it" if wrong else ""


def _shortened(text: str) -> str:
    """Return the text without its middle if it is too long: the beginning says what is wrong, the end the remedy."""
    return text if len(text) <= 800 else f"{text[:300]} ... {text[-300:]}"


def dotted(key: Key) -> str:
    """Return a key as people write it, "file" for the whole; nothing in it can move a cursor or fill a screen."""
    text = ".".join(map(str, key)) or "file"
    return escaped(text[:200], keep="")


def dumps(content: dict[str, Any]) -> str:
    """Return the mapping as YAML text that `loads` reads back unchanged."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
