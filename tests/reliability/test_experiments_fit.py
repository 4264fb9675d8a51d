"""Case M3: every experiment fits every bench, by settings that the bench brings along; and the advice of refusals works.

A bench plans and a simulated crossbar answers: nothing goes over a wire but what opening a bench takes.
"""

import re
import shlex
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache

import pytest

from labmtj import library
from labmtj.bench import load_any
from labmtj.bench.files.simulated import crossbar_of
from labmtj.bench.routing.abilities import check_reading
from labmtj.bench.session.standing import InstrumentBench, laboratory_of, open_any
from labmtj.cli import main
from labmtj.errors import CannotDo, ConfigError, LabmtjError
from labmtj.layer import Layer
from labmtj.run import load_experiment
from labmtj.run.experiment import Experiment
from labmtj.run.options import settings_from
from labmtj.run.stations import ChipGroupAtWork

FEW = {
    "amplitude": ["--points", "8"],
    "calibrate": ["--rounds", "1"],
    "disturb": ["--pulses", "2", "--count", "1", "--hold-seconds", "0"],
    "endurance": ["--cycles", "5", "--count", "1", "--checks", "2"],
    "health": ["--repeats", "8"],
    "hysteresis": ["--cells", "[[7, 7]]", "--sweeps", "3"],
    "methods": ["--count", "2", "--chips", "1", "--methods", "{plain: {}, placed: {placement: avoid}}"],
    "noise": ["--samples", "64", "--cells", "[[0, 0]]"],
    "patterns": ["--patterns", "[checkerboard]", "--amplitude.points", "8"],
    "retention": ["--waits-seconds", "[60.0]"],
    "switching": ["--pulses", "40", "--count", "1"],
    "wine": ["--count", "1", "--amplitude.points", "8", "--infer.mode", "transfer"],
    "write-errors": ["--pulses", "2", "--count", "1"],
}  # fmt: skip
EXPERIMENTS = sorted(path.stem for path in (library.folder() / "experiments").glob("*.yaml"))
BENCHES = sorted(path.stem for path in (library.folder() / "benches").glob("virtual-*.yaml"))


class Planned(Layer):
    """A simulated crossbar that can what an open bench can: the bench plans, and applies nothing."""

    def __init__(self, crossbar, bench):
        super().__init__(crossbar)
        self.bench = bench

    def refusal(self, bias, seconds=0.0):
        return super().refusal(bias, seconds) or self.bench.refusal(bias, seconds)

    def measure(self, bias, lines, how):
        chosen = lines.indices(self.shape).tolist()
        if refusal := self.bench._plan.refusal(bias, chosen):
            raise CannotDo(f"{refusal}").advising(refusal.instead)
        check_reading(self.bench.wiring, self.bench.units, how)
        return super().measure(bias, lines, how)

    def pulse(self, bias, seconds):
        if refusal := self.refusal(bias, seconds):
            raise CannotDo(f"{refusal}").advising(refusal.instead)
        return super().pulse(bias, seconds)


class PlannedBench(InstrumentBench):
    """A bench whose crossbars are planned."""

    def __init__(self, file, bench):
        super().__init__(file)
        self.bench = bench

    @contextmanager
    def opened(self, station):
        (chip,) = station.arrays
        yield {chip: Planned(crossbar_of(laboratory_of(self.file).chip.array, seed=1, name=chip), self.bench)}


@dataclass(frozen=True)
class PlannedExperiment(Experiment):
    on: object = None

    def connect(self):
        return PlannedBench(self.bench, self.on)


@pytest.fixture(scope="module")
def opened():
    """Opens benches, each once."""
    with ExitStack() as stack:
        yield cache(lambda name: stack.enter_context(open_any(load_any(name))))


def tried(name, bench, options, opened):
    """Do the first block of an experiment on what a bench can; return "" or the error with its advice."""
    loaded = load_experiment(name, bench=bench, changes=settings_from(name, options))
    fields = {key: getattr(loaded, key) for key in Experiment.__dataclass_fields__}
    experiment = PlannedExperiment(**fields, on=opened(bench))
    stations = experiment.stations()
    experiment.check()
    work = ChipGroupAtWork(experiment, stations, stations[0])
    try:
        work.run_block(0)
        if experiment.campaign.blocks() > 1:
            work.run_block(1)
    except LabmtjError as error:
        return "\n".join([str(error), *getattr(error, "__notes__", ())])
    finally:
        work.close()
    return ""


