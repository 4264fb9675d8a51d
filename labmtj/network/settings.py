"""The settings of training."""

from __future__ import annotations

from dataclasses import dataclass

from labmtj.errors import UsageError


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How networks are trained.

    Raises:
        UsageError: for a value outside its range.
    """

    hidden: int = 6
    epochs: int = 600
    """full-batch steps; the best of them on the training samples is kept"""
    learning_rate: float = 0.02
    logit_scale: float = 2.0
    """cross-entropy is taken of this times the tanh outputs"""
    variation: float = 0.1
    """standard deviation of ln G drawn anew for every cell and epoch"""
    tmr: float = 1.0
    """(R_AP - R_P) / R_P, which says how much of the variation a pair sees"""
    flips: float = 0.0
    """probability of a wrong bit, drawn anew for every cell and epoch"""
    gain_jitter: float = 0.0
    """standard deviation of ln g, drawn anew for every epoch"""

    def __post_init__(self) -> None:
        if self.hidden < 1 or self.epochs < 1:
            raise UsageError(f"hidden = {self.hidden} and epochs = {self.epochs} must be at least 1")
        for name in ("learning_rate", "logit_scale", "tmr"):
            if not 0 < getattr(self, name) < float("inf"):
                raise UsageError(f"{name} = {getattr(self, name)} must be a positive number")
        for name, top in (("variation", 1.0), ("flips", 0.5), ("gain_jitter", 1.0)):
            if not 0 <= getattr(self, name) <= top:
                raise UsageError(f"{name} = {getattr(self, name)} must lie between 0 and {top:g}")

    @property
    def noisy(self) -> bool:
        """True if the forward pass of training differs from the network's own."""
        return self.variation > 0 or self.flips > 0 or self.gain_jitter > 0
