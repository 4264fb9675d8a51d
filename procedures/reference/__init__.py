"""Reference maps: every cell read in the all-P and the all-AP array, and what follows from the pair."""

from procedures.reference.procedure import ReferenceMap as ReferenceMap
