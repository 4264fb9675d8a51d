"""An experiment: procedure, settings, bench and seed. Loaded from YAML, and resolved into everything a run needs."""

from __future__ import annotations

import datetime
import importlib
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field

import labmtj
from labmtj import library, yamlfile
from labmtj.bench import BenchFile, SimulatedBench, load_bench
from labmtj.verbs import Campaign
from labmtj.yamlfile import YamlFile

_STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


class ExperimentFile(BaseModel):
    """What an experiment's YAML file may hold."""

    model_config = _STRICT

    procedure: str = Field(description="dotted name of the procedure's class")
    bench: str = Field("simulated", description="bench file, or the name of one that comes with labmtj")
    seed: int = Field(1, ge=0, lt=2**63)
    settings: dict[str, Any] = {}
    operator: str = ""
    notes: str = ""


class Provenance(BaseModel):
    """Who made a run, when, with what."""

    model_config = _STRICT

    created_utc: str
    labmtj_version: str
    git_revision: str
    python: str
    machine: str
    packages: dict[str, str]


class RunFile(BaseModel):
    """`run.yaml`: everything resolved, so that a run can be resumed from its folder alone."""

    model_config = _STRICT

    experiment: str
    procedure: str
    settings: dict[str, Any]
    inputs_sha256: str
    bench: BenchFile
    seed: int
    operator: str = ""
    notes: str = ""
    provenance: Provenance


@dataclass(frozen=True)
class Experiment:
    """An experiment that is ready to run."""

    name: str
    procedure: str
    campaign: Campaign
    bench: BenchFile
    seed: int
    operator: str = ""
    notes: str = ""

    def connect(self) -> SimulatedBench:
        """Return the bench."""
        return SimulatedBench(self.bench, self.seed)

    def resolved(self) -> RunFile:
        """Return what goes into `run.yaml`."""
        settings = cast(BaseModel, self.campaign).model_dump(mode="json")
        return RunFile(
            experiment=self.name, procedure=self.procedure, settings=settings,
            inputs_sha256=self.campaign.fingerprint(), bench=self.bench, seed=self.seed, operator=self.operator, notes=self.notes, provenance=provenance(),
        )  # fmt: skip


def load_experiment(
    name: str, *, bench: str | None = None, seed: int | None = None, changes: Mapping[str, Any] | None = None
) -> Experiment:
    """Read an experiment file and what it names.

    Args:
        name: path of the file, or the name of one that comes with labmtj.
        bench: takes the place of the file's bench.
        seed: takes the place of the file's seed.
        changes: settings that take the place of the file's, nested as in the file.

    Raises:
        ConfigError: naming file, line and key.
    """
    path = library.find(name, "experiments")
    file = yamlfile.load(path)
    content = file.parse(ExperimentFile)
    settings = _merged(content.settings, changes or {})
    campaign = _campaign(file, content.procedure, settings)
    chosen = load_bench(bench or content.bench, path.parent if bench is None else None)
    return Experiment(
        path.stem,
        content.procedure,
        campaign,
        chosen,
        content.seed if seed is None else seed,
        content.operator,
        content.notes,
    )


def load_run(path: Path) -> Experiment:
    """Read a `run.yaml`; raise ConfigError if it is wrong, or if the files it was made with have changed."""
    file = yamlfile.load(path)
    content = file.parse(RunFile)
    campaign = _campaign(file, content.procedure, content.settings)
    if campaign.fingerprint() != content.inputs_sha256:
        raise file.complaint(
            ("inputs_sha256",), "the input files of this run have changed since; put the old ones back"
        )
    return Experiment(
        content.experiment, content.procedure, campaign, content.bench, content.seed, content.operator, content.notes
    )


def procedure_class(file: YamlFile, dotted: str) -> type[BaseModel]:
    """Return the class of a procedure by its dotted name."""
    module, _, name = dotted.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise file.complaint(
            ("procedure",), f"cannot load {dotted!r}: {error}; such as procedures.wine.WineCampaign"
        ) from None
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        raise file.complaint(("procedure",), f"{dotted!r} is not a procedure (a pydantic model with settings)")
    return found


def _campaign(file: YamlFile, procedure: str, settings: dict[str, Any]) -> Campaign:
    return cast(Campaign, file.parse(procedure_class(file, procedure), settings, ("settings",)))


def _merged(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(settings)
    for key, value in changes.items():
        inner = merged.get(key)
        merged[key] = _merged(inner if isinstance(inner, dict) else {}, value) if isinstance(value, Mapping) else value
    return merged


def provenance() -> Provenance:
    """Return who and what makes a run now."""
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
