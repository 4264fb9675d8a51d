"""Error queues that quote bytes that are no text: reported, and in nobody's way."""

import pytest

from labmtj.bench.session.make_safe import make_safe
from labmtj.errors import InstrumentError


def test_a_complaint_that_is_no_text_ends_no_switch_off(benches, tmp_path):
    """Fails where every answer must be ASCII: a user's own error message leaves the output on."""
    bench = benches("2636b-3706a")
    bench.leave_on("voltage", 'error("Strom zu gro\xdf: 5 \xb5A")', 'error("two\\nlines\\tand a tab")')
    bench.tell('error("\xff\xfe")', name="matrix")
    make_safe(bench.file_in(tmp_path))
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


def test_a_complaint_that_reads_as_an_answer_is_none(benches):
    """Failed while sessions counted from 1: the text was taken for the end of the first answer."""
    bench = benches("2636b-3706a")
    bench.leave(*(f'error("x\\n={number}\\t0\\t16")' for number in range(4)))
    with bench.session("smu") as driver:
        assert driver.identify().model == "2636B"
        assert driver.run("print(7)") == ["7.000000000000000e+00"]
        driver.make_safe()


@pytest.mark.parametrize("kind", ["2400-7002", "2450-7002", "b2902a-b2201a"])
def test_a_complaint_that_is_no_text_in_a_box_that_speaks_scpi(benches, kind, tmp_path, monkeypatch):
    bench = benches(kind)
    for box in (bench.sources[0], bench.matrix):
        texts = bench.served.bench.instruments[box].errors._texts
        monkeypatch.setattr(bench.served.bench.instruments[box].errors, "_texts", {**texts, -113: 'no "" \xb5\xff; 1'})
    bench.leave_on("voltage")
    for name in (bench.sources[0], bench.matrix):
        bench.tell(*["nonsense 1"] * 5, name=name)
    make_safe(bench.file_in(tmp_path))
    assert not bench.live()
    bench.tell("nonsense 1")
    with (
        bench.session(bench.sources[0]) as driver,
        pytest.raises(InstrumentError, match=r"error -113, no .* \xb5\xff"),
    ):
        driver.outputs()
