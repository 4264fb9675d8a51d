import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np

from labmtj.report import summary_text
from labmtj.report.said import _listed


def test_table_holds_the_medians_of_the_file(data: Path) -> None:
    rows = {
        line.split(" nm")[0]: line.split()
        for line in summary_text(data).splitlines()
        if line.split(" nm")[0].isdecimal()
    }
    assert list(rows) == ["35", "100"]
    with h5py.File(data) as file:
        for size, row in rows.items():
            station = file[f"wine/mtj-{size}nm-0"]
            variants = [name.decode() for name in station["accuracy/variant"][:]]
            table = station["solutions"]
            for column, variant in (
                (3, "software"),
                (4, "measured"),
                (5, "common"),
                (7, "per_layer"),
                (8, "per_solution"),
                (9, "refit_both"),
            ):
                accuracy = station["accuracy/accuracy"][variants.index(variant), 0]
                assert row[column] == f"{100 * np.median(accuracy):.1f}"
            cells = 13 * 12 * table["layer1_fidelity"][:] + 6 * 6 * table["layer2_fidelity"][:]
            assert row[2] == f"{100 * cells.mean() / 192:.2f}"
            assert row[6] == f"{station['tuning'].attrs['common_gain']:.2f}"
            assert int(row[10]) == table["layer1_pulses"][:].sum() + table["layer2_pulses"][:].sum()
            assert row[11] == f"{table['bench_seconds'][:].sum() / 3600:.2f}"


def test_fits_a_terminal_and_names_the_published_value(data: Path) -> None:
    text = summary_text(data)
    assert max(map(len, text.splitlines())) <= 80
    assert "published, after tuning: 95.3" in text


def test_summary_loads_no_drawing_library(data: Path) -> None:
    program = (
        "import sys, pathlib; from labmtj.report import summary_text; summary_text(pathlib.Path(sys.argv[1]));"
        "sys.exit(any(name in sys.modules for name in ('matplotlib', 'jinja2')))"
    )
    assert subprocess.run([sys.executable, "-c", program, str(data)], check=False).returncode == 0


def test_one_more_is_named_where_it_takes_no_more_room() -> None:
    names = [f"chip {number}" for number in range(7)]
    assert _listed(names[:5]).endswith("chip 3, chip 4")
    assert _listed(names[:6]).endswith("chip 3 and 2 more")
