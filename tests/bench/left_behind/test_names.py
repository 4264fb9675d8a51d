"""Names that a script has redefined in a box, until it is switched off: what is on goes off, what would lie is refused."""

import contextlib

import pytest

from labmtj.bench.session.make_safe import make_safe
from labmtj.errors import InstrumentError

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
    also = "smub.source.func = 0 smub.source.leveli = 1e-6 smub.source.output = 1"
    bench.leave_on("voltage", also, *REDEFINED[name], redefining=True)
    path = bench.file_in(tmp_path)
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
    bench.leave_on("voltage", *REDEFINED[name], redefining=True)
    with contextlib.nullcontext() if name in CONFIRMED else pytest.raises(InstrumentError):
        bench.spec("smu").make_safe()
    assert not bench.live()


@pytest.mark.parametrize(
    ("redefined", "said"),
    [
        ("smub = smua", "has a smub that a script has redefined"),
        ("smua, smub = smub, smua", "has a smua that a script has redefined"),
        ('function printbuffer() print("0.0") end', "has a printbuffer that a script has redefined"),
        ("function waitcomplete() end", "has a waitcomplete that a script has redefined"),
        ("function delay() end", "has a delay or timer that a script has redefined"),
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


def test_a_box_that_cannot_be_asked_is_reported_as_perhaps_on(benches):
    """Connecting changes nothing, so the voltage of an earlier user stays on: the error must not hide that."""
    bench = benches("2636b-3706a")
    bench.leave_on("voltage", "print = nil", redefining=True)
    with pytest.raises(InstrumentError) as failed, bench.opened():
        pass
    assert bench.live()
    assert any("they may be on" in note and "labmtj safe" in note for note in failed.value.__notes__)
