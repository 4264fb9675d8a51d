"""What earlier users and dead clients leave in the boxes of a bench: no relay moves before the sources are off.

Each box says itself what it puts out; `events` of the network are relays that moved under voltage.
"""

import contextlib
import socket

import pytest

from labmtj.bench.loading import load_any
from labmtj.bench.make_safe import make_safe
from labmtj.bench.opening import open_laboratory
from labmtj.bench.sessions import at_resources, keywords
from labmtj.errors import InstrumentError
from labmtj.virtual.assembly import assemble
from labmtj.virtual.faults import Fault
from labmtj.virtual.serving import ServedInstruments
from labmtj.watchdog.spec import InstrumentSpec

KINDS = ("2636b-3706a", "2400-7002", "2450-7002", "b2902a-b2201a")
ALIKE = ("2636b-707b", "rack-2602b")
"""benches of the same sources, under --torture"""
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

    def leave(self, *lines, redefining=False):
        """Bring the bench to its state at power-on, then leave lines behind in the first source, a relay closed."""
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


@pytest.fixture(scope="module")
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


# ---- sources that are on ----

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
        "2400": (":SOUR:VOLT:MODE LIST", ":SOUR:LIST:VOLT 0.2,0.3", ":OUTP 1", ":TRIG:COUN 2", ":ARM:SOUR BUS", ":INIT"),
        "2450": (":SOUR:VOLT 0.3", ":OUTP 1", ':TRIG:LOAD "SimpleLoop",10,1', ":INIT"),
        "b2902a": (
            ":SOUR1:FUNC:SHAP PULS", ":SOUR1:VOLT 0.2", ":SOUR1:VOLT:TRIG 0.3", ":OUTP1 1", ":ARM1:SOUR BUS", ":INIT (@1)",
        ),
    },
}  # fmt: skip


@pytest.mark.parametrize("state", LEFT_ON)
@pytest.mark.parametrize("kind", [*KINDS, *ALIKE])
def test_a_source_that_was_left_on_is_off_before_a_relay_moves(benches, kind, state, request):
    """Fails where arming trusts 0 V to end what a source does: 8 to 30 relays move under a current."""
    if language_of(kind) not in LEFT_ON[state]:
        pytest.skip("has one channel")
    if kind in ALIKE and not request.config.getoption("--torture"):
        pytest.skip("under --torture")
    bench = benches(kind)
    bench.leave(*LEFT_ON[state][bench.language])
    with bench.opened() as armed:
        assert (
            not armed.matrices[bench.matrix].closed() ^ armed.switching._closed(armed.switching.present)[bench.matrix]
        )
    assert bench.network.events == []
    assert not bench.live()


@pytest.mark.parametrize("state", LEFT_ON)
def test_a_source_that_does_not_go_off_keeps_every_relay_where_it_is(benches, state, monkeypatch):
    """The same, with a box that does not obey: arming is refused by name."""
    bench = benches("2636b-3706a")
    bench.leave(*LEFT_ON[state]["tsp"])
    closed, smu = bench.closed(), bench.served.bench.instruments["smu"]
    obey = smu.handle
    monkeypatch.setattr(smu, "handle", lambda line: obey(line) if "source.output = 0" not in line else None)
    with pytest.raises(InstrumentError, match=r"smu at .* does not go to 0 V and off"), bench.opened():
        pass
    assert bench.closed() == closed
    monkeypatch.undo()
    bench.leave()


# ---- lines that were cut off ----

CUT = {
    "between two lines": 'loadandrunscript\nprint("x")\n',
    "in a line": "loadscript later\nfor k = 1, 10 do\nprint(k) en",
    "in a text": "loadandrunscript\nx = [[\n",
    "in a line of no script": "x = 1 pri",
    "in the first word": "loadandrunscr",
}


def cut(resource, text):
    """Send a part of a message, and be gone."""
    with socket.create_connection(("127.0.0.1", int(resource.split("::")[2])), timeout=10) as link:
        link.sendall(text.encode())
        link.shutdown(socket.SHUT_WR)
        while link.recv(1 << 16):
            pass


@pytest.fixture(params=CUT)
def left(request, benches):
    """A bench on which every TSP box has half a message of a client that died, and 0.3 V are on."""
    bench = benches("2636b-3706a")
    bench.leave(*LEFT_ON["voltage"]["tsp"])
    for resource in bench.resources.values():
        cut(resource, CUT[request.param])
    return bench


