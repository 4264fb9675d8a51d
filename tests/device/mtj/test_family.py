"""Families and array files: what they refuse, and that every number in the shipped files says where it comes from."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from labmtj.arrays import ArrayDescription
from labmtj.device.mtj import Family
from labmtj.device.parameter import Parameter, Range
from labmtj.errors import ConfigError

FILES = sorted((Path(__file__).parents[3] / "data" / "arrays").glob("mtj-*nm.yaml"))


def read(path=FILES[0]):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def numbers(node, place=()):
    """Every mapping that holds a number, with its place."""
    if isinstance(node, dict):
        if "provenance" in node:
            yield place, node
        for key, value in node.items():
            yield from numbers(value, (*place, key))


def bare_numbers(node, place=()):
    """Every number that stands alone, outside a mapping with a provenance."""
    if isinstance(node, dict) and "provenance" not in node:
        for key, value in node.items():
            yield from bare_numbers(value, (*place, key))
    elif isinstance(node, (int, float)):
        yield place


def test_there_is_one_file_per_size():
    assert [path.stem for path in FILES] == ["mtj-100nm", "mtj-35nm", "mtj-50nm", "mtj-75nm"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_file_loads_and_each_number_has_a_provenance_and_a_source(path):
    content = read(path)
    description = ArrayDescription.from_mapping(content)
    assert description.name == path.stem
    assert description.shape == (15, 15)
    assert description.limits.as_limits().cell_volts == 0.9
    wires = description.wires
    assert wires.row_segment_ohms.value == wires.column_segment_ohms.value == 3.0
    assert wires.row_lead_ohms.value == wires.column_lead_ohms.value == 20.0
    assert list(bare_numbers(content["family"])) == []
    assert list(bare_numbers(content["wires"])) == []
    assert all(item["source"] for _, item in numbers(content))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_shipped_number_is_passed_off_as_the_reference_papers(path):
    for _, item in numbers(read(path)):
        assert item["provenance"] in ("typical", "assumed")
        assert "Goodwill" not in item["source"]
    comment = path.read_text(encoding="utf-8").split("\nname:")[0]
    assert "NO number below is from the reference paper" in comment


@pytest.mark.parametrize(("size", "kilohms"), [("35nm", 10.4), ("50nm", 5.09), ("75nm", 2.26), ("100nm", 1.27)])
def test_parallel_resistances_are_those_of_the_table_for_10_ohm_um2(size, kilohms):
    family = ArrayDescription.from_mapping(read(FILES[0].with_name(f"mtj-{size}.yaml"))).family
    assert family.parallel_ohms == pytest.approx(kilohms * 1e3, rel=5e-3)


def test_each_size_has_its_own_stability_and_spread():
    families = [
        ArrayDescription.from_mapping(read(FILES[0].with_name(f"mtj-{size}nm.yaml"))).family
        for size in (35, 50, 75, 100)
    ]
    for values in (
        [family.thermal_stability.value for family in families],
        [family.critical_volts_to_parallel.value for family in families],
        [-family.log_resistance_spread for family in families],
    ):
        assert values == sorted(set(values))
    assert families[1].log_resistance_spread == pytest.approx((0.06**2 + 0.03**2) ** 0.5)


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        ("family.tmr.value", "1.0"),
        ("family.tmr.value", float("inf")),
        ("family.tmr.value", -1.0),
        ("family.tmr.relative_sigma", 0.3),
        ("family.tmr.provenance", "guessed"),
        ("family.tmr.colour", "red"),
        ("family.colour", {"value": 1.0, "provenance": "assumed"}),
        ("family.diameter_metres.relative_sigma", 0.1),
        ("family.diameter_metres.value", 50.0),
        ("family.resistance_area_ohm_m2.value", 10.0),
        ("family.barrier_exponent.value", 1.5),
        ("family.attempt_seconds.sigma", 1e-10),
        ("family.vc_resistance_correlation.value", 1.1),
        ("family.stray_field.sigma", 0.3),
        ("family.gradient.value", 1.0),
        ("family.defects.short.value", 1.2),
        ("family.defects.short_ohms.lowest", 600.0),
        ("family.tmr.provenance", None),
        ("wires.row_lead_ohms.value", -1.0),
        ("shape", [15, 0]),
        ("shape", [15, "15"]),
        ("polarity", 0),
        ("limits.cell_volts", 0.0),
        ("temperature_kelvin", 0.0),
    ],
)
def test_a_wrong_entry_is_refused_with_its_place(place, wrong):
    content = read()
    *parents, key = place.split(".")
    node = content
    for parent in parents:
        node = node[parent]
    node[key] = wrong
    with pytest.raises(ConfigError, match=r"\.".join(parents or [key])) as caught:
        ArrayDescription.from_mapping(content)
    assert isinstance(caught.value.__cause__, ValidationError)


def test_a_missing_entry_is_named():
    content = read()
    del content["family"]["tmr"]["provenance"]
    del content["wires"]["row_lead_ohms"]
    with pytest.raises(ConfigError, match=r"(?s)wires\.row_lead_ohms.*family\.tmr\.provenance"):
        ArrayDescription.from_mapping(content)


def test_more_defects_than_cells_are_refused():
    content = read()
    for kind in ("stuck_parallel", "short"):
        content["family"]["defects"][kind]["value"] = 0.6
    with pytest.raises(ConfigError, match="more than all cells"):
        ArrayDescription.from_mapping(content)


@pytest.mark.parametrize("provenance", ["published", "fitted"])
def test_what_claims_a_source_must_name_it(provenance):
    with pytest.raises(ValidationError, match="needs its source"):
        Parameter(value=1.0, provenance=provenance)
    with pytest.raises(ValidationError, match="needs its source"):
        Range(lowest=1.0, highest=2.0, provenance=provenance)
    assert Parameter(value=1.0, provenance=provenance, source="a text").value == 1.0


def test_spread_is_the_same_in_both_ways_of_saying_it():
    absolute = Parameter(value=-50.0, sigma=1.5, provenance="assumed")
    relative = Parameter(value=-50.0, relative_sigma=0.03, provenance="assumed")
    assert absolute.spread == relative.spread == pytest.approx(1.5)
    assert absolute.relative_spread == relative.relative_spread == pytest.approx(0.03)


def test_a_family_survives_its_own_dump_and_is_frozen():
    family = ArrayDescription.from_mapping(read()).family
    assert Family.model_validate(family.model_dump()) == family
    with pytest.raises(ValidationError, match="frozen"):
        family.tmr = family.half_volts
