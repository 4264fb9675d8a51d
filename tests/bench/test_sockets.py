"""Benches on real sockets: safe whatever happens, and every wrong input is a short error that says what to do."""

import json
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import yaml

from labmtj import library
from labmtj.bench.files.loading import load_any
from labmtj.bench.session.opening import open_laboratory
from labmtj.bench.session.sessions import open_sessions
from labmtj.errors import CannotDo, ConfigError, InstrumentError, LimitExceeded, SettingError
from labmtj.instrumentlocks import owner_of
from labmtj.quantities import Bias, Lines, ReadSettings
from labmtj.virtual.assembly import assemble
from labmtj.virtual.server.serving import ServedInstruments

BENCHES = sorted(path.stem for path in (library.folder() / "benches").glob("virtual-*.yaml"))
OFFSET_VOLTS = 1e-3
"""the sources of some boxes have theirs also with the output off"""
ROWS = Bias(np.eye(15)[:1] * 0.1, np.zeros(15))


@pytest.fixture
def served():
    """Return a function that serves a virtual bench for the rest of the test: (file, served, resources)."""
    running = []

    def serve(name, **changes):
        file = load_any(name).model_copy(update=changes)
        running.append(ServedInstruments(assemble(file)))
        resources = {greeting["name"]: greeting["resource"] for greeting in running[-1].greetings()}
        return file.of, running[-1], resources

    yield serve
    for each in running:
        each.__exit__()


def assert_safe(file, served, resources):
    """Every channel holds 0 V, no output is on, no relay is closed, and none has moved under voltage."""
    network = served.bench.network
    assert not any(abs(setting.level) > OFFSET_VOLTS for setting in network.settings)
    assert network.events == []
    with open_laboratory(file, resources=resources, arm=False) as bench:
        assert not any(any(unit.outputs().values()) for unit in bench.units.values())
        assert not any(matrix.closed() for matrix in bench.matrices.values())


def edited(file, **instruments):
    """Return a bench file with other values for some of its instruments."""
    changed = {name: file.instruments[name].model_copy(update=values) for name, values in instruments.items()}
    return file.model_copy(update={"instruments": {**file.instruments, **changed}})


def closed_port():
    """Return a resource at which nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"TCPIP::127.0.0.1::{listener.getsockname()[1]}::SOCKET"


@pytest.mark.parametrize("name", BENCHES)
def test_a_bench_is_safe_after_work_and_after_an_accident(served, virtual_bench, name):
    file, running, resources = served(name)
    with open_laboratory(file, resources=resources) as bench:
        assert any(any(unit.outputs().values()) for unit in bench.units.values()), "outputs are on while it is armed"
        shown = bench.measure(ROWS, Lines(columns=(0, 14)), ReadSettings())
        assert (shown.amperes > 1e-6).all()
        bench.pulse(Bias(ROWS.row_volts * 3, -ROWS.row_volts * 3), 2.5e-2)
    assert_safe(file, running, resources)
    with pytest.raises(ZeroDivisionError):
        fail_at_a_level(file, running, resources)
    assert_safe(file, running, resources)


def fail_at_a_level(file, running, resources):
    with open_laboratory(file, resources=resources) as bench:
        channel = bench.wiring.channels[0]
        bench.units[channel.unit].level({channel.name: 0.3})
        assert any(setting.level > 0.2 for setting in running.bench.network.settings)
        1 / 0  # noqa: B018


DIES = """
import json, os, sys
from labmtj.bench.files.loading import load_any
from labmtj.bench.session.opening import open_laboratory
with open_laboratory(load_any(sys.argv[1]).of, resources=json.loads(sys.argv[2])) as bench:
    for channel in bench.wiring.channels[:2]:
        bench.units[channel.unit].level({channel.name: 0.3})
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("name", BENCHES)
def test_every_bench_is_safe_within_a_second_after_the_death_of_its_process(served, required, name):
    """Fails without a watchdog; its commands are those of every driver."""
    file, running, resources = served(name)
    died = subprocess.run([sys.executable, "-c", DIES, name, json.dumps(resources)], check=False)
    assert died.returncode == -9
    assert_left_safe(running, resources, required(1.0))
    assert_safe(file, running, resources)


