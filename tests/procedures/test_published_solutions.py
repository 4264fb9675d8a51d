"""The public NIST solutions on arrays under fixed conditions: accuracies before and after tuning.

Conditions: RA 10 ohm um^2, TMR 1 with a spread of 5 %, R spread by sqrt((2 x 1.5 nm / D)^2 + (3 %)^2), 1 % random write
errors, no defects, two chips per size fixed over all solutions, linear cells, wires of 3 ohm per segment and 20 ohm at
either end. The bands are the medians over all 300 solutions on the 148 samples that a separate prototype found.

Here are the first 100 solutions. Untuned and strongly attenuated they beat all 300 by 1 to 3 points, in software
already; `subset_advantage` takes that into account. One pair of chips moves a median by +-2 points, so there are eight.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from labmtj.circuit import PortState, Wires, response_of
from labmtj.perceptron import Mapping, Solutions, load_wine, network, pairs, tuning

NIST = Path(os.environ.get("LABMTJ_NIST_WINE", Path(__file__).parents[2] / ".." / "shared" / "data" / "nist-wine"))
SHAPE = (15, 15)
WITHIN = 0.015
BANDS = {  # diameter in nm: (at g = 1), (common g), (g of each solution), in %
    25: ((92, 93), (92, 94), (97.3, 97.3)),
    35: ((93, 93), (94.6, 95.3), (98.0, 98.0)),
    50: ((89, 90), (96, 97), (98.6, 98.6)),
    75: ((72, 74), (97, 97), (98.6, 98.6)),
    100: ((55, 56), (97, 97), (98.6, 98.6)),
}

ATTENUATED = {50: 1.25, 75: 1.5, 100: 2.0}
"""the g at which software is as badly scaled as these arrays are at g = 1: 0.9 over their common g"""
ALL_300 = {1.25: 0.909, 1.5: 0.736, 2.0: 0.520}
"""median accuracy of all 300 solutions in software on the 148, at these g"""
SEEDS = 8

pytestmark = pytest.mark.skipif(not NIST.is_dir(), reason="the public NIST solutions are not here")


def chip(diameter, rng):
    """Return P and AP resistances of one chip, (cells,)."""
    spread = np.hypot(2 * 1.5 / diameter, 0.03)
    parallel = 1e-11 / (np.pi * (diameter * 1e-9) ** 2 / 4) * np.exp(spread * rng.standard_normal(225))
    return parallel, parallel * (1 + 1 + 0.05 * rng.standard_normal(225))


def transfers(targets, block, ohms, response, rng):
    """Return the transfer matrix of the block for every target with 1 % of the array's cells wrong, in siemens."""
    matrices = []
    for target in targets:
        state = target.ravel().copy()
        # of the addressed cells, a hundredth: which ones is drawn anew for every write
        cells = block.flat_cells(SHAPE)
        wrong = cells[rng.random(len(cells)) < 0.01]
        state[wrong] = ~state[wrong]
        admittance = PortState(response, np.where(state, ohms[0], ohms[1])).admittance
        matrices.append(block.take(-admittance[15:, :15].T))
    return np.array(matrices)


@pytest.fixture(scope="module")
def accuracies():
    solutions = Solutions.load(NIST / "solutions-000-099.npz")
    wine = load_wine()
    x, labels = wine.features[wine.train], wine.classes[wine.train]
    mapping = Mapping.of(solutions)
    ohms = dict.fromkeys(("row_segment_ohms", "column_segment_ohms"), 3.0)
    response = response_of(Wires.uniform(SHAPE, **ohms, row_lead_ohms=20.0, column_lead_ohms=20.0))
    found = {}
    for diameter in BANDS:
        delta = 0.5 * np.pi * (diameter * 1e-9) ** 2 / 4 / 1e-11
        rows = []
        for seed in range(SEEDS):
            rng = np.random.default_rng([diameter, seed])
            t1, t2 = (
                pairs.difference(transfers(targets, block, chip(diameter, rng), response, rng)) / delta
                for targets, block in zip(mapping.targets(solutions, SHAPE, SHAPE), mapping.blocks, strict=True)
            )
            curves = tuning.scan_common(x @ t1, t2, solutions.b1, solutions.b2, labels)
            rows.append(
                [
                    curves[:, tuning.GAINS == 1.0].ravel(),
                    curves[:, tuning.best_common(curves) == tuning.GAINS].ravel(),
                    curves.max(axis=1),
                ]
            )
        found[diameter] = np.median(np.concatenate(rows, axis=1), axis=1)
    return found


def subset_advantage(diameter):
    """Return by how much the first 100 solutions beat all 300 in software, scaled as badly as this array scales them."""
    if diameter not in ATTENUATED:
        return 0.0
    gain = ATTENUATED[diameter]
    solutions, wine = Solutions.load(NIST / "solutions-000-099.npz"), load_wine()
    weights = (solutions.effective1, solutions.b1, solutions.effective2, solutions.b2)
    logits = network.logits(wine.features[wine.train], *weights, gain)
    return float(np.median(network.accuracy(logits, wine.classes[wine.train]))) - ALL_300[gain]


@pytest.mark.parametrize("diameter", BANDS)
def test_medians_lie_in_the_bands(accuracies, diameter):
    values = accuracies[diameter] - np.array([subset_advantage(diameter), 0.0, 0.0])
    for name, found, (low, high) in zip(("g = 1", "common g", "own g"), values, BANDS[diameter], strict=True):
        assert low / 100 - WITHIN <= found <= high / 100 + WITHIN, f"{diameter} nm, {name}: {found:.4f}"


def test_golden_counts_in_software():
    solutions, wine = Solutions.load(NIST / "solutions-000-099.npz")[:10], load_wine()
    logits = network.logits(wine.features, solutions.effective1, solutions.b1, solutions.effective2, solutions.b2)
    assert network.correct(logits[:, wine.train], wine.classes[wine.train]).tolist() == [
        147,
        146,
        146,
        144,
        143,
        148,
        143,
        143,
        145,
        140,
    ]
    assert network.correct(logits[:, wine.test], wine.classes[wine.test]).tolist() == [
        29,
        28,
        30,
        28,
        23,
        27,
        29,
        28,
        29,
        29,
    ]