def test_safe_ends_a_script_that_was_cut_off(left, tmp_path):
    """Fails where the first line that is sent becomes a part of that script: the box is silent, its output stays on."""
    assert len(make_safe(bench_file(left, tmp_path))) == 2
    assert not left.live()
    assert not left.closed()
    assert left.network.events == []


def bench_file(bench, folder):
    path = folder / "bench.yaml"
    lines = "".join(
        f'  {name}: {{driver: {each.driver}, resource: "{each.resource}", timeout_seconds: {TIMEOUT_SECONDS}}}\n'
        for name, each in bench.instruments.items()
    )
    path.write_text(f"kind: instruments\ninstruments:\n{lines}")
    return str(path)


def test_the_first_attempt_of_a_watchdog_ends_a_script_that_was_cut_off(left):
    for name in ("smu", "matrix"):
        left.spec(name).make_safe()
    assert not left.live()
    assert not left.closed()


def test_arming_ends_a_script_that_was_cut_off(left):
    with left.opened():
        pass
    assert left.network.events == []
    assert not left.live()


def test_an_abort_ends_a_script_that_was_cut_off(left):
    for name in ("smu", "matrix"):
        with left.session(name) as driver:
            driver.abort()
            driver.identify()
            assert len(driver.self_test()) <= 1  # what was cut off is half a line


def test_a_session_whose_own_script_was_cut_off_finds_back(benches):
    """An outage in the midst of a message; then the link is opened anew."""
    bench = benches("2636b-3706a")
    bench.leave()
    for name in ("smu", "matrix"):
        with bench.session(name) as driver:
            driver.identify()
            for text in CUT.values():
                driver.adapter.connection.write_raw(text.encode())
                driver.adapter.connection.close()
                with pytest.raises(InstrumentError, match="there is no connection"):
                    driver.check_errors()
                driver.check_errors()
                assert not driver.self_test()


def test_ending_no_script_adds_one_complaint_and_hides_no_other(benches):
    """A box complains of `endscript` where there is no script; what others left in its queue is still reported."""
    bench = benches("2636b-3706a")
    bench.leave("nonsense 1 2", "smua.source.levelv = 1e9")
    with bench.session("smu") as driver:
        driver.identify()
        found = driver.self_test()
        assert [each.split(":")[1] for each in found] == [" error -285", " error 1101"]
        assert driver.self_test() == []


@pytest.mark.parametrize("kind", ["2400-7002", "b2902a-b2201a"])
def test_half_a_line_in_a_box_that_speaks_scpi(benches, kind):
    bench = benches(kind)
    for armed in (False, True):
        bench.leave(*LEFT_ON["voltage"][bench.language])
        for resource in bench.resources.values():
            cut(resource, ":SOUR:VOL")
        if armed:
            with bench.opened():
                pass
        else:
            for name in bench.resources:
                bench.spec(name).make_safe()
        assert not bench.live()


def test_a_2450_that_was_left_in_its_other_language_is_switched_off_and_refused(benches, tmp_path):
    bench = benches("2450-7002")
    bench.leave("*LANG TSP")
    bench.served.bench.instruments["smu1"].power_cycle()
    bench.tell("smu.source.level = 0.3", "smu.source.output = smu.ON", "loadandrunscript", "x = 1")
    assert bench.live()
    with pytest.raises(InstrumentError, match=r"smu1 at .* speaks another language"):
        make_safe(bench_file(bench, tmp_path))
    assert not bench.live()
    bench.tell("*LANG SCPI")


# ---- complaints that are no text ----


def test_a_complaint_that_is_no_text_ends_no_switch_off(benches, tmp_path):
    """Fails where every answer must be ASCII: a user's own error message leaves the output on."""
    bench = benches("2636b-3706a")
    bench.leave(*LEFT_ON["voltage"]["tsp"], 'error("Strom zu gro\xdf: 5 \xb5A")', 'error("two\\nlines\\tand a tab")')
    bench.tell('error("\xff\xfe")', name="matrix")
    make_safe(bench_file(bench, tmp_path))
    assert not bench.live()
    assert not bench.closed()


def test_a_complaint_that_is_no_text_is_reported(benches):
    bench = benches("2636b-3706a")
    bench.leave('error("Strom zu gro\xdf")', 'error("two\\nlines")')
    with bench.session("smu") as driver:
        assert "Strom zu gro\xdf" in driver.self_test()[0]
        with pytest.raises(InstrumentError, match=r"(?s)error -286: .*two.*lines"):
            driver.run('error("two\\nlines\\n")')
        driver.make_safe()


