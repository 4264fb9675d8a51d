"""Print the lowest versions that pyproject.toml allows, a pin a line: `python tests/floors.py EXTRA ...`."""

import re
import sys
import tomllib
from pathlib import Path

_REQUIREMENT = re.compile(r"([A-Za-z0-9_-]+)\s*>=\s*([0-9][0-9.]*)")


def pins(extras: list[str]) -> list[str]:
    """Return "name==version" of every requirement with a floor, of the package itself and of the extras."""
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    return [f"{match[1]}=={match[2]}" for line in wanted if (match := _REQUIREMENT.match(line))]


if __name__ == "__main__":
    sys.stdout.write("\n".join(pins(sys.argv[1:])) + "\n")
