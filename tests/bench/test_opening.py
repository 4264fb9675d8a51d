import subprocess
import sys
from types import ModuleType
from typing import ClassVar

import pytest

import labmtj
from labmtj.bench import load_any, open_laboratory
from labmtj.bench.session.opening import located
from labmtj.bench.session.watch import NoWatch
from labmtj.errors import BenchBusy, ConfigError, InstrumentError, SettingError
from labmtj.quantities import Bias, Lines, ReadSettings

FILE = """
kind: instruments
instruments:
  smu: {driver: lab_drivers.Unit, resource: "TEST::smu"}
  matrix: {driver: lab_drivers.Matrix, resource: "TEST::matrix", cards: {1: "8x16", 2: "8x16"}}
buses: {ground: {row: 1, ground: true}, high: {row: 2, channel: smu.a}, low: {row: 3, channel: smu.b}}
lines: {rows: [matrix.1.1-15], columns: [matrix.2.1-15]}
chip: {id: "W3-17", die: "4,5", array: mtj-50nm}
operator: Ada
field_tesla: 0.01
"""


class Adapter:
    def __init__(self):
        self.closed = False

    def close(self):
        self.closed = True


class Guard(NoWatch):
    """Stands for a watchdog, and keeps what is announced to it."""

    told: ClassVar[list[str]] = []

    def __init__(self, *_, **__):
        self.told.clear()

    def begin(self):
        self.told.append("begin")

    def rest(self):
        self.told.append("rest")

    def leave(self):
        """Forks are none of its business."""

    def end(self):
        self.told.append("end")
        return "and its watchdog knows" if "rest" not in self.told else ""


