"""Settings take NumPy's numbers for Python's, and nothing else that is of another type."""

import numpy as np
import pytest
from pydantic import Field, ValidationError

from labmtj.record import MemoryLog
from labmtj.strictmodel import StrictModel, plain
from procedures.common.write import WriteSettings
from procedures.switching.procedure import SwitchingProbability


class Inner(StrictModel):
    volts: float = 0.0


class Model(StrictModel):
    count: int = 1
    on: bool = False
    name: str = ""
    volts: list[float] = Field(default_factory=list)
    inner: Inner = Inner()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"count": np.int64(3)}, {"count": 3}),
        ({"count": np.uint8(3)}, {"count": 3}),
        ({"on": np.True_}, {"on": True}),
        ({"name": np.str_("a")}, {"name": "a"}),
        ({"volts": np.array([0.1, 0.2])}, {"volts": [0.1, 0.2]}),
        ({"volts": [np.float32(0.5)]}, {"volts": [0.5]}),
        ({"inner": {"volts": np.float64(0.5)}}, {"inner": {"volts": 0.5}}),
    ],
)
def test_numpy_values_are_taken(values, expected):
    """Case use/16."""
    model = Model(**values)
    assert model.model_dump(include=set(expected)) == expected
    assert type(model.count) is int


@pytest.mark.parametrize(
    "values",
    [{"count": np.float64(3)}, {"count": np.True_}, {"on": np.int64(1)}, {"volts": np.array(["a"])},
     {"volts": np.array([np.nan])}, {"count": np.array([3])}, {"name": np.int64(3)}],
)  # fmt: skip
def test_a_type_is_no_less_strict_for_being_numpys(values):
    with pytest.raises(ValidationError):
        Model(**values)


def test_settings_of_procedures_take_numbers_out_of_arrays():
    assert SwitchingProbability(count=np.int64(3)).count == 3
    assert [WriteSettings(max_rounds=n).max_rounds for n in np.arange(1, 3)] == [1, 2]
    assert SwitchingProbability(cells=np.array([[0, 0], [1, 2]])).cells == [(0, 0), (1, 2)]


def test_attributes_of_a_log_take_numpy_values():
    log = MemoryLog()
    log.attributes("fit", {"n": np.int64(3), "good": np.True_, "many": np.arange(3), "text": np.str_("a")})
    assert log.read_attributes("fit") == {"n": 3, "good": True, "many": [0, 1, 2], "text": "a"}
    assert {name: type(value) for name, value in log.read_attributes("fit").items()} == {
        "n": int, "good": bool, "many": list, "text": str,
    }  # fmt: skip


def test_what_is_plain_stays():
    value = {"a": [1, (2.0, "b")], "c": None}
    assert plain(value) == value
