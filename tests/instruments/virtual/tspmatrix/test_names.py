"""Every name of the Series 3700A reference, but for those that need a multimeter, is known and behaves."""

LEAST = 380
OTHERWISE = {"localnode.prompts", "trigger.timer[N].delaylist"}
"""that change the answer to the question itself, or take a table: they have tests of their own"""


def path(name: str) -> str:
    """Return the name with the first of what there are several of."""
    return name.replace("[slot]", "[3]" if "pseudocard" in name else "[1]").replace("[N]", "[1]").replace("[M]", "[1]")


def test_the_names_of_the_manual_are_known_and_behave(m3706, walk, facts):
    rows = [row for row in facts("tsp-3700a.tsv") if not row[0].startswith("dmm.")]
    box = walk(m3706.do, m3706.errors)
    missing, wrong = [], []
    for name, kind, affected, default, *_ in rows:
        if name.startswith(("bufferVar.", "fileVar:", "scriptVar.")) or name.endswith(".*"):
            continue  # things that a script makes, and groups
        if not box.exists(path(name)):
            missing.append(name)
        elif kind == "Function" and name.endswith("()") and not box.is_function(path(name)):
            wrong.append(f"{name} is no function")
        elif "RW" in kind and name not in OTHERWISE:
            wrong += box.wrong(path(name), affected, default)
    assert not missing, missing
    assert not wrong, "\n".join(wrong)


def test_most_of_the_names_are_known():
    from instruments.virtual.keithley3706 import Keithley3706A

    coverage = Keithley3706A.coverage()
    assert coverage is not None
    assert len(coverage.names) == 404
    assert len(coverage.names & coverage.known) >= LEAST


def test_the_list_of_names_is_that_of_the_manual(facts):
    from instruments.virtual.keithley3706 import Keithley3706A

    stated = {row[0].replace("[slot]", "[N]") for row in facts("tsp-3700a.tsv") if not row[0].startswith("dmm.")}
    coverage = Keithley3706A.coverage()
    assert coverage is not None
    assert coverage.names == stated


def test_what_a_mainframe_says_of_itself(m3706):
    assert m3706("localnode.define.MAX_DIO_LINES", "display.screen == display.MAIN", "setup.cards()") == (
        "1.40000e+01\ttrue\t1:3730,2:3730,4:3720,6:3750"
    )
    assert m3706("ptp.portstate", "ptp.time()").split("\t")[0] == "2.00000e+00"
    assert m3706("channel.trigger[1].EVENT_ID ~= channel.trigger[2].EVENT_ID") == "true"
    m3706.do("channel.trigger[1].set('6001', 4)")
    assert m3706("channel.trigger[1].get()") == "6001\t4.00000e+00"


def test_calibration_is_locked_until_the_password_is_given(m3706):
    m3706.do("channel.calibration.save()")
    assert m3706.error() == 1100
    m3706.do("channel.calibration.unlock('slot6', 'wrong')")
    assert m3706.error() == 1100
    m3706.do("channel.calibration.unlock('slot6', 'KI3706') channel.calibration.adjustdate('slot6', 7)")
    m3706.do("channel.calibration.save() channel.calibration.lock()")
    assert (m3706("channel.calibration.adjustcount('slot6')", "channel.calibration.adjustdate('slot6')"), m3706.errors()) == (
        "1.00000e+00\t7.00000e+00", "",
    )  # fmt: skip


def test_the_shared_names_are_there_on_both(m3706, m707):
    """Cases 2600-bit, 2600-node1 and 707-dataqueue, on the matrices."""
    for box in (m3706, m707):
        assert box("bit.bitand(5, 4)", "dataqueue.count", "tsplink.state") == "4.00000e+00\t0.00000e+00\toffline"
        assert box("node[1].channel.connectrule", "tsplink.reset()") == "1.00000e+00\t1.00000e+00"
        box.do("dataqueue.clear()")
        assert box.errors() == ""
