"""Plug-ins: found by the metadata of what is installed, loaded when they are used, and no harm when they are broken."""

import importlib
import tomllib
import warnings
from pathlib import Path

import pytest

from labmtj import cli, device, library, plugins, yamlfile
from labmtj.bench.files.loading import load_any, load_array
from labmtj.bench.session.sessions import driver_class
from labmtj.bench.session.watchdog import _spec
from labmtj.cli import main
from labmtj.errors import ConfigError, LabmtjWarning, SettingError
from labmtj.pluginlist import plugins_text
from labmtj.report.sections import section_of
from labmtj.virtual.assembly import assemble


def dist(folder, name, group, entries):
    """Write the metadata of a distribution that brings entry points."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = "\n".join(f"{key} = {target}" for key, target in entries.items())
    (info / "entry_points.txt").write_text(f"[{group}]\n{lines}\n")


CODE = """
from instruments.keithley2600 import Keithley2636B as Box
from instruments.virtual.keithley2600 import Keithley2636B as VirtualBox
from procedures.reference import ReferenceMap as Procedure
from labmtj.device import DescribedModel
from labmtj.report.blocks import Chapter
from labmtj.report.sections import Section
from labmtj.results import Quantity, Result, record
from labmtj.strictmodel import StrictModel
from typing import Annotated
VALUE = 42
NOTHING = None


class Empty:
    pass


class Raises(Section):
    def chapters(self):
        raise ZeroDivisionError("no chapters")


class Drift(Section):
    pass


class Odd(Section):
    def lines(self):
        return [5]

    def chapters(self):
        return [Chapter("Odd", "odd", ["x"])]

    def result(self):
        return ["x"]

    def bench(self):
        raise GeneratorExit("b")

    def headline(self):
        raise BaseException("b")


class Dies:
    states, family = ("low", "high"), DescribedModel

    def nominal_ohms(self, family):
        return [2.0, 1.0]

    def draw(self, *args):
        raise ZeroDivisionError("no cells")


class Unready(Dies):
    def __init__(self):
        raise OSError("no table")


class DrawsAnInt(Dies):
    def draw(self, *args):
        return 5


class Swept(Result, kind="sweep", signal="volts"):
    volts: Annotated[object, Quantity("V", "of the sweep", ("step",))]


class Sweep(StrictModel):
    def execute(self, crossbar, log):
        record(log, "sweep", Swept([0.0, 0.1]))


