"""Writes array files: the calibrated one, and others sampled from the posterior next to it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from labmtj import yamlfile
from labmtj.arrays import ArrayDescription
from labmtj.calibration.calibrate import Calibration
from labmtj.errors import UsageError
from labmtj.filing import write_whole


def array_text(description: ArrayDescription, heads: Sequence[str] = ()) -> str:
    """Return an array file as YAML text after comment lines; ConfigError if it is larger than such a file may be."""
    text = yamlfile.dumps(description.model_dump(mode="json", exclude_none=True))
    yamlfile.loads(text, "the array file").parse(ArrayDescription)
    return "".join(f"# {line}".rstrip() + "\n" for line in heads) + text


def write_arrays(found: Calibration, out: Path, heads: Sequence[str], draws: int = 0) -> list[str]:
    """Write the array file, and samples of it next to it; return lines that report them.

    Raises:
        UsageError: if one of the files exists, or cannot be written; nothing is written then.
    """
    names = {out: found.description}
    for number, drawn in enumerate(found.draws(draws)):
        names[out.with_name(f"{out.stem}-{number:02d}{out.suffix or '.yaml'}")] = drawn
    if existing := [path for path in names if os.path.lexists(path)]:
        raise UsageError(f"{existing[0]}: exists already; choose another name with --out")
    try:
        for number, (path, description) in enumerate(names.items()):
            text = heads if number == 0 else [f"sample {number - 1} of the posterior of {out.name}"]
            write_whole(path, array_text(description, text).encode())
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror}; choose another place with --out") from error
    beside = (
        [f"{draws} array files sampled from the posterior: {list(names)[1]} to {list(names)[-1].name}"] if draws else []
    )
    return [f"{out}: the array file; name it in a bench file, or in `labmtj twin RUN --on {out}`", *beside]
