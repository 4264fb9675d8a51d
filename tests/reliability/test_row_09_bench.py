"""SIGKILL on a bench: the guardian brings it to safety within a second, and the run can be resumed."""

import json
import os
import random
import time

import numpy as np


def begun(rig, process):
    """Wait until the run is at work on the instruments."""
    deadline = time.monotonic() + 60
    while not any(rig.outputs()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_one(rig):
    process = rig.spawn()
    begun(rig, process)
    time.sleep(0.2)
    process.kill()
    t = time.monotonic()
    while rig.unsafe():
        time.sleep(0.001)
    print("safe after", time.monotonic() - t)
    process.communicate()
    time.sleep(0.2)
    print((rig.last() / "guardian.jsonl").read_text())
    t = time.monotonic()
    folder=rig.resume()
    print("resume", time.monotonic() - t, folder.ending)
    rig.assert_safe()
