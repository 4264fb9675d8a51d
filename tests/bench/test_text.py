import pytest

from labmtj.arrays import ArrayDescription
from labmtj.bench import load_bench
from labmtj.bench.checks.text import bench_text, parameters
from labmtj.errors import ProcedureFailed


@pytest.fixture(scope="module")
def bench():
    return load_bench("simulated")


def test_every_number_with_a_provenance_is_counted(bench):
    array = bench.arrays["mtj-75nm"]
    found = list(parameters(array))
    assert len(found) == str(array.model_dump()).count("'provenance'")
    assert {each.provenance for each in found} <= {"published", "typical", "fitted", "assumed"}


def test_the_text_says_what_is_there_and_ends_with_ok(bench):
    lines = bench_text(bench).splitlines()
    assert lines[0] == "bench simulated: simulated, 4 arrays, a source-measure unit on every line"
    assert "array mtj-100nm: 15 x 15 cells of 100 nm" in lines
    assert "  nominal: R_P 1273 ohm, TMR 100%, Delta 64" in lines
    assert lines[-1] == "ok"
    assert all(len(line) <= 200 for line in lines)


def test_an_array_that_does_not_conduct_fails_the_self_test(bench):
    array = bench.arrays["mtj-75nm"]
    ohms = array.wires.row_lead_ohms.model_copy(update={"value": 1e9})
    broken = array.model_copy(update={"wires": array.wires.model_copy(update={"row_lead_ohms": ohms})})
    with pytest.raises(ProcedureFailed, match=r"mtj-75nm: row 0 at 0\.1 V carries .* check resistances"):
        bench_text(bench.model_copy(update={"arrays": {"mtj-75nm": broken}}))


@pytest.mark.parametrize(
    ("kelvin", "said"), [(4.0, True), (249.0, True), (250.0, False), (400.0, False), (401.0, True)]
)
def test_a_temperature_at_which_the_models_do_not_hold_is_named(bench, kelvin, said):
    """Case B2: barrier energy and critical voltages stay as they are, and the text says so."""
    array = bench.arrays["mtj-75nm"].model_copy(update={"temperature_kelvin": kelvin})
    text = bench_text(bench.model_copy(update={"arrays": {"mtj-75nm": array}}))
    assert (f"{kelvin:g} K is outside 250 to 400 K" in text) == said
    assert ("Barrier energy and critical voltages do not change with it" in text) == said


def test_the_schema_of_an_array_says_what_temperature_does():
    description = ArrayDescription.model_json_schema()["properties"]["temperature_kelvin"]["description"]
    assert "barrier energy, critical voltages and heating do not change" in description
