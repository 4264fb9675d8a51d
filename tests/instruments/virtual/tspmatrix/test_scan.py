"""`scan.*` as the Series 3700A reference (web help) describes it: relays really move, count and take their time."""

import pytest

# Case 3706-scan, on both mainframes.

RUNNING, ABORTED, FAILED_INIT, SUCCESS = "2.00000e+00", "3.00000e+00", "5.00000e+00", "6.00000e+00"
SETTLE = 0.004  # of a 3730


@pytest.mark.parametrize(("box", "first", "names"), [("m3706", "1101", "1101:1104"), ("m707", "1A01", "1A01:1A04")])
def test_a_scan_closes_one_channel_after_the_other(request, box, first, names):
    box = request.getfixturevalue(box)
    box.do(f"channel.close('{first}') scan.create('{names}') scan.scancount = 2")
    box.relays.moves.clear()
    assert box("scan.execute()") == f"{SUCCESS}\t2.00000e+00\t4.00000e+00"
    assert box("scan.state()").split("\t")[0] == SUCCESS
    one = [
        ("open", (1, 1, 1)),
        *(step for n in (2, 3, 4) for step in (("close", (1, 1, n - 1)), ("open", (1, 1, n - 1)))),
    ]
    again = [("close", (1, 1, 4)), ("open", (1, 1, 4)), *one[1:], ("close", (1, 1, 4))]
    assert box.relays.moves == [*one, *again]
    assert box("channel.getclose('allslots')") == box("channel.createspecifier(1, 1, 1, 4)")
    assert [box.relays.counts[1, 1, n] for n in (1, 2, 3, 4)] == [3, 2, 2, 2]


def test_steps_are_listed_counted_and_take_their_time(m3706):
    m3706.do("channel.setdelay('1102', 0.5) scan.create('1101,1102') scan.addimagestep('2101,2102')")
    assert m3706("scan.stepcount") == "3.00000e+00"
    assert m3706.do("print(scan.list())") == (
        "Init) OPEN...\n1) STEP: 1101\nCLOSE: 1101\nMEASURE: nofunction COUNT: 1\n2) STEP: 1102\nOPEN: 1101\nCLOSE: 1102\n"
        "MEASURE: nofunction COUNT: 1\n3) STEP: 2101,2102\nOPEN: 1102\nCLOSE: 2101 2102\nMEASURE: nofunction COUNT: 1"
    )
    before = m3706.now()
    m3706.do("scan.execute()")
    assert m3706.now() - before == pytest.approx(5 * SETTLE + 0.5)  # 3 closings, 2 openings
    assert m3706("channel.getclose('allslots')") == "2101;2102"
    assert m3706.do("scan.create('') print(scan.list())") == "Empty Scan"


def test_labels_and_patterns_are_steps(m3706):
    m3706.do(
        "channel.setlabel('1101', 'start') channel.pattern.setimage('1201,1202', 'both') scan.create('start,both')"
    )
    m3706.do("scan.add('1301')")
    assert m3706("scan.stepcount", "scan.execute()").split("\t")[:2] == ["3.00000e+00", SUCCESS]
    assert sorted(m3706.relays.counts) == [(1, 1, 1), (1, 2, 1), (1, 2, 2), (1, 3, 1)]


@pytest.mark.parametrize(("mode", "left"), [("MODE_OPEN_ALL", "1101"), ("MODE_OPEN_SELECTIVE", "1101;2616")])
def test_the_mode_says_what_opens_first(m3706, mode, left):
    m3706.do(f"channel.close('2616,1101') scan.create('1101') scan.mode = scan.{mode} scan.execute()")
    assert m3706("channel.getclose('allslots')") == left


def test_a_forbidden_channel_of_a_range_is_passed_over(m3706):
    m3706.do("channel.setforbidden('1102') scan.create('1101:1103')")
    assert (m3706("scan.stepcount"), m3706.errors()) == ("2.00000e+00", "")
    m3706.do("scan.create('1101,1102')")
    assert m3706.error() != 0


