"""R-V loops: write pulses in a staircase back and forth, a small read after each; where a cell switches."""

from procedures.hysteresis.procedure import Hysteresis as Hysteresis
