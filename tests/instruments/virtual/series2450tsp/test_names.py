"""Every name of the 2450 reference in the TSP language is known and behaves."""

from instruments.virtual.keithley2450tsp import Keithley2450Scripts
from instruments.virtual.series2450tsp.constants import constants

LEAST_SHARE = 0.9
OTHERWISE = {
    "localnode.prompts", "smu.measure.autorangehigh", "digio.line[N].state", "trigger.timer[N].delaylist",
}  # fmt: skip
"""that take another value only after something else, or change the answer to the question: they have tests of their own"""
VALUES = tuple(f"{table}.{name}" for table, names in constants().items() for name in names if "ATTR" not in name)


def path(name: str) -> str:
    """Return the name with the first of what there are several of, and of a thing that a script has made."""
    first = name.replace("[N]", "[1]").replace("[M]", "[1]").replace("[Y]", "[1]")
    return first.replace("bufferVar.", "defbuffer1.").replace("scriptVar.", "made.")


def test_the_names_of_the_manual_are_known_and_behave(smu, walk, facts):
    smu.box.handle("loadscript made\nprint(1)\nendscript")
    smu.do("smu.source.output = smu.ON smu.measure.read() smu.source.output = smu.OFF")
    box = walk(smu.do, smu.errors, (*VALUES, "defbuffer2"))
    missing, wrong = [], []
    for name, kind, affected, default, *_ in facts("tsp-2450.tsv"):
        if name.startswith("*") or " " in name:
            continue  # common commands, and the blocks and models that functions take
        if not box.exists(path(name)):
            missing.append(name)
        elif kind == "Function" and not box.is_function(path(name)):
            wrong.append(f"{name} is no function")
        elif "(RW)" in kind and name not in OTHERWISE:
            wrong += box.wrong(path(name), affected, default)
    assert not missing, missing
    assert not wrong, "\n".join(wrong)


def test_a_script_without_its_end_takes_every_line(smu):
    for line in ("loadandrunscript", "print(1", "*IDN?", "print(2)"):
        assert smu.box.handle(line) is None
    for line in ("return", "do end", "endscript"):
        assert smu.box.handle(line) is None
    assert smu.errors().startswith("-285")
    assert smu("3").startswith("3")


def test_most_of_the_names_are_known(facts):
    coverage = Keithley2450Scripts.coverage()
    assert coverage is not None
    assert len(coverage.names & coverage.known) >= LEAST_SHARE * len(coverage.names)
    assert {row[0].replace("[Y]", "[N]") for row in facts("tsp-2450.tsv")} == coverage.names


def test_what_its_elders_have_is_not_there(smu):
    for name in ("errorqueue", "smua", "trigger.timer[1].EVENT_ID", "digio.trigger", "display.screen", "script.user"):
        smu.do(f"local it = {name}.x")
        assert smu.errors() != "", name
