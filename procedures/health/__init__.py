"""Health of a chip: which cells are fit for use. Every cell is switched to and fro, and read again and again."""

from procedures.health.procedure import HealthCheck as HealthCheck
