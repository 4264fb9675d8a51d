"""Benches: which arrays are there, and what drives and reads them. Described by one YAML file."""

from labmtj.bench.description import BenchFile
from labmtj.bench.laboratory import LaboratoryFile, VirtualFile
from labmtj.bench.loading import load_any, load_bench
from labmtj.bench.simulated import SimulatedBench

__all__ = ["BenchFile", "LaboratoryFile", "SimulatedBench", "VirtualFile", "load_any", "load_bench"]
