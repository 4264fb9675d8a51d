"""A macrospin under spin torque, by its Fokker-Planck equation over z = cos(theta): the truth that a law is held against.

dp/dt = r d/dz (1 - z^2) [(v - z) p + dp/dz / (2 Delta)],  r = alpha gamma mu0 Hk / (1 + alpha^2)

is Brown's equation (Phys. Rev. 130, 1677 (1963)) of a uniaxial particle with the torque v in units of the critical one:
z follows the potential Delta (-z^2 + 2 v z), whose barrier from z = 1 is Delta (1 - v)^2. Finite volumes with the
exponential fluxes of Scharfetter and Gummel, which leave the Boltzmann distribution at rest; TR-BDF2 in time, in steps
that grow. It knows nothing of labmtj. The figure of docs/switching-law.md:

    python tests/device/mtj/macrospin.py docs/switching-law.svg
"""

import sys

import numpy as np
from scipy.linalg import solve_banded
from scipy.optimize import brentq

GAMMA = 1.760859e11
"""gyromagnetic ratio, rad / (s T)"""


class Macrospin:
    """A spin that begins in thermal equilibrium around z = 1, without torque."""

    def __init__(self, delta=50.0, alpha=0.01, anisotropy_tesla=0.3, volumes=500):
        self.delta, self.rate = delta, alpha * GAMMA * anisotropy_tesla / (1 + alpha**2)
        self.edges = np.linspace(-1, 1, volumes + 1)
        self.z = (self.edges[1:] + self.edges[:-1]) / 2

    def potential(self, v):
        return self.delta * (-(self.z**2) + 2 * v * self.z)

    def unswitched(self, v, seconds, steps=300):
        """Return the probability that z is above 0 when a pulse of torque v ends."""
        diffusion = self.rate / (2 * self.delta) * (1 - self.edges[1:-1] ** 2) / (self.edges[1] - self.edges[0]) ** 2
        rise = np.diff(self.potential(v))
        rise = np.where(np.abs(rise) < 1e-9, 1e-9, rise)
        up, down = diffusion * rise / np.expm1(rise), -diffusion * rise / np.expm1(-rise)
        leaving = np.append(-up, 0.0) + np.insert(-down, 0, 0.0)

        def flow(p):
            change = leaving * p
            change[1:] += up * p[:-1]
            change[:-1] += down * p[1:]
            return change

        bands, share = np.zeros((3, len(self.z))), 2 - np.sqrt(2)
        p = np.where(self.z > 0, np.exp(self.potential(0).min() - self.potential(0)), 0.0)
        p /= p.sum()
        for step in np.diff(np.concatenate([[0], np.geomspace(min(1e-12, seconds / 10), seconds, steps)])):
            half = share / 2 * step
            bands[0, 1:], bands[1], bands[2, :-1] = -half * down, 1 - half * leaving, -half * up
            between = solve_banded((1, 1), bands, p + half * flow(p))
            p = solve_banded((1, 1), bands, (between - p * (1 - share) ** 2) / (share * (2 - share)))
        return float(p[self.z > 0].sum())

    def median(self, seconds):
        """Return V50 / Vc0."""
        return brentq(lambda v: self.unswitched(v, seconds) - 0.5, 0.05, 8.0, xtol=1e-4)


def draw(path):
    """Draw V50 of the law and of the macrospin against the width."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "labmtj", "svg.fonttype": "none"})
    from matplotlib import pyplot

    from labmtj.device.mtj import median_switching_volts

    spin, widths = Macrospin(), np.geomspace(1e-9, 1e-1, 33)
    truth = [spin.median(each) for each in widths]
    law = [median_switching_volts(each, critical_volts=1.0, thermal_stability=50.0) for each in widths]
    figure, axes = pyplot.subplots(figsize=(6, 3.4), layout="constrained")
    axes.plot(widths, truth, color="black", label="Fokker-Planck macrospin")
    axes.plot(widths, law, color="tab:blue", label="switching law, tau0 1 ns, exponent 2")
    axes.axvspan(1e-9, 1e-7, color="tab:red", alpha=0.15, linewidth=0, label="refused")
    axes.axvspan(1e-7, 1e-6, color="tab:orange", alpha=0.15, linewidth=0, label="warned of")
    axes.set(xscale="log", xlabel="pulse width (s)", ylabel="V50 / Vc0", ylim=(0, 2), xlim=(1e-9, 1e-1))
    axes.legend()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    draw(sys.argv[1])
