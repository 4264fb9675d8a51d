"""Sweeps, configuration lists, blocks and events of a 2450 in its TSP language."""

import pytest

OHMS = 1e4


def numbers(reply):
    return [float(each) for each in str(reply).replace("\t", ",").split(",")]


@pytest.mark.parametrize(
    ("call", "levels"),
    [
        ("sweeplinear('s', 0, 1, 5)", [0, 0.25, 0.5, 0.75, 1]),
        ("sweeplinearstep('s', 0, 1, 0.5)", [0, 0.5, 1]),
        ("sweeplog('s', 0.01, 1, 3)", [0.01, 0.1, 1]),
        ("sweeplinear('s', 0, 1, 3, 0.01, 2)", [0, 0.5, 1] * 2),
        ("sweeplinear('s', 0, 1, 3, -1, 1, smu.RANGE_AUTO, smu.OFF, smu.ON)", [0, 0.5, 1, 0.5, 0]),
    ],
)
def test_a_sweep_measures_at_each_level_and_switches_off(smu, call, levels):
    smu.do(f"smu.source.{call} trigger.model.initiate() waitcomplete()")
    assert smu.errors() == ""
    count = len(levels)
    assert smu("defbuffer1.n") == str(count)
    assert numbers(smu.do(f"printbuffer(1, {count}, defbuffer1.sourcevalues)")) == pytest.approx(levels, abs=1e-5)
    assert numbers(smu.do(f"printbuffer(1, {count}, defbuffer1)")) == pytest.approx(
        [v / OHMS for v in levels], abs=1e-8
    )
    assert smu("smu.source.output", "trigger.model.state()").split("\t")[:2] == ["smu.OFF", "trigger.STATE_IDLE"]
    assert [step[2] for step in smu.terminals.steps if step[2]] != []


def test_a_list_of_settings_is_swept(smu):
    smu.do(
        "smu.source.configlist.create('v') for i = 2, 5 do smu.source.level = i * 0.1 smu.source.configlist.store('v') end"
    )
    assert (
        smu("smu.source.configlist.size('v')", "smu.source.configlist.catalog()", "smu.source.configlist.catalog()")
        == "4\tv\tnil"
    )
    smu.do("smu.source.sweeplist('v', 1, 0.001) trigger.model.initiate() waitcomplete()")
    assert numbers(smu.do("printbuffer(1, 4, defbuffer1.sourcevalues)")) == pytest.approx(
        [0.2, 0.3, 0.4, 0.5], abs=1e-5
    )
    smu.do("smu.source.configlist.recall('v', 3)")
    assert smu("smu.source.level") == "0.4"
    assert "smu.source.level = 0.4" in smu("smu.source.configlist.query('v', 3)")
    smu.do("smu.source.configlist.delete('v', 1)")
    assert smu("smu.source.configlist.size('v')") == "3"
    smu.do("smu.source.configlist.delete('v') smu.source.configlist.recall('v')")
    assert smu.errors() != ""


def test_measure_settings_are_stored_per_function(smu):
    smu.do("smu.measure.configlist.create('m') smu.measure.nplc = 0.5 smu.measure.configlist.store('m')")
    smu.do("smu.measure.func = smu.FUNC_DC_VOLTAGE smu.measure.range = 20 smu.measure.configlist.store('m')")
    smu.do("smu.measure.configlist.recall('m', 1)")
    assert smu("smu.measure.func", "smu.measure.nplc") == "smu.FUNC_DC_CURRENT\t0.5"
    smu.do("smu.measure.configlist.recall('m', 2)")
    assert smu("smu.measure.func", "smu.measure.range", "smu.measure.autorange") == "smu.FUNC_DC_VOLTAGE\t20\tsmu.OFF"
    smu.do("smu.measure.configlist.storefunc('m', smu.FUNC_RESISTANCE)")
    assert (smu("smu.measure.configlist.size('m')"), smu.errors()) == ("3", "")


@pytest.mark.parametrize(
    ("load", "readings"),
    [
        ("'SimpleLoop', 7, 0.01", 7),
        ("'DurationLoop', 0.5, 0.0", 9),
        ("'LoopUntilEvent', trigger.EVENT_TIMER1, 50, 0", 5),
    ],
)
def test_models_that_come_ready(smu, load, readings):
    smu.do("trigger.timer[1].delay = 0.28 smu.measure.nplc = 1 smu.source.output = smu.ON")
    smu.do(f"trigger.model.load({load}) trigger.timer[1].enable = trigger.ON trigger.model.initiate() waitcomplete()")
    assert smu.errors() == ""
    assert abs(int(smu("defbuffer1.n")) - readings) <= 1


