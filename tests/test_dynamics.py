"""Task dynamics against exact fractions, loops and the identities between them."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrnn_helpers import dynamics

lengths = st.integers(1, 12)
rationals = st.fractions(-3, 3, max_denominator=8)
complexes = st.complex_numbers(max_magnitude=2, allow_subnormal=False)


@given(rationals, rationals, lengths)
def test_real_dynamics_are_the_exact_powers(delta, lam, T):
    t = range(1, T + 1)
    same = dict(rtol=T * 2.3e-16, atol=0)
    np.testing.assert_array_equal(dynamics.constant(delta, T), [float(delta)] * T)
    exact = [float(delta * lam**i) for i in t]
    np.testing.assert_allclose(dynamics.exponential(float(delta), float(lam), T), exact, **_with_inputs(same))
    exact = [float(delta * lam ** (T - i)) for i in t]
    np.testing.assert_allclose(dynamics.inverse_exponential(float(delta), float(lam), T), exact, **_with_inputs(same))


def _with_inputs(tolerance):
    # lam itself is rounded when it becomes a float, which its T-th power feels T-fold.
    return {**tolerance, "rtol": 2 * tolerance["rtol"] + 5e-16}


@given(complexes, complexes, lengths)
def test_complex_dynamics_multiply_by_lam_from_step_to_step(delta, lam, T):
    s = dynamics.exponential(delta, lam, T)
    r = dynamics.inverse_exponential(delta, lam, T)
    assert s.dtype == r.dtype == np.complex128
    np.testing.assert_allclose(s[0], delta * lam, rtol=1e-15)
    np.testing.assert_allclose(s[1:], lam * s[:-1], rtol=1e-15, atol=1e-300)
    assert r[-1] == delta
    np.testing.assert_allclose(r[:-1], lam * r[1:], rtol=1e-15, atol=1e-300)


@given(st.floats(0.3, 3), st.floats(0.5, 2), lengths)
def test_exponential_is_inverse_exponential_at_a_fixed_length(delta, lam, T):
    other = dynamics.inverse_exponential(delta * lam**T, 1 / lam, T)
    np.testing.assert_allclose(dynamics.exponential(delta, lam, T), other, rtol=1e-13)


def test_index_zero_is_the_first_timestep():
    np.testing.assert_array_equal(dynamics.exponential(3, 2, 4), [6, 12, 24, 48])
    np.testing.assert_array_equal(dynamics.inverse_exponential(3, 2, 4), [24, 12, 6, 3])
    np.testing.assert_array_equal(dynamics.dirac_delta(2, 5, 4), [2, 0, 0, 5])
    np.testing.assert_array_equal(dynamics.with_last([1, 2, 3], 7), [1, 2, 7])


def test_zero_to_the_zeroth_power_is_one():
    np.testing.assert_array_equal(dynamics.inverse_exponential(2.0, 0.0, 4), [0, 0, 0, 2])
    np.testing.assert_array_equal(dynamics.inverse_exponential(2.0, 0j, 3), [0, 0, 2])
    np.testing.assert_array_equal(dynamics.exponential(2.0, 0.0, 3), [0, 0, 0])
    np.testing.assert_array_equal(dynamics.inverse_exponential(5, 0, 1), [5])


def test_terms_in_range_are_kept_though_the_power_alone_is_not():
    assert dynamics.exponential(1e300, 1e-200, 2)[1] == pytest.approx(1e-100, rel=1e-14)
    assert dynamics.exponential(1e-300, 1e200, 2)[1] == pytest.approx(1e100, rel=1e-14)
    np.testing.assert_array_equal(dynamics.exponential(0.0, 1e200, 3), [0, 0, 0])


def test_parameters_broadcast_and_batches_equal_loops():
    delta, lam = np.array([[0.5], [-2.0]]), np.array([0.3, 1.0, -1.7])
    for make in (dynamics.exponential, dynamics.inverse_exponential):
        batch = make(delta, lam, 5)
        assert batch.shape == (2, 3, 5) and batch.flags.writeable and batch.flags.owndata
        for i, j in np.ndindex(2, 3):
            np.testing.assert_array_equal(batch[i, j], make(delta[i, 0], lam[j], 5))
    assert dynamics.constant(delta, 4).shape == (2, 1, 4)
    batch = dynamics.dirac_delta(np.abs(delta), lam, 3)
    assert batch.shape == (2, 3, 3)
    np.testing.assert_array_equal(batch[1, 2], [2.0, 0.0, -1.7])


def test_with_last_broadcasts_and_leaves_its_argument_alone():
    s = np.arange(6.0).reshape(2, 3)
    out = dynamics.with_last(s, [[1.0], [2.0], [3.0], [4.0]])
    assert out.shape == (4, 2, 3)
    np.testing.assert_array_equal(out[2], [[0, 1, 3], [3, 4, 3]])
    np.testing.assert_array_equal(s, np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(dynamics.with_last([4.0], 1.0), [1.0])


def test_types():
    assert dynamics.constant(1, 2).dtype == np.float64
    assert dynamics.constant(Fraction(1, 3), 2).dtype == np.float64
    assert dynamics.constant(np.float32(1), 2).dtype == np.float64
    assert dynamics.constant(1j, 2).dtype == np.complex128
    assert dynamics.exponential(1, 1j, 2).dtype == np.complex128
    assert dynamics.with_last([1.0, 2.0], 1j).dtype == np.complex128
    assert dynamics.with_last([1, 2], 3).dtype == np.float64
    assert dynamics.dirac_delta(1, 1j, 2).dtype == np.complex128


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: dynamics.constant(np.nan, 3), ValueError, "delta must be finite, got nan"),
        (lambda: dynamics.exponential([1, np.inf], 1, 3), ValueError, r"delta must be finite, got inf at index \(1,\)"),
        (lambda: dynamics.inverse_exponential(1, complex(0, np.nan), 3), ValueError, "lam must be finite"),
        (lambda: dynamics.constant("x", 3), TypeError, "delta must hold numbers"),
        (lambda: dynamics.constant(1, 0), ValueError, "T must be an integer >= 1, got 0"),
        (lambda: dynamics.exponential(1, 1, 0), ValueError, "T must be an integer >= 1, got 0"),
        (lambda: dynamics.inverse_exponential(1, 1, 0), ValueError, "T must be an integer >= 1, got 0"),
        (lambda: dynamics.inverse_exponential(1, 1, 2.0), TypeError, "T must be an integer, got 2.0"),
        (lambda: dynamics.constant(1, True), TypeError, "T must be an integer, got True"),
        (lambda: dynamics.dirac_delta(1, 1, 1), ValueError, "T must be an integer >= 2, got 1"),
        (lambda: dynamics.dirac_delta(0, 1, 3), ValueError, "beta must be > 0, got 0.0"),
        (lambda: dynamics.dirac_delta(1j, 1, 3), TypeError, "beta must be real"),
        (lambda: dynamics.dirac_delta(1, np.inf, 3), ValueError, "kappa must be finite"),
        (lambda: dynamics.with_last([], 1), ValueError, r"s must end in an axis of length T >= 1, got shape \(0,\)"),
        (lambda: dynamics.with_last(1.0, 1), ValueError, r"s must end in an axis of length T >= 1, got shape \(\)"),
        (lambda: dynamics.with_last([1, np.nan], 1), ValueError, "s must be finite"),
        (lambda: dynamics.with_last([1, 2], np.nan), ValueError, "kappa must be finite"),
        (lambda: dynamics.with_last(np.ones((2, 3)), np.ones(3)), ValueError, r"got s \(2,\), kappa \(3,\)"),
        (lambda: dynamics.exponential([1, 2], [1, 2, 3], 3), ValueError, r"got delta \(2,\), lam \(3,\)"),
        (lambda: dynamics.dirac_delta([1, 2], [1, 2, 3], 3), ValueError, r"got beta \(2,\), kappa \(3,\)"),
        (
            lambda: dynamics.exponential([1.0, 2.0], [1.0, 1e200], 3),
            ValueError,
            r"delta \* lam\*\*k must not overflow, got delta = 2.0, lam = 1e\+200 at k = 2",
        ),
        (lambda: dynamics.inverse_exponential(1, 1e200j, 4), ValueError, "must not overflow"),
    ],
)
def test_errors_name_the_argument_the_rule_and_what_was_received(call, error, message):
    with warnings.catch_warnings(), pytest.raises(error, match=message):
        warnings.simplefilter("error")  # the error says it all
        call()
