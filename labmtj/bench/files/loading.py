"""Loads bench files of every kind and the files that they name: arrays, and the bench that a virtual one copies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from labmtj import library, yamlfile
from labmtj.arrays import ArrayDescription
from labmtj.bench.files.description import BenchFile
from labmtj.bench.files.laboratory import LaboratoryFile, ReplayFile, VirtualFile
from labmtj.bench.files.visalibrary import trusted_libraries
from labmtj.bench.files.wiring import wiring_of
from labmtj.bench.session.tape import Source, source_of
from labmtj.errors import ConfigError, DataError, SettingError
from labmtj.yamlfile import Key, YamlFile

AnyBenchFile = Annotated[BenchFile | LaboratoryFile | VirtualFile | ReplayFile, Field(discriminator="kind")]
KINDS = ("simulated", "instruments", "virtual", "replay")


def load_any(name: str, beside: Path | None = None) -> BenchFile | LaboratoryFile | VirtualFile | ReplayFile:
    """Read a bench file of any kind and what it names; raise ConfigError with file, line and key."""
    path = library.find(name, "benches", beside)
    file = yamlfile.load(path)
    kind = file.content.get("kind")
    if kind == "instruments":
        return _laboratory(file)
    if kind == "virtual":
        return _virtual(file)
    if kind == "replay":
        return _replay(file)
    if kind != "simulated":
        raise file.complaint(("kind",), f"{kind!r} is not a kind of bench; choose one of {', '.join(KINDS)}")
    return file.parse(BenchFile, {"name": path.stem, **file.content, "arrays": _arrays(file)})


def load_bench(name: str, beside: Path | None = None) -> BenchFile:
    """Read the file of a simulated bench; raise ConfigError with file, line and key, also for another kind."""
    found = load_any(name, beside)
    if not isinstance(found, BenchFile):
        raise ConfigError(f"{name}: is a bench of kind {found.kind}; what was asked for needs one of kind simulated")
    return found


def load_array(name: str, beside: Path | None = None) -> ArrayDescription:
    """Read an array file; raise ConfigError with file, line and key."""
    return yamlfile.load(library.find(name, "arrays", beside)).parse(ArrayDescription)


def complaint(file: YamlFile, error: SettingError) -> ConfigError:
    """Return the error that names the place in the bench file of a fault that was found later."""
    key = tuple(int(part) if part.isdigit() else part for part in error.key)
    return file_with(file, key).complaint(key, error.problem)


def file_with(file: YamlFile, key: Key) -> YamlFile:
    """Return the file that holds a key of a bench: for a virtual or replayed one, possibly the file that it names."""
    named = file.content.get("of")
    if not key or key[0] in file.content or key[0] not in LaboratoryFile.model_fields or not isinstance(named, str):
        return file
    return yamlfile.load(_named(file, ("of",), named, "benches"))


def _laboratory(file: YamlFile) -> LaboratoryFile:
    content = dict(file.content)
    chip = content.get("chip")
    if isinstance(chip, dict) and isinstance(chip.get("array"), str):
        content["chip"] = {**chip, "array": load_array(_named(file, ("chip", "array"), chip["array"], "arrays"))}
    found = file.parse(LaboratoryFile, {"name": file.path.stem, **content}, trusted=trusted_libraries(file.path))
    try:
        wiring_of(found)
        _check_contact(found)
    except SettingError as error:
        raise complaint(file, error) from None
    return found


def _check_contact(file: LaboratoryFile) -> None:
    if file.contact.read_volts > file.bench_limits.disturb_volts:
        raise SettingError(
            ("contact", "read_volts"), f"{file.contact.read_volts:g} V may disturb cells: the limit is "
            f"{file.bench_limits.disturb_volts:g} V (limits.disturb_volts); lower it",
        )  # fmt: skip


def _stood_for(file: YamlFile) -> LaboratoryFile:
    """Return the bench that a virtual or replayed one stands for."""
    named = file.content.get("of")
    if not isinstance(named, str):
        raise file.complaint(("of",), "must name a bench file of kind instruments, such as 2636b-3706a.yaml")
    of = yamlfile.load(_named(file, ("of",), named, "benches"))
    kind = of.content.get("kind")
    if kind != "instruments":  # asked before it is read: it may be this very file
        raise file.complaint(("of",), f"{named} is of kind {kind}; this bench stands for one of instruments")
    return _laboratory(of)


def _replay(file: YamlFile) -> ReplayFile:
    content = {"name": file.path.stem, **file.content, "of": _stood_for(file)}
    if "recorded" in content:
        raise file.complaint(("recorded",), "is given by the file of traffic; remove this line")
    if isinstance(content.get("traffic"), str):
        path = file.path.parent / str(content["traffic"])
        if not path.is_file():
            raise file.complaint(("traffic",), f"{path}: no such file; `labmtj run --record-traffic` makes one")
        content |= {"traffic": str(path.resolve()), "recorded": _recorded(file, path)}
    return file.parse(ReplayFile, content)


def _recorded(file: YamlFile, path: Path) -> Source:
    try:
        return source_of(path)
    except DataError as error:
        raise file.complaint(("traffic",), str(error)) from None


def _virtual(file: YamlFile) -> VirtualFile:
    of = _stood_for(file)
    arrays = _arrays(file) if "arrays" in file.content else {of.chip.array.name: of.chip.array}
    for index, array in enumerate(arrays.values()):
        if array.shape != of.chip.array.shape:
            raise file.complaint(
                ("arrays", index), f"{array.name} has {array.shape} lines, the bench is wired for {of.chip.array.shape}"
            )
    return file.parse(VirtualFile, {"name": file.path.stem, **file.content, "of": of, "arrays": arrays})


def _named(file: YamlFile, key: Key, name: str, kind: str) -> str:
    """Return the path of a file that a bench file names; ConfigError with line and key if it is not there."""
    try:
        return str(library.find(name, kind, file.path.parent))
    except ConfigError as error:
        raise file.complaint(key, str(error)) from None


def _arrays(file: YamlFile) -> dict[str, ArrayDescription]:
    names: Any = file.content.get("arrays")
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise file.complaint(("arrays",), "must be a list of array files, such as [mtj-50nm]")
    arrays: dict[str, ArrayDescription] = {}
    for index, each in enumerate(names):
        array = load_array(_named(file, ("arrays", index), each, "arrays"))
        if array.name in arrays:
            raise file.complaint(
                ("arrays", index), f"a second array is called {array.name!r}; give each file its own name"
            )
        arrays[array.name] = array
    return arrays
