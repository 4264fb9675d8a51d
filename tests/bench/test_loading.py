import re

import pytest

from labmtj import library, yamlfile
from labmtj.bench import LaboratoryFile, VirtualFile, load_any, load_array, load_bench
from labmtj.bench.files.loading import AnyBenchFile
from labmtj.bench.files.wiring import Channel, Column, wiring_of
from labmtj.errors import ConfigError
from labmtj.run import load_experiment
from labmtj.run.rehearse import rehearse
from labmtj.virtual.server.serving import serve

BENCHES = library.folder() / "benches"
REAL = ("2636b-3706a", "2636b-707b", "2400-7002", "b2902a-b2201a", "rack-2602b")
TEXT = (BENCHES / "2636b-3706a.yaml").read_text()


@pytest.fixture
def write(tmp_path):
    def build(*replacements):
        text = TEXT
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "bench.yaml"
        path.write_text(text)
        return path

    return build


@pytest.mark.parametrize("name", REAL)
def test_every_example_is_wired_whole_and_has_a_virtual_twin(name):
    real, virtual = load_any(name), load_any(f"virtual-{name}")
    assert isinstance(real, LaboratoryFile)
    assert isinstance(virtual, VirtualFile)
    assert virtual.of == real
    assert wiring_of(real).shape == (15, 15)
    assert real.bench_limits.cell_volts == 0.9


@pytest.mark.parametrize("name", ["simulated", "2636b-3706a", "virtual-2636b-3706a"])
def test_a_bench_survives_run_yaml(name):
    from pydantic import TypeAdapter

    file = load_any(name)
    text = yamlfile.dumps(file.model_dump(mode="json"))
    again = TypeAdapter(AnyBenchFile).validate_python(yamlfile.loads(text, "run.yaml").content)
    assert again == file


def test_runs_of_lines_expand_in_the_order_of_the_array():
    wiring = wiring_of(load_any("2636b-707b"))
    assert [line.end for line in wiring.lines[9:12]] == [
        Column("matrix", 1, 10),
        Column("matrix", 2, 1),
        Column("matrix", 2, 2),
    ]
    assert wiring.lines[15].end == Column("matrix", 2, 6)
    assert wiring.channels == (Channel("smu", "a"), Channel("smu", "b"))
    rack = wiring_of(load_any("rack-2602b"))
    assert len(rack.channels) == 14
    assert rack.lines[13].end is None


def test_the_hash_follows_the_wiring_not_the_spelling(write):
    plain = wiring_of(load_any(str(write()))).sha256
    spelled = wiring_of(load_any(str(write(("[matrix.1.1-15]", "[matrix.1.1-7, matrix.1.8, matrix.1.9-15]"))))).sha256
    moved = wiring_of(load_any(str(write(("[matrix.1.1-15]", "[matrix.1.2-16]"))))).sha256
    assert plain == spelled != moved
    assert re.fullmatch("[0-9a-f]{64}", plain)


def test_the_stricter_limit_counts(write):
    file = load_any(str(write(("limits: {}", "limits: {cell_volts: 0.5, line_amperes: 0.5}"))))
    assert file.bench_limits.cell_volts == 0.5
    assert file.bench_limits.line_amperes == 0.02


WRONG = [
    (("[matrix.2.1-15]", "[matrix.2.1-14, matrix.1.3]"), "lines.columns.1", "column matrix.1.3 is wired twice, to row 2"),
    (("channel: smu.b", "channel: smu.a"), "buses.low.channel", "channel smu.a is wired twice, to bus high"),
    (("{row: 3,", "{row: 2,"), "buses.low.row", "row 2 of the matrix is wired twice"),
    (("channel: smu.b", "channel: sum.b"), "buses.low.channel", "'sum.b' is not a channel; write UNIT.CHANNEL"),
    (("[matrix.1.1-15]", "[matrix.3.1-15]"), "lines.rows.0", "slot 3 of matrix holds no card"),
    (("[matrix.1.1-15]", "[box.1.1-15]"), "lines.rows.0", "no instrument is called 'box'"),
    (("[matrix.1.1-15]", "[matrix.1.15-1]"), "lines.rows.0", "does not count upwards"),
    (("[matrix.1.1-15]", "[matrix]"), "lines.rows.0", "is not a line; write matrix.SLOT.COLUMN"),
    (("[matrix.1.1-15]", "[matrix.1.1-14]"), "lines.rows", "are 14; array mtj-50nm has 15"),
    (("row: 2, channel: smu.a", "row: 2, channel: smu.a, ground: true"), "buses.high", "by a channel and by ground"),
    (("limits: {}", "limits: {cell_volt: 1}"), "limits.cell_volt", "is not a known key"),
    (("kind: instruments", "kind: instrument"), "kind", "choose one of simulated, instruments, virtual"),
    (("array: mtj-50nm", "array: mtj-5nm"), "", "mtj-5nm: no such file"),
    (("notes: \"\"", "contact: {read_volts: 0.3}"), "contact.read_volts", "may disturb cells"),
    (("id: \"example\"", "id: \"\""), "chip.id", "at least 1 character"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "key", "said"), WRONG)
def test_wrong_files_are_refused_with_file_line_key_and_remedy(write, change, key, said):
    path = write(change)
    with pytest.raises(ConfigError) as caught:
        load_any(str(path))
    assert said in str(caught.value)
    if key:
        line = 1 + TEXT.split(change[0])[0].count("\n")
        assert str(caught.value).startswith(f"{path}:{line}: {key}: ")


