"""Checks of a bench by measurement: identities, wiring, contact."""
