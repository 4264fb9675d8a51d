"""Every name of the Series 2600B manual: set, read back, default after reset; one walk over the table of names.

The facts beside the checkout (names, kinds and defaults of the maker's public web help) are the independent answer.
"""

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from instruments.virtual.keithley2600 import Keithley2636B
from labmtj.virtual.network.terminals import Box
from labmtj.virtual.tsp.names import UNKNOWN, Row, read_table

FACTS = Path(__file__).resolve().parents[5] / "shared" / "facts" / "commands" / "tsp-2600b.tsv"
ROWS = [row for table in Keithley2636B.tables for row in read_table(table)]
OBJECTS = {"bufferVar.": "smua.nvbuffer1.", "scriptVar.": "walked.", "fileVar:": "file.", "node.N.": "node[1]."}
OTHER_VALUES = {
    "number": "7", "text": '"other"', "bool": None, "code": None, "": None,
}  # fmt: skip
BY_CODE = {
    "smu{a,b}.measure.delay": "0.01", "smu{a,b}.measure.lowrange{i,v}": "1", "smu{a,b}.measure.range{i,v}": "1",
    "smu{a,b}.source.delay": "0.01", "smu{a,b}.source.level{i,v}": "0.05", "smu{a,b}.source.limit{i,v}": "0.5",
    "smu{a,b}.source.lowrange{i,v}": "0.9", "smu{a,b}.source.offlimit{i,v}": "0.5",
    "smu{a,b}.source.range{i,v}": "0.9", "display.screen": "1", "localnode.description": '"mine"',
}  # fmt: skip
"""another value of what the table leaves to code"""
ELSEWHERE = {
    "smu{a,b}.cal.adjustdate", "smu{a,b}.cal.date", "smu{a,b}.cal.due",  # locked
    "scriptVar.source",  # may only be forgotten
}  # fmt: skip


RESTORED = {"localnode.linefreq": "localnode.autolinefreq = true"}
"""what writing a name changes beside it"""


@pytest.fixture
def smu(resistor_box: Callable[..., Box]) -> Iterator[Keithley2636B]:
    box = Keithley2636B(resistor_box("a", "b"), script_seconds=60.0)
    box.handle('walked = script.new("x = 1", "walked") file = io.open("walked", "w")')
    yield box
    box.close()


def _written(path: tuple[str | int, ...]) -> str:
    name = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")
    for manual, here in OBJECTS.items():
        name = here + name.removeprefix(manual) if name.startswith(manual) else name
    return name


def _other(row: Row, default: str) -> str | None:
    """Return another value that the table allows, as a script writes it."""
    rule = row.accepts.partition("!")[0].strip()
    if row.name in BY_CODE:
        return BY_CODE[row.name]
    if rule == "bool":
        return "false" if default == "true" else "true"
    if rule in OTHER_VALUES:
        return OTHER_VALUES[rule]
    if "|" in rule:
        return next(each for each in rule.split("|") if _told(each) != default)
    lowest, _, highest = rule.partition("..")
    middle = (float(lowest) + float(highest)) / 2
    return repr(middle) if "." in rule.replace("..", "") or "e" in rule else str(int(middle))


def _told(literal: str) -> str:
    return literal.strip('"') if literal.startswith('"') else f"{float(literal):.15e}"


def test_every_name_of_the_manual_is_in_the_table() -> None:
    if not FACTS.exists():
        pytest.skip("the facts are not beside this checkout")
    manual = [line.split("\t")[0] for line in FACTS.read_text().splitlines()[1:]]
    known = {row.manual_name.replace("trigger_overrun", "") for row in ROWS if row.kind != UNKNOWN}
    missing = [name for name in manual if re.sub("trigger_overr+un", "", name) not in known]
    assert len(manual) == 431
    assert len(manual) - len(missing) >= 400
    assert missing == []


def test_defaults_of_the_table_are_those_of_the_manual() -> None:
    if not FACTS.exists():
        pytest.skip("the facts are not beside this checkout")
    lines = (line.split("\t") for line in FACTS.read_text().splitlines()[1:])
    manual = {name: (kind, reset, default) for name, kind, reset, default, *_ in lines}
    compared = 0
    for row in ROWS:
        _, reset, default = manual.get(row.manual_name, ("", "", ""))
        number = re.match(r'-?\d+(\.\d+)?(e-?\d+)?(?=$| \()|"[^"]*"|true|false', default)
        if row.kind == "rw" and number and row.default != "{}":
            answer = number.group()
            same = row.default == answer if answer[0] in '"tf' else float(row.default) == float(answer)
            assert same, (row, default)
            assert (row.reset == "reset") == ("Instrument reset" in reset), row
            compared += 1
    assert compared > 90


