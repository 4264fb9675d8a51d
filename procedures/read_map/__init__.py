"""Read map: every cell of an array in the state it is in, in both polarities, again and again."""

from procedures.read_map.procedure import ReadMap as ReadMap
