"""Lines that show whether names of a TSP box are its own, and what the answers say; see `tests/bench/left_behind`, too."""

import pytest

from instruments.factorynames import FORGETTING, apart, asking, holds, redefined, refuses

lua51 = pytest.importorskip("lupa.lua51")

TESTS = [
    refuses("first", 'first.level = "?"'),
    refuses("second", 'second.open("?")'),
    holds("math.abs", "math.abs(-1) == 1"),
]
KEPT = ("128", "1.234567890123456e-07", "16", "40", "0", "0")
"""what a box with its own names prints: events so far, a number, the events of each test, those of the error queue"""


def test_each_line_is_followed_by_a_question_that_no_script_answers():
    assert asking(TESTS) == [
        "*ESR?", "print(1.234567890123456e-07)",
        'first.level = "?"', "*ESR?", 'second.open("?")', "*ESR?",
        "if not (math.abs(-1) == 1) then local none none() end", "*ESR?",
        "if not (errorqueue.count > 0) then local none none() end", "*ESR?",
        FORGETTING,
    ]  # fmt: skip


def answers(place, answer):
    return [answer if number == place else each for number, each in enumerate(KEPT)]


@pytest.mark.parametrize(
    ("printed", "names"),
    [
        (KEPT, []),
        (answers(1, "0"), ["print or format"]),
        (answers(2, "0"), ["first"]),
        (answers(2, "128"), ["first"]),
        (answers(4, "16"), ["math.abs"]),
        (answers(5, "16"), ["errorqueue"]),
        (["0", *KEPT[1:2], "0", "0", *KEPT[4:]], ["first", "second"]),
        (KEPT[1:], ["print or format"]),
        ([*KEPT, "0"], ["print or format"]),
        (answers(3, "nil"), ["print or format"]),
        (answers(3, "x"), ["print or format"]),
        ([], ["print or format"]),
    ],
)
def test_what_answers_say(printed, names):
    assert redefined(TESTS, printed) == names


def complains(line, names):
    """Run a line on a Lua that nobody here wrote."""
    lua = lua51.LuaRuntime()
    lua.execute(names)
    try:
        lua.execute(line)
    except lua51.LuaError:
        return True
    assert (lua.eval("a.delay"), lua.eval("b.delay")) == (0.5, 0.25)  # as before
    return False


NODE = "a, b = {delay = 0.5}, {delay = 0.25} node = {a = a, b = b}"


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ("", False),
        ("a = b", True),
        ("a, b = b, a", True),
        ("a = nil", True),
        ("node.a = b", True),
        ("node = nil", True),
    ],
)
def test_names_of_one_thing_share_a_setting_and_those_of_others_do_not(change, wrong):
    assert complains(apart("a", [["node.a", "a"], ["node.b"]], "delay").line, f"{NODE} {change}") == wrong