def test_blocks_are_done_in_turn(smu):
    """The gate of the maker's FET example: recall, output, measure, next, branch, off."""
    smu.do(
        "smu.source.xlimit.level = 1e-3",
        "smu.source.configlist.create('g') for i = 1, 4 do smu.source.level = i smu.source.configlist.store('g') end",
    )
    smu.lines(
        "trigger.model.setblock(1, trigger.BLOCK_CONFIG_RECALL, 'g')\ntrigger.model.setblock(2, trigger.BLOCK_SOURCE_OUTPUT, smu.ON)\n"
        "trigger.model.setblock(3, trigger.BLOCK_MEASURE)\ntrigger.model.setblock(4, trigger.BLOCK_NOTIFY, trigger.EVENT_NOTIFY1)\n"
        "trigger.model.setblock(5, trigger.BLOCK_DELAY_CONSTANT, 0.1)\ntrigger.model.setblock(6, trigger.BLOCK_CONFIG_NEXT, 'g')\n"
        "trigger.model.setblock(7, trigger.BLOCK_BRANCH_COUNTER, 4, 3)\ntrigger.model.setblock(8, trigger.BLOCK_SOURCE_OUTPUT, smu.OFF)"
    )
    before = smu.now()
    smu.do("trigger.model.initiate() waitcomplete()")
    assert numbers(smu.do("printbuffer(1, 4, defbuffer1.sourcevalues)")) == pytest.approx([1, 2, 3, 4], abs=1e-4)
    assert smu.now() - before >= 0.4
    listed = smu.do("print(trigger.model.getblocklist())").split("\n")
    assert (len(listed), listed[6].split()) == (8, ["7)", "BRANCH_COUNTER", "4,", "3"])
    assert smu.errors() == ""


def test_limits_and_once_branch(smu):
    smu.do("smu.source.level = 0.5 smu.source.output = smu.ON smu.measure.limit[1].high.value = 1e-6")
    smu.lines(
        "trigger.model.setblock(1, trigger.BLOCK_MEASURE_DIGITIZE)\n"
        "trigger.model.setblock(2, trigger.BLOCK_BRANCH_LIMIT_CONSTANT, trigger.LIMIT_ABOVE, 0, 1e-6, 4)\n"
        "trigger.model.setblock(3, trigger.BLOCK_LOG_EVENT, trigger.LOG_INFO1, 'too low')\n"
        "trigger.model.setblock(4, trigger.BLOCK_BRANCH_LIMIT_DYNAMIC, trigger.LIMIT_INSIDE, 1, 3)\n"
        "trigger.model.setblock(5, trigger.BLOCK_BRANCH_ONCE, 1)\ntrigger.model.setblock(6, trigger.BLOCK_DIGITAL_IO, 1)"
    )
    smu.do("trigger.model.initiate() waitcomplete()")
    assert (smu("defbuffer1.n", "eventlog.getcount()"), smu.errors()) == ("2\t0", "")


def test_a_model_waits_for_its_event(smu):
    smu.do(
        "trigger.model.setblock(1, trigger.BLOCK_WAIT, trigger.EVENT_COMMAND) trigger.model.setblock(2, trigger.BLOCK_MEASURE)"
    )
    smu.do("smu.source.output = smu.ON trigger.model.initiate()")
    assert smu("trigger.model.state()").split("\t") == ["trigger.STATE_WAITING", "trigger.STATE_WAITING", "1"]
    smu.do("trigger.model.setblock(3, trigger.BLOCK_NOP)")
    assert smu.errors() != ""  # it runs
    smu.do("*TRG")
    assert smu("defbuffer1.n", "trigger.model.state()").split("\t")[:2] == ["1", "trigger.STATE_IDLE"]
    smu.do("trigger.model.initiate() trigger.model.abort()")
    assert smu("trigger.model.state()").split("\t")[0] == "trigger.STATE_ABORTED"