@pytest.fixture
def lab(bench, monkeypatch, tmp_path, wirings):
    """A module of drivers whose instruments are those of a world; returns the world and the path of a bench file."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    crossbar, world = bench(wirings[0]((15, 15)), arm=False)
    world.given, world.adapters = {}, {}
    monkeypatch.setattr(
        "labmtj.bench.session.opening.Watchdog", Guard
    )  # a process of its own could not load the drivers

    def opener(instrument):
        class Driver(type(instrument)):
            def __new__(cls, resource, name, **options):
                world.given[name] = (resource, options)
                instrument.adapter = world.adapters[name] = Adapter()
                return instrument

            def __init__(self, *_, **__):
                pass

        return Driver

    module = ModuleType("lab_drivers")
    module.Unit, module.Matrix = opener(crossbar.units["smu"]), opener(crossbar.matrices["matrix"])
    monkeypatch.setitem(sys.modules, "lab_drivers", module)
    world.instruments = {"smu": crossbar.units["smu"], "matrix": crossbar.matrices["matrix"]}
    path = tmp_path / "lab.yaml"
    path.write_text(FILE)
    return world, path


def test_a_bench_is_armed_measured_and_left_safe(lab):
    world, path = lab
    with labmtj.bench(path) as array:
        currents = array.measure(Bias([0.1] + [0] * 14, [0.0] * 15), Lines(columns=(0, 1)), ReadSettings())
        assert (currents.amperes > 0).all()
    assert not any(world.on.values())
    assert not world.closed
    assert all(adapter.closed for adapter in world.adapters.values())
    assert world.given["matrix"] == (
        "TEST::matrix",
        {"visa_library": "@py", "timeout": 10000, "cards": {1: "8x16", 2: "8x16"}},
    )


def test_a_bench_is_left_safe_when_something_breaks_within(lab):
    world, path = lab
    with pytest.raises(ZeroDivisionError), labmtj.bench(path):
        1 / 0  # noqa: B018
    assert not any(world.on.values())
    assert not world.closed


def test_a_guardian_rests_only_behind_a_bench_that_is_safe(lab):
    world, path = lab
    with labmtj.bench(path):
        assert "rest" not in Guard.told
    assert Guard.told[-2:] == ["rest", "end"]
    with pytest.raises(InstrumentError) as failed, labmtj.bench(path):
        world.instruments["matrix"].dead = True
    assert Guard.told[-1] == "end"
    assert "and its watchdog knows" in failed.value.__notes__


def test_what_goes_into_the_record_names_chip_wiring_and_instruments(lab):
    _, path = lab
    with open_laboratory(load_any(str(path))) as bench:
        found = bench.provenance()
    assert (found["chip_id"], found["die"], found["operator"], found["field_tesla"]) == ("W3-17", "4,5", "Ada", 0.01)
    assert len(found["wiring_sha256"]) == 64
    assert found["instruments"] == [
        "smu: Nobody smu, serial 1, firmware 1.0", "matrix: Nobody matrix, serial 2, firmware 1.0",
    ]  # fmt: skip
    assert "temperature_kelvin" not in found


def test_all_instruments_that_do_not_answer_are_told_together(lab):
    world, path = lab

    def silent(self=None):
        raise InstrumentError("x", "TEST::x", "did not answer")

    for instrument in world.instruments.values():
        instrument.identify = silent
    with (
        pytest.raises(InstrumentError, match=r"(?s)2 instruments at .*did not answer.*did not answer"),
        labmtj.bench(path),
    ):
        pass
    assert all(adapter.closed for adapter in world.adapters.values())
    assert not world.log, "nothing was moved, set or switched"


UNKNOWN = "the state of its outputs is unknown, they may be on. `labmtj safe BENCH` switches them off"


@pytest.mark.parametrize("raised", [InstrumentError("smu", "x", "nonsense"), ValueError("bug"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["open", "identify", "closures", "begin"])
def test_whatever_ends_a_bench_before_it_is_armed_says_that_outputs_may_be_on(lab, monkeypatch, step, raised):
    """An earlier user may have left them on; without the note nobody learns that they stay on."""
    world, path = lab

    def fail(*_, **__):
        raise raised

    if step == "open":
        monkeypatch.setattr(sys.modules["lab_drivers"].Matrix, "__new__", fail)
    elif step == "begin":
        monkeypatch.setattr(Guard, "begin", fail)
    else:
        setattr(world.instruments["matrix"], step, fail)
    with pytest.raises((type(raised), InstrumentError)) as failed, labmtj.bench(path):
        pass
    assert any(UNKNOWN in note for note in failed.value.__notes__)
    assert {entry[-1] for entry in world.log} <= {"identify"}


def test_once_armed_a_bench_is_made_safe_and_nothing_is_said_of_earlier_users(lab):
    _, path = lab
    with pytest.raises(ZeroDivisionError) as failed, labmtj.bench(path):
        1 / 0  # noqa: B018
    assert not hasattr(failed.value, "__notes__")
    path.write_text(FILE.replace("smu.b", "smu.c"))
    with pytest.raises(ConfigError) as refused, labmtj.bench(path):
        pass
    assert UNKNOWN not in "".join(getattr(refused.value, "__notes__", [])), "the file is wrong, nothing was sent"


def test_two_owners_are_refused(lab):
    _, path = lab
    with labmtj.bench(path), pytest.raises(BenchBusy, match="TEST::MATRIX is in use by process"), labmtj.bench(path):
        pass


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("lab_drivers.Unit", "lab_drivers.Nothing", r"lab.yaml:4: instruments.smu.driver: cannot load 'lab_drivers.Nothing'"),
        ("lab_drivers.Unit", "collections.OrderedDict", r"'collections.OrderedDict' is not a driver of labmtj"),
        ("smu.b", "smu.c", r"lab.yaml:6: buses.low.channel: smu has no channel 'c'; it has smu.a, smu.b"),
        ("matrix.1.1-15", "matrix.1.3-17", r"lab.yaml:7: lines.rows.0: matrix.1.17 has no relay to row 1 \(bus ground\)"),
        ("row: 3", "row: 9", r"lab.yaml:7: lines.rows.0: matrix.1.1 has no relay to row 9 \(bus low\)"),
        ("smu.b", "matrix.b", r"lab.yaml:6: buses.low.channel: matrix is not a source-measure unit"),
    ],
)  # fmt: skip
def test_what_the_instruments_do_not_have_is_refused_before_the_first_message(lab, old, new, said):
    world, path = lab
    path.write_text(FILE.replace(old, new, 1))
    with pytest.raises(ConfigError, match=said), labmtj.bench(path):
        pass
    assert not world.log


def test_connecting_without_arming_changes_nothing(lab):
    world, path = lab
    with open_laboratory(load_any(str(path)), arm=False):
        pass
    assert {entry[-1] for entry in world.log} == {"identify"}


def test_a_setting_of_a_bench_is_located_in_its_file(lab):
    with pytest.raises(ConfigError, match=r"lab.yaml:9: operator: no"), located(str(lab[1])):
        raise SettingError(("operator",), "no")


def test_a_simulated_bench_opens_the_same_way():
    with labmtj.bench("simulated") as array:
        currents = array.measure(Bias([0.1] + [0] * 14, [0.0] * 15), Lines(columns=(0,)), ReadSettings())
    assert currents.amperes[0, 0] > 0
    assert labmtj.bench.load_bench("simulated").kind == "simulated"


FORKED = """
import os, sys
import labmtj
from labmtj.errors import LabmtjError
from labmtj.quantities import Bias, Lines, ReadSettings
bias = Bias([0.1] + 14 * [0.0], 15 * [0.0])
with labmtj.bench("virtual-2636b-3706a") as array:
    read = lambda: array.measure(bias, Lines(columns=(0,)), ReadSettings(1e-3))
    read()
    if os.fork() == 0:
        for act in (read, lambda: array.pulse(bias, 1e-3), array.arm, array.make_safe):
            try:
                act()
            except LabmtjError as error:
                print(error)
        sys.exit(3)
    print("child", os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
    read()  # outputs are on, the watchdog lives, its answers were not taken
    array.pulse(bias, 1e-3)
print("done")
"""


def test_a_forked_child_can_do_nothing_to_a_bench_and_leaves_it_as_it_is():
    """At a6af089 it waited for the watchdog, took its answers away, ended it, and closed what was closed (EBADF)."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED], capture_output=True, text=True, check=False)
    *refused, child, last = done.stdout.splitlines()
    assert (child, last) == ("child 3", "done"), done.stderr
    assert len(refused) == 3
    assert all("belongs to the process that opened it" in line for line in refused)
    assert "Traceback" not in done.stderr