def assert_left_safe(running, resources, seconds):
    """Wait until sources are at 0 V, which may take so long, and then until the watchdog has let go of the locks."""
    begun = time.monotonic()
    while any(abs(setting.level) > OFFSET_VOLTS for setting in running.bench.network.settings):
        assert time.monotonic() < begun + seconds
        time.sleep(0.005)
    while any(map(owner_of, resources.values())):
        assert time.monotonic() < begun + 60
        time.sleep(0.01)


LONG = """
import json, sys
import numpy as np
from labmtj.bench.files.loading import load_any
from labmtj.bench.session.opening import open_laboratory
from labmtj.shots import Shots
with open_laboratory(load_any(sys.argv[1]).of, resources=json.loads(sys.argv[2])) as bench:
    unit = bench.units["smu" if "smu" in bench.units else next(iter(bench.units))]
    name = unit.channels[0]
    unit.run_shots(Shots((name,), np.full((400, 1), 0.3), (name,), 0.01, 0.15, 1e-3))
"""


@pytest.mark.parametrize("name", ["virtual-2400-7002", "virtual-b2902a-b2201a", "virtual-2636b-3706a"])
def test_a_sequence_that_a_dead_process_has_left_behind_is_aborted(served, required, name):
    """Fails without `driver.abort()` in the watchdog: 400 apertures take a minute."""
    file, running, resources = served(name, realtime_factor=1.0)
    with subprocess.Popen([sys.executable, "-c", LONG, name, json.dumps(resources)]) as process:
        while not any(setting.level > 0.2 for setting in running.bench.network.settings):
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.2)
        process.kill()
    assert_left_safe(running, resources, required(1.0))
    assert_safe(file, running, resources)


# -- wrong input: nothing is touched, or all is left safe ----------------------------------------------------------


def test_a_line_that_is_wired_twice_is_refused_by_file_line_and_key(tmp_path):
    text = (library.folder() / "benches" / "2636b-3706a.yaml").read_text()
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace("columns: [matrix.2.1-15]", "columns: [matrix.1.15, matrix.2.2-15]"))
    with pytest.raises(ConfigError, match=r"mine.yaml:\d+: lines.columns.0: matrix column matrix.1.15 is wired twice"):
        load_any(str(path))


@pytest.mark.parametrize(
    ("driver", "said"),
    [
        (
            "instruments.keithley2600.Keithley2637B",
            "instruments.smu.driver: cannot load .*there is no Keithley2637B in .*did you mean Keithley2636B",
        ),
        ("instruments.nobody.Nothing", "instruments.smu.driver: cannot load 'instruments.nobody.Nothing'.*wanted is"),
    ],
)
def test_an_unknown_driver_is_refused(served, driver, said):
    file, running, resources = served("virtual-2636b-3706a")
    with (
        pytest.raises(SettingError, match=said),
        open_laboratory(edited(file, smu={"driver": driver}), resources=resources),
    ):
        pass
    assert running.answers()["messages"]() == {"smu": 0, "matrix": 0}
    assert_safe(file, running, resources)


def test_an_instrument_that_does_not_answer_is_named_with_address_and_remedy(served):
    file, running, resources = served("virtual-2636b-3706a")
    nobody = closed_port()
    with (
        pytest.raises(InstrumentError, match=f"^smu at {nobody}: .*(is it switched on, at this address)"),
        open_laboratory(file, resources={**resources, "smu": nobody}),
    ):
        pass
    assert_safe(file, running, resources)


def test_another_model_than_the_file_says_is_refused(served):
    file, running, resources = served("virtual-2636b-3706a")
    wrong = edited(file, smu={"driver": "instruments.keithley2600.Keithley2612B"})
    with (
        pytest.raises(InstrumentError, match=f"^smu at {resources['smu']}: is 2636B, not 2612B; correct the driver or"),
        open_laboratory(wrong, resources=resources),
    ):
        pass
    assert_safe(file, running, resources)


@pytest.mark.parametrize("driver", ["keithley2600.Keithley2636B", "keithley2450.Keithley2450"])
def test_another_language_than_the_driver_speaks_is_refused(served, driver):
    file, running, resources = served("virtual-2400-7002")  # SCPI of another dialect
    wrong = edited(file, smu1={"driver": f"instruments.{driver}", "timeout_seconds": 0.5})
    with (
        pytest.raises(InstrumentError, match=f"^smu1 at {resources['smu1']}: .*; "),
        open_sessions({"smu1": wrong.instruments["smu1"]}, resources=resources),
    ):
        pass
    assert_safe(file, running, resources)


