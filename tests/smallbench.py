"""A bench whose chip is small, for what is proven message by message."""

import re

import pytest

from labmtj import library, yamlfile


def alone(lines):
    """Iterate the ends of lines one by one: `matrix.1.1-4` is four."""
    for line in lines:
        found = re.fullmatch(r"(.*\.)(\d+)-(\d+)", line) if isinstance(line, str) else None
        yield from (f"{found[1]}{k}" for k in range(int(found[2]), int(found[3]) + 1)) if found else [line]


@pytest.fixture(scope="session")
def small_bench():
    """Return a function that writes a bench with a small chip, real and virtual, into a folder.

    What is proven of a run on instruments, message by message, needs no chip of 225 cells: each is read by some of its
    own. The files are bench.yaml, as that of the bench with its name, virtual.yaml and small.yaml, the array.
    """

    def small_bench(folder, of="2636b-3706a", *, shape=(4, 4), resources=(), change=lambda content: None):
        """Write the files; `resources` are put where the instruments are reached; `change` changes bench.yaml."""
        data = library.folder()
        array = yamlfile.load(data / "arrays" / "mtj-50nm.yaml").content
        (folder / "small.yaml").write_text(yamlfile.dumps(array | {"name": "small", "shape": list(shape)}))
        bench = yamlfile.load(data / "benches" / f"{of}.yaml").content
        bench["chip"]["array"] = "small.yaml"
        for name, count in zip(("rows", "columns"), shape, strict=True):
            bench["lines"][name] = list(alone(bench["lines"][name]))[:count]
        for instrument, resource in zip(bench["instruments"].values(), resources, strict=False):
            instrument["resource"] = resource
        change(bench)
        (folder / "bench.yaml").write_text(yamlfile.dumps(bench))
        (folder / "virtual.yaml").write_text("kind: virtual\nof: bench.yaml\narrays: [small.yaml]\nseed: 1\n")
        return folder

    return small_bench
