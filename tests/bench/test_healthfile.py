"""The health of a chip is kept whole, found again, and refused when it is damaged or of another chip."""

import json

import numpy as np
import pytest

from labmtj.bench.files.healthfile import health_path, keep_health, kept_health
from labmtj.errors import DataError
from labmtj.health import Health, HealthMap


@pytest.fixture
def health():
    states = np.array([[Health.USABLE, Health.SHORT], [Health.NOISY, Health.UNKNOWN]], np.uint8)
    return HealthMap("die 7 / C", states, ("maps", "reads"), np.array([[0, 0], [1, -1]]), "2026-11-25T10:00:00+00:00")


def test_what_was_kept_is_found(health):
    assert kept_health("die 7 / C", (2, 2)) is None
    keep_health(health)
    found = kept_health("die 7 / C", (2, 2))
    np.testing.assert_array_equal(found.states, health.states)
    np.testing.assert_array_equal(found.why, health.why)
    assert (found.evidence, found.dated) == (health.evidence, health.dated)
    assert kept_health("die 7 / D", (2, 2)) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_text(path.read_text()[:40]),
        lambda path: path.write_text("[]"),
        lambda path: path.write_bytes(b"\xff\xfe"),
        lambda path: path.write_text(path.read_text().replace("[0, 3]", "[0, 99]")),
        lambda path: path.write_text(json.dumps(json.loads(path.read_text()) | {"why": [[9, 9], [9, 9]]})),
    ],
)
def test_a_damaged_file_is_refused_by_name(health, spoil):
    path = keep_health(health)
    spoil(path)
    with pytest.raises(DataError, match="set it aside") as caught:
        kept_health(health.chip_id, (2, 2))
    assert str(health_path(health.chip_id)) in str(caught.value)


def test_a_chip_of_another_size_is_refused(health):
    keep_health(health)
    with pytest.raises(DataError, match=r"\(2, 2\) cells, the chip has \(4, 4\)"):
        kept_health(health.chip_id, (4, 4))
