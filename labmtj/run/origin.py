"""Whether the files in the folder of a run belong to one run: a file copied from another run must be noticed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import suppress

from labmtj import yamlfile
from labmtj.errors import ConfigError, DataError
from labmtj.record import DataFile, JournalReader, open_data
from labmtj.record.frames import has_kind
from labmtj.record.replay import fingerprint
from labmtj.run.folder import RunFolder

GROUP, TEXT = "provenance", "run_yaml"
"""the attribute of the record that holds what run.yaml said when the run began"""
FIRST_FRAMES = 1000
"""of a journal, among which it says which run it is of"""


def check_folder(folder: RunFolder) -> None:
    """Raise DataError if data.h5 is of another run, before it is written anew; one that cannot be read is passed."""
    if not folder.data.is_file():
        return
    try:
        data = open_data(folder.data)
    except DataError:  # damaged: the journal has everything
        return
    with data:
        check_data(folder, data)


def check_data(folder: RunFolder, data: DataFile) -> None:
    """Raise DataError if an open data.h5 is not of the run whose run.yaml and journal lie next to it.

    A folder may have been renamed: what the files say counts. Files of an older labmtj that do not say it are passed.
    """
    name = str(data.attributes().get("run", "another one"))
    text = data.attributes(GROUP).get(TEXT) if GROUP in data.tree() else None
    if isinstance(text, str) and (begun := _begun(folder, text)) is not None:
        raise DataError(
            f"{folder.data}: is of another run, {name}, begun {begun[0]}; run.yaml next to it is of a run begun "
            f"{begun[1]}. {_remedy(folder)}"
        )
    if (other := _other_run(folder, data)) is not None:
        raise DataError(
            f"{folder.path}: {folder.data.name} is of run {name}, and {folder.journal.name} of run {other}. "
            f"{_remedy(folder)}"
        )


def _remedy(folder: RunFolder) -> str:
    rebuilt = f", or move it away and rebuild it: labmtj recover {folder.path}" if folder.journal.is_file() else ""
    return f"Put the file of this run back{rebuilt}"


def _begun(folder: RunFolder, text: str) -> tuple[str, str] | None:
    """Return when the run of this text began and when that of run.yaml did, None if that is the same or not known."""
    with suppress(OSError, UnicodeDecodeError, ConfigError):
        if folder.run_yaml.read_text(encoding="utf-8") == text:
            return None
        then = yamlfile.loads(text, folder.data).content
        now = yamlfile.load(folder.run_yaml).content
        with suppress(KeyError, TypeError):
            times = str(then[GROUP]["created_utc"]), str(now[GROUP]["created_utc"])
            return times if times[0] != times[1] else None
    return None


def _other_run(folder: RunFolder, data: DataFile) -> str | None:
    """Return which run the journal is of if it is not that of the data, as far as both say."""
    root, others = data.attributes(), []
    if "run" not in root or not folder.journal.is_file():
        return None
    with suppress(OSError, DataError):  # a damaged journal is the matter of those who read it
        for name in _names(folder):
            if name == root["run"]:
                return None
            others.append(name)
        return None if _goes_with(folder, root) else next(iter(others), None)
    return None


def _names(folder: RunFolder) -> Iterator[str]:
    reader = JournalReader(folder.journal)
    for offset, payload in itertools.islice(reader.payloads(), FIRST_FRAMES):
        if has_kind(payload, "attributes"):
            record = reader.decoded(offset, payload)
            if record.get("path") == "" and "run" in record["values"]:
                yield str(record["values"]["run"])


def _goes_with(folder: RunFolder, root: Mapping[str, object]) -> bool:
    """Whether the data were made of this journal: the run may have gone on under another name."""
    reached = root.get("labmtj_journal_bytes")
    return isinstance(reached, int) and fingerprint(folder.journal, reached) == root.get("labmtj_journal_check")