class Gauge(Sweep):
    hold_seconds: float = 1.0
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    def install(name, entries, group="labmtj.sections"):
        dist(tmp_path, name, group, entries)
        (tmp_path / f"{name}_code.py").write_text(CODE)
        (tmp_path / f"{name}_broken.py").write_text("raise RuntimeError('half a file')\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.invalidate_caches()
        plugins.forget()

    yield install
    plugins.forget()


def test_a_name_is_loaded_when_it_is_used(installed):
    installed("good", {"drift": "good_code:Drift"})
    assert plugins.plugins("labmtj.sections")["drift"].distribution == "good 1.0"
    assert plugins.find("labmtj.sections", "drift").__name__ == "Drift"


def test_a_broken_plugin_is_a_warning_that_names_it_and_the_rest_goes_on(installed):
    installed("mixed", {"bad": "mixed_broken:VALUE", "gone": "nowhere:VALUE", "drift": "mixed_code:Drift"})
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        found = dict(plugins.load_all("labmtj.sections"))
    assert found["drift"].__name__ == "Drift"
    assert not found.keys() & {"bad", "gone"}
    said = [str(each.message) for each in seen]
    assert len(said) == 2
    assert "'bad' of mixed 1.0 cannot be loaded from mixed_broken:VALUE: RuntimeError: half a file" in said[0]


def test_two_plugins_of_one_name_are_both_named(installed):
    installed("alpha", {"drift": "alpha_code:Drift"})
    installed("beta", {"drift": "beta_broken:VALUE"})
    with pytest.warns(UserWarning, match=r"two plug-ins are called 'drift': alpha_code:Drift of alpha 1.0 is used"):
        assert plugins.find("labmtj.sections", "drift").__name__ == "Drift"


def test_a_plugin_does_not_take_the_place_of_what_labmtj_brings(installed):
    installed("alpha", {"mtj": "alpha_broken:VALUE"}, "labmtj.devices")
    with pytest.warns(UserWarning, match=r"labmtj.device.mtj:MTJ of labmtj .* is used, alpha_broken:VALUE .* is not"):
        assert plugins.find("labmtj.devices", "mtj").__name__ == "MTJ"


@pytest.mark.parametrize("group", plugins.GROUPS)
def test_no_name_of_labmtj_is_taken_by_a_distribution_that_sorts_before_it(installed, group):
    own = {plugin.name: plugin.target for plugin in plugins.installed(group) if plugin.is_own}
    installed("aaa", dict.fromkeys(own, "aaa_code:VALUE"), group)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        used = {name: plugin.target for name, plugin in plugins.plugins(group).items()}
        plugins.plugins(group)
    assert {name: used[name] for name in own} == own
    assert own
    said = [str(each.message) for each in seen]
    assert sorted(said) == sorted(
        f"{group}: two plug-ins are called {name!r}: {target} of {plugins.plugins(group)[name].distribution} is used, "
        f"aaa_code:VALUE of aaa 1.0 is not; uninstall one"
        for name, target in own.items()
    )


def test_an_unknown_name_is_refused_with_those_that_are_known(installed):
    installed("good", {"drift": "good_code:Drift"})
    with pytest.raises(ConfigError, match=r"'drfit' is not among the sections of the report.*drift"):
        plugins.find("labmtj.sections", "drfit")


def test_each_broken_plugin_is_warned_of_once(installed):
    installed("mixed", {"bad": "mixed_broken:VALUE"})
    with pytest.warns(plugins.PluginWarning, match="'bad'"):
        list(plugins.load_all("labmtj.sections"))
    list(plugins.load_all("labmtj.sections"))  # a second warning would be an error here


def test_every_driver_of_labmtj_has_a_name_and_a_virtual_instrument_of_the_same_name():
    groups = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["entry-points"]
    drivers, virtual = groups["labmtj.drivers"], groups["labmtj.virtual"]
    assert virtual == {name: target.replace("instruments.", "instruments.virtual.") for name, target in drivers.items()}
    assert [target.rpartition(":")[2].lower() for target in drivers.values()] == list(drivers)


def test_every_experiment_of_labmtj_runs_the_procedure_of_its_name():
    groups = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["entry-points"]
    files = (library.folder() / "experiments").glob("*.yaml")
    assert {path.stem: yamlfile.load(path).content["procedure"] for path in files} == {
        name: target.replace(":", ".") for name, target in groups["labmtj.procedures"].items()
    }


def bench_with(folder, driver):
    """Write a bench whose SMU has this driver, and its virtual bench; return the path of the latter."""
    text = (library.folder() / "benches" / "2636b-3706a.yaml").read_text()
    (folder / "lab.yaml").write_text(text.replace("instruments.keithley2600.Keithley2636B", driver))
    (folder / "virtual.yaml").write_text("kind: virtual\nof: lab.yaml\narrays: [mtj-50nm]\n")
    return str(folder / "virtual.yaml")


def test_a_bench_file_names_a_driver_and_its_virtual_instrument_without_a_dot(installed, tmp_path):
    installed("good", {"box": "good_code:Box"}, "labmtj.drivers")
    installed("other", {"box": "other_code:VirtualBox"}, "labmtj.virtual")
    file = load_any(bench_with(tmp_path, "box"))
    smu = file.of.instruments["smu"]
    assert driver_class("smu", smu).__module__ == "instruments.keithley2600"
    assert _spec("smu", smu)["driver"] == "good_code.Box"  # the watchdog imports it without looking for plug-ins
    bench = assemble(file)
    try:
        assert type(bench.instruments["smu"]).__module__ == "instruments.virtual.keithley2600"
    finally:
        bench.close()


@pytest.mark.parametrize(
    ("driver", "said"),
    [
        ("boxx", r"cannot load 'boxx': 'boxx' is not among the drivers .*; did you mean box\?"),
        ("bad", r"labmtj.drivers: 'bad' of good 1.0 cannot be loaded from good_broken:Box: RuntimeError: half a file"),
        (
            "number",
            "labmtj.drivers: 'number' of good 1.0 is not a driver: it is of type int, not a class: good_code:VALUE",
        ),
        ("box", r"box has no virtual counterpart: 'box' is not among the virtual instruments, by the name of their"),
    ],
)
def test_a_driver_of_no_use_is_refused_with_its_key(installed, tmp_path, driver, said):
    installed("good", {"box": "good_code:Box", "bad": "good_broken:Box", "number": "good_code:VALUE"}, "labmtj.drivers")
    with pytest.raises(SettingError, match=said) as caught:
        assemble(load_any(bench_with(tmp_path, driver)))
    assert caught.value.key == ("instruments", "smu", "driver")


def test_a_procedure_of_a_plugin_runs_by_its_name_and_resumes_by_its_class(installed, tmp_path, monkeypatch, capsys):
    installed("good", {"sweep": "good_code:Procedure", "broken": "good_broken:Procedure"}, "labmtj.procedures")
    monkeypatch.chdir(tmp_path)
    assert main(["run", "sweep", "--bench", "simulated"]) == 0, capsys.readouterr().err
    (run,) = (tmp_path / "runs").iterdir()
    assert yamlfile.load(run / "run.yaml").content["procedure"] == "good_code.Procedure"
    (tmp_path / "mine.yaml").write_text("procedure: sweep\nbench: simulated\n")
    assert main(["run", "mine.yaml", "--help"]) == 0
    assert main(["run", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "procedures of plug-ins:\n  broken        good 1.0\n  sweep         good 1.0" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "swep"], "or a procedure of a plug-in: broken, sweep; did you mean sweep?"),
        (
            ["run", "broken"],
            "procedure broken: procedure: cannot load 'broken': labmtj.procedures: 'broken' of good 1.0",
        ),
        (["run", "sweep", "--nonsense", "3"], "unknown option --nonsense"),
        (["run", "sweep", "--read-volts", "x"], "option --read-volts: settings.read_volts: "),
        (["plugins", "driver"], "there is no group 'driver' of plug-ins; choose drivers, virtual"),
    ],
)
def test_wrong_input_is_a_sentence(installed, tmp_path, monkeypatch, capsys, words, said):
    installed("good", {"sweep": "good_code:Procedure", "broken": "good_broken:Procedure"}, "labmtj.procedures")
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_the_list_says_what_each_name_is_and_why_it_cannot_be_used(installed, capsys):
    installed("alpha", {"drift": "alpha_code:Drift", "a_name_that_is_long": "nowhere.at_all_in_this_place:Something"})
    installed("beta", {"drift": "beta_code:Drift", "bad": "beta_broken:VALUE"})
    assert main(["plugins", "sections"]) == 0
    text = capsys.readouterr().out
    assert "    drift                alpha_code:Drift\n" in text
    assert (
        "    drift                beta_code:Drift\n      not used: alpha 1.0 has one of this name; uninstall one"
        in text
    )
    assert "      cannot be loaded: RuntimeError: half a file\n" in text
    assert "      cannot be loaded: ModuleNotFoundError: No module named 'nowhere'" in text
    assert max(map(len, text.splitlines())) <= 80
    assert "none is installed" not in plugins_text("labmtj.devices")