def test_a_background_scan_goes_on_while_time_passes(m3706):
    m3706.do("scan.create('1101:1103')")
    printed = m3706.do(
        "print(scan.background()) delay(0.001) print(scan.state()) delay(0.009) print(scan.state()) "
        "print(channel.getclose('allslots'))"
    )
    assert [line.split("\t")[::2] for line in str(printed).split("\n")[:3]] == [
        [RUNNING, "0.00000e+00"], [RUNNING, "0.00000e+00"], [RUNNING, "1.00000e+00"],
    ]  # fmt: skip
    assert m3706("scan.state()") == f"{SUCCESS}\t1.00000e+00\t3.00000e+00"


def test_a_scan_waits_for_its_event(m3706):
    m3706.do("scan.create('1101:1103') scan.trigger.channel.stimulus = 99 scan.bypass = scan.OFF scan.background()")
    assert m3706("scan.state()", "channel.getclose('allslots')").split("\t") == [RUNNING, "nil"]
    m3706.do("scan.trigger.channel.set()")
    assert m3706("channel.getclose('allslots')") == "1101"
    m3706.do("scan.create('1104')")
    assert m3706.error() == 1100  # it runs
    m3706.do("scan.abort()")
    assert m3706("scan.state()").split("\t")[0] == ABORTED
    m3706.do("scan.execute()")
    assert (m3706.error(), m3706("scan.state()").split("\t")[0]) == (1100, ABORTED)


def test_a_scan_without_end_lets_every_message_end(m3706):
    m3706.do("scan.create('1101:1102') scan.scancount = 2147483647 scan.background()")
    steps = [float(m3706("scan.state()").split("\t")[1]) for _ in range(3)]
    assert steps[0] > 0
    assert steps[0] < steps[1] < steps[2]
    m3706.do("scan.abort()")
    assert (m3706("scan.state()").split("\t")[0], m3706.errors()) == (ABORTED, "")


def test_a_scan_paced_by_a_timer_without_end_ends(m3706):
    m3706.do("scan.create('1101:1110') trigger.timer[1].count = 0 trigger.timer[1].delay = 0.1")
    m3706.do("scan.trigger.channel.stimulus = trigger.timer[1].EVENT_ID trigger.timer[1].passthrough = true")
    m3706.do("trigger.timer[1].stimulus = scan.trigger.EVENT_SCAN_READY scan.background()")
    assert (m3706("scan.state()").split("\t")[0], m3706.errors()) == (SUCCESS, "")


def test_what_cannot_be_scanned_is_refused(m3706):
    m3706.do("scan.execute()")
    assert (m3706.error(), m3706("scan.state()").split("\t")[0]) == (1100, FAILED_INIT)
    for refused in (
        "scan.create('1101', 'dcvolts')",
        "scan.create('9999')",
        "scan.create('1101') scan.execute(1)",
        "scan.addwrite('1101', 1)",
    ):
        m3706.do(refused)
        assert m3706.error() != 0, refused


def test_a_changed_channel_loses_the_list(m3706):
    m3706.do("scan.create('4001') channel.setpole('4001', 4)")
    assert m3706("scan.stepcount") == "0.00000e+00"
    m3706.do("scan.create('1101') channel.reset('1101')")
    assert m3706("scan.stepcount") == "0.00000e+00"


def test_ports_are_written_by_a_step(m3706):
    m3706.do(
        "channel.setmode('6001', 1) scan.create('1101') scan.addwrite('6001', 85) scan.add('6001', 1) scan.execute()"
    )
    assert (m3706("scan.stepcount", "channel.read('6001')"), m3706.errors()) == ("3.00000e+00\t8.500000e+01", "")


def test_a_reset_brings_defaults(m3706):
    m3706.do(
        "scan.create('1101') scan.mode = 2 scan.bypass = 0 scan.scancount = 5 scan.trigger.arm.stimulus = 3 scan.reset()"
    )
    assert m3706("scan.mode", "scan.bypass", "scan.scancount", "scan.measurecount", "scan.stepcount") == "\t".join(
        ["0.00000e+00", "1.00000e+00", "1.00000e+00", "1.00000e+00", "0.00000e+00"]
    )
    assert m3706("scan.trigger.arm.stimulus", "scan.trigger.channel.stimulus", "scan.trigger.sequence.stimulus") == (
        "0.00000e+00\t5.00000e+01\t2.80000e+01"
    )
