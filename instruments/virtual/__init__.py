"""Virtual instruments of each brand: the other end of the language that the drivers of the same name speak.

A virtual instrument knows its terminals only (`labmtj.virtual.network.terminals`); it imports no driver and knows no
array.
"""
