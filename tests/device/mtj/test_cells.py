"""The section of an array file that holds the chip's own cells: what it changes, and what it refuses."""

import copy

import numpy as np
import pytest
import yaml

from labmtj import library, yamlfile
from labmtj.arrays import ArrayDescription
from labmtj.bench.files.protecting import wires_of
from labmtj.bench.files.simulated import crossbar_of
from labmtj.device.cellmap import CellMap
from labmtj.device.mtj import Defect, draw
from labmtj.errors import ConfigError
from labmtj.quantities import Bias, Lines, ReadSettings
from labmtj.simulated import MeterModel, MeterRange, SimulatedCrossbar

SHAPE = (3, 4)


def content(**cells):
    found = yaml.safe_load((library.folder() / "arrays" / "mtj-50nm.yaml").read_text(encoding="utf-8"))
    found |= {"shape": list(SHAPE)}
    if cells:
        found["cells"] = {"source": "a test", **cells}
    return found


def full(value):
    return {"values": np.full(SHAPE, float(value)).tolist()}


def drawn(description, seed=1):
    return draw(description.family, SHAPE, description.polarity, description.temperature_kelvin, seed, "chip")


def test_a_file_without_cells_gives_the_chip_it_always_gave_to_the_bit():
    """Built by hand from the same draws: every read, noise included, has the same bits."""
    description = ArrayDescription.from_mapping(content())
    meter = MeterModel((MeterRange(1e-3, 2e-4, 1e-7, 1e-9),), source_offset_volts=4e-4)
    by_file = crossbar_of(description, seed=1, name="chip", meter=meter)
    by_hand = SimulatedCrossbar(
        wires_of(description, drawn(description).contact_ohms.reshape(SHAPE)), drawn(description), seed=1, name="chip",
        limits=description.limits.as_limits(), meter=meter,
    )  # fmt: skip
    shown = []
    for chip in (by_file, by_hand):
        chip.pulse(Bias([0.9, 0.0, 0.0], np.zeros(4)), 1e-2)
        shown.append(
            chip.measure(Bias([0.1, 0.05, 0.0], np.zeros(4)), Lines(columns=(0, 1, 2, 3)), ReadSettings(repeats=5))
        )
    assert shown[0].raw_amperes.tobytes() == shown[1].raw_amperes.tobytes()


def test_what_is_given_replaces_and_the_rest_is_drawn_as_before():
    plain = drawn(ArrayDescription.from_mapping(content()))
    own = ArrayDescription.from_mapping(
        content(
            parallel_ohms=full(4321),
            critical_volts_to_parallel=full(0.5),
            defects=[{"row": 1, "column": 2, "kind": "short", "ohms": 200.0}],
        )
    )
    cells = own.cells.placed_in(plain)
    assert np.all(cells.parallel_ohms == 4321)
    assert np.all(cells.critical_volts_to_parallel == 0.5)
    assert np.flatnonzero(cells.defect).tolist() == [6]
    assert (cells.defect[6], cells.defect_ohms[6]) == (Defect.SHORT, 200.0)
    for name in ("tmr", "critical_volts_to_antiparallel", "thermal_stability", "stray_field"):
        assert np.array_equal(getattr(cells, name), getattr(plain, name))


def test_an_empty_list_of_defects_says_that_there_are_none():
    everywhere = content()
    for name, part in (("stuck_parallel", 1.0), ("stuck_antiparallel", 0.0), ("short", 0.0), ("open", 0.0)):
        everywhere["family"]["defects"][name]["value"] = part
    plain = drawn(ArrayDescription.from_mapping(everywhere))
    assert np.all(plain.defect == Defect.STUCK_P)
    none = ArrayDescription.from_mapping(everywhere | {"cells": {"source": "a test", "defects": []}})
    assert not none.cells.placed_in(plain).defect.any()


def test_half_volts_count_for_both_signs_unless_one_has_its_own():
    plain = drawn(ArrayDescription.from_mapping(content()))
    one = ArrayDescription.from_mapping(content(half_volts=full(0.4))).cells.placed_in(plain)
    both = ArrayDescription.from_mapping(content(half_volts=full(0.4), half_volts_negative=full(0.3))).cells.placed_in(
        plain
    )
    assert np.all(one.half_volts_negative == 0.4)
    assert np.all(both.half_volts_positive == 0.4)
    assert np.all(both.half_volts_negative == 0.3)


