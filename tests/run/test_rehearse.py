"""A rehearsal counts what a run would record, scales it, touches no instrument and leaves nothing behind."""

import re
import socket
import tempfile

import numpy as np
import pytest

from labmtj import library
from labmtj.record import open_data
from labmtj.run import load_experiment, start
from labmtj.run.rehearsal_text import bench_rehearsal, full_text, short_text
from labmtj.run.rehearse import BLOCKS_TRIED, rehearse


def totals(text):
    """Bench hours, pulses, pulses per cell (mean, max) and reads of all stations."""
    (line,) = re.findall(r"^all +(.*)$", text, re.MULTILINE)
    return [float(word) for word in line.split()]


def test_a_short_campaign_is_counted_as_it_is_recorded(undisturbed, experiment):
    hours, pulses, mean, most, reads = totals(full_text(rehearse(experiment)))  # two solutions: nothing is scaled
    with open_data(undisturbed.data) as data:
        chips = [name for name in data.tree() if name.endswith("/pulses")]
        steps = [len(data.read(f"{name}/start_seconds")) for name in chips]
        seconds = [data.read(f"wine/mtj-{size}nm-0/solutions/bench_seconds").sum() for size in (75, 100)]
    assert pulses == sum(steps)
    assert sum(seconds) / 3600 < hours < 3 * sum(seconds) / 3600 + 0.01
    assert most >= mean > 0
    assert reads > pulses


def test_what_was_tried_is_scaled_to_the_whole(experiment):
    def campaign(count):
        changes = {"sizes": ["mtj-75nm"], "amplitude": None, "count": count, "write": {"max_rounds": 0}}
        return totals(full_text(rehearse(load_experiment("wine", changes=changes))))

    one, few, many = campaign(1), campaign(BLOCKS_TRIED), campaign(20 * BLOCKS_TRIED)
    for each in (1, 4):  # pulses, reads
        per_solution = (few[each] - one[each]) / (BLOCKS_TRIED - 1)
        assert many[each] == pytest.approx(one[each] + (20 * BLOCKS_TRIED - 1) * per_solution, rel=0.1)
        assert many[each] > 5 * one[each]


def test_it_leaves_nothing_behind(experiment, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    text = full_text(rehearse(load_experiment("reference")))
    assert list(tmp_path.iterdir()) == []
    for word in (
        "4 stations of 1 blocks",
        "aperture",
        "energy into the arrays",
        "data.h5: about",
        "; journal.lmj: ",
        "closures per relay",
    ):
        assert word in text


# -- benches of instruments --------------------------------------------------------------------------------------------

SHORT = {
    "patterns": ["checkerboard"], "amplitude": None, "reference": {"aperture_seconds": 0.001},
    "write": {"max_rounds": 0, "aperture_seconds": 0.001, "parallel_volts": 0.38, "antiparallel_volts": 0.42},
}  # fmt: skip


@pytest.fixture
def connected(monkeypatch):
    """Addresses that something in this process connects to; anything but this machine is refused."""
    found = []

    def spied(name):
        connect = getattr(socket.socket, name)

        def spy(self, address):
            found.append(address)
            if address[0] != "127.0.0.1":
                raise OSError(f"{address} is a real instrument")
            return connect(self, address)

        return spy

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, spied(name))
    return found


@pytest.fixture(scope="module")
def benches(small_bench, tmp_path_factory):
    return small_bench(tmp_path_factory.mktemp("benches"))


@pytest.fixture(scope="module")
def on_real_bench(benches):
    return load_experiment("patterns", bench=str(benches / "bench.yaml"), changes=SHORT)


def test_a_real_bench_is_rehearsed_without_touching_it(on_real_bench, connected, tmp_path, monkeypatch):
    """With the bench in the place of its twin, the first address is that of its file, 192.168.1.20."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = rehearse(on_real_bench)
    assert connected
    assert {host for host, _ in connected} == {"127.0.0.1"}
    assert not list(tmp_path.glob("labmtj-*/data.h5"))
    text = full_text(found)
    for words in ("no instrument was touched", "1 stations of 2 blocks", "closures per relay", "round trips", "joules"):
        assert words.replace("joules", " J") in text
    assert max(map(len, text.splitlines())) <= 80
    assert "bench hours" in short_text(found)


def test_it_counts_on_a_virtual_bench_what_the_run_then_takes(on_real_bench, benches, tmp_path):
    """Nothing is scaled with one pattern: chip, seed and procedure are those of the run."""
    found = rehearse(on_real_bench)
    experiment = load_experiment("patterns", bench=str(benches / "virtual.yaml"), changes=SHORT)
    folder = start(experiment, tmp_path, workers=1, show=lambda progress: None)
    with open_data(folder.data) as data:
        assert found.total.pulses == len(data.read("arrays/small-0a/pulses/start_seconds"))
        assert found.total.reads == len(data.read("arrays/small-0a/reads/sign"))
        last = float(np.nanmax(data.read("arrays/small-0a/reads/start_seconds")))
    assert sum(found.total.seconds.values()) == pytest.approx(last, rel=0.02)


def test_a_bench_that_cannot_do_it_says_so(tmp_path):
    """Two 2400 time no pulse of a millisecond, neither alone nor together; the first that is asked for is refused."""
    bench = tmp_path / "bench.yaml"
    text = (library.folder() / "benches" / "2400-7002.yaml").read_text()
    bench.write_text(text.replace("settings: ", "settings: # of all\n  reference: {pulse_seconds: 0.001} "))
    assert bench.read_text() != text
    text = bench_rehearsal(str(bench))
    assert text.startswith("rehearsal of wine on the virtual twin: this run would be refused")
    assert "the shortest is 0.01 s" in " ".join(text.split())