@pytest.mark.parametrize(
    ("device", "said"),
    [
        (
            "half",
            "array.yaml:1: device: labmtj.devices: 'half' of bad 1.0 cannot be loaded from bad_broken:X: RuntimeError",
        ),
        (
            "number",
            "array.yaml:1: device: labmtj.devices: 'number' of bad 1.0 is not a model of a device: it is of type int",
        ),
        (
            "memristor",
            "array.yaml:1: device: 'memristor' is not among the models of devices, for array files: half, mtj",
        ),
    ],
)
def test_a_device_of_no_use_is_refused_with_its_line(installed, tmp_path, device, said):
    installed("bad", {"half": "bad_broken:X", "number": "bad_code:VALUE"}, "labmtj.devices")
    array = (library.folder() / "arrays" / "mtj-50nm.yaml").read_text()
    (tmp_path / "array.yaml").write_text(f"device: {device}\n{array}")
    with pytest.raises(ConfigError, match=said):
        load_array(str(tmp_path / "array.yaml"))


def test_a_file_of_another_kind_is_refused_where_a_device_is_wanted(tmp_path):
    with pytest.raises(ConfigError, match=r"simulated.yaml:.*is not a known key"):
        load_array(str(library.folder() / "benches" / "simulated.yaml"))
    with pytest.raises(ConfigError, match=r"mtj-50nm.yaml:.* is not a kind of bench; choose one of simulated"):
        load_any(str(library.folder() / "arrays" / "mtj-50nm.yaml"))


