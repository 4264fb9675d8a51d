"""What the samples of a data set are called, by the split that they belong to."""

from __future__ import annotations

from labmtj.report.contents import Contents

TRAIN, TEST, ALL = "train", "test", "all"


def samples(contents: Contents) -> dict[str, str]:
    """Return what the samples of each split are called, with their number if the file has it."""
    names = {TRAIN: "samples tuned on", TEST: "samples held back", ALL: "samples"}
    if not contents.has("dataset/is_test"):
        return names
    test = int(contents.read("dataset/is_test").astype(bool).sum())
    total = len(contents.read("dataset/is_test"))
    return {split: f"{count} {names[split]}" for split, count in ((TRAIN, total - test), (TEST, test), (ALL, total))}
