"""`channel.*` as the Series 3700A reference (web help) shows it: its examples, on cards that are there."""

import pytest

# Cases 3706-label-as-channel and 3706-getimage-gettype, and their kind.


@pytest.mark.parametrize(("box", "name", "second"), [("m3706", "1101", "2616"), ("m707", "1A01", "2H12")])
def test_a_label_serves_wherever_a_channel_does(request, box, name, second):
    box = request.getfixturevalue(box)
    box.do(f"channel.setlabel('{name}', 'start') channel.close('start, {second}')")
    assert box("channel.getclose('allslots')") == f"{name};{second}"
    assert box("channel.getclose('start')", "channel.getstate('start')", "channel.getcount('start')") == f"{name}\t1\t1"
    assert box(f"channel.getlabel('{name},{second}')") == f"start,{second}"
    box.do("channel.setdelay('start', 0.5) channel.setforbidden('start') channel.pattern.setimage('start', 'one')")
    assert box(f"channel.getdelay('{name}')", f"channel.getforbidden('{name}')") == f"5.00000e-01\t{name}"
    assert box("channel.pattern.getimage('one')") == name
    box.do("channel.clearforbidden('start') channel.exclusiveslotclose('start') channel.open('start')")
    assert box("channel.getclose('allslots')") == second
    box.do(f"channel.exclusiveclose('start:{name}')")
    assert box("channel.getclose('allslots')") == name
    box.do("channel.reset('start') channel.close('start')")
    assert box.error() != 0
    assert box("channel.getclose('allslots')") == "nil"


@pytest.mark.parametrize("blank", ["", " "])
def test_a_blank_label_clears_it(m3706, blank):
    m3706.do(f"channel.setlabel('1101', 'start') channel.setlabel('1101', '{blank}')")
    assert m3706("channel.getlabel('1101')") == "1101"
    m3706.do("channel.close('start')")
    assert m3706.error() != 0


def test_a_label_belongs_to_one_channel(m3706):
    m3706.do("channel.setlabel('1101', 'start') channel.setlabel('1102', 'start')")
    assert m3706.errors().split("\t")[:2] == ["1.11500e+03", "Parameter error label already used with channel 1101"]
    m3706.do("channel.setlabel('1102,1103', 'two')")
    assert m3706.error() != 0
    m3706.do("channel.setlabel('1102', 'a label of 20 letters')")
    assert m3706.error() != 0
    m3706.do("channel.pattern.setimage('1101', 'both') channel.setlabel('1102', 'both')")
    assert m3706.error() == 1115
    m3706.do("channel.setlabel('1101', 'end') channel.setlabel('1102', 'start') channel.close('start')")
    assert (m3706("channel.getclose('allslots')"), m3706.errors()) == ("1102", "")


def test_types_poles_and_flags(m3706):
    assert m3706("channel.gettype('1101,4060,6001,6006,6010,1911')") == "1,1,8,16,4,2"
    assert m3706("channel.TYPE_SWITCH", "channel.TYPE_BACKPLANE") == "1.00000e+00\t2.00000e+00"
    assert m3706("channel.getpole('1101')", "slot[1].poles.two", "slot[1].matrix") == "2\t1.00000e+00\t1.00000e+00"
    assert m3706("slot[4].multiplexer", "slot[4].matrix", "slot[4].poles.four") == "1.00000e+00\tnil\t1.00000e+00"
    assert (
        m3706("slot[1].banks.matrix", "slot[3].poles.two", "slot[1].thermal.state") == "1.00000e+00\tnil\t0.00000e+00"
    )
    assert m3706("slot[6].digio", "slot[6].startchannel.totalizer", "slot[6].endchannel.totalizer") == (
        "1.00000e+00\t6.00000e+00\t9.00000e+00"
    )
    assert m3706("slot[4].startchannel.voltage", "slot[4].endchannel.voltage") == "1.00000e+00\t6.00000e+01"


def test_four_poles_close_two_channels(m3706):
    m3706.do("channel.setpole('4001,4003', channel.POLES_FOUR)")
    assert m3706("channel.getpole('4001,4002,4003')") == "4,2,4"
    m3706.do("channel.setbackplane('4001', '4915') channel.setbackplane('4003', '4925') channel.close('4001, 4003')")
    assert m3706("channel.getclose('slot4')") == "4001(4031);4003(4033);4915;4925"
    assert m3706("channel.getimage('4001, 4003')") == "4001(4031),4915;4003(4033),4925"
    assert m3706.relays.closed() == {(4, 1, 1), (4, 1, 31), (4, 1, 3), (4, 1, 33)}
    m3706.do("channel.close('4031')")
    assert m3706.error() != 0  # it belongs to 4001
    m3706.do("channel.open('slot4') channel.setpole('slot4', 2)")
    assert m3706("channel.getimage('4001, 4003')") == "4001;4003"
    m3706.do("channel.setpole('1101', channel.POLES_FOUR)")
    assert m3706.error() != 0
    assert m3706("channel.getpole('1101')") == "2"


