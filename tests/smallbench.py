"""A bench whose chip is small, for what is proven message by message."""

import re

import pytest

from labmtj import library


@pytest.fixture(scope="session")
def small_bench():
    """Return a function that writes a bench with a chip of 4 x 4 cells, real and virtual, into a folder.

    What is proven of a run on instruments, message by message, needs no chip of 225 cells: each is read by some of its
    own. `of` is a bench that comes with labmtj; `resources` are put where its instruments are reached, in their order.
    """
    data = library.folder()

    def small_bench(folder, of="2636b-3706a", resources=(), change=lambda text: text):
        array = (data / "arrays" / "mtj-50nm.yaml").read_text()
        array = array.replace("name: mtj-50nm", "name: small").replace("shape: [15, 15]", "shape: [4, 4]")
        (folder / "small.yaml").write_text(array)
        bench = (data / "benches" / f"{of}.yaml").read_text().replace("array: mtj-50nm", "array: small.yaml")
        bench = re.sub(r"  rows: .*", "  rows: [matrix.1.1-4]", bench)
        bench = re.sub(r"  columns: .*", "  columns: [matrix.2.1-4]", bench)
        given = iter(resources)
        bench = re.sub(r'resource: "(.*?)"', lambda found: f'resource: "{next(given, found[1])}"', bench)
        (folder / "bench.yaml").write_text(change(bench))
        (folder / "virtual.yaml").write_text("kind: virtual\nof: bench.yaml\narrays: [small.yaml]\n")
        return folder

    return small_bench
