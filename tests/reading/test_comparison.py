"""Two runs side by side: what was set differently, and whether what came out differs by more than it scatters."""

import re
import shutil

import h5py
import numpy as np
import pytest
import scipy.stats

import labmtj
from labmtj import cli
from labmtj.report.comparison import _table, _values, comparison_text
from labmtj.report.contents import Contents
from labmtj.report.measures import Measure
from labmtj.report.sections import sections
from labmtj.report.spread import difference


def measures(data):
    return [each for section in sections(Contents(data)) for each in section.measures()]


def measure(values, keys=None, name="accuracy", **options):
    values = np.asarray(values, float)
    named = keys if keys is not None else [str(at) for at in range(len(values))]
    return Measure("chip", name, "%", values, tuple(named), "solution", **options)


def test_pairs_are_compared_as_students_t_does():
    random = np.random.default_rng(1)
    first = random.normal(90, 5, 30)
    second = first + random.normal(0.5, 1, 30)
    order = random.permutation(30)
    found = difference(measure(first), measure(second[order], [str(at) for at in order]))
    known = scipy.stats.ttest_rel(second, first).confidence_interval(0.95)
    assert found.pairs == 30
    assert [found.mean - found.half_interval, found.mean + found.half_interval] == pytest.approx(
        [known.low, known.high]
    )


def test_values_that_do_not_belong_together_are_compared_as_welch_does():
    random = np.random.default_rng(2)
    first, second = random.normal(90, 5, 30), random.normal(93, 1, 12)
    found = difference(measure(first), measure(second, [f"other {at}" for at in range(12)]))
    known = scipy.stats.ttest_ind(second, first, equal_var=False).confidence_interval(0.95)
    assert found.pairs == 0
    assert [found.mean - found.half_interval, found.mean + found.half_interval] == pytest.approx(
        [known.low, known.high]
    )


def test_equal_truths_are_within_in_95_of_100():
    random = np.random.default_rng(3)
    drawn = [difference(measure(random.normal(0, 1, 10)), measure(random.normal(0, 1, 10))) for _ in range(1000)]
    assert 0.93 < np.mean([each.verdict == "within" for each in drawn]) < 0.97


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ([1, 2, 3], [1, 2, 3], "equal"),
        ([1, 2, 3], [1, 2, 3.1], "within"),
        ([1, 2, 3], [2, 3, 4], "differs"),
        ([1, 2], [3, 4], "too few"),
        ([1, np.nan, 3, 4], [1, 2, 3, 4], "equal"),
        ([np.nan] * 3, [1, 2, 3], "-"),
        ([], [1, 2, 3], "-"),
    ],
)
def test_what_is_said(first, second, verdict):
    assert difference(measure(first), measure(second)).verdict == verdict


def test_values_at_other_voltages_say_nothing_about_each_other():
    first, second = (
        measure([1, 2, 3], ["0.1", "0.2", "0.3"], paired_only=True),
        measure([1, 2, 3], ["0.4", "0.5", "0.6"]),
    )
    assert difference(first, second).verdict == "-"


def test_two_wine_runs(run, repaired, capsys, wine):
    with labmtj.open(repaired.path) as other:
        text = comparison_text(run, other, everything=True)
        fidelity = [each for each in measures(other.data) if each.name == "write fidelity"]
        accuracy = [each for each in measures(other.data) if each.name == "accuracy, common"]
    lines = text.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert "  settings.write.max_rounds: 0 -> 3" in lines
    assert sum(line.startswith("  settings.") for line in lines) == 1
    assert "mtj-35nm-0: 3 pairs of the same solution" in lines
    assert "mtj-35nm-0a: 225 pairs of the same cell" not in lines  # all are equal, so one line says so
    assert "mtj-35nm-0a: 225 pairs of the same cell: all 3 results equal" in lines
    with h5py.File(repaired.data, locking=False) as file:
        metrics = file["wine/mtj-35nm-0/metrics/write_fidelity"][:]
        group = file["wine/mtj-35nm-0/accuracy"]
        place = group["variant"].asstr()[:].tolist().index("common"), group["split"].asstr()[:].tolist().index("train")
        assert np.array_equal(accuracy[0].values, 100 * group["accuracy"][place])
    assert np.array_equal(fidelity[0].values, 100 * metrics)
    row = next(line for line in lines if line.startswith("  write fidelity (%)")).split()
    assert float(row[4]) == pytest.approx(100 * metrics.mean(), rel=1e-3)
    assert cli.main(["compare", "--all", str(wine.path), str(repaired.path)]) == 0
    assert capsys.readouterr().out == text + "\n"


