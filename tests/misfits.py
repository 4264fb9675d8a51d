"""Hidden chips that the simplest model of a calibration does not describe, one kind of misfit each, and their logs (case A2).

Each chip has wires, cells and defects of its own, of which the log says nothing; the misfit comes on top.
"""

import copy
from dataclasses import dataclass, replace

import numpy as np
import yaml

from labmtj import library, yamlfile
from labmtj.arrays import ArrayDescription
from labmtj.bench import load_bench
from labmtj.bench.files.protecting import wires_of
from labmtj.circuit import Wires
from labmtj.device.mtj import draw
from labmtj.layer import Layer
from labmtj.record import Checkpointer, JournalLog, JournalWriter
from labmtj.record.recorded import Recorded
from labmtj.run.plain import LogWithin
from labmtj.simulated import SimulatedCrossbar
from procedures.calibration.procedure import CalibrationReads

CHIP = "small-0a"
KINDS = ("none", "lines 30 %", "lines 70 %", "one segment", "one range", "gains", "path", "contact", "law")
WIRES = ("row_segment_ohms", "column_segment_ohms", "row_lead_ohms", "column_lead_ohms")


@dataclass
class Misfit:
    """A hidden chip and the data file of what was read of it."""

    crossbar: SimulatedCrossbar
    data: object

    def truth(self):
        """The resistances in P and in AP between the wires, contact included, (2, cells)."""
        cells = self.crossbar.array.cells
        contact = self.crossbar.array.wires.contact_ohms.ravel()
        return np.array([cells.parallel_ohms + contact, cells.parallel_ohms * (1 + cells.tmr) + contact])

    def errors(self, found):
        """Relative errors of the cells that work, and their stated standard errors, (2, cells) each, P and AP."""
        sound = found.decoded.follows & (self.crossbar.array.cells.defect == 0)
        ohms = np.array([found.cells.parallel_ohms, found.cells.antiparallel_ohms])
        stated = np.array([found.cells.parallel_error, found.cells.antiparallel_error])
        return (ohms / self.truth() - 1)[:, sound], stated[:, sound]


class WithPath(Layer):
    """A resistor between the pads of two rows, beside all cells."""

    def __init__(self, crossbar, first, second, siemens):
        super().__init__(crossbar)
        self.ends, self.siemens = (first, second), siemens

    def measure(self, bias, lines, how):
        answer = self._crossbar.measure(bias, lines, how)
        chosen, amperes = lines.indices(self.shape).tolist(), answer.raw_amperes.copy()
        volts = bias.line_volts[:, np.newaxis, :] * how.signs[np.newaxis, :, np.newaxis]
        for here, there in (self.ends, self.ends[::-1]):
            if here in chosen:
                amperes[:, :, chosen.index(here)] -= self.siemens * (volts[:, :, here] - volts[:, :, there])
        return replace(answer, raw_amperes=amperes)


def believed(shape):
    """Return the array file of the laboratory: the 50 nm family, no telegraph cell."""
    content = yaml.safe_load((library.folder() / "arrays" / "mtj-50nm.yaml").read_text(encoding="utf-8"))
    content |= {"shape": list(shape), "name": "small"}
    content["family"]["telegraph"] = None
    content["family"]["thermal_stability"]["relative_sigma"] = 0.02  # none so weak that it flips by itself
    return content


def _scaled(random, wires, spread):
    """Return the wires with every line's segments and lead larger or smaller by factors of its own."""
    rows, columns = wires.shape
    row, column, row_lead, column_lead = (
        np.maximum(1 + spread * random.standard_normal((lines, 1)), 0.05) for lines in (rows, columns, rows, columns)
    )
    return Wires(
        wires.row_segment_ohms * row, wires.column_segment_ohms * column, wires.row_lead_ohms * row_lead,
        wires.column_lead_ohms * column_lead,
    )  # fmt: skip


def _with_one_segment(random, wires):
    """Return the wires with one segment of 150 ohm; not the last one, which is part of its cell for all that pads see."""
    rows, columns = wires.shape
    segments = [np.array(wires.row_segment_ohms), np.array(wires.column_segment_ohms)]
    if random.random() < 0.5:
        segments[0][random.integers(rows), random.integers(columns - 2)] = 150.0
    else:
        segments[1][random.integers(columns), 1 + random.integers(rows - 2)] = 150.0
    return Wires(*segments, wires.row_lead_ohms, wires.column_lead_ohms)


def hidden(kind, seed, shape):
    """Return a chip with a misfit as a bench has it, and the simulation within."""
    random, content = np.random.default_rng(seed), copy.deepcopy(believed(shape))
    for name in WIRES:
        content["wires"][name]["value"] = float(random.uniform(*((1, 8) if "segment" in name else (5, 60))))
    description = ArrayDescription.from_mapping(content)
    wires, cells = wires_of(description), draw(description.family, shape, 1, 300.0, seed, CHIP)
    if kind.startswith("lines"):
        wires = _scaled(random, wires, 0.3 if "30" in kind else 0.7)
    if kind == "one segment":
        wires = _with_one_segment(random, wires)
    if kind == "contact":
        ohms = np.broadcast_to(np.abs(random.normal(0, 100, (shape[0], 1))), shape)
        wires = wires_of(description, ohms)
    if kind == "law":
        cells = replace(
            cells, **{name: 0.7 * getattr(cells, name) for name in ("half_volts_positive", "half_volts_negative")}
        )
    crossbar = SimulatedCrossbar(
        wires, replace(cells, contact_ohms=np.zeros(cells.cells)), seed=seed, name=CHIP,
        limits=description.limits.as_limits(), meter=load_bench("simulated").meter.model(),
    )  # fmt: skip
    if kind == "one range":
        crossbar._channels._gain[random.choice([2, 3, 4])] *= 1.005
    if kind == "gains":
        crossbar._channels._gain *= 1 + 0.003 * random.standard_normal(sum(shape))
    if kind == "path":
        first, second = random.choice(shape[0], 2, replace=False).tolist()
        return WithPath(crossbar, first, second, 10 ** random.uniform(-7, -5.5)), crossbar
    return crossbar, crossbar


def measured(kind, seed, shape, folder):
    """Return a hidden chip with the data file of all reads that a calibration can use."""
    bench, crossbar = hidden(kind, seed, shape)
    folder.mkdir(parents=True, exist_ok=True)
    log = JournalLog(JournalWriter.create(folder / "journal.lmj"))
    run = {"procedure": "-", "bench": {"kind": "simulated", "arrays": {"small": believed(shape)}}}
    log.attributes("", {"experiment": "misfit", "run": "run-1", "seed": seed})
    log.attributes("provenance", {"run_yaml": yamlfile.dumps(run)})
    CalibrationReads().execute(Recorded(bench, log, CHIP), LogWithin(log, f"arrays/{CHIP}"))
    log.commit()
    Checkpointer(folder / "journal.lmj", folder / "data.h5").checkpoint()
    log.journal.close()
    return Misfit(crossbar, folder / "data.h5")
