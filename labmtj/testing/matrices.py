"""What every driver of a switch matrix keeps to, tried with its virtual instrument over a socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from labmtj import verbs
from labmtj.bench.files.laboratory import InstrumentFile
from labmtj.errors import UsageError
from labmtj.testing.benches import NOWHERE, ServedBench, matrix_bench, serve
from labmtj.testing.instruments import InstrumentConformance
from labmtj.virtual.assembly import virtual_class


class MatrixConformance(InstrumentConformance):
    """Derive a test class from it that names a driver, and a card in its first slot, as a bench file does."""

    name = "matrix"
    card: ClassVar[str]

    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[ServedBench]:
        """Serve the virtual instrument."""
        with serve(matrix_bench(tmp_path, self.driver, self.options, self.card)) as bench:
            yield bench

    @pytest.fixture
    def matrix(self, bench: ServedBench) -> Iterator[verbs.SwitchMatrix]:
        """Connect; the matrix is made safe first, and afterwards."""
        with bench.session(self.name) as matrix:
            matrix.make_safe()
            yield matrix
            matrix.make_safe()

    @property
    def size(self) -> tuple[int, int]:
        """Return rows and columns of the card."""
        instrument = InstrumentFile(driver=self.driver, resource=NOWHERE, cards={1: self.card})
        rows, columns = virtual_class(self.name, instrument).geometry({1: self.card})[1]
        return rows, columns

    def test_it_has_the_verbs_of_a_switch_matrix(self, matrix: verbs.SwitchMatrix) -> None:
        self.assert_verbs(matrix, verbs.SwitchMatrix)
        assert matrix.relay_seconds > 0

    def test_connecting_changes_nothing(self, bench: ServedBench) -> None:
        with bench.session(self.name) as matrix:
            matrix.make_safe()
            matrix.switch([], [matrix.crosspoint(1, 2, 3)])
            before = truly_closed(bench)
        with bench.session(self.name) as matrix:
            matrix.self_test()
            assert truly_closed(bench) == before, "a relay moved by connecting"
            matrix.make_safe()

    def test_every_crosspoint_has_its_own_name_and_no_other_exists(self, matrix: verbs.SwitchMatrix) -> None:
        rows, columns = self.size
        places = [(1, row + 1, column + 1) for row in range(rows) for column in range(columns)]
        assert len({matrix.crosspoint(*place) for place in places}) == rows * columns
        for place in ((1, 0, 1), (1, 1, 0), (1, rows + 1, 1), (1, 1, columns + 1), (99, 1, 1)):
            with pytest.raises(UsageError):
                matrix.crosspoint(*place)

    def test_relays_move_as_asked_and_no_others(self, bench: ServedBench, matrix: verbs.SwitchMatrix) -> None:
        rest, places = truly_closed(bench), [(1, 2, 2), (1, 3, 4)]
        one, other = (matrix.crosspoint(*place) for place in places)
        matrix.switch([], [one, other])
        assert truly_closed(bench) - rest == set(places)
        assert {one, other} <= matrix.closed()
        matrix.switch([one], [])
        assert truly_closed(bench) - rest == {places[1]}
        matrix.make_safe()
        assert truly_closed(bench) == rest


def truly_closed(bench: ServedBench) -> set[tuple[int, int, int]]:
    """Return the relays that are closed, whatever a driver believes: slot, row, column."""
    return set(bench.served.bench.network.relays["matrix"].closed())
