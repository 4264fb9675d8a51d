import numpy as np
import pytest

from labmtj.record import JournalLog, JournalWriter
from labmtj.record.last_time import last_seconds
from labmtj.schema import Column, Table


@pytest.fixture
def journal(tmp_path):
    """Return a function that writes a journal with these rows, batch by batch."""

    def write(*batches):
        path = tmp_path / "journal.lmj"
        log = JournalLog(JournalWriter.create(path))
        log.table(Table("reads", "read", {"start_seconds": Column("f8", "s", "when")}))
        log.table(Table("others", "other", {"seconds": Column("f8", "s", "how long")}))
        log.append("others", {"seconds": np.array([99.0])})
        for times in batches:
            log.append("reads", {"start_seconds": np.array(times)})
        log.commit()
        log.journal.leave()
        return path

    return write


def test_the_latest_start_counts_whatever_the_order(journal):
    assert last_seconds(journal([1.0, 7.5, np.nan], [3.0])) == 7.5


@pytest.mark.parametrize("batches", [[], [[np.nan, np.nan]]])
def test_a_journal_without_times_ends_at_zero(journal, batches):
    assert last_seconds(journal(*batches)) == 0.0
