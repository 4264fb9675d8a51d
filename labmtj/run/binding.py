"""A run goes on as it began: what its run.yaml said then is in the first commit of its journal, and is compared.

Values count, not bytes: comments, order of keys and line breaks may change. What may change on the way is an option of
`labmtj resume`, and is recorded.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from labmtj import yamlfile
from labmtj.errors import ConfigError, DataError, UsageError
from labmtj.filing import open_plain
from labmtj.record import JournalReader, open_data
from labmtj.record.frames import has_kind
from labmtj.record.replay import START, is_unborn
from labmtj.run.folder import RunFolder
from labmtj.run.origin import FIRST_FRAMES, GROUP, TEXT
from labmtj.verbs import Log
from labmtj.yamlfile import Key, YamlFile

SHA256 = "run_yaml_sha256"
"""an attribute of the record"""
_BEGUN = (GROUP, "created_utc")
"""the key of run.yaml that distinguishes one run from another"""
_SHOWN = 3
_LOG = logging.getLogger(__name__)
_OPTIONS = "What may be changed is an option of `labmtj resume`: --workers, --over-budget"


def bind(log: Log, text: str) -> None:
    """Put what a run.yaml says into the first commit of a new journal."""
    log.attributes(GROUP, {TEXT: text, SHA256: _sha256(text)})
    log.commit()


def unchanged(folder: RunFolder, *, obeyed: bool = False) -> YamlFile:
    """Return the run.yaml of a run; raise ConfigError, naming keys and both values, if it is not as the run began.

    A run that does not say, such as of an older labmtj, is passed; with a warning if its run.yaml is to be `obeyed`.

    Raises:
        DataError: if the recorded run.yaml cannot be read.
    """
    now = yamlfile.load(folder.run_yaml)
    then = _recorded(folder)
    if then is None:
        if obeyed and not _nothing_recorded(folder):
            _LOG.warning(
                "%s: the journal does not hold the run.yaml that this run began with, because an older labmtj made "
                "it: the present file is used",
                folder.path,
            )
        return now
    try:
        before = yamlfile.loads(then, folder.journal).content
    except ConfigError as error:
        raise DataError(f"{folder.path}: what run.yaml said when the run began cannot be read: {error}") from error
    if differences := list(_differences(before, now.content)):
        recorder = folder.journal if folder.journal.is_file() else folder.data
        for key, was, found in differences:
            if key == _BEGUN:
                raise now.complaint(
                    key,
                    f"is {_short(found)}, and {recorder.name} is of a run begun {_short(was)}: they are files of two "
                    "runs. Put the file of this run back",
                )
        key, was, found = differences[0]
        others = [yamlfile.dotted(each[0]) for each in differences[1:_SHOWN]]
        more = f" (and {', '.join(others)}{', ...' if len(differences) > _SHOWN else ''})" if others else ""
        raise now.complaint(
            key,
            f"is {_short(found)}, and was {_short(was)} when this run began{more}. A run goes on as it began: undo the "
            f"change, or begin a new run. {_OPTIONS}",
        )
    return now


def _recorded(folder: RunFolder) -> str | None:
    """Return what run.yaml said when the run began, from the journal, or from data.h5 where that is all there is."""
    if folder.journal.is_file():
        return None if _nothing_recorded(folder) else _in_journal(folder)
    if folder.data.is_file():
        with open_data(folder.data) as data:
            text = data.attributes(GROUP).get(TEXT) if GROUP in data.tree() else None
            return text if isinstance(text, str) else None
    return None


def _nothing_recorded(folder: RunFolder) -> bool:
    """Return whether the run died before the first frame of its journal."""
    try:
        with open_plain(folder.journal) as file:
            head = file.read(START + 1)
    except FileNotFoundError:
        return not folder.data.exists()
    return is_unborn(head) or len(head) == START


def _in_journal(folder: RunFolder) -> str | None:
    reader = JournalReader(folder.journal)
    for offset, payload in itertools.islice(reader.payloads(), FIRST_FRAMES):
        if not has_kind(payload, "attributes"):
            continue
        record = reader.decoded(offset, payload)
        values = record.get("values")
        if record.get("path") == GROUP and isinstance(values, dict) and isinstance(text := values.get(TEXT), str):
            if values.get(SHA256, _sha256(text)) != _sha256(text):
                raise DataError(f"{folder.journal}: what run.yaml said when the run began is damaged")
            return text
    return None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _differences(before: Any, now: Any, key: Key = ()) -> Iterator[tuple[Key, Any, Any]]:
    """Iterate (key, value then, value now) of what differs; None where there is none."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name in [*before, *(each for each in now if each not in before)]:
            yield from _differences(before.get(name), now.get(name), (*key, name))
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, pair in enumerate(zip(before, now, strict=True)):
            yield from _differences(*pair, (*key, number))
    elif before != now or isinstance(before, bool) != isinstance(now, bool):
        yield key, before, now


def _short(value: Any) -> str:
    text = "not there" if value is None else repr(value)
    return text if len(text) <= 100 else f"{text[:100]} ..."


def check_journal_is_there(folder: RunFolder) -> None:
    """Raise UsageError if a run with recorded data has lost its journal: it would silently start again."""
    if folder.data.exists() and not folder.journal.exists():
        raise UsageError(
            f"{folder.path}: the journal {folder.journal.name} is gone, and the run cannot go on without it; "
            f"{folder.data.name} holds what was checkpointed. Put the journal back, or begin a new run"
        )
