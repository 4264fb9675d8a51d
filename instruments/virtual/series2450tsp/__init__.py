"""The inside of the virtual Keithley 2450 in its TSP language: what runs in the helper process, next to Lua.

Source and meter are those of the SCPI language (`series2450`), on the other side: a name of a script stands for a
setting there.
"""
