"""From what was measured to parameters with intervals: arrays in, typed results out; knows no file and no crossbar."""
