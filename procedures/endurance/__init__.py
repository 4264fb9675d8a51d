"""Endurance: cells written back and forth within a budget; contrast and yield against cycles."""

from procedures.endurance.procedure import Endurance as Endurance
