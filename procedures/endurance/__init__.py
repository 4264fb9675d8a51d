"""Endurance: cells written to and fro within a budget; contrast and switching yield against the."""

from procedures.endurance.procedure import Endurance as Endurance
