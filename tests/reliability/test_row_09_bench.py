import subprocess, sys, time
REAL = "kind: virtual\nof: bench.yaml\narrays: [small.yaml]\nseed: 3\nnoise: false\nrealtime_factor: 1\n"
LONG = """
import sys, numpy as np, labmtj
from labmtj.quantities import Bias, Lines, Reading
with labmtj.bench(sys.argv[1]) as array:
    print("armed", flush=True)
    rows = np.zeros((40, 4)); rows[:, 0] = 0.1
    array.measure(Bias(rows, np.zeros((40, 4))), Lines(columns=(0,)), Reading(aperture_seconds=0.2))
"""

def test_one(rigs):
    rig = rigs(virtual=REAL, timeout=5.0)
    process = subprocess.Popen([sys.executable,"-c",LONG,str(rig.bench)],stdout=subprocess.PIPE,text=True)
    process.stdout.readline()
    t=time.monotonic()
    while not any(abs(each.level) > 0.05 for each in rig.network.settings): time.sleep(0.005)
    print("live", time.monotonic()-t)
    time.sleep(0.3)
    print([e.level for e in rig.network.settings])
    process.kill()
    t = time.monotonic()
    def un(): return [each.level for each in rig.network.settings if abs(each.level) > 2e-3]
    while un() and time.monotonic()-t<20:
        time.sleep(0.001)
    print("0 V after", time.monotonic() - t)
    process.communicate()
    time.sleep(0.2)
    rig.assert_safe(within=10)
