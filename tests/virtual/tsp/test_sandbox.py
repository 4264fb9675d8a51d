"""A script that wants out: of Lua, of its memory, of its time."""

import threading
import time
from collections.abc import Callable

import pytest

from instruments.virtual.keithley707 import Keithley708B


@pytest.mark.parametrize(
    "name",
    [
        "require", "package", "debug", "dofile", "loadfile", "load", "module", "newproxy", "python",
        "getfenv", "setfenv", "string.dump",
    ],
)  # fmt: skip
def test_there_is_no_such_thing(tsp: Keithley708B, name: str) -> None:
    assert tsp.handle(f"print({name})") == "nil"


@pytest.mark.parametrize("name", ["os.execute", "os.getenv", "os.exit", "io.popen", "io.lines"])
def test_files_and_time_of_the_box_are_not_those_of_the_computer(
    tsp: Keithley708B, fault: Callable[[], str], name: str
) -> None:
    assert tsp.handle(f"print({name})") is None
    assert "undefined field" in fault()


def test_no_python_object_is_in_reach(tsp: Keithley708B) -> None:
    """Every value that can be reached from the globals is a plain Lua value."""
    script = """
        local seen, kinds = {}, {}
        local function walk(value)
            kinds[type(value)] = true
            if type(value) ~= 'table' or seen[value] then return end
            seen[value] = true
            for key, each in pairs(value) do walk(key) walk(each) end
        end
        walk(_G)
        walk(getmetatable(format).Objects)
        walk(getmetatable(format).Getters)
        walk({getmetatable(format).__index, channel.close, channel.pattern, channel.pattern.catalog, format, print, slot, slot[1], status.standard})
        print(kinds.userdata, kinds.thread, kinds['function'], kinds.table)
    """
    assert tsp.handle(" ".join(script.split("\n"))) == "nil\tnil\ttrue\ttrue"


@pytest.mark.parametrize(
    "attempt",
    [
        "return channel.close.__globals__",
        "return print.__class__",
        "return ('').__class__.__mro__",
        "return string.format.__self__",
        "setmetatable(format, {})",
        "getmetatable('').__index = nil",
        "return loadstring('\\27Lua\\81\\0\\1\\4\\8\\4\\8\\0')()",
        "return loadstring(string.rep('(', 100000))()",
        "return coroutine.wrap(function() return print.__class__ end)()",
        "return string.rep('x', 300000000)",
        "local t = {} for i = 1, 1e9 do t[i] = i end",
        "local s = 'x' while true do s = s .. s end",
        "local function f() return 1 + f() end f()",
        "local f = function() end f = setmetatable({}, {__index = function(t, k) return t[k] end}) return f.x",
        "return unpack({n = 1e8})",
        "return string.format('%99999d', 1)",
        "xpcall(function() error() end, function() error() end) error('x')",
        "table.concat({}, 'x', 1, 1e9)",
    ],
)
def test_an_attempt_ends_in_the_queue_and_the_box_lives_on(
    tsp: Keithley708B, fault: Callable[[], str], attempt: str
) -> None:
    reboots = tsp.reboots
    tsp.handle(attempt)
    assert fault().startswith("-28")
    assert tsp.handle("print(1)") == "1.00000e+00"
    assert tsp.reboots == reboots


@pytest.mark.parametrize(
    "attempt",
    [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "coroutine.wrap(function() while true do end end)()",
        "string.find(string.rep('a', 30000), string.rep('a?', 30000) .. string.rep('a', 30000))",
        "local s = string.rep('a', 100000) string.find(s, '.-.-.-.-.-.-b')",
        "while true do delay(1) end",
        "while true do pcall(delay, 1) end",
        "setmetatable(_G, {__index = function() while true do end end}) print(nothing)",
        "local t = {} for i = 1, 3e5 do t[i] = i end table.sort(t, function() while true do end end)",
    ],
)
def test_a_script_that_does_not_come_back_is_ended(tsp: Keithley708B, fault: Callable[[], str], attempt: str) -> None:
    reboots, begin = tsp.reboots, time.perf_counter()
    assert tsp.handle(attempt) is None
    assert time.perf_counter() - begin < 60  # it is ended, however busy the machine is
    if tsp.reboots == reboots:  # some are short enough, or end by an error of their own
        assert fault().startswith("-28")
    else:
        assert (
            fault() == "-286 TSP Runtime error: the script processor ran too long and was ended; the box has rebooted"
        )
        assert tsp.handle("*ESR?") == "144"  # power-on, execution error
    assert tsp.handle("print(1)") == "1.00000e+00"


@pytest.mark.parametrize(
    "script", ["while true do end", "while true do delay(0.001) end", "while true do pcall(delay, 0.001) end"]
)
def test_an_abort_reaches_a_running_script_and_settings_stay(
    tsp: Keithley708B, fault: Callable[[], str], script: str
) -> None:
    reboots = tsp.reboots
    tsp.handle("format.asciiprecision = 3")
    thread = threading.Thread(target=tsp.handle, args=(script,))
    thread.start()
    while not tsp.interrupt("abort"):
        time.sleep(0.001)
    assert not tsp.interrupt("print(1)")
    thread.join(60)
    assert not thread.is_alive(), "the script goes on until it is ended"
    assert tsp.handle("print(errorqueue.count, format.asciiprecision)") == "1.00e+00\t3.00e+00"
    assert fault().endswith("script aborted")
    assert tsp.reboots == reboots


def test_an_abort_with_nothing_running_is_nobodys(tsp: Keithley708B) -> None:
    assert not tsp.interrupt("abort")


def test_close_leaves_no_process(relay_box: Callable[..., object]) -> None:
    box = Keithley708B(relay_box())  # type: ignore[arg-type]
    process = box._helper._process
    box.handle("print(1)")
    box.close()
    assert process.poll() is not None


@pytest.mark.parametrize("event", ["__index", "__newindex"])
def test_a_metatable_of_all_globals_ends_no_box(tsp: Keithley708B, event: str) -> None:
    """Failed while scripts shared the table of globals of the machine: it looks up names there unprotected (PANIC)."""
    reboots = tsp.reboots
    try:
        tsp.handle(f"setmetatable(_G, {{{event} = error}})")
        assert tsp.handle("print(1)") == "1.00000e+00"
        tsp.handle("x = y")
        assert "-2.86000e+02\tTSP Runtime error at line 1" in str(tsp.handle("print(errorqueue.next())"))
        tsp.handle("loadscript left\nprint(7)\nendscript")
        assert tsp.handle("left()") == "7.00000e+00"
        tsp.handle("node[1].setglobal('unseen', 8) script.new('print(9)', 'another')")
        assert tsp.handle("print(node[1].getglobal('unseen')) another()") == "8.00000e+00\n9.00000e+00"
        assert tsp.reboots == reboots
    finally:
        tsp.handle("setmetatable(_G, nil)")
