"""Switching probability of single cells against amplitude and width, in both directions, and the law fitted to it."""

from procedures.switching.procedure import SwitchingProbability as SwitchingProbability
