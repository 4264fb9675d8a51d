"""An experiment: procedure, settings, bench and seed. Loaded from YAML, resolved into all that a run needs."""

from __future__ import annotations

import datetime
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

import labmtj
from labmtj import library, yamlfile
from labmtj.bench import BenchFile, InstrumentBench, SimulatedBench, load_any
from labmtj.bench.checks.contact import contact_table
from labmtj.bench.files.loading import AnyBenchFile
from labmtj.bench.session.opening import located
from labmtj.dottednames import CannotLoad, did_you_mean
from labmtj.errors import ConfigError, SettingError, UsageError
from labmtj.plugins import Plugin, dotted, named, plugins
from labmtj.quantities import ChipGroup
from labmtj.record.recorded import declare_tables
from labmtj.run.plain import as_campaign, is_campaign, is_plain
from labmtj.run.settings import fitting, leaves, merged, option_of, settings_of_bench
from labmtj.schema import NAME_PATTERN
from labmtj.strictmodel import StrictModel
from labmtj.verbs import Campaign, Log
from labmtj.yamlfile import Key, YamlFile

PROCEDURES = "labmtj.procedures"
"""group of entry points"""
_LONGEST_TAG = 24
Tag = Annotated[str, Field(pattern=NAME_PATTERN, max_length=_LONGEST_TAG)]


def _none_given(settings: Any) -> Any:
    """Return no settings for a key with nothing but comments below it."""
    return {} if settings is None else settings


class ExperimentFile(StrictModel):
    """What an experiment's YAML file may hold."""

    procedure: str = Field(description="dotted name of the procedure's class, or the name of a plug-in")
    bench: str = Field("simulated", description="bench file, or the name of one that comes with labmtj")
    seed: int = Field(1, ge=0, lt=2**63)
    settings: Annotated[dict[str, Any], BeforeValidator(_none_given)] = Field(default_factory=dict)
    over_budget: bool = Field(default=False, description="go on beyond limits.pulses_per_cell and closures_per_relay")
    operator: str = ""
    notes: str = ""
    tags: list[Tag] = Field([], max_length=20, description="words to find its runs by: labmtj ls --tag WORD")


class Provenance(StrictModel):
    """Who made a run, when, with what."""

    created_utc: str
    labmtj_version: str
    git_revision: str
    python: str
    machine: str
    packages: dict[str, str]


class RunFile(StrictModel):
    """`run.yaml`: everything resolved, so that a run can be resumed from its folder alone."""

    experiment: str
    procedure: str
    tags: list[Tag] = Field([], max_length=20)  # here, for `labmtj ls` reads the head of the file alone
    settings: dict[str, Any]
    inputs_sha256: str
    bench: AnyBenchFile
    seed: int
    over_budget: bool = False
    operator: str = ""
    notes: str = ""
    provenance: Provenance