def test_backplane_relays_move_with_their_channel(m3706):
    m3706.do("channel.setbackplane('4002', '4913, 4914') channel.close('4002')")
    assert m3706("channel.getclose('allslots')", "channel.getbackplane('4002')") == "4002;4913;4914\t4913,4914"
    m3706.do("channel.open('4002')")
    assert m3706("channel.getclose('allslots')") == "nil"
    m3706.do("channel.setbackplane('4002', '4001')")
    assert m3706.error() != 0


def test_patterns_of_several_names(m3706):
    m3706.do("channel.pattern.setimage('1101:1103', 'first') channel.pattern.setimage('2101,2103', 'second')")
    assert m3706("channel.pattern.getimage('second, first')") == "2101,2103;1101,1102,1103"
    m3706.do("channel.close('first;second')")
    assert m3706("channel.getclose('second')") == "2101;2103"
    m3706.do("channel.setlabel('1101', 'named') channel.pattern.setimage('1102', 'named')")
    assert m3706.error() != 0


def test_several_ranges_slots_and_errors(m3706):
    m3706.do("channel.close('1101:1103; 2101:2102,4001')")
    assert m3706("channel.getclose('slot1,slot2')") == "1101;1102;1103;2101;2102"
    m3706.do("channel.getclose('')")
    assert m3706.error() != 0
    m3706.do("channel.close('1101:1103, slot3')")
    assert m3706.error() != 0


def test_specifiers_are_made_of_their_parts(m3706, m707):
    assert m3706("channel.createspecifier(1, 1, 2, 5)", "channel.createspecifier(4, 2, 3)") == "1205\t4033"
    assert m3706("channel.createspecifier(4, 17)", "channel.createspecifier(1, 911)") == "4017\t1911"
    assert m707("channel.createspecifier(1, 1, 2, 5)") == "1B05"
    m3706.do("channel.createspecifier(1, 1, 7, 5)")
    assert m3706.error() != 0


def test_ports_are_written_and_read(m3706):
    m3706.do("channel.setmode('6001:6002', channel.MODE_OUTPUT) channel.write('6001', 21845, 2)")
    assert m3706("channel.read('6001', 2)", "channel.read('6002')") == "2.184500e+04\t8.500000e+01"
    m3706.do("channel.write('6003', 7)")  # an input: ignored
    assert m3706("channel.read('6003')", "channel.getmode('6001,6003,6006,6010')") == "0.000000e+00\t1,0,3,49"
    m3706.do("channel.setmatch('6001', 85) channel.setmatchtype('6001', channel.MATCH_EXACT)")
    assert m3706("channel.getmatch('6001')", "channel.getmatchtype('6001')") == "85\t1"
    m3706.do("channel.setoutputenable('6010', channel.ON) channel.setpowerstate('6006', channel.OFF)")
    assert m3706("channel.getoutputenable('6010:6011')", "channel.getpowerstate('6006,6007')") == "1,0\t0,1"
    assert m3706.errors() == ""
    for refused in (
        "channel.write('1101', 1)",
        "channel.getmode('1101')",
        "channel.close('6001')",
        "channel.getpole('6001')",
    ):
        m3706.do(refused)
        assert m3706.error() != 0, refused
    m3706.do("channel.reset('6001')")
    assert m3706("channel.getmode('6001')", "channel.getmatch('6001')") == "0\t0"


def test_a_reset_forgets_all_of_it(m3706):
    m3706.do(
        "channel.setlabel('1101', 'start') channel.setpole('4001', 4) channel.setbackplane('1101', '1911')",
        "channel.setdelay('1101', 2) channel.setforbidden('1102') channel.connectrule = 2",
        "channel.pattern.setimage('1101', 'one') channel.setmode('6001', 1) slot[1].interlock.override = 1 reset()",
    )
    assert (
        m3706("channel.getlabel('1101')", "channel.getpole('4001')", "channel.getbackplane('1101')") == "1101\t2\tnil"
    )
    assert m3706("channel.getdelay('1101')", "channel.getforbidden('allslots')", "channel.connectrule") == (
        "0.00000e+00\tnil\t1.00000e+00"
    )
    assert m3706("channel.getmode('6001')", "slot[1].interlock.override") == "0\t0.00000e+00"
    assert m3706.do("for name in channel.pattern.catalog() do print(name) end") is None


def test_a_script_of_settings_brings_them_back(m3706):
    m3706.do("channel.setlabel('1101', 'gate') channel.setdelay('1102', 0.5) channel.setforbidden('1103')")
    m3706.do("channel.setpole('4001', 4) channel.setbackplane('4001', '4911') channel.pattern.setimage('1104', 'one')")
    m3706.do(
        "scan.mode = scan.MODE_FIXED_ABR channel.connectsequential = channel.ON createconfigscript('mine') reset()"
    )
    assert m3706("channel.getlabel('1101')", "scan.mode") == "1101\t0.00000e+00"
    m3706.do("mine()")
    assert m3706.errors() == ""
    assert m3706("channel.getlabel('1101')", "channel.getdelay('1102')", "channel.getforbidden('slot1')") == (
        "gate\t5.00000e-01\t1103"
    )
    assert m3706("channel.getimage('4001')", "channel.pattern.getimage('one')", "scan.mode") == (
        "4001(4031),4911\t1104\t2.00000e+00"
    )
