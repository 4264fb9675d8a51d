"""Source and meter of a 2450 in its TSP language, checked against Ohm's law by hand on 10 kilohm."""

import pytest

OHMS = 1e4
ON = "smu.source.output = smu.ON"


def numbers(reply):
    return [float(each) for each in reply.replace("\t", ",").split(",")]


def test_a_resistor_reads_what_ohm_says(smu):
    smu.do("smu.source.level = 0.5", ON)
    value, seconds, fraction = numbers(smu("smu.measure.readwithtime()"))
    assert value == pytest.approx(0.5 / OHMS, rel=1e-4)
    assert seconds > 1.7e9
    assert 0 <= fraction < 1
    smu.do("smu.measure.func = smu.FUNC_DC_VOLTAGE")
    assert numbers(smu("smu.measure.read()")) == [pytest.approx(0.5, rel=1e-4)]
    smu.do("smu.measure.func = smu.FUNC_RESISTANCE")
    assert numbers(smu("smu.measure.read()")) == [pytest.approx(OHMS, rel=1e-3)]
    assert smu("defbuffer1.n", "defbuffer1.units[3]", "defbuffer1.sourcevalues[1]") == "3\tOhm\t0.5"
    assert smu.errors() == ""


def test_amperes_are_sourced_up_to_a_limit(smu):
    smu.do("smu.source.func = smu.FUNC_DC_CURRENT smu.measure.func = smu.FUNC_DC_VOLTAGE smu.source.level = 1e-4")
    smu.do("smu.source.xlimit.level = 5", ON)
    assert numbers(smu("smu.measure.read()")) == [pytest.approx(1.0, rel=1e-4)]
    assert smu("smu.source.xlimit.tripped") == "smu.OFF"
    smu.do("smu.source.level = 1e-3")
    assert numbers(smu("smu.measure.read()")) == [pytest.approx(5.0, rel=1e-3)]
    assert smu(
        "smu.source.xlimit.tripped", "smu.source.getattribute(smu.FUNC_DC_CURRENT, smu.ATTR_SRC_LIMIT_TRIPPED)"
    ) == ("smu.ON\tsmu.ON")
    assert smu("defbuffer1.sourcestatuses[1]", "defbuffer1.sourcestatuses[2]") == "128\t160"


def test_the_terminals_see_output_and_sense(smu):
    smu.do("smu.source.level = 0.25 smu.measure.sense = smu.SENSE_4WIRE", ON)
    assert smu.terminals.sense(0.0).volts == pytest.approx(0.25)
    assert smu.terminals.four_wires
    smu.do("smu.source.output = smu.OFF")
    assert smu.terminals.sense(0.0).volts == 0.0
    smu.do(ON, "reset()")
    assert smu.terminals.sense(0.0).volts == 0.0


def test_what_is_out_of_range_is_refused_and_told(smu):
    for wrong in (
        "smu.source.level = 300", "smu.measure.nplc = 20", "smu.source.func = smu.FUNC_RESISTANCE", "smu.measure.count = 0",
        "smu.source.xlimit.level = 0", "smu.measure.sense = 7", "smu.source.readback = 'on'",
    ):  # fmt: skip
        smu.do(wrong)
        code, _text, severity, node, seconds, _ = smu.errors().split("\t")
        assert (code, severity, node) == ("-222", "4", "0"), wrong
        assert float(seconds) > 1.7e9
    smu.do("smu.source.nothing = 1")
    assert smu.errors().startswith("-286\tTSP Runtime error")


def test_each_function_keeps_its_own_attributes(smu):
    smu.do("smu.measure.nplc = 0.1 smu.measure.func = smu.FUNC_DC_VOLTAGE")
    assert smu("smu.measure.nplc", "smu.measure.unit") == "1\tsmu.UNIT_VOLT"
    smu.do("smu.measure.setattribute(smu.FUNC_DC_CURRENT, smu.ATTR_MEAS_NPLC, 0.5)")
    assert smu("smu.measure.nplc", "smu.measure.getattribute(smu.FUNC_DC_CURRENT, smu.ATTR_MEAS_NPLC)") == "1\t0.5"
    smu.do(
        "smu.measure.setattribute(smu.FUNC_RESISTANCE, smu.ATTR_MEAS_LIMIT_HIGH_1, 3) smu.measure.func = smu.FUNC_RESISTANCE"
    )
    assert smu("smu.measure.limit[1].high.value", "smu.measure.limit[2].high.value") == "3\t1"
    smu.do("smu.measure.autorangehigh = 2e6")
    assert (smu("smu.measure.autorangehigh"), smu.errors()) == ("2000000", "")
    smu.do("smu.measure.func = smu.FUNC_DC_VOLTAGE smu.measure.autorangehigh = 2")
    assert smu.errors() != ""


def test_a_delay_that_is_set_takes_its_time(smu):
    smu.do("smu.measure.nplc = 0.01 smu.measure.autozero.enable = smu.OFF smu.source.delay = 0.5", ON)
    before = smu.now()
    smu.do("smu.measure.read()")
    assert smu.now() - before == pytest.approx(0.5, rel=1e-2)
    assert smu("smu.source.autodelay") == "smu.OFF"


