"""The parts of the virtual Keysight B2900 family: its numbers, what a reading shows, sequences, answers."""
