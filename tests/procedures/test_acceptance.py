"""Accuracy of the public solutions on arrays of five sizes, against figures computed with another program.

Conditions: RA 10 ohm um^2, TMR 1 with 5 % spread, sigma of ln R = sqrt((2 * 1.5 nm / D)^2 + (3 %)^2), 1 % of the cells
in the wrong state, wires 3 ohm per segment and 20 ohm per line, cells linear, two chips per size that hold all solutions
in turn, three seeds. The figures are medians on the 148 training samples.
"""

from functools import cache

import numpy as np
import pytest

from labmtj.circuit import PortState, response_of
from labmtj.network import Mapping, Solutions, load_wine, pairs, tuning
from labmtj.streams import stream

SHAPE = (15, 15)
MARGIN = 0.015


@pytest.fixture(scope="module")
def public(nist_folder):
    return Solutions.load(nist_folder / "solutions-000-099.npz")


def layer_matrices(bits, block, response, diameter_nm, generator):
    """Return the weights of one layer as one chip shows them, (solutions, inputs, neurons), in units of nominal dG."""
    cells, parallel = SHAPE[0] * SHAPE[1], 10.0 / (np.pi * (diameter_nm * 1e-3) ** 2 / 4)
    ohms = parallel * np.exp(np.hypot(2 * 1.5 / diameter_nm, 0.03) * generator.standard_normal(cells))
    tmr = 1 + 0.05 * generator.standard_normal(cells)
    matrices = []
    for target in block.place(bits, SHAPE):
        state = target.ravel() ^ (generator.random(cells) < 0.01)
        ports = PortState(response, np.where(state, ohms, ohms * (1 + tmr)))
        transfer = -ports.admittance[SHAPE[0] :, : SHAPE[0]].T  # out of each column per volt on each row
        matrices.append(pairs.difference(block.take(transfer)))
    return np.array(matrices) * 2 * parallel


@pytest.fixture(scope="module")
def curves(public, wires):
    """Return a function from a diameter to the accuracies, (seeds, solutions, gains)."""

    @cache
    def build(diameter_nm):
        wine, blocks = load_wine(), Mapping.of(public).blocks
        response = response_of(wires(SHAPE, 3.0, 20.0))
        scans = []
        for seed in range(3):
            w1, w2 = (
                layer_matrices(bits, block, response, diameter_nm, stream(seed, "acceptance", diameter_nm, layer))
                for layer, (bits, block) in enumerate(zip((public.w1, public.w2), blocks, strict=True))
            )
            features = wine.features[wine.train]
            scans.append(tuning.scan_common(features @ w1, w2, public.b1, public.b2, wine.classes[wine.train]))
        return np.array(scans)

    return build


def at(curves, gain):
    """Return the median over solutions at a gain, (...)."""
    return np.median(curves[..., np.argmin(np.abs(tuning.GAINS - gain))], axis=-1)


def within(value, low, high, margin=MARGIN):
    assert low - margin <= value <= high + margin, f"{value:.4f} is outside {low} to {high} +- {margin}"


SIZES = [25, 35, 50, 75, 100]


def columns(*figures):
    """Return the rows of a table: the size and one figure of each column."""
    return list(zip(SIZES, *figures, strict=True))


@pytest.mark.parametrize(
    ("diameter_nm", "low", "high"),
    columns((0.92, 0.946, 0.96, 0.97, 0.97), (0.94, 0.953, 0.97, 0.97, 0.97)),
)
def test_accuracy_with_one_gain_for_all(curves, diameter_nm, low, high):
    scans = curves(diameter_nm)
    within(np.mean([at(scan, tuning.best_common(scan)) for scan in scans]), low, high)


@pytest.mark.parametrize(("diameter_nm", "expected"), columns((0.973, 0.98, 0.986, 0.986, 0.986)))
def test_accuracy_with_a_gain_for_each(curves, diameter_nm, expected):
    within(np.median(curves(diameter_nm).max(axis=2), axis=1).mean(), expected, expected)


@pytest.mark.parametrize(("diameter_nm", "gain"), columns((0.85, 0.80, 0.725, 0.60, 0.45)))
def test_the_best_gain_of_all_300_serves_these(curves, diameter_nm, gain):
    """The optimum is flat: what counts is what the gain that was best for the whole set costs, not where the peak is."""
    scans = curves(diameter_nm)
    best = np.mean([at(scan, tuning.best_common(scan)) for scan in scans])
    within(at(scans, gain).mean(), best, best)


WHOLE_SET = {1.0: 0.980, 1.25: 0.909, 1.5: 0.736, 2.0: 0.520}
"""median of all 300 solutions in software at these gains; the first 100, used here, stand a wrong gain better"""


@pytest.mark.parametrize(
    ("diameter_nm", "low", "high"), columns((0.92, 0.93, 0.89, 0.72, 0.55), (0.93, 0.93, 0.90, 0.74, 0.56))
)
def test_accuracy_without_tuning(curves, public, diameter_nm, low, high):
    """The figures are for 300 solutions: they are moved by what the first 100 score more at the same gain in software."""
    wine = load_wine()
    w1, w2 = pairs.difference(public.w1), pairs.difference(public.w2)
    products, classes = wine.features[wine.train] @ w1, wine.classes[wine.train]
    software = tuning.scan_common(products, w2, public.b1, public.b2, classes, np.array(list(WHOLE_SET)))
    more = np.median(software, axis=0) - list(WHOLE_SET.values())
    shift = np.interp(-(low + high) / 2, [-value for value in WHOLE_SET.values()], more)
    assert 0.0 <= shift < 0.03
    within(at(curves(diameter_nm), 1.0).mean(), low + shift, high + shift)
