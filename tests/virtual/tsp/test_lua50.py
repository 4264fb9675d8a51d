"""The language is Lua 5.0.2 (cases 2600-lua50-for-table and 2600-lua51-accepted): its reference manual is the answer."""

import time
from collections.abc import Callable

import pytest

from instruments.virtual.keithley707 import Keithley708B
from labmtj.virtual.tsp.complaints import ScriptFault
from labmtj.virtual.tsp.lua50 import as_lua51


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("t = {1, 2} for k, v in t do print(k, v) end", "1.00000e+00\t1.00000e+00\n2.00000e+00\t2.00000e+00"),
        ("for k, v in {a = 'b'} do print(k, v) end", "a\tb"),
        ("for k, v in pairs({7}) do print(v) end", "7.00000e+00"),
        ("for k in (function() for i in {3} do end return {5} end)() do print(k) end", "1.00000e+00"),
        ("c = setmetatable({}, {__call = function(_, _, i) if not i then return 4 end end}) for i in c do print(i) end", "4.00000e+00"),
        ("print(table.getn({1, 2, 3}), math.mod(7, 4))", "3.00000e+00\t3.00000e+00"),
        ("t = {1, 2} t.n = 1 print(table.getn(t)) table.setn(t, 2) print(t.n)", "1.00000e+00\n2.00000e+00"),
        ("t = {} table.insert(t, 'a') table.insert(t, 1, 'b') print(table.concat(t)) print(table.remove(t), table.getn(t))", "ba\na\t1.00000e+00"),
        ("function f(...) return arg.n, table.getn(arg), unpack(arg) end print(f(1, nil, 3))", "3.00000e+00\t3.00000e+00\t1.00000e+00\tnil\t3.00000e+00"),
        ("for w in string.gfind('a b', '%a') do print(w) end", "a\nb"),
        ("print([[one [[two]] three]])", "one [[two]] three"),
        ("print([[ends [[so]]]])", "ends [[so]]"),
        ("--[[ a [[nested]] comment ]] print(1)", "1.00000e+00"),
        ("--[=[ is a comment of one line", None),
        ("z = 7 repeat local z = 1 until z == 7 print(z)", "7.00000e+00"),
        ("print(string.format('%d %%', 5), string.find('a%b', '%%'))", "5 %\t2.00000e+00\t2.00000e+00"),
        ("print(2 ^ 3, 7 ~= 8, not nil, 'a' .. 1)", "8.00000e+00\ttrue\ttrue\ta1"),
        ("t = {x = {1, 2}} print(t.x[t.x[1]])", "1.00000e+00"),
        ("m = {__add = function(a, b) return 'sum' end} print(setmetatable({}, m) + 1)", "sum"),
        ("print(_VERSION, type(gcinfo()))", "Lua 5.0.2\tnumber"),
        ("collectgarbage(0) print(loadstring('return 5')())", "5.00000e+00"),
        ("function f() for i = 1, 3 do if i == 2 then break end end return nil end print(f())", "nil"),
    ],
)  # fmt: skip
def test_what_lua_5_0_knows(tsp: Keithley708B, code: str, printed: str | None) -> None:
    assert tsp.handle(code) == printed
    assert tsp.handle("print(errorqueue.count)") == "0.00000e+00"


@pytest.mark.parametrize(
    "code",
    [
        "print(#'abc')", "print(#t)", "print(5 % 3)", "print('%d' % 3)", "print(...)", "return ...",
        "function f(...) print(...) end", "function f(...) local a = {...} end", "f = function(..., a) end",
        "x = [=[a]=]", "x = [==[a]==]", "print(0x10)", "x = 0XFF", "print(1..2)", "x = 3e", "x = 'a",
        'print(#"abc", 5 % 3, string.match("a1","%d"))', "x = = 1", "goto x", "!", "x = [[a", "#!lua",
        "for k, v in t print(k) end",
    ],
)  # fmt: skip
def test_what_came_later_or_never_is_a_syntax_error(tsp: Keithley708B, fault: Callable[[], str], code: str) -> None:
    assert tsp.handle(code) is None
    assert fault().startswith("-285 TSP Syntax error at line 1: ")
    assert fault() == "0 Queue Is Empty"


@pytest.mark.parametrize("name", ["string.match", "string.gmatch", "select", "math.huge", "math.fmod", "table.maxn"])
def test_functions_that_came_later_are_not_there(tsp: Keithley708B, name: str) -> None:
    assert tsp.handle(f"print({name})") == "nil"


@pytest.mark.parametrize("code", ["('x'):upper()", "string.gsub('a', 'a', {a = 'b'})", "collectgarbage('count')"])
def test_uses_that_came_later_end_the_script(tsp: Keithley708B, fault: Callable[[], str], code: str) -> None:
    tsp.handle(code)
    assert fault().startswith("-286")


def test_lines_keep_their_numbers_and_loadstring_reads_the_same_language(
    tsp: Keithley708B, fault: Callable[[], str]
) -> None:
    tsp.handle("loadandrunscript\nfor k in {1} do\n--[[ a\nb ]]\nx = [[c\nd]]\nnothing.field = 1\nend\nendscript")
    assert fault().startswith("-286 TSP Runtime error at line 6: ")
    assert tsp.handle("print(loadstring('return #t'))") == "nil\tTSP:1: unexpected symbol near `#'"


def test_a_large_script_is_read_in_a_time_that_grows_with_its_length() -> None:
    """Reading is linear: twice the script takes about twice as long, not four times."""

    def seconds(lines: int) -> float:
        source = "for k, v in {a = 1, b = [[x]]} do t[k] = v .. '%' end -- #\n" * lines
        begin = time.perf_counter()
        as_lua51(source)
        return time.perf_counter() - begin

    assert min(seconds(4000) for _ in range(3)) < 6 * min(seconds(2000) for _ in range(3))


def test_most_sources_are_left_alone() -> None:
    source = "smua.source.levelv = 0.1 print(smua.measure.iv())"
    assert as_lua51(source) is source
    with pytest.raises(ScriptFault):
        as_lua51(f"{source} x = #t")
