"""A Lua 5.1 that behaves as 5.0 and knows nothing but its own language and the tree of the instrument.

A script meets Lua functions and Lua tables only. The Python objects that they wrap are upvalues, out of its reach
without the debug library; the attribute filter would deny it everything even if it got hold of one. What is not on the
list of safe names does not exist. Time is not limited here but by the process that waits for this one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import lupa.lua51 as lupa

from labmtj.virtual.tsp.complaints import EXIT, Aborted, Complaint, Entry, ScriptFault
from labmtj.virtual.tsp.lua50 import OLDER, as_lua51
from labmtj.virtual.tsp.tree import Group, Members, Reading, Setting

LUA_BYTES = 64 << 20
LONGEST_LIST = 1_000_000
POLL_INSTRUCTIONS = 1_000_000
"""of the Lua machine, about 10 ms, between two checks whether the script is to stop"""

HURRY_INSTRUCTIONS = 100
"""the same once it is to stop: a script that catches errors is then hit outside of what catches them"""

SAFE = """
    _G _VERSION assert collectgarbage coroutine error gcinfo getmetatable ipairs math next pairs pcall
    rawequal rawget rawset setmetatable string table tonumber tostring type unpack xpcall
"""

# `unwrap` is reached by a tail call, which Lua counts as a level: 3 is the statement of the script.
BOOTSTRAP = """
local read, write, call, poll, translate, describe, safe = ...
local error, find, loadstring, next, rawget, rawset = error, string.find, loadstring, next, rawget, rawset
local select, setfenv, setmetatable, tostring, type, unpack = select, setfenv, setmetatable, tostring, type, unpack
local globals = {}
local hook, sethook = nil, debug.sethook
local known = setmetatable({}, {__mode = "k"})

local function unwrap(ok, ...)
    if ok then return ... end
    if ok == nil then sethook(hook, "", %(hurry)d) end
    error((...), 3)
end

hook = function() return unwrap(poll()) end
local function rearm() sethook(hook, "", %(calm)d) end

local function wrap(object)
    return function(...) return unwrap(call(object, ...)) end
end

-- what getmetatable shows of a table of the tree, as on the box: functions that read and write, and objects
local function description(group)
    return setmetatable({}, {
        __index = function(shown, key)
            for kind, members in next, (unwrap(describe(group))) do rawset(shown, kind, members) end
            return rawget(shown, key)
        end,
        __metatable = false,
    })
end

local function table_for(group, cache)
    local proxy = {}
    known[proxy] = group
    return setmetatable(proxy, {
        __index = function(_, key)
            local value = cache[key]
            if value ~= nil then return value end
            return unwrap(read(group, key, cache))
        end,
        __newindex = function(_, key, value) return unwrap(write(group, key, value)) end,
        __call = function(proxy, ...) return proxy.run(...) end,
        __metatable = description(group),
    })
end

local function compile(code, name)
    if type(code) ~= "string" or find(code, "^\\27") then return nil, "a script is text" end
    local ok, text = translate(code)
    if not ok then return nil, text end
    local chunk, problem = loadstring(text, name or "=TSP")
    if chunk then return setfenv(chunk, globals) end
    return nil, problem
end

rearm()
getmetatable("").__index, getmetatable("").__metatable = nil, false -- strings have no methods in 5.0
local keep = {}
for name in string.gmatch(safe, "%%S+") do keep[name] = true end
for name in pairs(_G) do if not keep[name] then _G[name] = nil end end
_G.loadstring = compile
%(older)s

-- print as Python sees it: plain values, and names of the rest
local function printing(put)
    return function(...)
        local n, first = select("#", ...), type((...))
        if n == 1 and (first == "number" or first == "string") then return put(...) end
        local shown = {...}
        for place = 1, n do
            local kind = type(shown[place])
            if kind == "table" or kind == "function" or kind == "thread" then
                shown[place] = tostring(shown[place])
            end
        end
        return put(unpack(shown, 1, n))
    end
end

function makegetter(group, key) return function() return group[key] end end
function makesetter(group, key) return function(value) group[key] = value end end

