"""Random and mutated lines per brand: no crash, no hang, and the error queue says so."""

import random
import re
import time

import pytest

from instruments.virtual import keithley2400, keithley2450, keithley7000, keysightb2200, keysightb2900
from labmtj.virtual.network.resistor import matrix_box, unit_box

LINES, TORTURE = 1500, 10_000
BRANDS = {
    "2400": lambda: keithley2400.Keithley2400(unit_box("1")),
    "2450": lambda: keithley2450.Keithley2450(unit_box("1")),
    "B2902A": lambda: keysightb2900.KeysightB2902A(unit_box("12")),
    "7002": lambda: keithley7000.Keithley7002(matrix_box({1: "7012-S", 2: "7012-S"}, 4, 10)),
    "B2201A": lambda: keysightb2200.KeysightB2201A(matrix_box({1: "B2211A", 2: "B2211A"}, 14, 12)),
}
ARGUMENTS = [
    "", "0", "1", "2", "-1", "0.5", "1e-3", "1E-9", "5", "12", "99", "1e999", "-1e308", "nan", "INF", "MIN", "MAX", "DEF", "ON",
    "OFF", "ONCE", "VOLT", "CURR", "FIX", "SWE", "LIST", "'CURR'", '"VOLT:DC"', "'", '"', '"defbuffer1"', "'a'", "(@1)", "(@1,2)",
    "(@1!1!1)", "(@1!1!1:1!2!3)", "(@00101)", "(@00101:00212)", "(@10102)", "(@", "@)", "(@)", "(@1:2:3)", "ALL", "0,ON", "0,10",
    "ALL,FREE", "0,'1,3'", "1,2,3", "0.1,0.2", ",", ";", "#", "#15abcde", "M1", "C7012S", "\x00", "\xff", "²1", "1V", "10 mV", "1 " * 9,
    "9" * 400, "SimpleLoop", '"SimpleLoop",3', "0,1,3", '0,1,3,0,1,AUTO,OFF,OFF,"defbuffer1"', "REAL,64", "NCON", "x" * 300,
]  # fmt: skip


def spelled(pattern, rng):
    """One of the spellings of a pattern."""
    text = re.sub(r"\[([^\[\]]*)\]", lambda m: rng.choice(["", m[1]]), pattern)
    text = re.sub(r"([A-Z]+)([a-z]*)", lambda m: m[1] + rng.choice(["", m[2]]), text)
    return rng.choice([str.lower, str.upper, str])(text.replace("#", rng.choice(["", "1", "2", "3", "99999"])))


def mutated(line, rng):
    for _ in range(rng.choice([0, 0, 1, 2, 5])):
        place = rng.randrange(len(line) + 1)
        line = rng.choice([
            line[:place] + line[place + 1 :],
            line[:place] + chr(rng.randrange(1, 256)) + line[place:],
            line[:place] + line[place // 2 :],
            line[:place] + rng.choice([";", ":", "?", ",", " ", "*", "(@", "'"]) + line[place:],
        ])  # fmt: skip
    return line.replace("\n", "")


def lines(box, seed, count):
    rng = random.Random(seed)
    patterns = [entry.pattern + ("?" if entry.asks else "") for entry in box._table]
    for _ in range(count):
        units = [
            f"{spelled(rng.choice(patterns), rng)} {rng.choice(ARGUMENTS)}" for _ in range(rng.choice([1, 1, 1, 2, 4]))
        ]
        yield mutated(";".join(units), rng)


@pytest.mark.parametrize("name", BRANDS)
def test_many_lines(name, torture):
    box, count = BRANDS[name](), TORTURE if torture else LINES
    slowest, errors, answers = 0.0, set(), 0
    for line in lines(box, name, count):
        started = time.process_time()
        reply = box.handle(line)
        slowest = max(slowest, time.process_time() - started)
        assert reply is None or isinstance(reply, str)
        answers += reply is not None
        errors.add(int(box.handle(":SYST:ERR?").split(",")[0]))
        if box.errors:
            box.handle("*CLS")
    assert box.handle("*IDN?") == box.identity()
    assert {0, -113, -104, -222} <= errors
    assert answers > count / 100
    assert slowest < 20, "seconds of this process, for a line that takes up to 300 000 readings: 4 on a busy machine"
