"""Noise of cells: a series of reads of each, its white and 1/f level, and the cells that jump between two levels."""

from procedures.noise.procedure import NoiseSeries as NoiseSeries
