"""Whether stated intervals say the truth where the simplest model is wrong: hidden chips of nine kinds, printed (case A2).

Alone (30 min on one core that is free): pytest tests/benchmarks/test_misfit.py -s. Arrays of 8 x 7 cells, as in
test_coverage: 15 x 15 take ten times as long.
"""

import shutil
import time

import numpy as np
import pytest

from labmtj.calibration.calibrate import calibrate

CHIPS, SHAPE = 200, (8, 7)
KINDS = ("none", "lines 30 %", "lines 70 %", "one segment", "one range", "gains", "path", "contact", "law")


@pytest.mark.parametrize("kind", KINDS)
def test_coverage(kind, misfits, tmp_path):
    errors, stated, refused, seconds = [], [], 0, 0.0
    for seed in range(CHIPS):
        chip = misfits.measured(kind, seed, SHAPE, tmp_path / "run")
        begun = time.process_time()
        found = calibrate(chip.data)
        seconds += time.process_time() - begun
        shutil.rmtree(tmp_path / "run")
        refused += bool(found.misfit)
        error, sigma = chip.errors(found)
        errors.append(error)
        stated.append(sigma)
    error, sigma = np.abs(np.hstack(errors)), np.hstack(stated)
    covered = (error < 1.96 * sigma).mean(axis=1)
    print(
        f"\n{kind:<12} P: median error {np.median(error[0]):.3%}, stated {np.median(sigma[0]):.3%}, covered "
        f"{covered[0]:.1%}; AP: {np.median(error[1]):.3%}, {np.median(sigma[1]):.3%}, {covered[1]:.1%}; of {error.shape[1]} "
        f"cells; refused {refused} of {CHIPS} chips; {seconds / CHIPS:.2f} s each",
        end="",
    )
    assert (covered > 0.90).all()
    assert (covered < 0.985).all()
