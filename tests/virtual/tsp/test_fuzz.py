"""Ten thousand lines of nonsense: no crash, no hang, and the queue says what was wrong."""

import random
from collections.abc import Callable

import pytest

from instruments.virtual.keithley2600 import Keithley2636B
from instruments.virtual.keithley3706 import Keithley3706A
from labmtj.virtual.network.terminals import Box
from labmtj.virtual.tsp.instrument import TSPInstrument

LINES = 5_000
SEEDS = """
smua.source.levelv = 0.1
smua.source.output = smua.OUTPUT_ON print(smua.measure.iv())
smua.measure.count = 3 smua.measure.i(smua.nvbuffer1) printbuffer(1, 3, smua.nvbuffer1.readings)
smua.trigger.source.listv({0.1, 0.2}) smua.trigger.source.action = smua.ENABLE smua.trigger.initiate() waitcomplete()
smua.trigger.measure.iv(smua.nvbuffer1, smua.nvbuffer2) smua.trigger.count = 2 smua.trigger.measure.action = 1
trigger.timer[1].delay = 1e-3 trigger.timer[1].stimulus = smua.trigger.SOURCE_COMPLETE_EVENT_ID
print(status.measurement.instrument.smua.condition, smua.source.compliance)
channel.close("1101,1202:1204") print(channel.getclose("allslots"))
channel.exclusiveclose("1105;1106") channel.open("slot1") channel.pattern.snapshot("p")
for i = 1, 10 do print(i, {}, nil, true, "x") end
loadandrunscript
loadscript name
endscript
*IDN?;*ESR?;*STB?
*ESE 32
format.data = 3 printnumber(1, 2, 3) reset()
local t = {1, 2, 3} table.sort(t) print(unpack(t))
print(string.format("%d %s %q", 1, "a", "b"), string.find("abc", "(b)"))
delay(0.001) beeper.beep(1, 2) display.clear() errorqueue.clear()
function f(x) return x and f(x - 1) end print(pcall(f, 3))
SweepVLinMeasureI(smua, 0, 0.1, 0.001, 3) SweepIListMeasureV(smub, {1e-6, 2e-6}, 0, 2) gm_vsweep(smua, 0, 1, 3)
print(ConfigPulseVMeasureI(smua, 0, 0.1, 0.01, 0.05, 0.01, 3, smua.nvbuffer1, 1)) print(InitiatePulseTest(1))
PulseIMeasureV(smua, 0, 1e-9, 0.1, 0.01, 2) t = QueryPulseConfig(1) print(i_leakage_measure(smua, 1, 0.1, 0, 1e-3, 0))
f = io.open("a", "w") f:write("x", 1) f:seek("set", 0) f:close() print(io.type(f), io.open("a"):read("*n", "*a", 3))
fs.mkdir("d") fs.chdir("d") print(fs.readdir("/usb1")[1], fs.cwd()) os.remove("a") os.rename("a", "b") print(os.time({year = 2000, month = 1, day = 1}))
s = script.new("print(1)", "s") s() s.save() s.name = "r" s.list() script.restore("s") for n in script.user.catalog() do print(n) end
for k, v in {1, 2} do print(k, v) end print(string.gfind("a", "a")(), table.getn(arg or {}), math.mod(5, 3))
trigger.timer[1].delaylist = {1e-3, 2e-3} print(trigger.timer[1].wait(0.01)) trigger.blender[1].stimulus[1] = 3 digio.trigger[1].reset()
print(bit.bitand(5, 3), bit.setfield(0, 1, 2, 3)) dataqueue.add({1}) print(dataqueue.next()) userstring.add("a", "b")
setup.save(1) setup.recall(1) savebuffer(smua.nvbuffer1, "csv", "c.csv") print(smua.buffer.getstats(smua.nvbuffer1).n)
status.operation.user.condition = 3 status.operation.enable = 4096 print(status.operation.event, status.condition) status.reset()
print(node[1].smua.sense, getmetatable(smua).Objects.source, next(getmetatable(smua.source).Getters)) node[1].execute("x = 1")
smua.cal.unlock("KI0026XX") smua.cal.lock() print(smua.contact.r()) display.loadmenu.add("a", "b") settimezone("1") exit()
""".strip().split("\n")
PIECES = " ".join(SEEDS).replace(".", " . ").replace("(", " ( ").split(" ")
LETTERS = "abz019 .,;:=()[]{}'\"+-*/%^~#<>\\\t\0\x1b\xff"


def _line(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.4:
        return " ".join(chance.choices(PIECES, k=chance.randint(1, 12)))
    if kind < 0.5:
        return "".join(chance.choices(LETTERS, k=chance.randint(0, 60)))
    line = list(chance.choice(SEEDS))
    for _ in range(chance.randint(0, 4)):
        place = chance.randrange(len(line) + 1)
        line[place : place + chance.randint(0, 3)] = chance.choices(LETTERS, k=chance.randint(0, 3))
    return "".join(line)


@pytest.mark.parametrize("brand", [Keithley2636B, Keithley3706A])
def test_nonsense_ends_in_the_queue(
    brand: type[TSPInstrument], resistor_box: Callable[..., Box], relay_box: Callable[..., Box]
) -> None:
    box = relay_box(slot1="3730") if brand is Keithley3706A else resistor_box("a", "b")
    instrument = brand(box, script_seconds=2.0)
    chance = random.Random(20260101)
    complaints = 0
    for number in range(LINES):
        instrument.handle(_line(chance))
        if number % 50 == 49:
            instrument.handle("endscript")
            complaints += (
                float(str(instrument.handle("print(errorqueue.count) errorqueue.clear()")).split("\n")[-1]) > 0
            )
    instrument.power_cycle()
    assert instrument.handle("print(1)") == "1.00000e+00"
    assert complaints > LINES / 50 * 0.8
    assert instrument.reboots == 0
    instrument.close()
