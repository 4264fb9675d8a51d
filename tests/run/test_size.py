"""How large the journal of a run becomes, said before its end."""

import pytest

from labmtj.display import progress_text
from labmtj.run import load_experiment, start
from labmtj.run.execute import Progress
from labmtj.run.size import Growth, megabytes, most_bytes, most_text

FEW = {"cells": [[0, 0], [3, 7]], "aperture_seconds": 1e-3}


def test_what_is_said_before_a_run_is_more_than_it_writes_and_not_ten_times_as_much(tmp_path):
    """Nothing was said: R-V loops of four arrays wrote 130 MB unannounced."""
    experiment = load_experiment("hysteresis", changes=FEW)
    shown: list[Progress] = []
    folder = start(experiment, tmp_path, workers=1, show=shown.append)
    size = folder.journal.stat().st_size
    assert size < most_bytes(experiment) + 400_000, "the rest is what every run writes"
    assert most_bytes(experiment) < 10 * size
    finals = [each.final_bytes for each in shown if each.phase == "blocks"]
    assert finals[-1] == pytest.approx(size, rel=0.2)


@pytest.mark.parametrize(("name", "megabytes"), [("hysteresis", 226), ("switching", 184), ("write-errors", 154)])
def test_of_what_is_fired_and_read_most_is_known(name, megabytes):
    assert most_bytes(load_experiment(name)) == pytest.approx(megabytes * 1e6, rel=0.02)


def test_nothing_is_said_where_nothing_is_known():
    assert most_text(load_experiment("patterns")) == ""
    assert most_text(load_experiment("hysteresis")) == "; journal.lmj: at most 230 MB, data.h5: less"


def test_first_blocks_of_the_stations_count_for_themselves_alone():
    growth = Growth(0, 10, 2)
    sizes = [0, 500, 1000, 1100, 1200]
    assert [growth.final_bytes(done, size) for done, size in enumerate(sizes)] == [None, None, None, 1800, 1800]
    resumed = Growth(6, 10, 2)
    assert [resumed.final_bytes(done, 100 * done) for done in (6, 7, 8, 9)] == [None, None, None, 1000]


def test_where_there_are_only_first_blocks_they_stand_for_all():
    growth = Growth(0, 4, 4)
    assert [growth.final_bytes(done, 10 + 25 * done) for done in range(5)] == [None, 110, 110, 110, 110]


def test_a_size_has_two_digits():
    assert [megabytes(size) for size in (4e4, 1.04e8, 226e6, 9.96e9)] == ["0.04 MB", "100 MB", "230 MB", "10000 MB"]


@pytest.mark.parametrize(
    ("size", "shown"), [(3.48e8, "350 MB"), (1.6e8, "160 MB"), (2.34e6, "2.3 MB"), (1.21e12, "1200000 MB")]
)
def test_progress_states_the_size_without_an_exponent(size, shown):
    """At 1870a25 it said 3.5e+02 MB."""
    text = progress_text(Progress("blocks", 3, 10, 1.0, 0, final_bytes=size), 5.0)
    assert text.endswith(f"journal.lmj {shown} in the end")