@dataclass(frozen=True)
class Experiment:
    """An experiment that is ready to run."""

    name: str
    procedure: str
    """dotted name of its class"""
    settings: BaseModel
    """the procedure with its settings"""
    bench: AnyBenchFile
    seed: int
    operator: str = ""
    notes: str = ""
    over_budget: bool = False
    """whether to go on beyond the budgets of cells and relays"""
    tags: tuple[str, ...] = ()
    bench_file: Path | None = None
    """where the bench was read from; None if from a run"""
    run: str = ""
    """name of the run's folder, once there is one"""
    traffic: Path | None = None
    """file to record what goes over the wire in"""
    watchdog: Path | None = None
    """file for the watchdog of a bench to note in what it did"""
    begun_seconds: float = 0.0
    """what the clock of a bench of instruments shows at the beginning, if this goes on with a run"""

    @cached_property
    def campaign(self) -> Campaign:
        """The procedure in blocks."""
        return as_campaign(self.settings)

    def stations(self) -> list[ChipGroup]:
        """Return the stations of the campaign on this bench."""
        bench = self.connect()
        stations = self.campaign.stations(bench.arrays())
        bench.check(stations)
        return stations

    def declare(self, stations: Sequence[ChipGroup], log: Log) -> None:
        """Declare all tables and write what is known before the first bias."""
        self.campaign.declare(stations, log)
        for station in stations:
            for name in station.arrays:
                declare_tables(log, name, station.info.shape)
        if self.on_instruments:
            log.table(contact_table(stations[0].info.shape))

    def check(self) -> None:
        """Raise UsageError if the settings do not fit bench or input files; nothing is applied, nothing kept."""
        self.campaign.check_stations(self.stations())

    @property
    def on_instruments(self) -> bool:
        """Whether the bench is one of instruments, that cannot be rewound."""
        return not isinstance(self.bench, BenchFile)

    def located(self) -> AbstractContextManager[None]:
        """Return a context that turns what is wrong with the bench into a ConfigError that names file and line."""
        return nullcontext() if self.bench_file is None else located(str(self.bench_file))

    def connect(self) -> SimulatedBench | InstrumentBench:
        """Return the bench; nothing is opened yet."""
        if isinstance(self.bench, BenchFile):
            return SimulatedBench(self.bench, self.seed)
        return InstrumentBench(self.bench, self.run, self.traffic, self.watchdog, self.begun_seconds)

    def resolved(self) -> RunFile:
        """Return what goes into `run.yaml`."""
        settings = self.settings.model_dump(mode="json")
        return RunFile(
            experiment=self.name, procedure=self.procedure, tags=list(self.tags), settings=settings,
            inputs_sha256=self.campaign.fingerprint(), bench=self.bench, seed=self.seed, over_budget=self.over_budget,
            operator=self.operator, notes=self.notes, provenance=provenance(),
        )  # fmt: skip


def load_experiment(
    name: str,
    *,
    bench: str | None = None,
    seed: int | None = None,
    changes: Mapping[str, Any] | None = None,
    over_budget: bool = False,
    tags: Sequence[str] = (),
) -> Experiment:
    """Read an experiment file and what it names.

    A setting that neither the file nor `changes` give is that of the bench, if it brings one along.

    Args:
        name: path of the file, the name of one that comes with labmtj, or that of a procedure of a plug-in.
        bench: replaces the bench of the file.
        seed: replaces the seed of the file.
        changes: settings that replace those of the file, nested as in the file.
        over_budget: go on beyond the budgets of cells and relays, whatever the file says.
        tags: words in addition to those of the file, to find the run by.

    Raises:
        ConfigError: naming file, line and key.
    """
    file = experiment_file(name)
    content = file.parse(ExperimentFile)
    bench_file = library.find(bench, "benches") if bench is not None else _bench_of(file, content.bench)
    chosen = load_any(str(bench_file))
    given = merged(content.settings, changes or {})
    brought = fitting(settings_of_bench(chosen), procedure_class(file, content.procedure), given)
    file = replace(file, origins={**file.origins, **_origins(chosen.name, changes or {}, brought)})
    settings = _settings(file, content.procedure, merged(brought, given))
    experiment = Experiment(
        file.path.stem,
        dotted(PROCEDURES, content.procedure),
        settings,
        chosen,
        content.seed if seed is None else seed,
        content.operator,
        content.notes,
        over_budget or content.over_budget,
        tuple(dict.fromkeys((*content.tags, *map(_tag, tags)))),
        bench_file,
    )
    try:
        experiment.check()
    except SettingError as error:
        raise file.complaint(("settings", *error.key), error.problem) from None
    return experiment


def experiment_file(name: str) -> YamlFile:
    """Read an experiment file; of a procedure that a plug-in brings the name alone will do, with its defaults.

    Raises:
        ConfigError: if there is neither.
    """
    try:
        path = library.find(name, "experiments")
    except ConfigError as error:
        if name in plugins(PROCEDURES):
            return YamlFile(Path(name), {"procedure": name}, {}, {(): f"procedure {name}"})
        brought = procedures_of_plugins()
        more = f"; or a procedure of a plug-in: {', '.join(brought)}{did_you_mean(name, brought)}" if brought else ""
        raise ConfigError(f"{error}{more}") from None
    return yamlfile.load(path)


def procedures_of_plugins() -> dict[str, Plugin]:
    """Return the procedures that no experiment is named after, by name."""
    shipped = {path.stem for path in (library.folder() / "experiments").glob("*.yaml")}
    return {name: plugin for name, plugin in plugins(PROCEDURES).items() if name not in shipped}


