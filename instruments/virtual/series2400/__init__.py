"""The parts of the virtual Keithley 2400: its numbers, what a reading shows, the buffer, triggered readings."""
