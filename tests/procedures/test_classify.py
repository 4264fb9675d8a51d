"""The Wine campaign on one simulated chip: what it reads for a solution."""

from dataclasses import replace

import numpy as np
import pytest

from labmtj.bench import load_bench
from labmtj.bench.files.simulated import SimulatedBench
from labmtj.record import MemoryLog
from labmtj.record.recorded import Recorded
from labmtj.schema import Purpose
from procedures.classify.procedure import WineCampaign

READS = (13 + 6) * 2
"""one row after another on both layers, both polarities"""


@pytest.fixture
def one_solution():
    """Return a function that writes and reads one solution on one chip in turn, and gives its log."""

    def run(mode):
        settings = {
            "count": 1, "sizes": ["mtj-50nm"], "mapping": "sequential", "amplitude": None, "infer": {"mode": mode},
            "write": {"max_rounds": 0, "parallel_volts": 0.38, "antiparallel_volts": 0.42},
        }  # fmt: skip
        campaign, bench, log = (
            WineCampaign.model_validate(settings),
            SimulatedBench(load_bench("simulated"), 1),
            MemoryLog(),
        )
        (station,) = stations = campaign.stations(bench.arrays())
        campaign.check_stations(stations)
        campaign.declare(stations, log)
        chips = {name: Recorded(chip, log, name) for name, chip in bench.connect(station).items()}
        memory = {}
        for index in (0, 1):
            campaign.block(station, index, chips, memory, log)
        return log, station

    return run


def purposes(log, station):
    counted = np.unique(log.read(f"arrays/{station.arrays[0]}/reads")["purpose"], return_counts=True)
    return {Purpose(value): int(count) for value, count in zip(*counted, strict=True)}


def test_a_product_by_transfer_matrix_takes_the_matrix_once(one_solution):
    """Measured once for the product and once for the record, it took a sixth of the time of a solution."""
    log, station = one_solution("transfer")
    found = purposes(log, station)
    assert Purpose.INFER not in found
    assert log.read_attributes(f"wine/{station.name}")["layer2_mode"] == "transfer"
    assert found[Purpose.TRANSFER] == READS


def test_a_product_of_all_rows_at_once_takes_the_matrix_besides(one_solution):
    log, station = one_solution("simultaneous")
    found = purposes(log, station)
    assert found[Purpose.INFER] == 2 * 178
    assert found[Purpose.TRANSFER] == READS


@pytest.mark.parametrize(("chips", "mapping", "arrays"), [
    (None, "auto", 2), (1, "auto", 1), (None, "sequential", 1), (1, "two_arrays", 2),
])  # fmt: skip
def test_both_layers_share_a_chip_where_the_bench_holds_one(chips, mapping, arrays):
    (info,) = SimulatedBench(load_bench("simulated"), 1).arrays()[:1]
    campaign = WineCampaign(count=1, mapping=mapping)
    (station,) = campaign.stations([replace(info, chips=chips)])
    assert len(station.arrays) == arrays
    assert campaign.places(campaign.load(), station).arrays == ((0, 1) if arrays == 2 else (0, 0))
