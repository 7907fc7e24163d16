"""The largest stable learning rate at the end that the modes of the data foresee; what a diverged run is told."""

from __future__ import annotations

import numpy as np

from lrnn_helpers import modes


def stable_rate(statistics, N_x, N_y):
    """2 over the sharpness of the sharpest dimension at its best modes, a = c.

    inf where no dimension has any, NaN where squares of the data overflow. The singular vectors are those of the
    correlations summed over lags, and what stands between them is left out: right for tasks of constant singular
    vectors, an estimate for others.
    """
    T = statistics.lags
    if not (np.isfinite(statistics.correlation).all() and np.isfinite(statistics.covariance).all()):
        return np.nan
    yx = statistics.correlation.reshape(T, N_x, N_y)
    C = statistics.covariance.reshape(T, N_x, T, N_x)
    V, _, U = np.linalg.svd(yx.sum(axis=0), full_matrices=False)
    sharpest = 0.0
    for v, u in zip(V.T, U, strict=True):
        # The room of the modes counts times, the statistics lags: one is the other backwards.
        inputs = np.einsum("i,kilj,j->kl", v, C, v)[::-1, ::-1]
        inputs = (inputs + inputs.T) / 2
        weights = np.linalg.lstsq(inputs, (yx @ u @ v)[::-1], rcond=1e-12)[0]
        best = modes.best(weights, inputs=inputs)
        if np.isfinite(best.b) and np.isfinite(best.u):
            side = np.sqrt(np.abs(best.u))
            end = modes.Modes(side, best.b, np.copysign(side, best.u))
            sharpest = max(sharpest, float(modes.sharpness(end, weights, inputs=inputs)))
    return 2 / sharpest if sharpest > 0 else np.inf