ADVICE = re.compile(r"a value that works: (.*)")
FEW_FITS = [
    ("hysteresis", "virtual-rack-2602b"), ("disturb", "virtual-2400-7002"), ("write-errors", "virtual-2400-7002"),
]  # fmt: skip
REFUSED = [
    ("patterns", "virtual-2400-7002", ["--write.pulse-seconds", "0.001"], "--write.pulse-seconds 0.01"),
    ("switching", "virtual-2400-7002", ["--widths-seconds", "[1e-4, 1e-3, 0.1]"], "--widths-seconds '[0.01, 0.1]'"),
    ("disturb", "virtual-2400-7002", ["--kinds", "[half, third]"], "--kinds '[half]'"),
    ("write-errors", "virtual-rack-2602b", ["--pulse-seconds", "1e-3", "--reset-seconds", "1e-3"], ""),
    ("hysteresis", "virtual-rack-2602b", ["--pulse-seconds", "1e-5"], "--pulse-seconds 0.01"),
    ("read-map", "virtual-2400-7002", ["--aperture-seconds", "1e-6"], "--aperture-seconds 0.0002"),
    ("read-map", "virtual-rack-2602b", ["--aperture-seconds", "3"], "--aperture-seconds 0.5"),
    ("patterns", "virtual-2400-7002", ["--write.pulse-seconds", "0.001", "--reference.pulse-seconds", "1e-3"], ""),
]


def test_every_experiment_fits_every_bench(torture, opened):
    cases = [(name, bench) for name in EXPERIMENTS for bench in BENCHES] if torture else FEW_FITS
    refused = {case: tried(*case, FEW.get(case[0], []), opened) for case in cases}
    assert not {case: text for case, text in refused.items() if text}


@pytest.mark.parametrize(("name", "bench", "wrong", "advice"), REFUSED)
def test_a_refusal_names_the_option_with_a_value_that_works(name, bench, wrong, advice, opened, torture):
    if not torture and name in ("patterns", "switching", "write-errors"):
        pytest.skip("under --torture: 15 s")
    options, rounds = [*FEW.get(name, []), *wrong], 0
    while refused := tried(name, bench, options, opened):
        found = ADVICE.search(refused)
        assert found, refused
        assert rounds or advice in found[1], refused
        options += shlex.split(found[1])
        rounds += 1
        assert rounds < 4, refused
    assert rounds


def bench_file(folder, settings):
    text = (library.folder() / "benches" / "2400-7002.yaml").read_text()
    head, tail = text.split("settings:")[0], "chip:" + text.split("chip:")[1]
    (folder / "2400-7002.yaml").write_text(f"{head}settings: {settings}\n{tail}")
    (folder / "mine.yaml").write_text("kind: virtual\nof: 2400-7002.yaml\narrays: [mtj-50nm]\n")
    return str(folder / "mine.yaml")


def test_a_setting_is_that_of_the_option_else_of_the_file_else_of_the_bench(tmp_path):
    bench = bench_file(tmp_path, "{pulse_seconds: 0.03, count: 4, write: {max_rounds: 7}, wear: {no: 1}}")
    loaded = load_experiment("endurance", bench=bench)
    assert (loaded.settings.pulse_seconds, loaded.settings.count) == (0.03, 3)  # the file states a count of 3
    assert load_experiment("endurance", bench=bench, changes={"pulse_seconds": 0.05}).settings.pulse_seconds == 0.05
    assert (
        load_experiment("patterns", bench=bench, changes={"write": {"scheme": "third"}}).settings.write.max_rounds == 7
    )
    assert load_experiment("endurance").settings.pulse_seconds == 1e-3
    assert loaded.resolved().settings["pulse_seconds"] == 0.03


def test_a_group_of_settings_that_is_null_is_not_turned_on_by_a_bench(tmp_path):
    bench = bench_file(tmp_path, "{amplitude: {points: 5}}")
    assert load_experiment("patterns", bench=bench, changes={"amplitude": None}).settings.amplitude is None
    assert load_experiment("patterns", bench=bench).settings.amplitude.points == 5


def test_a_wrong_setting_of_a_bench_is_named_as_such(tmp_path, capsys):
    with pytest.raises(ConfigError, match=r"settings of bench mine: settings\.pulse_seconds"):
        load_experiment("endurance", bench=bench_file(tmp_path, "{pulse_seconds: none}"))
    bench = bench_file(tmp_path, "{pulse_second: 0.02}")
    load_experiment("endurance", bench=bench)  # it may belong to a procedure of the user's own
    assert main(["check", bench]) == 2
    assert "settings.pulse_second: no experiment has such a setting; did you mean" in capsys.readouterr().err