def test_sections_that_cannot_be_loaded_or_raise_leave_the_rest_of_a_report(installed, tmp_path, monkeypatch, capsys):
    installed("bad", {"reference": "bad_code:Raises", "drift": "bad_broken:X"})
    installed("good", {"sweep": "good_code:Sweep"}, "labmtj.procedures")
    installed("loud", {"sweep": "loud_code:Raises"})
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert main(["run", "sweep", "--bench", "simulated"]) == 0, capsys.readouterr().err
    warned, left_out = seen  # a section of a kind that the run does not hold is not even loaded
    assert "two plug-ins are called 'reference': procedures." in str(warned.message)
    (page,) = (tmp_path / "runs").glob("*/report.html")
    said = "Raises (labmtj.sections: 'sweep' of loud 1.0) cannot be shown: ZeroDivisionError: no chapters"
    assert str(left_out.message) == f"report: {said}"
    assert said.replace("'", "&#39;") in page.read_text()
    assert "Bench" in page.read_text()


def test_a_shell_completes_procedures_and_their_settings(installed, capsys):
    installed("good", {"gauge": "good_code:Gauge", "$(touch x)": "good_code:Gauge"}, "labmtj.procedures")
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    assert '"run gauge") words="--hold-seconds"' in script
    assert " gauge " in next(line for line in script.splitlines() if "switching" in line and "words=" in line)
    assert "touch" not in script


@pytest.mark.parametrize("group", plugins.GROUPS)
@pytest.mark.parametrize(
    ("target", "said"),
    [("VALUE", "it is of type int, not a class"), ("NOTHING", "it is None"), ("Empty", "it lacks ")],
)
def test_what_loads_but_is_of_the_wrong_kind_is_named_and_listed(installed, group, target, said):
    if group == "labmtj.datasets":
        said = {"it lacks ": "it is a class"}.get(said, said.removesuffix(", not a class"))
    installed("odd", {"thing": f"odd_code:{target}"}, group)
    with pytest.warns(plugins.PluginWarning, match=f"{group}: 'thing' of odd 1.0 is not a.*{said}.*odd_code:{target}"):
        assert "thing" not in dict(plugins.load_all(group))
    assert said in " ".join(plugins_text(group).split())


