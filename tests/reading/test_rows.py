"""Tables in blocks of rows: the same as the whole, and no more of it at a time than asked for."""

import numpy as np
import pytest

from labmtj.errors import DataError, UsageError
from labmtj.reading import rows
from labmtj.reading.export import export
from labmtj.record import extract

READS = "arrays/mtj-35nm-0a/reads"


@pytest.mark.parametrize("step", [1, 7, 100_000, None])
def test_blocks_make_up_the_table(run, step):
    whole = run.data.group(READS)
    found = list(run.blocks(READS, ("amperes", "purpose"), rows=step))
    for name in ("amperes", "purpose"):
        assert np.array_equal(np.concatenate([block[name] for block in found]), whole[name], equal_nan=True)
    assert all(set(block) == {"amperes", "purpose"} for block in found)
    assert step is None or max(len(block["purpose"]) for block in found) <= step


def test_all_columns_are_read_if_none_are_named(run):
    block = next(run.blocks(READS))
    assert set(block) == set(run.data.tree()[READS]) - {"line"}


def test_blocks_are_as_large_as_is_said(run, monkeypatch):
    monkeypatch.setattr(rows, "BLOCK_BYTES", 10 * 15 * 8)
    assert {len(block["amperes"]) for block in list(run.blocks(READS, ["amperes"]))[:-1]} == {10}


def test_a_table_without_rows_has_no_blocks(run):
    assert list(run.blocks("arrays/mtj-35nm-0a/row_reads")) == []


@pytest.mark.parametrize(
    ("group", "columns", "words"),
    [
        ("arrays/mtj-35nm-0a/reference", (), "not a table with rows"),
        (READS, ("volts",), "no array .*volts"),
        (READS, ("amperes", "line"), "not columns of one table"),
        ("arrays/mtj-35nm-0a/reeds", (), "did you mean"),
    ],
)
def test_what_has_no_rows_is_refused(run, group, columns, words):
    with pytest.raises(DataError, match=words):
        list(run.blocks(group, columns))


def test_a_row_that_fills_the_memory_is_refused(run, tmp_path, monkeypatch):
    """As if there were a kilobyte."""
    monkeypatch.setattr(rows, "LARGEST_ROW", 1000)
    monkeypatch.setattr(extract, "LARGEST_ROW", 1000)
    group = "wine/mtj-35nm-0/solutions"
    with pytest.raises(DataError, match="a row of layer1_amperes takes more than"):
        list(run.blocks(group, ["layer1_amperes"]))
    for name in ("wide.nc", "wide.csv"):
        with pytest.raises(DataError, match=r"a row of .*layer1_amperes.* takes more than"):
            export(run, f"{group}/layer1_amperes", tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_block_has_a_row(run):
    with pytest.raises(UsageError, match="rows = 0"):
        list(run.blocks(READS, rows=0))
