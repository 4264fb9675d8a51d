"""Endurance: cells written to and fro within a budget; contrast and yield against cycles."""

from procedures.endurance.procedure import Endurance as Endurance
