"""Benches over HiSLIP: a message is a frame with an end of its own, and all lines that it printed come in one."""

import threading
import time

import numpy as np
import pytest

from labmtj import library
from labmtj.bench.files.loading import load_any
from labmtj.bench.session.opening import open_laboratory
from labmtj.errors import Stopped
from labmtj.quantities import Bias, Lines, ReadSettings
from labmtj.shots import Shots
from labmtj.virtual.assembly import assemble
from labmtj.virtual.server.serving import ServedInstruments

BENCHES = sorted(path.stem for path in (library.folder() / "benches").glob("virtual-*.yaml"))
ROW, COLUMN = 2, 3


@pytest.fixture
def opened(request):
    """Yield a served bench, and the same bench opened by its drivers over HiSLIP."""
    file = load_any(request.param)
    with ServedInstruments(assemble(file), hislip=True) as served:
        resources = {greeting["name"]: greeting["resource"] for greeting in served.greetings()}
        assert all("hislip" in resource for resource in resources.values())
        with open_laboratory(file.of, resources=resources) as bench:
            yield served, bench


def on_cell(volts, on_column=0.5):
    rows, columns = np.zeros((2, 15))
    rows[ROW], columns[COLUMN] = (1 - on_column) * volts, -on_column * volts
    return Bias(rows[np.newaxis], columns[np.newaxis])


@pytest.mark.parametrize("opened", BENCHES, indirect=True)
def test_a_cell_is_written_and_read(opened):
    """Fails if a driver takes all that came in one read for one line: the first TSP query is never answered."""
    served, bench = opened
    network, ohms = served.bench.network, []
    cell = ROW * 15 + COLUMN
    for volts, state in ((0.6, True), (-0.65, False)):
        bench.pulse(on_cell(volts), 2.5e-2)
        assert network.array.state.ravel()[cell] == state
        shown = bench.measure(on_cell(0.1, 0.0), Lines(columns=(COLUMN,)), ReadSettings())
        ohms.append(0.1 / float(shown.amperes[0, 0]))
    assert 1.6 < ohms[1] / ohms[0] < 2.4
    assert network.events == []


@pytest.mark.parametrize("opened", ["virtual-2636b-3706a"], indirect=True)
def test_a_message_costs_one_round_trip_however_many_lines_it_has(opened):
    """Fails if each line of a message is booked as one."""
    served, bench = opened
    counted = served.served["smu"]
    before = counted.round_trips
    bench.units["smu"].run("print(1)", "print(2)", "print(3)")
    assert counted.round_trips - before == 1


@pytest.mark.parametrize("opened", ["virtual-2636b-3706a"], indirect=True)
def test_an_abort_reaches_a_sequence_that_runs(opened):
    """Fails if an abort is only seen as a message of its own: it comes with a question, in one frame."""
    served, bench = opened
    unit = bench.units["smu"]
    served.bench.network._realtime_factor = 1.0
    timer = threading.Timer(0.3, unit.abort)
    timer.start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        unit.run_shots(Shots(("a",), np.zeros((1000, 1)), ("a",), 0.0, 0.02, 1e-4))
    assert time.monotonic() - began < 20
    timer.join()
    served.bench.network._realtime_factor = 0.0
    assert unit.outputs() == {"a": True, "b": True}
