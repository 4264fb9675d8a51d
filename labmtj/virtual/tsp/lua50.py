"""Lua 5.0 on a machine of Lua 5.1: refuses what only the later version knows, rewrites what only the older one knew.

The boxes run Lua 5.0.2. What it reads otherwise than 5.1 (reference manuals of both, section 2 and the appendix on
incompatibilities):

* `#` and `%` are no operators, `...` is no expression, there are no `[=[` brackets, no `--[=[` comments, no numbers as
  0x10: refused, or for a comment read to the end of its line only.
* `for k, v in t do` walks through a table without `pairs`: the list gets a function around it.
* brackets may be nested in a string or comment of double brackets: they get brackets of a level that 5.1 does not nest.
* a local of a `repeat` block is not seen by its condition: the block gets a `do ... end` of its own.

Everything else is left to the compiler of 5.1, which refuses the rest as 5.0 does. Lines keep their numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

from labmtj.virtual.tsp.tokens import Token, tokens, unexpected

EACH = "__each"
"""a function of the sandbox: makes what stands after `in` something that a loop can call"""
OLDER = """
_VERSION = "Lua 5.0.2"
for library, names in pairs({
    string = "dump match gmatch reverse", math = "fmod huge modf cosh sinh tanh", table = "maxn",
    coroutine = "running",
}) do
    for name in string.gfind(names, "%S+") do _G[library][name] = nil end
end
local sizes = setmetatable({}, {__mode = "k"})
local getmetatable, next, rawget, rawset, rawlen = getmetatable, next, rawget, rawset, table.getn
local insert, remove, unpacked, replaced, collect = table.insert, table.remove, unpack, string.gsub, collectgarbage

function table.getn(t)
    local n = rawget(t, "n")
    if type(n) == "number" then return n end
    return sizes[t] or rawlen(t)
end

function table.setn(t, n)
    if type(rawget(t, "n")) == "number" then rawset(t, "n", n) else sizes[t] = n end
end

local getn, setn = table.getn, table.setn

local function resized(t, by)
    if type(rawget(t, "n")) == "number" or sizes[t] then setn(t, getn(t) + by) end
end

function table.insert(t, ...)
    if arg.n == 1 then rawset(t, getn(t) + 1, arg[1]) else insert(t, arg[1], arg[2]) end
    resized(t, 1)
end

function table.remove(t, place)
    local n = getn(t)
    if n == 0 then return nil end
    local taken = remove(t, place or n)
    resized(t, -1)
    return taken
end

function _G.unpack(t) return unpacked(t, 1, getn(t)) end

function string.gsub(text, pattern, new, most)
    if type(new) == "table" then error("bad argument #3 to `gsub' (string or function expected)", 2) end
    return replaced(text, pattern, new, most)
end

function _G.collectgarbage(limit)
    if limit ~= nil and type(limit) ~= "number" then
        error("bad argument #1 to `collectgarbage' (number expected)", 2)
    end
    collect()
end

function _G.__each(list, state, first)
    if type(list) == "table" then
        local meta = getmetatable(list)
        if not (type(meta) == "table" and rawget(meta, "__call")) then return next, list end
    end
    return list, state, first
end
"""
"""the libraries of 5.1 brought back to those of 5.0; runs once, before any script"""
_MAY_DIFFER = ("#", "%", "...", "[[", "[=", "0x", "0X", "repeat", *(f"{space}in" for space in " \t\n\r\f\v"))
"""of these a source has at least one where the versions differ; most sources have none, and are left alone"""
_OPENING = frozenset({"function", "if", "do", "repeat", "for", "while"})


def as_lua51(source: str) -> str:
    """Return a source of Lua 5.0 so that 5.1 runs it alike; ScriptFault where 5.0 would not compile it."""
    if not any(sign in source for sign in _MAY_DIFFER):
        return source
    return "".join(_Translation(source))


class _Translation:
    """One pass over the tokens, with the blocks that are open kept on a stack."""

    def __init__(self, source: str) -> None:
        self._tokens = tokens(source)
        self._open: list[str] = []
        """what was opened and not closed; "in" while the list of a loop is read"""
        self._parameters = False
        """whether a list of parameters follows or is read"""
        self._before = ""

    def __iter__(self) -> Iterator[str]:
        for token in self._tokens:
            if token.kind in ("space", "comment"):
                yield _blank(token) if token.kind == "comment" else token.text
            else:
                yield self._translated(token)
                self._before = token.text

    def _translated(self, token: Token) -> str:
        if token.kind == "name":
            return self._word(token)
        if token.kind == "long":
            return _leveled(token.text)
        if token.kind == "sign":
            self._sign(token)
        return token.text

    def _sign(self, token: Token) -> None:
        if token.text == "...":
            if not (self._parameters and self._before in ("(", ",")):
                raise unexpected("...", token.line)
        elif token.text[0] == "=" and self._before == "[":
            raise unexpected(token.text, token.line)
        elif token.text == ")":
            self._parameters = False

    def _word(self, token: Token) -> str:
        word, innermost = token.text, self._open[-1] if self._open else ""
        if word == "in" and innermost == "for":
            self._open[-1] = "in"
            return f"in {EACH}("
        if word == "do" and innermost in ("in", "for", "while"):
            self._open[-1] = "do"
            return ") do" if innermost == "in" else word
        if word in _OPENING:
            self._open.append(word)
            self._parameters = self._parameters or word == "function"
            return "repeat do" if word == "repeat" else word
        if word in ("end", "until") and innermost:
            self._open.pop()
        return "end until" if word == "until" else word


def _blank(comment: Token) -> str:
    """Return nothing but the lines of a comment, whose brackets the later version would read otherwise."""
    return " " + "\n" * comment.text.count("\n")


def _leveled(text: str) -> str:
    """Return a string in double brackets with brackets of a level that it does not hold."""
    inside = text[2:-2]
    if "[[" not in inside:
        return text
    level = "="
    while f"]{level}]" in inside + "]":
        level += "="
    return f"[{level}[{inside}]{level}]"
