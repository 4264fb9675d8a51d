"""Write and read passive crossbar arrays of magnetic tunnel junctions."""

__version__ = "0.1.0"
