"""Case F8: code from a path in a file is loaded only where the user has named it."""

import pytest

from labmtj.bench.files.loading import load_any
from labmtj.errors import ConfigError
from labmtj.run.experiment import load_experiment, load_run
from labmtj.yamlfile import dumps

NAMED = "resource: 'TCPIP::127.0.0.1::9::SOCKET'"


@pytest.fixture
def bench(tmp_path):
    """Return a function that writes a bench file with a VISA library: its path."""

    def write(library):
        path = tmp_path / "bench.yaml"
        path.write_text(f"""kind: instruments
instruments:
  smu: {{driver: instruments.keithley2600.Keithley2636B, {NAMED}, visa_library: "{library}"}}
  matrix: {{driver: instruments.keithley3706.Keithley3706A, {NAMED}, cards: {{1: "3730", 2: "3730"}}}}
buses: {{ground: {{row: 1, ground: true}}, high: {{row: 2, channel: smu.a}}, low: {{row: 3, channel: smu.b}}}}
lines: {{rows: [matrix.1.1-15], columns: [matrix.2.1-15]}}
chip: {{id: test, array: mtj-50nm}}
""")
        path.chmod(0o600)
        return path

    return write


@pytest.fixture
def library(tmp_path):
    path = tmp_path / "visa.so"
    path.write_bytes(b"")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("name", ["@py", "@ivi", "@sim"])
def test_libraries_by_name_are_for_every_file(bench, name):
    assert load_any(str(bench(name))).instruments["smu"].visa_library == name


def test_a_path_in_the_users_own_bench_file_is_his_choice(bench, library):
    assert load_any(str(bench(library))).instruments["smu"].visa_library == str(library)


@pytest.mark.parametrize("name", ["x.so", "@evil", "/no/such.so", ""])
def test_what_is_no_library_is_refused(bench, name):
    with pytest.raises(ConfigError, match=r"bench\.yaml:3: instruments\.smu\.visa_library: "):
        load_any(str(bench(name)))


def test_neither_file_may_be_one_that_others_can_change(bench, library):
    path = bench(library)
    path.chmod(0o666)
    with pytest.raises(ConfigError, match="only a bench file of yours may name one"):
        load_any(str(path))
    path.chmod(0o600)
    library.chmod(0o777)
    with pytest.raises(ConfigError, match="no other user can change"):
        load_any(str(path))


def test_a_run_yaml_names_no_library_by_path(bench, library, tmp_path, monkeypatch):
    """At dd97226 `labmtj resume` loads what a stranger's run.yaml names."""
    run = load_experiment("read-map", bench=str(bench(library))).resolved()
    path = tmp_path / "run.yaml"
    path.write_text(dumps(run.model_dump(mode="json")))
    with pytest.raises(ConfigError, match=r"run\.yaml:\d+: .*visa_library.*PYVISA_LIBRARY to this path"):
        load_run(path)
    monkeypatch.setenv("PYVISA_LIBRARY", str(library))
    assert load_run(path).bench.instruments["smu"].visa_library == str(library)