@pytest.mark.parametrize("kind", ["2400-7002", "2450-7002", "b2902a-b2201a"])
def test_a_complaint_that_is_no_text_in_a_box_that_speaks_scpi(benches, kind, tmp_path, monkeypatch):
    bench = benches(kind)
    for box in (bench.sources[0], bench.matrix):
        texts = bench.served.bench.instruments[box].errors._texts
        monkeypatch.setattr(bench.served.bench.instruments[box].errors, "_texts", {**texts, -113: 'no "" \xb5\xff; 1'})
    bench.leave(*LEFT_ON["voltage"][bench.language])
    for name in (bench.sources[0], bench.matrix):
        bench.tell(*["nonsense 1"] * 5, name=name)
    make_safe(bench_file(bench, tmp_path))
    assert not bench.live()
    bench.tell("nonsense 1")
    with (
        bench.session(bench.sources[0]) as driver,
        pytest.raises(InstrumentError, match=r"error -113, no .* \xb5\xff"),
    ):
        driver.outputs()


# ---- answers that do not come ----


@pytest.mark.parametrize("kind", ["2636b-3706a", "2400-7002", "b2902a-b2201a"])
def test_a_source_whose_answers_are_lost_is_off_all_the_same(benches, kind):
    """Fails where a session that has lost an answer first wants to be answered again."""
    bench = benches(kind)
    name = bench.sources[0]
    bench.leave(*LEFT_ON["voltage"][bench.language])
    with bench.session(name) as driver:
        driver.identify()
        bench.served.faulty[name].arm(*[Fault("lost")] * 500)
        for do in (driver.outputs, driver.make_safe):
            with driver.haste(0.4), pytest.raises(InstrumentError, match="did not answer in time"):
                do()
    bench.served.faulty[name]._armed.clear()
    assert not bench.live()


# ---- names that a script has redefined ----

REDEFINED = {
    "print": ("print = nil",),
    "errorqueue": ("errorqueue = nil",),
    "format": ("format = nil",),
    "smua": ("smua = smub",),
    "smua is gone": ("smua = nil",),
    "localnode": ("localnode = nil",),
}
CONFIRMED = ("smua", "smua is gone")
"""with which the box can still say that it is off"""


@pytest.mark.parametrize("name", REDEFINED)
def test_sources_go_off_before_the_first_question(benches, name, tmp_path):
    """Fails where a box is asked who it is before it is told to be off; what cannot be confirmed is not called safe."""
    bench = benches("2636b-3706a")
    bench.leave(
        *LEFT_ON["voltage"]["tsp"], *LEFT_ON["current of another channel"]["tsp"], *REDEFINED[name], redefining=True
    )
    path = bench_file(bench, tmp_path)
    if name in CONFIRMED:
        make_safe(path)
        assert not bench.closed()
    else:
        with pytest.raises(InstrumentError, match=r"(?s)not everything is known to be safe.*smu at .*relays stay"):
            make_safe(path)
        assert bench.closed() == {(1, 2, 1)}
    assert not bench.live()
    assert bench.network.events == []


@pytest.mark.parametrize("name", REDEFINED)
def test_a_watchdog_switches_off_before_its_first_question(benches, name):
    bench = benches("2636b-3706a")
    bench.leave(*LEFT_ON["voltage"]["tsp"], *REDEFINED[name], redefining=True)
    with contextlib.nullcontext() if name in CONFIRMED else pytest.raises(InstrumentError):
        bench.spec("smu").make_safe()
    assert not bench.live()


@pytest.mark.parametrize(
    ("redefined", "said"),
    [
        ("smub = smua", "has another smub than from the factory"),
        ("smua, smub = smub, smua", "has another smua than from the factory"),
        ('function printbuffer() print("0.0") end', "has another printbuffer than from the factory"),
        ("function waitcomplete() end", "has another waitcomplete than from the factory"),
        ("function delay() end", "has another delay or timer than from the factory"),
        ("smub = nil", "smub"),
        ("localnode = nil", "localnode"),
        ("print = nil", "redefined print, errorqueue or format"),
    ],
)
def test_names_that_a_script_has_redefined_are_refused_by_name(benches, redefined, said):
    """Fails where they are used unasked: a line that carries a current reads 0 A."""
    bench = benches("2636b-3706a")
    bench.leave(redefined, redefining=True)
    with pytest.raises(InstrumentError, match=said), bench.opened():
        pass
    assert not bench.live()
    assert bench.network.events == []