def test_a_crossbar_of_one_cell_carries_what_ohm_says():
    single = content() | {"shape": [1, 1]}
    for name in ("row_lead_ohms", "column_lead_ohms"):
        single["wires"][name]["value"] = 10.0
    single["family"]["cycle_to_cycle"]["value"] = 0.0
    one = {"source": "a test", "defects": [], "parallel_ohms": {"values": [[5000.0]]}, "tmr": {"values": [[1.0]]},
           "half_volts": {"values": [[0.5]]}}  # fmt: skip
    chip = crossbar_of(ArrayDescription.from_mapping(single | {"cells": one}), seed=1, name="x", cell_noise=False)
    volts = 0.1
    shown = chip.measure(Bias([volts], [0.0]), Lines(columns=(0,)), ReadSettings()).amperes[0, 0]
    ohms = 5000.0 * (1 + 1.0 / (1 + (shown * 10_000 / 0.5) ** 2))  # AP; the TMR at the voltage of the cell itself
    assert shown == pytest.approx(volts / (ohms + 20.0), rel=1e-3)


def test_offsets_take_the_place_of_drawn_ones():
    offsets = {"source": "a test", "source_volts": [1e-3] + 6 * [0.0],
               "ranges": [{"full_scale_amperes": 1e-3, "amperes": 3 * [0.0] + [1e-7, 2e-7, 3e-7, 4e-7]}]}  # fmt: skip
    quiet = MeterModel((MeterRange(1e-3, 0.0, 5e-7, 0.0),), resolution_fraction=0.0, source_offset_volts=5e-3)
    description = ArrayDescription.from_mapping(content(defects=[]) | {"offsets": offsets})
    chip = crossbar_of(description, seed=1, name="chip", meter=quiet, cell_noise=False)
    rest = chip.measure(
        Bias(np.zeros(3), np.zeros(4)), Lines(columns=(0, 1, 2, 3)), ReadSettings(range_amperes=1e-3)
    ).amperes[0]
    ideal = crossbar_of(description.model_copy(update={"offsets": None}), seed=1, name="chip", cell_noise=False)
    driven = ideal.measure(Bias([1e-3, 0, 0], np.zeros(4)), Lines(columns=(0, 1, 2, 3)), ReadSettings()).amperes[0]
    assert rest == pytest.approx(driven + np.array([1e-7, 2e-7, 3e-7, 4e-7]), rel=1e-6)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"parallel_ohms": {"values": [[1.0, 2.0]]}}, "the array has 3 rows of 4"),
        ({"parallel_ohms": full(-5)}, "row 0, column 0 is -5; it must be more than 0"),
        ({"tmr": full(-0.1)}, "must be at least 0"),
        ({"stray_field": full(1.0)}, "anisotropy"),
        ({"parallel_ohms": {"values": full(5)["values"], "standard_errors": [[1.0]]}}, "standard_errors"),
        ({"parallel_ohms": {"values": [[float("nan")] * 4] * 3}}, "finite"),
        ({"resistance": full(1)}, "resistance"),
        ({"defects": [{"row": 3, "column": 0, "kind": "open", "ohms": 1e9}]}, "no row 3"),
        ({"defects": [{"row": 0, "column": 0, "kind": "short"}]}, "needs ohms"),
        ({"defects": [{"row": 0, "column": 0, "kind": "stuck_parallel", "ohms": 3.0}]}, "has no ohms"),
        ({"defects": 2 * [{"row": 0, "column": 0, "kind": "stuck_parallel"}]}, "is given twice"),
        ({"source": ""}, "source"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_place(cells, words):
    with pytest.raises(ConfigError) as told:
        ArrayDescription.from_mapping(content(**cells))
    assert words in str(told.value)


def test_offsets_of_another_number_of_lines_are_refused():
    with pytest.raises(ConfigError, match="the array has 7 lines"):
        ArrayDescription.from_mapping(content() | {"offsets": {"source": "a test", "source_volts": [0.0]}})


def test_a_file_with_cells_is_read_back_as_it_was_written():
    rng = np.random.default_rng(1)
    ohms = CellMap.of(5000 + rng.normal(0, 100, SHAPE), np.full(SHAPE, 5.0)).model_dump()
    description = ArrayDescription.from_mapping(content(parallel_ohms=ohms, tmr=full(1), defects=[]))
    text = yamlfile.dumps(description.model_dump(mode="json", exclude_none=True))
    assert yamlfile.loads(text, "x").parse(ArrayDescription) == description
    assert max(map(len, text.splitlines())) < 130


def test_the_model_changes_nothing_that_it_is_given():
    plain = content(parallel_ohms=full(1))
    before = copy.deepcopy(plain)
    ArrayDescription.from_mapping(plain)
    assert plain == before