def test_names_too_long_for_their_column_are_written_out():
    """Two names with the same end read alike while the beginning was cut."""
    names = [f"{which}_threshold_of_the_second_passage" for which in ("lower", "upper")]
    pairs = [(measure([1, 2, 3], name=each), measure([2, 3, 4], name=each)) for each in names]
    rows = _table(pairs)
    assert [f"  {each} (%)" for each in names] == [row for row in rows if "threshold" in row]
    assert all(len(row) <= 80 for row in rows[:-1])


def test_long_settings_are_shown_where_they_differ():
    one, other = _values("a" * 100 + "b" * 100, "a" * 100 + "c")
    assert (one[:24], other) == ("..." + "a" * 20 + "b", "..." + "a" * 20 + "c")
    assert _values("half", "third") == ["half", "third"]


def test_a_long_comparison_fits_a_terminal_the_largest_differences_first(run, repaired):
    with labmtj.open(repaired.path) as other:
        text, whole = comparison_text(run, other), comparison_text(run, other, everything=True)
    lines = text.splitlines()
    assert len(lines) <= 24 < len(whole.splitlines())
    assert all(len(line) <= 80 for line in lines)
    assert lines[-1] == "Everything: the same command with --all"
    numbers = [line.split()[-3:] for line in lines if line.endswith((" differs", " within"))]
    sizes = [abs(float(mean)) / float(half) if float(half) else np.inf for mean, half, _ in numbers]
    assert len(sizes) > 3
    assert sizes == sorted(sizes, reverse=True)
    every = [line.split()[-1] for line in whole.splitlines() if re.search(r"\d (differs|within|equal)$", line)]
    assert f"{every.count('differs')} beyond their 95 % interval" in " ".join(text.split())


def test_a_run_equals_itself(run):
    text = comparison_text(run, run)
    assert "All settings are the same." in text
    assert "differs" not in text
    assert text.count("results equal") == len(
        {line.split(":")[0] for line in text.splitlines() if "results equal" in line}
    )


def test_runs_of_different_procedures_say_what_can_be_compared(run, reference):
    with labmtj.open(reference.path) as other:
        text = comparison_text(run, other, everything=True)
    assert "The procedures differ" in text
    assert "settings.write" not in text
    assert "mtj-35nm-0a: 225 pairs of the same cell" in text
    assert "only in the first: results of" in text
    assert "only in the second: results of mtj-100nm-0a (3), mtj-50nm-0a (3)" in text


def test_runs_that_share_nothing_say_so(run, long_log, tmp_path):
    with labmtj.open(long_log(tmp_path / "log", 1000)) as other:
        text = " ".join(comparison_text(run, other).split())
    assert "Nothing can be compared: " in text
    assert "the second has no results yet" in text
    assert "settings cannot be compared" in text


def test_one_cell_that_is_no_number_is_left_out(spoiled, reference):
    folder = spoiled(lambda file: file["arrays/mtj-50nm-0a/reference/parallel_amperes"].__setitem__((0, 0), np.nan))
    with labmtj.open(folder.path) as one, labmtj.open(reference.path) as other:
        assert "mtj-50nm-0a: 224 pairs of the same cell" in comparison_text(one, other)


def test_a_folder_that_is_no_run_is_refused(wine, tmp_path, capsys):
    assert cli.main(["compare", str(wine.path), str(tmp_path)]) == 2
    assert "not a run" in capsys.readouterr().err
    shutil.copy(wine.run_yaml, tmp_path)
    assert cli.main(["compare", str(wine.path), str(tmp_path)]) == 2
    assert "the journal journal.lmj is not there either: put a copy of one of the two back" in capsys.readouterr().err
