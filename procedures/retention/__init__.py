"""Retention: the fraction of cells that have lost their state after a time at rest."""

from procedures.retention.procedure import Retention as Retention
