"""Benches: which arrays are there, and what drives and reads them. Described by one YAML file."""

from labmtj.bench.description import BenchFile, load_bench
from labmtj.bench.simulated import SimulatedBench

__all__ = ["BenchFile", "SimulatedBench", "load_bench"]