@pytest.mark.parametrize("shape", ["15 x 15", "fifteen", "15", "[15]", "[3, 4, 5]", '[15, "x"]', "null", "{rows: 3}"])
def test_a_shape_of_another_form_is_refused_with_the_form_that_is_accepted(tmp_path, shape):
    text = (library.folder() / "arrays" / "mtj-50nm.yaml").read_text()
    (tmp_path / "array.yaml").write_text(text.replace("shape: [15, 15]", f"shape: {shape}"))
    with pytest.raises(ConfigError, match=r"array.yaml:13: shape.*; write, for example, \[15, 15\]") as caught:
        load_array(str(tmp_path / "array.yaml"))
    assert "tuple" not in str(caught.value)


def test_a_virtual_bench_is_of_a_bench_of_instruments(tmp_path):
    path = tmp_path / "virtual.yaml"
    path.write_text("kind: virtual\nof: simulated\n")
    with pytest.raises(ConfigError, match=r"virtual.yaml:2: of: simulated is of kind simulated"):
        load_any(str(path))
    path.write_text("kind: virtual\nof: 2636b-3706a\n")
    assert list(load_any(str(path)).arrays) == ["mtj-50nm"]
    with pytest.raises(ConfigError, match="is a bench of kind virtual"):
        load_bench(str(path))


WRONG_BEHIND = [
    ("Keithley2636B", "Keithley2636C", "there is no Keithley2636C in instruments.keithley2600; did you mean Keithley2636B"),
    ("keithley3706.K", "keitley3706.K", "no module instruments.keitley3706; did you mean instruments.keithley3706.Keithley3706A?"),
    ('"3730", 2', '"3731", 2', "a virtual 3706A takes no card '3731'"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), WRONG_BEHIND)
def test_what_is_wrong_in_the_file_that_a_virtual_bench_names_is_located_there(write, tmp_path, old, new, said):
    """At a6af089 the virtual bench's own file was named, or none, and the remedy was `pip install`."""
    path = write((old, new))
    (tmp_path / "virtual.yaml").write_text("kind: virtual\nof: bench.yaml\n")
    line = 1 + TEXT.split(old)[0].count("\n")
    with pytest.raises(ConfigError) as caught, serve(str(tmp_path / "virtual.yaml")):
        pass
    assert str(caught.value).startswith(f"{path}:{line}: instruments.")
    assert said in str(caught.value)
    assert "pip" not in str(caught.value)


def test_what_the_server_of_a_virtual_bench_refuses_is_located_too(write, tmp_path):
    path = write(('"3730", 2', '"3731", 2'))
    (tmp_path / "virtual.yaml").write_text("kind: virtual\nof: bench.yaml\n")
    experiment = load_experiment("retention", bench=str(tmp_path / "virtual.yaml"))
    with pytest.raises(ConfigError, match=re.escape(f"{path}:7: instruments.matrix.cards: a virtual 3706A takes no")):
        rehearse(experiment)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("settle_seconds: 1e-3", "setle_seconds: 1e-3", "setle_seconds: is not a known key; did you mean settle_seconds?"),
        ("channel: smu.b", "chanel: smu.b", "buses.low.chanel: is not a known key; did you mean channel?"),
        ("limits: {}", "limits: {cell_volt: 1}", "did you mean cell_volts?"),
        ("settle_seconds: 1e-3", "settle_seconds: 1 ms", "'1 ms' is a number with a unit; write it in seconds, without the unit: 1e-3"),
    ],
)  # fmt: skip
def test_a_misspelt_key_and_a_unit_come_with_what_is_right(write, old, new, said):
    """At a6af089 only keys that must be there were offered."""
    with pytest.raises(ConfigError, match=re.escape(said)):
        load_any(str(write((old, new))))


@pytest.mark.parametrize(("name", "said"), [("hysteresiss", "hysteresis"), ("wines", "wine")])
def test_a_misspelt_experiment_comes_with_what_is_right(name, said):
    with pytest.raises(ConfigError, match=rf"{name}: no such file; did you mean {said}\? Give a path, or one of"):
        load_experiment(name)


def test_a_misspelt_file_comes_with_the_one_beside_it(write, tmp_path):
    write()
    with pytest.raises(ConfigError, match=re.escape(f"did you mean {tmp_path / 'bench.yaml'}?")):
        load_any(str(tmp_path / "bensh.yaml"))


def test_a_bench_that_stands_for_itself_is_refused(tmp_path):
    """Without the look at its kind, this was a RecursionError."""
    (tmp_path / "v.yaml").write_text("kind: virtual\nof: v.yaml\n")
    with pytest.raises(ConfigError, match=r"v\.yaml:2: of: v\.yaml is of kind virtual"):
        load_any(str(tmp_path / "v.yaml"))


@pytest.mark.parametrize(
    ("text", "where"),
    [("kind: virtual\nof: gone.yaml\n", "v.yaml:2: of"), ("kind: virtual\nof: 2636b-3706a\narrays: [gone]\n", "v.yaml:3: arrays.0"),
     ("kind: virtual\nof: " + "x" * 5000, "v.yaml:2: of"), ('kind: virtual\nof: "../../etc"\n', "v.yaml:2: of")],
)  # fmt: skip
def test_a_file_that_is_not_there_is_named_with_who_wants_it(tmp_path, text, where):
    (tmp_path / "v.yaml").write_text(text)
    with pytest.raises(ConfigError, match=where) as refused:
        load_any(str(tmp_path / "v.yaml"))
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize("name", ["a/b", "..", "", "x" * 65, "a b", "µ"])
def test_a_chip_has_a_name_that_can_be_a_path(write, name):
    with pytest.raises(ConfigError, match=r"chip\.id: "):
        load_any(str(write(('id: "example"', f'id: "{name}"'))))


def test_an_instrument_has_a_name_that_others_can_say(write):
    with pytest.raises(ConfigError, match=r"'s\.mu' is not a name here"):
        load_any(str(write(("  smu:", "  s.mu:"))))
