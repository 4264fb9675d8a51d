"""A data set: two rings in a plane, with a third feature that says nothing. Every number is an example."""

from __future__ import annotations

import numpy as np

from labmtj.network.datasets import Samples, SplitSettings
from labmtj.streams import stream

SAMPLES = 200


def rings() -> Samples:
    """Return samples on an inner and an outer ring, the same in every process."""
    generator = stream(0, "rings")
    classes = np.arange(SAMPLES) % 2
    radius = 1.0 + classes + generator.normal(0.0, 0.1, SAMPLES)
    angle = generator.uniform(0.0, 2.0 * np.pi, SAMPLES)
    features = np.column_stack([radius * np.cos(angle), radius * np.sin(angle), generator.uniform(size=SAMPLES)])
    return Samples(
        "rings",
        features,
        classes,
        class_names=("inner", "outer"),
        feature_names=("x", "y", "noise"),
        origin="drawn by labmtj-example",
        split=SplitSettings(test_fraction=0.25),
    )