def test_a_model_without_end_lets_every_message_end(smu):
    smu.do("trigger.model.setblock(1, trigger.BLOCK_NOP) trigger.model.setblock(2, trigger.BLOCK_BRANCH_ALWAYS, 1)")
    smu.do("trigger.model.initiate()")
    assert smu("trigger.model.state()").split("\t")[0] == "trigger.STATE_RUNNING"
    smu.do("trigger.model.pause()")
    assert smu("trigger.model.state()").split("\t")[0] == "trigger.STATE_PAUSED"
    smu.do("trigger.model.resume() trigger.model.abort()")
    assert (smu("trigger.model.state()").split("\t")[0], smu.errors()) == ("trigger.STATE_ABORTED", "")


def test_timers_blenders_and_waits(smu):
    smu.do("trigger.timer[1].delay = 0.2 trigger.timer[1].count = 3 trigger.blender[1].orenable = true")
    smu.do(
        "trigger.blender[1].stimulus[1] = trigger.EVENT_TIMER1 trigger.timer[2].start.stimulus = trigger.EVENT_BLENDER1"
    )
    smu.do("trigger.timer[2].delay = 0.1 trigger.timer[2].enable = trigger.ON trigger.timer[1].enable = trigger.ON")
    before = smu.now()
    smu.do("trigger.timer[1].enable = trigger.OFF trigger.timer[1].enable = trigger.ON print(trigger.timer[2].wait(5))")
    assert smu.now() - before >= 0.3
    smu.do("trigger.timer[3].delaylist = {0.1, 0.2}")
    assert smu("trigger.timer[3].delay", "trigger.timer[3].delaylist[2]", "trigger.wait(0.1)") == "0.1\t0.2\tfalse"
    smu.do("trigger.timer[3].reset()")
    assert (smu("trigger.timer[3].delay"), smu.errors()) == ("1e-05", "")


def test_a_timer_without_end_does_not_keep_the_box(smu):
    smu.do("trigger.timer[1].count = 0 trigger.timer[1].delay = 0.1 trigger.timer[1].enable = trigger.ON")
    assert (smu("trigger.timer[1].count", "trigger.timer[1].wait(1)"), smu.errors()) == ("0\ttrue", "")


def test_what_no_model_is_made_of_is_refused(smu):
    for wrong in (
        "trigger.model.setblock(1, trigger.BLOCK_NOTHING)", "trigger.model.setblock(99, trigger.BLOCK_NOP)",
        "trigger.model.setblock(1, trigger.BLOCK_WAIT)", "trigger.model.load('Nothing')", "trigger.model.load('SimpleLoop')",
        "trigger.model.initiate()", "smu.source.sweeplog('x', -1, 1, 5)", "smu.source.sweeplist('none')",
    ):  # fmt: skip
        smu.do(wrong)
        assert smu.errors() != "", wrong


def test_scripts_of_the_maker_run(smu):
    """The solar cell and the insulation example of the user's manual, shortened; names of earlier firmware."""
    smu.lines(
        "reset()\nsmu.measure.func = smu.FUNC_DC_CURRENT\nsmu.measure.terminals = smu.TERMINALS_FRONT\n"
        "smu.measure.sense = smu.SENSE_4WIRE\nsmu.source.highc = smu.OFF\nsmu.source.range = 2\nsmu.source.ilimit.level = 1\n"
        "smu.source.sweeplinear('SolarCell', 0, 0.53, 56, 0.1)\ntrigger.model.initiate()\nwaitcomplete()\n"
        "voltage = defbuffer1.sourcevalues\ncurrent = defbuffer1\nprint(voltage[56], current[56])\n"
        "display.changescreen(display.SCREEN_USER_SWIPE)\ndisplay.settext(display.TEXT1, 'done')"
    )
    volts, amperes = numbers(smu("voltage[56]", "current[56]"))
    assert (volts, amperes) == (pytest.approx(0.53, rel=1e-3), pytest.approx(0.53 / OHMS, rel=1e-3))
    smu.do("reset() smu.measure.unit = smu.UNIT_OHM smu.source.ilimit.level = 0.1 smu.source.level = 20")
    smu.do(
        "trigger.model.load('SimpleLoop', 10, 0.1) smu.source.output = smu.ON trigger.model.initiate() waitcomplete()"
    )
    assert numbers(smu("defbuffer1[10]", "defbuffer1.n")) == pytest.approx([OHMS, 10], rel=1e-3)
    assert smu.errors() == ""
