"""The laws of a device model: what the simulation relies on, whatever a cell is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pytest

from labmtj.device import CellArray, DescribedModel, DeviceModel, model_of
from labmtj.quantities import FloatArray

SHAPE = (4, 5)
TEMPERATURE_KELVIN = 300.0


class DeviceConformance:
    """Derive a test class from it that names a device as an array file does, with the family that stands there."""

    device: ClassVar[str]
    family: ClassVar[Mapping[str, Any]]
    polarities: ClassVar[tuple[int, ...]] = (1, -1)
    largest_volts: ClassVar[float] = 1.0
    """that the laws are tried up to"""

    @pytest.fixture
    def model(self) -> DeviceModel:
        """Return the model."""
        return model_of(self.device)

    @pytest.fixture
    def described(self, model: DeviceModel) -> DescribedModel:
        """Return the family."""
        return model.family.model_validate(dict(self.family))

    @pytest.fixture(params=[0, 1], ids=["polarity0", "polarity1"])
    def cells(self, model: DeviceModel, described: DescribedModel, request: pytest.FixtureRequest) -> CellArray:
        """Cells of a chip."""
        polarity = self.polarities[request.param % len(self.polarities)]
        return model.draw(described, SHAPE, polarity, TEMPERATURE_KELVIN, 3, "kit-0a")

    def volts(self) -> FloatArray:
        """Return voltages of both signs for all cells, (9, N)."""
        return np.linspace(-self.largest_volts, self.largest_volts, 9)[:, np.newaxis] * np.ones(SHAPE[0] * SHAPE[1])

    def test_it_is_what_it_says(self, model: DeviceModel, described: DescribedModel, cells: CellArray) -> None:
        assert cells.levels == len(model.states) == len(set(model.states)) >= 2
        assert cells.shape == SHAPE
        assert cells.cells == SHAPE[0] * SHAPE[1]
        for name in ("contact_ohms", "is_free"):
            assert getattr(cells, name).shape == (cells.cells,), name
        assert model.nominal_ohms(described).shape == (cells.levels,)
        assert all(line.strip() for line in model.lines(described))

    def test_nominal_resistance_falls_from_state_to_state(self, model: DeviceModel, described: DescribedModel) -> None:
        ohms = model.nominal_ohms(described)
        assert (ohms > 0).all()
        assert (np.diff(ohms) < 0).all(), ohms

    def test_the_same_seed_gives_the_same_cells_and_another_name_others(
        self, model: DeviceModel, described: DescribedModel
    ) -> None:
        one, same, other = (
            model.draw(described, SHAPE, self.polarities[0], TEMPERATURE_KELVIN, 3, name)
            for name in ("kit-0a", "kit-0a", "kit-0b")
        )
        for state in range(one.levels):
            ohms, again, others = (each.conduction(_all(each, state)).zero_bias_ohms for each in (one, same, other))
            np.testing.assert_array_equal(ohms, again)
            if np.ptp(ohms):
                assert (ohms != others).any()

    def test_rates_are_the_row_sums_of_transitions_and_not_negative(self, cells: CellArray) -> None:
        for state in range(cells.levels):
            switching = cells.switching(_all(cells, state))
            for volts in self.volts():
                rates = switching.rates(volts)
                assert rates.shape == (cells.cells,)
                assert (rates >= 0).all(), f"rates of state {state} at {volts[0]:g} V are negative"
                for cell in range(0, cells.cells, 7):
                    table = switching.transitions(cell, float(volts[cell]))
                    assert table.shape == (cells.levels, cells.levels)
                    assert (table >= 0).all(), f"transitions at {volts[0]:g} V are negative"
                    assert not np.diag(table).any()
                    assert table[state].sum() == pytest.approx(rates[cell], rel=1e-9, abs=1e-300)

    def test_cells_that_are_not_free_have_no_rates(self, cells: CellArray) -> None:
        worn = cells.broken(np.arange(0, cells.cells, 2))
        for state in range(worn.levels):
            rates = worn.switching(_all(worn, state)).rates(self.volts())
            assert not rates[:, ~worn.is_free].any()

    def test_conduction_is_passive_and_its_derivative_is_that_of_its_current(self, cells: CellArray) -> None:
        volts = self.volts()
        for state in range(cells.levels):
            conduction, step = cells.conduction(_all(cells, state)), 1e-5 * self.largest_volts
            amperes = conduction.amperes(volts)
            assert amperes.shape == volts.shape
            assert (amperes * volts >= 0).all(), "a cell gives energy"
            assert not conduction.amperes(np.zeros(cells.cells)).any()
            slope = (conduction.amperes(volts + step) - conduction.amperes(volts - step)) / (2 * step)
            siemens = np.broadcast_to(conduction.differential_siemens(volts), volts.shape)
            away = np.abs(volts) > step  # a law may have a kink at 0 V
            np.testing.assert_allclose(siemens[away], slope[away], rtol=1e-5)
            np.testing.assert_allclose(
                1 / conduction.zero_bias_ohms, conduction.amperes(volts * 0 + step)[0] / step, rtol=1e-3
            )

    def test_setting_a_cell_is_as_building_anew(self, cells: CellArray) -> None:
        final = np.arange(cells.cells) % cells.levels
        conduction, switching = cells.conduction(_all(cells, 0)), cells.switching(_all(cells, 0))
        for cell, state in enumerate(final):
            conduction.set_cell(cell, int(state), 1.1)
            switching.set_cell(cell, int(state))
        built = cells.conduction(final.astype(np.int8), np.full(cells.cells, 1.1))
        volts = self.volts()
        np.testing.assert_allclose(conduction.zero_bias_ohms, built.zero_bias_ohms, rtol=1e-12)
        np.testing.assert_allclose(conduction.amperes(volts), built.amperes(volts), rtol=1e-12)
        np.testing.assert_allclose(
            switching.rates(volts), cells.switching(final.astype(np.int8)).rates(volts), rtol=1e-12
        )

    def test_a_broken_cell_is_broken_in_every_state(self, cells: CellArray) -> None:
        before = cells.conduction(_all(cells, 0)).zero_bias_ohms.copy()
        worn = cells.broken(np.array([1, 6]))
        assert not worn.is_free[[1, 6]].any()
        ohms = [worn.conduction(_all(worn, state)).zero_bias_ohms for state in range(worn.levels)]
        for each in ohms:
            np.testing.assert_array_equal(each[[1, 6]], ohms[0][[1, 6]])
        again = worn.broken(2).conduction(_all(worn, 0)).zero_bias_ohms
        np.testing.assert_array_equal(again[[1, 6]], ohms[0][[1, 6]])
        np.testing.assert_array_equal(cells.conduction(_all(cells, 0)).zero_bias_ohms, before)

    def test_noise_is_a_number_for_every_cell(self, cells: CellArray) -> None:
        conduction, volts = cells.conduction(_all(cells, 0)), self.volts()
        rms = cells.noise_rms_amperes(_all(cells, 0), volts, conduction.amperes(volts), 0.02)
        assert np.shape(rms) == volts.shape
        assert (rms >= 0).all()


def _all(cells: CellArray, state: int) -> Any:
    return np.full(cells.cells, state, np.int8)