def test_the_walk_over_the_table(smu: Keithley2636B) -> None:
    """Attributes: default after reset, another value, read back, default again; functions and constants are there."""
    smu.handle("reset() errorqueue.clear()")
    problems: list[str] = []
    walked = 0

    def ask(expression: str) -> str:
        return str(smu.handle(f"format.asciiprecision = 16 print({expression})")).split("\n")[0]  # prompts may follow

    for row in ROWS:
        if row.kind == UNKNOWN or row.name.endswith(".*"):
            continue
        paths = list(row.paths())
        for path in (paths[0], paths[-1]) if len(paths) > 1 else paths:
            problems += _walk(ask, smu, row, _written(path))
            queued = smu.handle("while errorqueue.count > 0 do print(errorqueue.next()) end")
            problems += [f"{_written(path)}: {queued}"] if queued else []
            walked += 1
    assert not problems, "\n".join(problems)
    assert walked > 500


def _walk(ask: Callable[[str], str], smu: Keithley2636B, row: Row, name: str) -> list[str]:
    if row.kind == "f":
        return [] if ask(f"type({name})") == "function" else [f"{name} is no function"]
    if row.kind == "rw":
        return _walk_attribute(ask, smu, row, name)
    if row.kind in "rc":
        smu.handle(f"local x = {name}")  # one that cannot be read is in the error queue
    return []


def _walk_attribute(ask: Callable[[str], str], smu: Keithley2636B, row: Row, name: str) -> list[str]:
    if row.name == "format.asciiprecision":
        return []  # it is what this walk sees with; tests of the language walk it
    problems = []
    default = ask(name)
    wanted = row.default
    if wanted != "{}" and default != (wanted if wanted in ("true", "false") else _told(wanted)):
        problems.append(f"{name} is {default}, not {wanted}")
    other = _other(row, default)
    if other is None or row.name in ELSEWHERE:
        return problems
    smu.handle(f"{name} = {other}")
    kept = ask(name)
    exact = row.name not in BY_CODE or "range" not in row.name
    answer = other if other in ("true", "false") else _told(other)
    if kept != answer if exact else kept == default:
        problems.append(f"{name} = {other} reads {kept}")
    if row.reset == "reset":
        smu.handle("reset()")
        if ask(name) != default:
            problems.append(f"{name} is {ask(name)} after reset, not {default}")
    else:
        smu.handle("reset()")
        if ask(name) != kept and "nvbuffer" not in name:
            problems.append(f"{name} does not outlive a reset: {ask(name)}, not {kept}")
        back = default if default in ("true", "false") else f'"{default}"' if other.startswith('"') else default
        smu.handle(f"{name} = {back} {RESTORED.get(name, '')}" if default != "nil" else "")
    return problems


def test_the_walk_over_the_status_registers(smu: Keithley2636B) -> None:
    registers = [path for row in ROWS if row.name.endswith(".*") for path in row.paths()]
    assert len(registers) > 30
    for path in registers:
        name = _written(path[:-1])
        assert smu.handle(f"{name}.enable = 5 print({name}.enable, {name}.condition)") == "5.00000e+00\t0.00000e+00", (
            name
        )
        assert smu.handle(f"{name}.ntr = 3 print({name}.ntr) status.reset()") == "3.00000e+00"
        answer = smu.handle(f"local x = {name}.event print({name}.enable, {name}.ntr, {name}.ptr)")
        assert answer == "0.00000e+00\t0.00000e+00\t3.27670e+04", name
    assert smu.handle("print(errorqueue.count)") == "0.00000e+00"


VALUES = (
    "nil",
    "'x'",
    "-1",
    "1",
    "2.5",
    "1e9",
    "{}",
    "{1, 2}",
    "{a = 1}",
    "smua",
    "smua.nvbuffer1",
    "true",
    "print",
    "0/0",
)


def test_no_parameter_of_any_name_ends_the_script_processor(smu: Keithley2636B) -> None:
    chance = random.Random(20261130)
    for row in ROWS:
        name = _written(next(iter(row.paths())))
        if row.kind not in ("f", "rw") or row.name.endswith(".*") or name in ("delay", "waitcomplete", "exit"):
            continue
        for _ in range(4):
            given = chance.choices(VALUES, k=chance.randint(0, 9))
            smu.handle(f"{name}({', '.join(given)})" if row.kind == "f" else f"{name} = {chance.choice(VALUES)}")
            assert smu.reboots == 0, (name, given)
    smu.power_cycle()
    assert smu.handle("print(1)") == "1.00000e+00"
