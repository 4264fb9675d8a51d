"""Benches in whose boxes earlier users and dead clients have left something.

Each box says itself what it puts out; `events` of the network are relays that moved under voltage.
"""

import contextlib

import pytest

from labmtj.bench.files.loading import load_any
from labmtj.bench.session.opening import open_laboratory
from labmtj.bench.session.sessions import at_resources, keywords
from labmtj.virtual.assembly import assemble
from labmtj.virtual.server.serving import ServedInstruments
from labmtj.watchdog.spec import InstrumentSpec

LEFT_ON = {
    "current": {
        "tsp": ("smua.source.func = 0 smua.source.leveli = 1e-6 smua.source.output = 1",),
        "2400": (":SOUR:FUNC CURR", ":SOUR:CURR 1e-6", ":OUTP 1"),
        "2450": (":SOUR:FUNC CURR", ":SOUR:CURR 1e-6", ":OUTP 1"),
        "b2902a": (":SOUR1:FUNC:MODE CURR", ":SOUR1:CURR 1e-6", ":OUTP1 1"),
    },
    "current of another channel": {
        "tsp": ("smub.source.func = 0 smub.source.leveli = 1e-6 smub.source.output = 1",),
        "b2902a": (":SOUR2:FUNC:MODE CURR", ":SOUR2:CURR 1e-6", ":OUTP2 1"),
    },
    "voltage": {
        "tsp": ("smua.source.limiti = 1e-3 smua.source.levelv = 0.3 smua.source.output = 1",),
        "2400": (":SOUR:VOLT 0.3", ":OUTP 1"),
        "2450": (":SOUR:VOLT 0.3", ":OUTP 1"),
        "b2902a": (":SOUR1:VOLT 0.3", ":OUTP1 1"),
    },
    "sweep": {
        "tsp": (
            "smua.trigger.source.listv({0.3, 0.2}) smua.trigger.source.action = 1 smua.trigger.count = 1000",
            "smua.source.output = 1 smua.trigger.endsweep.action = 1 smua.trigger.initiate()",
        ),
        "2400": (
            ":SOUR:VOLT 0.3", ":OUTP 1", ":SOUR:VOLT:MODE LIST", ":SOUR:LIST:VOLT 0.2,0.3", ":TRIG:COUN 2",
            ":ARM:SOUR BUS", ":INIT",
        ),
        "2450": (":SOUR:VOLT 0.3", ":OUTP 1", ':TRIG:LOAD "SimpleLoop",10,1', ":INIT"),
        "b2902a": (
            ":SOUR1:FUNC:SHAP PULS", ":SOUR1:VOLT 0.2", ":SOUR1:VOLT:TRIG 0.3", ":OUTP1 1", ":ARM1:SOUR BUS", ":INIT (@1)",
        ),
    },
}  # fmt: skip
"""what leaves a source on, by what it does and by what it speaks"""
CLOSE = {
    "3706a": 'channel.close("1201")', "707b": 'channel.close("1B01")', "7002": ":ROUT:CLOS (@1!2!1)",
    "b2201a": ":ROUT:CLOS (@00201)", "2602b": 'channel.close("1201")',
}  # fmt: skip
"""what closes a relay, by matrix or rack"""
OFFSET_VOLTS = 2e-3
TIMEOUT_SECONDS = 0.5
"""of an answer that does not come"""


class Bench:
    """A virtual bench, served in this process; the first source is the one that was left in a state."""

    def __init__(self, kind):
        self.kind, self.redefined = kind, False
        """what it is called; whether names of its boxes are redefined, until power-off"""
        file = load_any(f"virtual-{kind.replace('2450', '2400')}")
        instruments = {name: as_in(kind, each) for name, each in file.of.instruments.items()}
        self.file = file.of.model_copy(update={"instruments": instruments})
        file = file.model_copy(update={"noise": False, "of": self.file})
        self.served = ServedInstruments(assemble(file))
        self.network = self.served.bench.network
        self.resources = {each["name"]: each["resource"] for each in self.served.greetings()}
        self.instruments = at_resources(file.of.instruments, self.resources)
        self.sources = [name for name in self.instruments if name.startswith("smu")]
        (self.matrix,) = set(self.instruments) - set(self.sources)
        self.language = language_of(kind)

    def tell(self, *lines, name=None):
        """Have a box do lines, as if an earlier user had sent them."""
        for line in lines:
            self.served.bench.instruments[name or self.sources[0]].handle(line)

    def leave_on(self, state, *lines, redefining=False):
        """Leave the first source on, as `LEFT_ON` says, and further lines behind."""
        self.leave(*LEFT_ON[state][self.language], *lines, redefining=redefining)
        assert self.live()

    def leave(self, *lines, redefining=False):
        """Bring the bench to its state at power-on, then leave lines behind in the first source, a relay closed."""
        for server in self.served.servers.values():  # a box that is still at the last line of a client that has gone
            assert server._done.wait(10)
        for name, box in self.served.bench.instruments.items():
            if self.redefined or "26" not in self.kind:
                box.power_cycle()
            else:  # the same, and quicker
                self.tell("endscript", "reset() errorqueue.clear()", name=name)
        self.redefined = redefining
        self.tell(CLOSE[self.kind.split("-")[1]], name=self.matrix)
        assert self.closed() >= {(1, 2, 1)}
        self.tell(*lines)
        self.network.events.clear()

    @contextlib.contextmanager
    def opened(self):
        """Open and arm the bench."""
        with open_laboratory(self.file, resources=self.resources, guarded=False) as bench:
            yield bench

    @contextlib.contextmanager
    def session(self, name):
        """Open a session with one instrument."""
        driver = self.spec(name)._opened(self.resources[name], {})
        with contextlib.closing(driver.adapter):
            yield driver

    def spec(self, name):
        """Return an instrument as the watchdog knows it."""
        each = self.instruments[name]
        return InstrumentSpec(name, each.driver, each.resource, keywords(each))

    def file_in(self, folder):
        """Write the bench to a file as far as `labmtj safe` needs it, and return its path."""
        path = folder / "bench.yaml"
        lines = "".join(
            f'  {name}: {{driver: {each.driver}, resource: "{each.resource}", timeout_seconds: {TIMEOUT_SECONDS}}}\n'
            for name, each in self.instruments.items()
        )
        path.write_text(f"kind: instruments\ninstruments:\n{lines}")
        return str(path)

    def live(self):
        """Return what drives a voltage or a current."""
        return [
            str(each) for each in self.network.settings if abs(each.level) > OFFSET_VOLTS or each.source == "amperes"
        ]

    def closed(self):
        """Return the relays that are closed."""
        return self.network.relays[self.matrix].closed()


def language_of(kind):
    """Return what the sources of a bench speak."""
    return "tsp" if "26" in kind else kind.split("-")[0]


def as_in(kind, instrument):
    """Return an instrument of the bench of the 2400, or of its like with a 2450; nobody waits for it for long."""
    driver = instrument.driver.replace("2400", "2450") if "2450" in kind else instrument.driver
    return instrument.model_copy(update={"driver": driver, "timeout_seconds": TIMEOUT_SECONDS})


@pytest.fixture(scope="package")
def benches():
    """Return a function: kind -> bench; each is served once."""
    made = {}
    with contextlib.ExitStack() as stack:

        def bench(kind):
            if kind not in made:
                made[kind] = Bench(kind)
                stack.callback(made[kind].served.__exit__)
            return made[kind]

        yield bench
