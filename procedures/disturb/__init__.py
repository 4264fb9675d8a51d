"""Disturb: how often a cell that is half-selected, or read, leaves its state."""

from procedures.disturb.procedure import Disturb as Disturb
