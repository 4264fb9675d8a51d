"""Networks of resistors with some nodes taken away: the star-mesh transform, node by node.

Star to mesh: A. Rosen, J. Inst. Electr. Eng. 62, 916 (1924). Nothing is ever subtracted, so a contact of a milliohm
next to a leak of a teraohm keeps all its digits.
"""

from __future__ import annotations

import numpy as np

from labmtj.quantities import FloatArray


def eliminate(siemens: FloatArray, keep: int) -> tuple[FloatArray, FloatArray]:
    """Return the network as its first `keep` nodes see it, and the voltage of every node per volt on the kept ones.

    Args:
        siemens: (nodes, nodes) conductance between each two nodes, symmetric, zero on the diagonal. Taken from the last
            node on: the fewer neighbours the last ones have, the faster.
        keep: how many nodes stay, one at least. No current enters the others.

    Returns:
        (keep, keep) siemens as above, and (nodes, keep) volts per volt; a node without any neighbour is at 0 V.
    """
    mesh = siemens.copy()
    weights: list[FloatArray] = []
    for node in range(len(mesh) - 1, keep - 1, -1):
        arms = mesh[node, :node]
        total = float(arms.sum())
        weights.append(arms / total if total > 0 else np.zeros(node))
        near = np.flatnonzero(arms)
        if len(near) > 1:  # the end of a single arm carries nothing
            mesh[np.ix_(near, near)] += np.multiply.outer(arms[near], weights[-1][near])
    shares = np.eye(len(mesh), keep)
    for node, weight in zip(range(keep, len(mesh)), reversed(weights), strict=True):
        shares[node] = weight @ shares[:node]
    kept = mesh[:keep, :keep].copy()
    np.fill_diagonal(kept, 0.0)
    return kept, shares