def test_a_box_that_is_set_to_another_language_is_refused(served, tmp_path):
    bench = yaml.safe_load((library.folder() / "benches" / "2400-7002.yaml").read_text())
    for name in ("smu1", "smu2"):
        bench["instruments"][name]["driver"] = "instruments.keithley2450.Keithley2450"
    (tmp_path / "real.yaml").write_text(yaml.safe_dump(bench))
    (tmp_path / "virtual.yaml").write_text("kind: virtual\nof: real.yaml\n")
    file, running, resources = served(str(tmp_path / "virtual.yaml"))
    with open_laboratory(file, resources=resources):
        pass
    running.bench.instruments["smu2"].handle("*LANG TSP")
    running.bench.instruments["smu2"].power_cycle()
    with (
        pytest.raises(InstrumentError, match=f"^smu2 at {resources['smu2']}: speaks another language; set Menu"),
        open_laboratory(file, resources=resources),
    ):
        pass
    assert not any(abs(setting.level) > OFFSET_VOLTS for setting in running.bench.network.settings)


def test_voltages_above_what_unit_or_array_survive_are_refused(served):
    file, running, resources = served("virtual-2636b-3706a")
    with open_laboratory(file, resources=resources) as bench:
        before = running.answers()["messages"]()
        high = Bias(ROWS.row_volts * 3000, np.zeros(15))
        with pytest.raises(CannotDo, match=rf"300 V exceeds the 200 V of smu at {resources['smu']}; lower the voltage"):
            bench.measure(high, Lines(columns=(0,)), ReadSettings())
        with pytest.raises(LimitExceeded, match=r"row 0 at 1 V against .*the limit is 0.9 V .*It was not applied"):
            bench.protected().pulse(Bias(ROWS.row_volts * 10, np.zeros(15)), 1e-3)
        with pytest.raises(CannotDo, match=r"1 V on a line exceeds 0.9 V \(limits.cell_volts\); lower the voltage"):
            bench.pulse(Bias(ROWS.row_volts * 10, np.zeros(15)), 1e-3)
        assert running.answers()["messages"]() == before
    assert_safe(file, running, resources)


def test_a_pulse_that_the_unit_cannot_do_is_refused(served):
    file, running, resources = served("virtual-2400-7002")
    said = rf"a pulse of 0.001 s is too short for smu1 at {resources['smu1']}: the shortest is 0.01 s; ask for longer"
    with open_laboratory(file, resources=resources) as bench:
        before = running.answers()["messages"]()
        with pytest.raises(CannotDo, match=said):
            bench.pulse(ROWS, 1e-3)
        assert running.answers()["messages"]() == before
    assert_safe(file, running, resources)


def test_a_crosspoint_that_does_not_exist_is_refused_before_the_first_message(served):
    file, running, resources = served("virtual-2636b-3706a")
    buses = {**file.buses, "low": file.buses["low"].model_copy(update={"row": 7})}  # a 3730 has six rows
    with (
        pytest.raises(SettingError, match=r"lines.rows.0: matrix.1.1 has no relay to row 7 \(bus low\): matrix.*6"),
        open_laboratory(file.model_copy(update={"buses": buses}), resources=resources),
    ):
        pass
    assert running.answers()["messages"]() == {"smu": 0, "matrix": 0}
    assert_safe(file, running, resources)


SECOND = """
import sys
from labmtj.bench.files.loading import load_any
from labmtj.bench.session.opening import open_laboratory
from labmtj.bench.session.sessions import open_sessions
from labmtj.errors import BenchBusy
smu, matrix = sys.argv[1:]
try:
    with open_laboratory(load_any("2636b-3706a"), resources={"smu": smu, "matrix": matrix}):
        print("opened")
except BenchBusy as error:
    print(error)
"""


def test_a_second_process_is_refused_and_disturbs_nothing(served):
    file, running, resources = served("virtual-2636b-3706a")
    command = [sys.executable, "-c", SECOND, resources["smu"], resources["matrix"]]
    with open_laboratory(file, resources=resources) as bench:
        before = running.answers()["messages"]()
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert said.startswith(("smu at", "matrix at"))
        assert "is in use by process" in said
        assert said.endswith("; end that first\n")
        assert running.answers()["messages"]() == before
        assert (bench.measure(ROWS, Lines(columns=(0,)), ReadSettings()).amperes > 0).all()
    assert_safe(file, running, resources)