def test_a_reading_is_offset_calculated_and_tested(smu):
    smu.do(
        "smu.source.level = 0.5", ON, "smu.measure.rel.acquire() smu.measure.rel.enable = smu.ON smu.source.level = 1"
    )
    assert numbers(smu("smu.measure.rel.level", "smu.measure.read()")) == pytest.approx([0.5 / OHMS] * 2, rel=1e-3)
    smu.do("smu.measure.rel.enable = smu.OFF smu.measure.math.format = smu.MATH_MXB smu.measure.math.mxb.mfactor = 1e4")
    smu.do("smu.measure.math.mxb.bfactor = 2 smu.measure.math.enable = smu.ON")
    assert numbers(smu("smu.measure.read()")) == [pytest.approx(3.0, rel=1e-3)]
    smu.do("smu.measure.limit[1].enable = smu.ON smu.measure.limit[1].high.value = 2 smu.measure.read()")
    assert smu("smu.measure.limit[1].fail") == "smu.FAIL_HIGH"
    smu.do("smu.measure.math.format = smu.MATH_RECIPROCAL smu.measure.math.enable = smu.ON")
    assert numbers(smu("smu.measure.read()")) == [pytest.approx(OHMS, rel=1e-3)]
    smu.do("smu.measure.limit[1].enable = smu.OFF smu.measure.limit[1].clear()")
    assert smu("smu.measure.limit[1].fail") == "smu.FAIL_NONE"


@pytest.mark.parametrize(("unit", "expected"), [("OHM", OHMS), ("WATT", 0.5**2 / OHMS), ("VOLT", 0.5)])
def test_a_reading_is_shown_in_another_unit(smu, unit, expected):
    smu.do(f"smu.measure.unit = smu.UNIT_{unit} smu.source.level = 0.5", ON)
    assert numbers(smu("smu.measure.read()")) == [pytest.approx(expected, rel=1e-3)]


def test_buffers_are_made_filled_shown_and_deleted(smu):
    smu.do("mine = buffer.make(10) smu.source.level = 0.5 smu.measure.count = 12", ON, "smu.measure.read(mine)")
    assert smu("mine.n", "mine.fillmode", "mine.capacity", "defbuffer1.n") == "10\tbuffer.FILL_ONCE\t10\t0"
    first, second = numbers(smu.do("printbuffer(1, 2, mine.relativetimestamps)"))
    assert (first, second > 0.02) == (0.0, True)
    stats = smu("buffer.getstats(mine).n", "buffer.getstats(mine).mean", "buffer.getstats(mine).max.reading")
    assert numbers(stats) == pytest.approx([10, 5e-5, 5e-5], rel=1e-3)
    assert smu.do("printbuffer(1, 1, mine, mine.units, mine.sourceunits)").split(", ")[1:] == ["Amp DC", "Volt DC"]
    smu.do("printbuffer(1, 11, mine)")
    assert smu.errors().startswith("4900")
    smu.do("buffer.delete(mine) smu.measure.read(mine)")
    assert smu.errors() != ""
    smu.do(
        "own = buffer.make(20, buffer.STYLE_WRITABLE) buffer.write.format(own, 'K', 'x') buffer.write.reading(own, 4.2)"
    )
    assert (smu("own[1]", "own.units[1]"), smu.errors()) == ("4.2\tK", "")


def test_numbers_and_constants_are_printed_as_the_box_does(smu):
    assert smu("5", "1e-5", "format.asciiprecision", "smu.ON", "1/3") == "5\t1e-05\t0\tsmu.ON\t0.33333333333333"
    smu.do("format.asciiprecision = 6")
    assert smu("5") == "5.00000e+00"


def test_digital_lines_hold_what_outputs_are_set_to(smu):
    smu.do("digio.line[2].state = digio.STATE_HIGH")
    assert smu("digio.line[2].state", "digio.readport()") == "digio.STATE_LOW\t0"
    smu.do("digio.line[2].mode = digio.MODE_DIGITAL_OUT digio.line[2].state = digio.STATE_HIGH")
    assert smu("digio.line[2].state", "digio.readport()") == "digio.STATE_HIGH\t2"
    smu.do("digio.line[2].reset() digio.writeport(63)")
    assert smu("digio.line[2].mode", "digio.readport()") == "digio.MODE_DIGITAL_IN\t0"


def test_prompts_are_switched_by_constants(smu):
    assert smu.do("localnode.prompts = localnode.ENABLE") == "TSP>"
    assert smu("localnode.prompts").split("\n")[0] == "localnode.ENABLE"
    smu.do("localnode.prompts = localnode.DISABLE")
    assert smu("localnode.prompts") == "localnode.DISABLE"


def test_a_script_of_settings_brings_them_back(smu):
    smu.do(
        "smu.measure.nplc = 0.1 smu.source.range = 2 smu.measure.func = smu.FUNC_DC_VOLTAGE createconfigscript('mine')"
    )
    smu.do("reset()")
    assert smu("smu.measure.func") == "smu.FUNC_DC_CURRENT"
    smu.do("mine()")
    assert smu.errors() == ""
    assert smu("smu.source.range", "smu.measure.func", "smu.source.output") == "2\tsmu.FUNC_DC_VOLTAGE\tsmu.OFF"


def test_the_event_log_keeps_kinds_apart(smu):
    smu.do("eventlog.post('hello') eventlog.post('careful', eventlog.SEV_WARN)")
    assert smu("eventlog.getcount()", "eventlog.getcount(eventlog.SEV_ERROR)") == "2\t0"
    assert smu("eventlog.next(eventlog.SEV_WARN)").split("\t")[1:3] == ["careful", "2"]
    assert smu("eventlog.next()").split("\t")[1] == "hello"
    assert smu("eventlog.next()") == "0\tNo error\t0\t0\t0\t0"
