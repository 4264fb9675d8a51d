"""The script library: scripts by name, in memory and saved, the anonymous one, and those of the factory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labmtj.virtual.tsp.complaints import SYNTAX_ERROR, Complaint, ScriptFault
from labmtj.virtual.tsp.stores import catalog
from labmtj.virtual.tsp.tree import Group, Members, Reading, Setting, one_text, text

if TYPE_CHECKING:
    from labmtj.virtual.tsp.engine import Engine

ILLEGAL_NAME, NO_SUCH_SCRIPT = -282, -292
FACTORY = ("_KIGeneral", "_KIHighC", "_KIParlib", "_KIPulse", "_KISavebuffer", "_KISweep")
"""names of the factory scripts of a 2600B [assumed]; their functions are there from the start"""


class Script(Group):
    """A script as an object: `name()` and `name.run()` run it."""

    def __init__(self, library: Scripts, name: str, code: str, chunk: Any) -> None:
        self.code, self.chunk = code, chunk
        self.called = Setting(name, text, lambda: library.rename(self), kept=True)
        self.autorun = Setting("no", one_text("yes", "no"), kept=True)
        source = Setting(code, lambda _: "", kept=True)  # only nil may be written, and forgets the text
        super().__init__(
            f"script {name}",
            {
                "run": chunk, "name": self.called, "source": source, "autorun": self.autorun,
                "save": lambda file=None: library.save(self, file), "list": lambda: library.show(self),
            },
        )  # fmt: skip


class Scripts:
    """All scripts of a box."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._named: dict[str, Script] = {}
        self._saved: dict[str, tuple[str, str]] = {}
        """text and autorun of what outlives a power cycle on a real box"""
        self._anonymous: tuple[str, Any] | Script = ("", engine.sandbox.compile(""))
        """text and chunk, until a client asks for the script: clients send many, and ask for none"""

    def members(self) -> Members:
        """Return the globals."""
        factory = Group("script.factory", {"catalog": lambda: catalog(list(FACTORY))})
        user = Group(
            "script.user",
            {
                "catalog": lambda: catalog(list(self._saved)), "save": self._save_by_name,
                "delete": self._delete, "scripts": _ByName("script.user.scripts", self._named),
            },
        )  # fmt: skip
        names = {
            "new": self._new, "newautorun": self._new_autorun, "load": self._load, "delete": self._delete,
            "restore": self._restore, "run": lambda: self._engine.sandbox.call(self.anonymous.chunk),
            "anonymous": Reading(lambda: self.anonymous), "factory": factory, "user": user,
        }  # fmt: skip
        return {"script": Group("script", names)}

    @property
    def anonymous(self) -> Script:
        """The script that was loaded last without a name."""
        if not isinstance(self._anonymous, Script):
            self._anonymous = Script(self, "", *self._anonymous)
        return self._anonymous

    def keep(self, name: str, code: str, chunk: Any = None) -> None:
        """Make a script, and a global of its name; without a name it is the anonymous one."""
        chunk = chunk or self._engine.sandbox.compile(code)
        if not name:
            self._anonymous = (code, chunk)
            self._engine.define("run", chunk)
            return
        self._check(name)
        self._named[name] = script = Script(self, name, code, chunk)
        self._engine.define(name, script)

    def rename(self, script: Script) -> None:
        """Have a script go by another name."""
        name = script.called.value
        if name:
            self._check(name)
        self._named = {key: each for key, each in self._named.items() if each is not script}
        if name:
            self._named[name] = script
            self._engine.define(name, script)

    def save(self, script: Script, file: object = None) -> None:
        """Keep the text of a script, on the drive if a file is named."""
        if file is not None:
            self._engine.drive.write(text(file), script.code)
        elif not script.called.value:
            raise Complaint(ILLEGAL_NAME, "Illegal program name: the anonymous script has none to save it by")
        else:
            self._saved[script.called.value] = (script.code, script.autorun.value)

    def show(self, script: Script) -> None:
        """Print a script between the words that would load it."""
        for line in ("loadscript " + script.called.value, *script.code.split("\n"), "endscript"):
            self._engine.put(line)

    def _new(self, code: object, name: object = "") -> Script:
        try:
            self.keep(text(name), text(code))
        except ScriptFault as fault:
            raise Complaint(SYNTAX_ERROR, f"TSP Syntax error {fault}") from None
        return self._find(name) if name else self.anonymous

    def _new_autorun(self, code: object, name: object = "") -> Script:
        script = self._new(code, name)
        script.autorun.value = "yes"
        return script

    def _load(self, file: object, name: object = "") -> Script:
        return self._new(self._engine.drive.read(text(file)), name)

    def _save_by_name(self, name: object) -> None:
        self.save(self._find(name))

    def _restore(self, name: object) -> None:
        if text(name) not in self._saved:
            raise Complaint(NO_SUCH_SCRIPT, f"Referenced name does not exist: {name}")
        code, autorun = self._saved[str(name)]
        self.keep(str(name), code)
        self._find(name).autorun.value = autorun

    def _delete(self, name: object) -> None:
        """Forget a saved script; one in memory stays until it goes by no name."""
        if text(name) not in self._saved and name not in self._named:
            raise Complaint(NO_SUCH_SCRIPT, f"Referenced name does not exist: {name}")
        self._saved.pop(str(name), None)
        self._named.pop(str(name), None)

    def _find(self, name: object) -> Script:
        if text(name) not in self._named:
            raise Complaint(NO_SUCH_SCRIPT, f"Referenced name does not exist: {name}")
        return self._named[str(name)]

    @staticmethod
    def _check(name: str) -> None:
        if not (name.isidentifier() and name.isascii()):
            raise Complaint(ILLEGAL_NAME, f"Illegal program name: {name!r}")


class _ByName(Group):
    """script.user.scripts: each by its name."""

    def __init__(self, name: str, scripts: dict[str, Script]) -> None:
        super().__init__(name, {})
        self._scripts = scripts

    def element(self, key: object) -> object:
        """Return a script, or nil."""
        return self._scripts.get(str(key))
