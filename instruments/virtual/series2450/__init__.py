"""The parts of the virtual Keithley 2450: its numbers, the buffers, single readings, sweeps."""
