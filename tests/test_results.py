"""Results that declare their quantities: what is written to the file is what the class says."""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Annotated

import numpy as np
import pytest

from labmtj.errors import UsageError
from labmtj.fitting.proportions import Proportion
from labmtj.quantities import FloatArray
from labmtj.record import Checkpointer, JournalLog, JournalWriter, open_data
from labmtj.record.logbook import MemoryLog
from labmtj.results import Estimate, Fact, Quantity, Result, quantities, record


class State(IntEnum):
    LEFT = 0
    RIGHT = 1


class Trouble(IntFlag):
    HOT = 1
    WET = 2


@dataclass(frozen=True, eq=False)
class Cost:
    seconds: Annotated[float, Fact("h", "on the bench", name="hours", per=3600.0)]


class Drift(Result, kind="drift", signal="siemens"):
    seconds: Annotated[FloatArray, Quantity("s", "time of the read", ("read",))]
    siemens: Annotated[FloatArray, Quantity("S", "conductance at {volts:g} V", ("read", "row"))]
    lost: Annotated[Proportion, Estimate("1", "fraction lost", ("read",), of="mean over cells")]
    state: Annotated[FloatArray | None, Quantity("1", "where it is", ("row",), codes=State)]
    trouble: Annotated[FloatArray, Quantity("1", "what was wrong", ("row",), codes=Trouble, name="flags")]
    volts: Annotated[float, Fact("V", "on the row", name="read_volts")]
    cost: Cost
    scratch: FloatArray

    @property
    def ohms(self) -> Annotated[FloatArray, Quantity("ohm", "resistance", ("read", "row"))]:
        return 1 / self.siemens


def drift(**changes):
    lost = Proportion(np.zeros(3), np.zeros(3), np.full(3, 0.5))
    values = {
        "seconds": np.arange(3.0), "siemens": np.full((3, 2), 1e-3), "lost": lost, "state": np.array([0, 1], np.uint8),
        "trouble": np.array([0, 3], np.uint8), "volts": np.float64(0.1), "cost": Cost(7200.0), "scratch": np.zeros(9),
    }  # fmt: skip
    return Drift(**(values | changes))


def test_a_result_is_written_as_its_class_declares_it(tmp_path):
    log = JournalLog(JournalWriter.create(tmp_path / "journal.lmj"))
    record(log, "arrays/chip/drift", drift(), operator="a")
    log.commit()
    log.journal.close()
    Checkpointer(tmp_path / "journal.lmj", tmp_path / "data.h5").checkpoint()
    with open_data(tmp_path / "data.h5") as data:
        group = data.attributes("arrays/chip/drift")
        assert group["labmtj_kind"] == "drift"
        assert (group["read_volts"], group["hours"], group["operator"]) == (0.1, 2.0, "a")
        names = {"seconds", "siemens", "lost", "lost_low", "lost_high", "state", "flags", "ohms"}
        assert names <= set(data.tree()["arrays/chip/drift"])
        assert "scratch" not in data.tree()["arrays/chip/drift"]
        about = data.attributes("arrays/chip/drift/siemens")
        assert (about["units"], about["long_name"]) == ("S", "conductance at 0.1 V")
        assert data.attributes("arrays/chip/drift/lost_high")["long_name"] == (
            "upper end of its 95 % interval, mean over cells"
        )
        assert data.attributes("arrays/chip/drift/state")["flag_meanings"] == "left right"
        assert list(data.attributes("arrays/chip/drift/flags")["flag_masks"]) == [1, 2]
        assert np.array_equal(data.read("arrays/chip/drift/ohms"), np.full((3, 2), 1e3))
        assert data.attributes("arrays")["labmtj_kind"] == "group"


def test_a_field_of_none_is_left_out():
    log = MemoryLog()
    record(log, "drift", drift(state=None))
    assert "state" not in log.read("drift")


def test_the_declarations_can_be_listed_without_a_result():
    listed = dict(quantities(Drift))
    assert list(listed)[-2:] == ["hours", "ohms"]
    assert listed["read_volts"].units == "V"
    assert listed["flags"].dims == ("row",)


def test_an_array_with_other_axes_is_refused_with_the_class_and_the_quantity():
    with pytest.raises(UsageError, match=r"Drift.*'conductance at 0.1 V' has 1 axes and 2 names"):
        record(MemoryLog(), "drift", drift(siemens=np.zeros(3)))


def test_the_kind_of_a_group_cannot_be_set_by_hand():
    with pytest.raises(UsageError, match="labmtj_kind"):
        MemoryLog().attributes("drift", {"labmtj_kind": "other"})


def test_a_group_that_is_put_again_keeps_its_kind(tmp_path):
    log = JournalLog(JournalWriter.create(tmp_path / "journal.lmj"))
    for _ in range(2):
        record(log, "drift", drift())
        log.commit()
        Checkpointer(tmp_path / "journal.lmj", tmp_path / "data.h5").checkpoint()
    log.journal.close()
    with open_data(tmp_path / "data.h5") as data:
        assert data.attributes("drift")["labmtj_kind"] == "drift"


class Fitted(Result, kind="fitted"):
    fits: Annotated[
        tuple[Proportion, Proportion],
        Estimate("V", "median", ("direction", "cell"), name="median_volts", ends="median_{}_volts"),
        Quantity("1", "the same, as a short number", ("direction", "cell"), name="short", part="value", dtype="f4"),
    ]
    counts: Annotated[tuple[int, int], Fact("1", "of the two")]
    places: Annotated[FloatArray, Quantity("1", "none here", ("place",))]


def test_parts_of_fits_are_recorded_side_by_side_and_empty_arrays_left_out():
    fit = Proportion(np.full(3, 0.5), np.zeros(3), np.ones(3))
    log = MemoryLog()
    record(log, "fitted", Fitted((fit, fit), (1, 2), np.zeros(0)), operator="a")
    found = log.read("fitted")
    assert set(found) == {"median_volts", "median_low_volts", "median_high_volts", "short"}
    assert found["median_high_volts"].tolist() == [[1.0] * 3] * 2
    assert found["short"].dtype == np.float32
    facts = {"labmtj_kind": "fitted", "counts": [1, 2], "operator": "a"}
    assert log.read_attributes("fitted") == facts
