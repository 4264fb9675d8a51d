"""The parts of the virtual Keysight B2200 family: names of cards and crosspoints, connections, port modes."""
