"""Task dynamics s_t = delta f(lambda, t): the singular values that a task asks for at every timestep.

Results have the shape (..., T), where the leading axes are those of the parameters, broadcast together. Index 0 is
t = 1. Everywhere 0**0 = 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lrnn_helpers import _validation as valid

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "constant",
    "dirac_delta",
    "exponential",
    "inverse_exponential",
    "with_last",
]


def constant(delta: ArrayLike, T: int) -> np.ndarray:
    """Constant dynamics, s_t = delta: f(lambda, t) = 1, §3.3 and (69).

    Parameters
    ----------
    delta : array_like, (...)
        The scale, real or complex.
    T : int
        Trajectory length, T >= 1.

    Returns
    -------
    numpy.ndarray, (..., T)
        float64, or complex128 where `delta` is complex.

    Raises
    ------
    ValueError
        If `delta` is not finite or T < 1.
    TypeError
        If T is not an integer or `delta` does not hold numbers.

    Notes
    -----
    In the book: :doc:`/book/results/stability`.

    Examples
    --------
    >>> from lrnn_helpers import dynamics
    >>> dynamics.constant([1.0, 0.5], T=3)
    array([[1. , 1. , 1. ],
           [0.5, 0.5, 0.5]])
    """
    delta, T = valid.array("delta", delta), valid.integer("T", T, at_least=1)
    return np.repeat(delta[..., None], T, axis=-1)


def exponential(delta: ArrayLike, lam: ArrayLike, T: int) -> np.ndarray:
    """Exponential dynamics, s_t = delta lam^t for t = 1, ..., T: f(lambda, t) = lambda^t, §3.3.

    Parameters
    ----------
    delta, lam : array_like, (...)
        Scale and factor per timestep, real or complex; they broadcast.
    T : int
        Trajectory length, T >= 1.

    Returns
    -------
    numpy.ndarray, (..., T)
        float64, or complex128 where `delta` or `lam` is complex.

    Raises
    ------
    ValueError
        If `delta` or `lam` is not finite, an s_t leaves the range of float64, T < 1, or shapes do not broadcast.
    TypeError
        If T is not an integer or a parameter does not hold numbers.

    Notes
    -----
    In the book: :doc:`/book/results/stability`.

    Examples
    --------
    >>> from lrnn_helpers import dynamics
    >>> dynamics.exponential(1.0, 0.5, T=3)
    array([0.5  , 0.25 , 0.125])
    """
    powers = _powers(delta, lam, valid.integer("T", T, at_least=1) + 1)
    return powers[..., 1:].copy()


def inverse_exponential(delta: ArrayLike, lam: ArrayLike, T: int) -> np.ndarray:
    """Inverse-exponential dynamics, s_t = delta lam^(T-t): f(lambda, t) = lambda^(T-t), §3.3.

    The only dynamics that a linear RNN can learn to zero loss, with b = lam and ac = delta (Appendix F).

    Parameters
    ----------
    delta, lam : array_like, (...)
        Scale and factor per timestep, real or complex; they broadcast. The last value is delta, whatever `lam`.
    T : int
        Trajectory length, T >= 1.

    Returns
    -------
    numpy.ndarray, (..., T)
        float64, or complex128 where `delta` or `lam` is complex.

    Raises
    ------
    ValueError
        If `delta` or `lam` is not finite, an s_t leaves the range of float64, T < 1, or shapes do not broadcast.
    TypeError
        If T is not an integer or a parameter does not hold numbers.

    Notes
    -----
    In the book: :doc:`/book/results/stability`.

    Examples
    --------
    >>> from lrnn_helpers import dynamics
    >>> dynamics.inverse_exponential(1.0, 0.5, T=3)
    array([0.25, 0.5 , 1.  ])
    >>> dynamics.inverse_exponential(1.0, 2.0, T=3)  # early inputs count more
    array([4., 2., 1.])
    """
    powers = _powers(delta, lam, valid.integer("T", T, at_least=1))
    return powers[..., ::-1].copy()


def dirac_delta(beta: ArrayLike, kappa: ArrayLike, T: int) -> np.ndarray:
    """Two Dirac deltas (11): s_1 = beta, s_T = kappa, zero between.

    Parameters
    ----------
    beta : array_like, (...)
        The recurrent computation, > 0.
    kappa : array_like, (...)
        The feedforward computation, real or complex; it broadcasts with `beta`. Appendix H has kappa = 1/beta.
    T : int
        Trajectory length, T >= 2.

    Returns
    -------
    numpy.ndarray, (..., T)
        float64, or complex128 where `kappa` is complex.

    Raises
    ------
    ValueError
        If beta <= 0, a parameter is not finite, T < 2, or shapes do not broadcast.
    TypeError
        If T is not an integer, `beta` is complex, or a parameter does not hold numbers.

    Notes
    -----
    In the book: :doc:`/book/results/phase_transitions`.

    Examples
    --------
    >>> from lrnn_helpers import dynamics
    >>> dynamics.dirac_delta(beta=2.0, kappa=0.5, T=4)
    array([2. , 0. , 0. , 0.5])
    """
    beta, kappa = valid.positive("beta", beta), valid.array("kappa", kappa)
    T = valid.integer("T", T, at_least=2)
    lead = valid.broadcast(beta=beta.shape, kappa=kappa.shape)
    s = np.zeros((*lead, T), dtype=kappa.dtype)
    s[..., 0], s[..., -1] = beta, kappa
    return s


def with_last(s: ArrayLike, kappa: ArrayLike) -> np.ndarray:
    """The dynamics `s` with another last value (10): s_T = kappa, the rest unchanged.

    Parameters
    ----------
    s : array_like, (..., T)
        Task dynamics, T >= 1; not modified.
    kappa : array_like, (...)
        The feedforward computation; it broadcasts with the leading axes of `s`.

    Returns
    -------
    numpy.ndarray, (..., T)
        float64, or complex128 where `s` or `kappa` is complex.

    Raises
    ------
    ValueError
        If `s` is empty, an argument is not finite, or leading axes do not broadcast.
    TypeError
        If an argument does not hold numbers.

    Notes
    -----
    In the book: :doc:`/book/results/phase_transitions`.

    Examples
    --------
    >>> from lrnn_helpers import dynamics
    >>> dynamics.with_last(dynamics.constant(1.0, T=3), 0.2)
    array([1. , 1. , 0.2])
    """
    s, kappa = valid.trajectory("s", s), valid.array("kappa", kappa)
    lead = valid.broadcast(s=s.shape[:-1], kappa=kappa.shape)
    out = np.array(np.broadcast_to(s, (*lead, s.shape[-1])), dtype=np.result_type(s, kappa))
    out[..., -1] = kappa
    return out


def _powers(delta, lam, count):
    """The terms delta lam^k for k = 0, ..., count - 1, along a new last axis."""
    delta, lam = valid.array("delta", delta), valid.array("lam", lam)
    lead = valid.broadcast(delta=delta.shape, lam=lam.shape)
    factors = np.empty((*lead, count), dtype=np.result_type(delta, lam))
    factors[..., 0], factors[..., 1:] = delta, lam[..., None]
    # A running product from delta on stays in range wherever the terms themselves do; lam**k alone need not.
    with np.errstate(all="ignore"):
        terms = np.cumprod(factors, axis=-1)
    if not np.isfinite(terms).all():
        bad = tuple(int(i) for i in np.argwhere(~np.isfinite(terms))[0])
        received = f"delta = {factors[(*bad[:-1], 0)]}, lam = {np.broadcast_to(lam, lead)[bad[:-1]]}"
        raise ValueError(f"delta * lam**k must not overflow, got {received} at k = {bad[-1]}")
    return terms