-- scripts have a table of globals of their own: the machine looks up names in its own outside of any protection
local machine = _G
for name, value in next, machine do globals[name] = value end
for name in next, globals do machine[name] = nil end
globals._G = globals
local function look_up(name) return rawget(globals, name) end
local function define(name, value) rawset(globals, name, value) end

return rearm, wrap, table_for, compile, function(proxy) return known[proxy] end, printing, look_up, define
"""


class Sandbox:
    """Lua with the tree of an instrument as its globals.

    Args:
        complain: takes what goes into the error queue while a script runs.
        poll: called now and then while a script runs; may raise ScriptFault to end it.
    """

    def __init__(self, complain: Callable[[Entry], None], poll: Callable[[], None]) -> None:
        self._complain = complain
        self._hurried = False
        self._tables: dict[int, Any] = {}
        """those of the tree by the identity of their group, which this sandbox keeps alive"""
        self._lua = lupa.LuaRuntime(
            register_eval=False,
            register_builtins=False,
            unpack_returned_tuples=True,
            attribute_filter=_deny,
            encoding="latin-1",  # one character is one byte, so that binary data pass
            max_memory=LUA_BYTES,
        )
        bootstrap = self._lua.compile(
            BOOTSTRAP % {"calm": POLL_INSTRUCTIONS, "hurry": HURRY_INSTRUCTIONS, "older": OLDER}
        )
        entries: tuple[Callable[..., Any], ...] = (
            self._read, self._write, self._call, poll, as_lua51, self._describe,
        )  # fmt: skip
        guarded = map(self._guard, entries)
        (
            self._rearm, self._wrap, self._table_for, self._compile, self._known, self._printing, self._look_up,
            self._define,
        ) = bootstrap(*guarded, SAFE)  # fmt: skip

    def expose(self, members: Members) -> None:
        """Make members the globals of all scripts."""
        for key, member in members.items():
            self._define(key, self._present(member, lasting=True))

    def printing(self, put: Callable[..., None]) -> Any:
        """Return the function `print` of scripts, which hands on plain values and the names of all others."""
        return self._printing(self._wrap(put))

    def define(self, name: str, value: Any) -> None:
        """Set one global."""
        self._define(name, self._present(value))

    def look_up(self, name: str) -> Any:
        """Return one global."""
        return self._look_up(name)

    def call(self, chunk: Any) -> None:
        """Run a compiled chunk from within a script; ScriptFault if it fails."""
        try:
            chunk()
        except lupa.LuaError as error:
            raise ScriptFault(_reported(str(error))) from None

    def compile(self, code: str) -> Any:
        """Return code as a Lua function; ScriptFault with the message of the compiler if it is none."""
        compiled = self._compile(code)
        if isinstance(compiled, tuple):
            raise ScriptFault(_reported(str(compiled[1])))
        return compiled

    def run(self, chunk: Any) -> None:
        """Run a compiled chunk to its end; ScriptFault if it does not get there."""
        if self._hurried:
            self._rearm()
            self._hurried = False
        try:
            chunk()
        except lupa.LuaMemoryError:
            self._lua.gccollect()
            raise ScriptFault("not enough memory") from None
        except lupa.LuaError as error:
            if EXIT not in str(error):
                raise ScriptFault(_reported(str(error))) from None

    def _present(self, member: Any, *, lasting: bool = False) -> Any:
        """Return what a script sees of a member.

        Args:
            member: of a group, or an answer.
            lasting: whether it is part of the tree, and so always shown as the same table.
        """
        if isinstance(member, Group):
            return self._table(member, lasting=lasting)
        if isinstance(member, dict):
            return self._lua.table_from({key: self._present(each) for key, each in member.items()})
        if isinstance(member, list | tuple):
            return self._lua.table_from(member)
        if callable(member) and lupa.lua_type(member) is None:
            return self._wrap(member)
        return member

    def _table(self, group: Group, *, lasting: bool) -> Any:
        """Return the table of a group; its members are made on request, because most are never asked for."""
        table = self._tables.get(id(group))
        if table is None:
            table = self._table_for(group, self._lua.table())
            if lasting:
                self._tables[id(group)] = table
        return table

    def _read(self, group: Group, key: Any, cache: Any) -> object:
        """Return a member, and keep what may be read again without asking."""
        member = group.members.get(key) if isinstance(key, str | int) else None
        if isinstance(member, Setting):
            if isinstance(member.value, list):
                return self._present(member.value)
            member.publish = _publisher(cache, key)
            cache[key] = member.value
            return member.value
        if member is None or isinstance(member, Reading):
            return self._answer(group.read(key))
        cache[key] = shown = self._present(member, lasting=id(group) in self._tables)
        return shown

    def _describe(self, group: Group) -> Any:
        """Return what a metatable of the box shows of its table, each by name: Getters, Setters and Objects."""
        read, written, objects = ({} for _ in range(3))
        for key, member in group.members.items():
            if isinstance(member, Setting | Reading):
                read[key] = self._wrap(partial(self._read_plainly, group, key))
            else:
                objects[key] = self._present(member, lasting=id(group) in self._tables)
            if isinstance(member, Setting):
                written[key] = self._wrap(lambda value, key=key: group.write(key, value))
        shown = {"Getters": read, "Setters": written, "Objects": objects}
        return self._lua.table_from(
            {kind: self._lua.table_from(members) for kind, members in shown.items()}
            | ({"luatype": group.luatype} if group.luatype else {})
        )

    @staticmethod
    def _read_plainly(group: Group, key: Any) -> object:
        return group.read(key)

    def _write(self, group: Group, key: object, value: object) -> None:
        group.write(key, self._plain(value))

    def _answer(self, answer: Any) -> Any:
        """Return what a function or a reading gave: a plain value as it is."""
        if answer is None or isinstance(answer, str | int | float):
            return answer
        return tuple(map(self._present, answer)) if isinstance(answer, tuple) else self._present(answer)

    def _guard(self, function: Callable[..., Any]) -> Callable[..., tuple[Any, ...]]:
        """Return a function that reports to Lua what went wrong instead of raising."""

        def guarded(*arguments: Any) -> tuple[Any, ...]:
            try:
                answer = function(*arguments)
            except Complaint as complaint:
                self._complain(complaint.entry)
                return (True, None)
            except Aborted as fault:
                first, self._hurried = not self._hurried, True
                return (None if first else False, str(fault))  # nil shortens the interval, which starts it anew
            except ScriptFault as fault:
                return (False, str(fault))
            return (True, *answer) if isinstance(answer, tuple) else (True, answer)

        return guarded

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            answer = function(*[self._plain(each) for each in arguments])
        except TypeError as error:  # too few or too many parameters
            if error.__traceback__ is not None and error.__traceback__.tb_next is None:
                raise Complaint(1400, "wrong number of parameters") from None
            raise
        return self._answer(answer)

    def _plain(self, value: Any) -> Any:
        """Return the group of a table of the tree; a list for any other table, or a dict if it has names only."""
        if lupa.lua_type(value) != "table":
            return value
        group = self._known(value)
        if group is not None:
            return group
        if len(value) > LONGEST_LIST:
            raise ScriptFault(f"a table of more than {LONGEST_LIST} elements is too long")
        if not len(value) and (named := {key: each for key, each in value.items() if isinstance(key, str)}):
            return named
        return [value[index] for index in range(1, len(value) + 1)]


def _publisher(cache: Any, key: Any) -> Callable[[Any], None]:
    def publish(value: Any) -> None:
        cache[key] = value

    return publish


def _deny(_: object, name: object, __: bool) -> NoReturn:  # noqa: FBT001 - lupa calls it so
    raise AttributeError(f"a script has no access to {name!r}")


def _reported(message: str) -> str:
    """Return a message of Lua in the words of the box: without the traceback, the line number in front."""
    first = message.split("\nstack traceback:", 1)[0]
    place = re.match(r"(?:\[string \"[^\n]*?\"\]|TSP):(\d+): (.*)", first, re.DOTALL)
    return f"at line {place[1]}: {place[2]}" if place else f": {first}"
