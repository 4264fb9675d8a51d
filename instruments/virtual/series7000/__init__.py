"""The parts of the virtual Keithley 7001 and 7002: the headers of their manuals."""
