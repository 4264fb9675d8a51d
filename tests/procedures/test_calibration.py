"""The campaign of all reads that a calibration can use."""

import numpy as np
import pytest

from labmtj.arrays import ArrayDescription
from labmtj.bench import load_bench
from labmtj.bench.files.simulated import crossbar_of, describe
from labmtj.errors import SettingError
from labmtj.record import MemoryLog
from procedures.calibration.procedure import CalibrationReads
from procedures.common.ports import AllPorts
from procedures.common.reference import ReferenceSettings


@pytest.fixture(scope="module")
def array():
    content = load_bench("simulated").arrays["mtj-50nm"].model_dump()
    return ArrayDescription.from_mapping(content | {"shape": (5, 4)})


def test_it_reads_both_states_more_than_once_and_all_ports_in_each(array):
    chip, log = crossbar_of(array, seed=1, name="chip"), MemoryLog()
    result = CalibrationReads(rounds=3, ports=AllPorts(repeats=2)).execute(chip, log)
    usable = result.reference.usable
    assert usable.mean() > 0.8
    ratio = result.antiparallel.fit.cell_ohms / result.parallel.fit.cell_ohms
    assert np.median(ratio[usable]) == pytest.approx(2.0, rel=0.1)
    assert not chip.array.state.reshape(array.shape)[usable].any()  # left all-AP
    per_initialisation = sum(array.shape)
    assert result.cost.pulses == (3 + 2 * 2 + 2) * per_initialisation
    assert result.cost.seconds > 0
    assert log.read_attributes("reference")["effort_pulses"] == result.cost.pulses
    assert {"antiparallel/ports", "parallel/ports"} <= {
        record["path"] for record in log.records if record["kind"] == "put"
    }


def test_what_the_array_does_not_survive_is_refused_before_the_first_bias(array):
    info = describe(array)
    for settings in (
        CalibrationReads(reference=ReferenceSettings(initialise_volts=2.0)),
        CalibrationReads(ports=AllPorts(read_volts=0.5)),
    ):
        with pytest.raises(SettingError):
            settings.check(info)