def test_a_procedure_that_is_none_ends_no_check(installed, capsys):
    installed("odd", {"notproc": "odd_code:VALUE"}, "labmtj.procedures")
    with pytest.warns(plugins.PluginWarning, match="'notproc' of odd 1.0 is not a procedure"):
        assert main(["check", "simulated"]) == 0, capsys.readouterr().err


def test_a_section_that_says_what_is_no_text_leaves_the_rest_and_is_named(installed, tmp_path, monkeypatch, capsys):
    installed("good", {"sweep": "good_code:Sweep"}, "labmtj.procedures")
    installed("odd", {"sweep": "odd_code:Odd"})
    monkeypatch.chdir(tmp_path)
    with pytest.warns(LabmtjWarning) as seen:
        assert main(["run", "sweep", "--bench", "simulated"]) == 0, capsys.readouterr().err
    (run,) = (tmp_path / "runs").iterdir()
    page, shown = (run / "report.html").read_text(), " ".join(capsys.readouterr().out.split())
    named = "Odd (labmtj.sections: 'sweep' of odd 1.0) cannot be shown: "
    assert f"{named}TypeError: int in a list of str." in shown
    assert f"{named}BaseException: b." in shown
    for said in ("AttributeError: ", "TypeError: str in a list of Table or Figure or Note", "GeneratorExit: b"):
        assert named.replace("'", "&#39;") + said in page
        assert any(named + said in str(warned.message) for warned in seen)  # who ran it may never open the page
    assert "Pulses and reads" in page


@pytest.mark.parametrize("wrong", ["rank = 'first'", "places = 5", "places = {'a': 5}", "records = 5"])
def test_a_section_whose_facts_are_of_another_kind_is_not_used(installed, tmp_path, wrong):
    installed("odd", {"sweep": f"odd_{len(wrong)}:Odd"})
    (tmp_path / f"odd_{len(wrong)}.py").write_text(
        f"from labmtj.report.sections import Section\nclass Odd(Section):\n    {wrong}\n"
    )
    with pytest.warns(plugins.PluginWarning, match=f"'sweep' of odd 1.0 is not a Section: {wrong.split()[0]} is "):
        assert section_of("sweep") is None


@pytest.mark.parametrize(
    ("target", "said"),
    [("Dies", "cannot draw cells: ZeroDivisionError: no cells"), ("Unready", "cannot be made: OSError: no table"),
     ("DrawsAnInt", "cannot draw cells: TypeError: int without conduction, switching")],
)  # fmt: skip
def test_a_device_that_raises_is_named_with_its_distribution(installed, target, said):
    device.model_of.cache_clear()
    installed("bad", {"dead": f"bad_code:{target}"}, "labmtj.devices")
    with pytest.raises(ConfigError, match=f"labmtj.devices: 'dead' of bad 1.0 {said}"):
        device.drawn_cells("dead", None, (2, 2), 1, 300.0, 1, "dead-0a")


def test_an_unforeseen_error_of_a_plugin_is_not_laid_at_the_door_of_labmtj(installed, monkeypatch, capsys):
    installed("bad", {"dead": "bad_code:Dies"}, "labmtj.devices")
    raising = plugins.find("labmtj.devices", "dead")()
    monkeypatch.setattr(cli.commands.others, "plugins", lambda *_: raising.draw())
    assert main(["plugins"]) == 1
    said = capsys.readouterr().err
    assert "no cells; this comes from a plug-in of bad 1.0 (labmtj.devices: 'dead'): report it there" in said
    assert "bug in labmtj" not in said


def test_the_command_line_says_it_in_one_line_and_once(installed, monkeypatch, capsys):
    installed("mixed", {"bad": "mixed_broken:VALUE"})
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        cli._say_warnings()
        for _ in range(2):
            list(plugins.load_all("labmtj.sections"))
    said = capsys.readouterr().err
    assert said.startswith("labmtj: labmtj.sections: 'bad' of mixed 1.0 cannot be loaded")
    assert said.count("\n") == 1
