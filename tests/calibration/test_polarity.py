"""The polarity of a chip is what its run measured; an array file that says otherwise is no file of this chip (case A4)."""

import pytest

from labmtj.arrays import ArrayDescription
from labmtj.calibration.calibrate import calibrate
from labmtj.calibration.text import calibration_lines
from labmtj.calibration.twin import twin
from labmtj.calibration.writing import array_text
from labmtj.errors import DataError


@pytest.fixture(scope="module")
def turned(log_of, maps, assumed):
    """A chip of polarity -1 that was measured under a file that says +1."""
    return log_of(maps, assumed() | {"polarity": -1}, believed=assumed())


def test_the_calibrated_file_has_the_measured_polarity(turned):
    found = calibrate(turned.data)
    assert found.description.polarity == -1
    assert "polarity: -1" in array_text(found.description)
    text = " ".join(calibration_lines(found))
    assert "polarity -1 (measured)" in text
    assert "array file small says +1" in text


def test_a_file_that_contradicts_the_run_is_refused_with_both_named(turned, assumed):
    """Twins and calibrations on a file: both polarities, the file and the run are named, and what to do."""
    right = calibrate(turned.data).description
    wrong = right.model_copy(update={"polarity": 1})
    for attempt in (lambda: twin(turned.data, wrong), lambda: calibrate(turned.data, on=wrong)):
        with pytest.raises(DataError) as raised:
            attempt()
        for words in ("small says polarity +1", "run-1 measured -1", "correct polarity"):
            assert words in str(raised.value)
    assert twin(turned.data, right, again=False).within > 0.98
    assert ArrayDescription.from_mapping(right.model_dump()).polarity == -1
