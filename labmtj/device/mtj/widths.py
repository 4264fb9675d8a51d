"""For which pulse widths the switching law of a junction holds, in figures.

The law is thermal activation over a barrier with a constant attempt time. A short pulse drives a macrospin
ballistically and needs more than Vc0: the law then switches far too easily. The figures compare it with the
Fokker-Planck equation of a macrospin (alpha 0.01, mu0 Hk 0.3 T, Delta 50); see `docs/switching-law.md`.
"""

from __future__ import annotations

from labmtj.pulsewidths import PulseWidths

V50_OVER_TRUTH = {
    1e-9: 0.15, 5e-9: 0.47, 1e-8: 0.65, 2e-8: 0.79, 1e-7: 0.91, 1e-6: 0.96, 1e-4: 0.98, 1e-3: 0.99,
}  # fmt: skip
"""by width in seconds, V50 of the law over that of the Fokker-Planck macrospin"""
_FIGURES = ", ".join(f"{ratio:g} at {seconds:g} s" for seconds, ratio in V50_OVER_TRUTH.items())
WIDTHS = PulseWidths(
    doubted_seconds=1e-6,
    shortest_seconds=1e-7,
    why=f"the switching law of a simulation switches too easily; its V50 over that of a macrospin is {_FIGURES}",
)