def _tag(text: str) -> str:
    if not re.fullmatch(NAME_PATTERN, text) or len(text) > _LONGEST_TAG:
        raise UsageError(f"--tag {text!r}: use 1 to {_LONGEST_TAG} letters, digits, dots, dashes and underscores")
    return text


def _bench_of(file: YamlFile, name: str) -> Path:
    try:
        return library.find(name, "benches", file.path.parent)
    except ConfigError as error:
        raise file.complaint(("bench",), str(error)) from None


def load_run(path: Path) -> Experiment:
    """Read a `run.yaml`; raise ConfigError if it is wrong, or if the files it was made with have changed."""
    return experiment_of(yamlfile.load(path))


def experiment_of(file: YamlFile) -> Experiment:
    """Return the experiment that a `run.yaml` holds; raise ConfigError as `load_run`."""
    content = file.parse(RunFile)
    settings = _settings(file, content.procedure, content.settings)
    experiment = Experiment(
        content.experiment, content.procedure, settings, content.bench, content.seed, content.operator, content.notes,
        content.over_budget, tuple(content.tags),
    )  # fmt: skip
    if experiment.campaign.fingerprint() != content.inputs_sha256:
        raise file.complaint(
            ("inputs_sha256",), "the input files of this run have changed since; put the old ones back"
        )
    return experiment


def load_checked_run(path: Path) -> Experiment:
    """Read a `run.yaml` as `load_run`, and check that its settings fit the bench; ConfigError with the key."""
    return checked_experiment(yamlfile.load(path))


def checked_experiment(file: YamlFile) -> Experiment:
    """Return the experiment that a `run.yaml` holds if its settings still fit the bench; ConfigError with the key."""
    experiment = experiment_of(file)
    try:
        experiment.check()
    except SettingError as error:
        raise ConfigError(
            f"{file.path}: {yamlfile.dotted(('settings', *error.key))}: {error.problem}. This run does not fit the "
            "bench, the chip or the input files as they are now: put these back, or begin a new run"
        ) from None
    return experiment


def procedure_class(file: YamlFile, name: str) -> type[BaseModel]:
    """Return the class of a procedure by its dotted name, or by that of a plug-in."""
    try:
        found: Any = named(PROCEDURES, name, _is_procedure)
    except CannotLoad as error:
        known = yamlfile.load(library.find(library.default()[0], "experiments")).content["procedure"]
        example = f"; wanted is a dotted name such as {known}"
        advice = "" if "did you mean" in str(error) else example
        raise file.complaint(("procedure",), f"cannot load {name!r}: {error}{advice}") from None
    if not _is_procedure(found):
        raise file.complaint(
            ("procedure",), f"{name!r} is not a procedure: a pydantic model of its settings with `execute` or `block`"
        )
    return found  # type: ignore[no-any-return]


def _is_procedure(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, BaseModel) and (is_campaign(found) or is_plain(found))


def _settings(file: YamlFile, procedure: str, settings: dict[str, Any]) -> BaseModel:
    return file.parse(procedure_class(file, procedure), settings, ("settings",))


def _origins(name: str, changes: Mapping[str, Any], brought: Mapping[str, Any]) -> dict[Key, str]:
    """Return where every setting comes from that is not from the experiment's file: an option, or the bench."""
    origins: dict[Key, str] = {("settings", *key): f"settings of bench {name}" for key, _ in leaves(brought)}
    origins |= {("settings", *key): f"option --{option_of('.'.join(key))}" for key, _ in leaves(changes)}
    return origins


def provenance() -> Provenance:
    """Return the provenance of a run made now."""
    from importlib.metadata import version

    packages = ("numpy", "scipy", "scikit-learn", "h5py", "pydantic", "msgpack")
    return Provenance(
        created_utc=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        labmtj_version=labmtj.__version__,
        git_revision=_git_revision(),
        python=platform.python_version(),
        machine=f"{platform.system()} {platform.machine()}",
        packages={name: version(name) for name in packages},
    )


def _git_revision() -> str:
    """Return the revision of the checkout that labmtj runs from, marked if it has changes; "unknown" elsewhere."""
    folder = Path(labmtj.__file__).resolve().parent.parent
    if not (folder / ".git").exists():
        return "unknown"
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return "unknown"
