"""Health of a chip: which cells are fit for use. Every cell is switched back and forth, and read again and again."""

from procedures.health.procedure import HealthCheck as HealthCheck
