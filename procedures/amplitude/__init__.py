"""Amplitude scan: write fidelity against write voltage, for each direction."""

from procedures.amplitude.procedure import AmplitudeMap as AmplitudeMap
