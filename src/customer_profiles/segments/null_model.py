"""Null model: profiles without clusters, made by rearranging the columns.

A plain permutation of each column would also destroy the correlation of the columns, and then one
long cloud looks like two clusters. The columns are therefore rearranged (Iman and Conover 1982,
Communications in Statistics 11:311): each keeps its values, and together they keep the correlation,
but follow a Gaussian without groups. A uniform cloud, one Gaussian of any length, and the bins of
either already are such data. So is the structure of a single feature: two modes of followers alone
are tiers of one field, and no segments.
"""

import numpy as np

STEPS = 10  # iterations towards the wanted correlation; bins need more than two or three
SMALLEST = 1e-6  # eigenvalue of a correlation matrix


def rearranged(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """`rows` (n, features) with each column in another order, of the same correlation.

    The Gaussian's own correlation is found iteratively, because bins dampen it. A constant column
    stays unchanged.
    """
    result = rows.copy()
    varying = np.flatnonzero(np.ptp(rows, axis=0))
    columns = np.sort(rows[:, varying], axis=0)
    wanted = _correlation(rows[:, varying])
    drawn = _whitened(rng.standard_normal(columns.shape))
    hidden, best, nearest = wanted, columns, np.inf
    for _ in range(STEPS):
        root, hidden = _root(hidden)
        made = np.empty_like(columns)
        np.put_along_axis(made, np.argsort(drawn @ root, axis=0), columns, axis=0)
        missing = wanted - _correlation(made)
        if np.abs(missing).max(initial=0) < nearest:
            best, nearest = made, np.abs(missing).max(initial=0)
        hidden = hidden + missing
    result[:, varying] = best
    return result


def _correlation(rows: np.ndarray) -> np.ndarray:
    return np.atleast_2d(np.corrcoef(rows, rowvar=False)) if rows.shape[1] else np.zeros((0, 0))


def _whitened(drawn: np.ndarray) -> np.ndarray:
    """`drawn` without its sample correlation, which is due to chance."""
    if len(drawn) <= drawn.shape[1]:
        return drawn
    centred = drawn - drawn.mean(axis=0)
    root, _ = _root(_correlation(centred))
    return np.linalg.solve(root, centred.T).T


def _root(wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric root of the correlation matrix near `wanted`, and that matrix.

    Among all roots the symmetric one changes little where the matrix changes little.
    """
    values, vectors = np.linalg.eigh(wanted)
    near = (vectors * np.maximum(values, SMALLEST)) @ vectors.T
    spread = np.sqrt(np.diag(near))
    near = near / np.outer(spread, spread)
    values, vectors = np.linalg.eigh(near)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T, near
