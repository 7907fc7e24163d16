"""What derivations share: the paper's symbols, the energy and its gradient by differentiation, Bell polynomials.

Nothing here is taken from the package's own formulas: `energy` writes (8) as a sum of squared residuals, `velocity`
differentiates it, and `bell` is sympy's. So a derivation can be held against the numerical rooms. `words` computes with
matrices of every size.
"""

from __future__ import annotations

import numbers
from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING, Literal

from lrnn_helpers._validation import extra, integer

with extra("symbolic"):
    import sympy as sp

from lrnn_helpers.symbolic import words
from lrnn_helpers.symbolic.words import run

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "T",
    "a",
    "b",
    "bell",
    "beta",
    "c",
    "covariance",
    "data",
    "data_matrix",
    "delta",
    "energy",
    "every_length",
    "k",
    "kappa",
    "lam",
    "positive",
    "run",
    "symbols",
    "tau",
    "u",
    "vanishes",
    "velocity",
    "witnesses",
    "words",
]


a, b, c, u = sp.symbols("a b c u", real=True)
tau, beta = sp.symbols("tau beta", positive=True)
delta, lam, kappa = sp.symbols("delta lambda kappa", real=True)
k, T = sp.symbols("k T", integer=True, nonnegative=True)


def data(T: int) -> tuple[sp.Symbol, ...]:
    """The data singular values s_1 … s_T as a tuple of real symbols; index 0 is t = 1.

    Parameters
    ----------
    T : int
        Trajectory length, >= 1.

    Notes
    -----
    In the book: :doc:`/book/appendices/a_notation`.

    Examples
    --------
    >>> from lrnn_helpers import symbolic
    >>> symbolic.data(3)
    (s_1, s_2, s_3)
    """
    return sp.symbols(f"s_1:{integer('T', T, at_least=1) + 1}", real=True)


def data_matrix(T: int) -> tuple[tuple[sp.Expr, ...], ...]:
    """The data singular values s_{t,i} of the T-output case (Appendix M), a lower-triangular tuple of tuples.

    Parameters
    ----------
    T : int
        Trajectory length, >= 1. Entry [t-1][i-1] is s_{t,i} for i <= t, and 0 above the diagonal.

    Notes
    -----
    In the book: :doc:`/book/appendices/m_t_outputs`.

    Examples
    --------
    >>> from lrnn_helpers import symbolic
    >>> symbolic.data_matrix(2)
    ((s_1,1, 0), (s_2,1, s_2,2))
    """
    T = integer("T", T, at_least=1)
    return tuple(
        tuple(sp.Symbol(f"s_{t},{i}", real=True) if i <= t else sp.Integer(0) for i in range(1, T + 1))
        for t in range(1, T + 1)
    )


def symbols(T: int | None = None) -> dict:
    """The arguments of a printed function, by name.

    Parameters
    ----------
    T : int, optional
        Trajectory length. None leaves it a symbol: then ``s`` is the one singular value s at lag ``k``.

    Returns
    -------
    dict
        a, b, c, u, delta, lam, kappa (real), tau, beta (positive), k and T (nonnegative integers) and s.

    Notes
    -----
    In the book: :doc:`/book/appendices/a_notation`.

    Examples
    --------
    >>> from lrnn_helpers import symbolic
    >>> sorted(symbolic.symbols(2))[:4], symbolic.symbols(2)["s"]
    (['T', 'a', 'b', 'beta'], (s_1, s_2))
    """
    common = dict(a=a, b=b, c=c, u=u, tau=tau, beta=beta, delta=delta, lam=lam, kappa=kappa, k=k)
    if T is None:
        return dict(common, T=globals()["T"], s=sp.Symbol("s", real=True))
    return dict(common, T=integer("T", T, at_least=1), s=data(T))


def every_length(_: None = None) -> dict:
    """The arguments of a printed function that sums over time, for every T at once: s is `words.numbers`.

    Returns
    -------
    dict
        As `symbols` without T, but that ``s[i - 1]`` is s_i for a symbolic i; for `run`.

    Notes
    -----
    In the book: :doc:`/book/appendices/f_zero_loss`.

    Examples
    --------
    >>> from lrnn_helpers import symbolic
    >>> symbolic.run(lambda s, T: sum(s[i - 1] for i in range(1, T + 1)), {"s": symbolic.every_length()["s"], "T": 2})
    s(1) + s(2)
    """
    return dict(symbols(), s=words.numbers("s", T))


def covariance(T: int) -> sp.Matrix:
    """The covariance over time of one dimension's input: a symmetric (T, T) sympy matrix of real symbols C_i,j.

    Parameters
    ----------
    T : int
        Trajectory length, >= 1.

    Notes
    -----
    In the book: :doc:`/book/results/sensory_integration`.

    Examples
    --------
    >>> from lrnn_helpers import symbolic
    >>> symbolic.covariance(2)
    Matrix([
    [C_1,1, C_1,2],
    [C_1,2, C_2,2]])
    """
    T = integer("T", T, at_least=1)
    return sp.Matrix(T, T, lambda i, j: sp.Symbol(f"C_{min(i, j) + 1},{max(i, j) + 1}", real=True))


def energy(
    T: int | None, outputs: Literal["last", "all"] = "last", inputs: sp.Matrix | None = None
) -> sp.Expr | words.Expression:
    """The energy (8), or (156) of one dimension, as a sympy expression in a, b, c, s and tau.

    Parameters
    ----------
    T : int or None
        Trajectory length, >= 1. None leaves it a symbol: the sum over time is then a `words.Expression`, in the numbers
        of `every_length`, for one output and white inputs.
    outputs : {"last", "all"}
        One output at t = T, or an output at every t.
    inputs : (T, T) sympy matrix, optional
        Covariance over time of the dimension's input, as `covariance`; s are then the weights that the best linear map
        gives each input, and the energy is half the mean of the squared error of all outputs over tau. White by
        default.

    Notes
    -----
    In the book: :doc:`/book/results/energy_function`.

    Examples
    --------
    >>> from lrnn_helpers import symbolic
    >>> symbolic.energy(2)
    ((-a*c + s_2)**2 + (-a*b*c + s_1)**2)/(2*tau)
    """
    if T is None:
        if outputs != "last" or inputs is not None:
            raise ValueError("T must be a number where there are T outputs or coloured inputs, got None")
        return words.run(_squares, {name: every_length()[name] for name in ("a", "b", "c", "s", "T")}) / (2 * tau)
    if outputs == "last":
        rows = [data(T)]
    elif outputs == "all":
        rows = [row[: t + 1] for t, row in enumerate(data_matrix(T))]
    else:
        raise ValueError(f'outputs must be "last" or "all", got {outputs!r}')
    residuals = [[s - c * b ** (len(row) - i) * a for i, s in enumerate(row, start=1)] for row in rows]
    if inputs is None:
        return sum(r**2 for row in residuals for r in row) / (2 * tau)
    errors = [inputs[i, j] * x * y for row in residuals for i, x in enumerate(row) for j, y in enumerate(row)]
    return sum(errors) / (2 * tau)


def _squares(a, b, c, s, T):
    return sum((s[T - k - 1] - c * b**k * a) ** 2 for k in range(T))


def velocity(
    T: int | None, outputs: Literal["last", "all"] = "last", inputs: sp.Matrix | None = None
) -> tuple[sp.Expr | words.Expression, ...]:
    """da/dt, db/dt and dc/dt: minus the gradient of `energy`, by differentiation.

    Parameters
    ----------
    T, outputs, inputs
        As in `energy`.

    Returns
    -------
    tuple of three sympy expressions
        The energy already holds 1/tau, so these are the right-hand sides of (5)-(7) divided by tau.

    Notes
    -----
    In the book: :doc:`/book/results/energy_function`.

    Examples
    --------
    >>> from lrnn_helpers import symbolic
    >>> symbolic.velocity(1)[0].factor()
    -c*(a*c - s_1)/tau
    """
    E = energy(T, outputs, inputs)
    if isinstance(E, words.Expression):
        return tuple(-words.differentiate(E, x) for x in (a, b, c))
    return tuple(-sp.diff(E, x) for x in (a, b, c))


def bell(n: int, k: int, x: Sequence) -> sp.Expr:
    """The incomplete Bell polynomial B_{n,k}(x_1, …, x_{n-k+1}) of (62).

    Parameters
    ----------
    n, k : int
        n >= k >= 0.
    x : sequence
        At least n - k + 1 expressions.

    Notes
    -----
    In the book: :doc:`/book/appendices/d_recurrent_mode`.

    Examples
    --------
    >>> from lrnn_helpers import symbolic
    >>> symbolic.bell(4, 2, symbolic.data(3))
    4*s_1*s_3 + 3*s_2**2
    """
    n, k = integer("n", n, at_least=0), integer("k", k, at_least=0)
    if k > n:
        raise ValueError(f"k must be <= n, got k = {k} and n = {n}")
    if len(x) < n - k + 1:
        raise ValueError(f"x must hold at least n - k + 1 = {n - k + 1} expressions, got {len(x)}")
    if k == 0:
        return sp.Integer(int(n == 0))
    return sp.bell(n, k, tuple(x)[: n - k + 1])


def vanishes(expression: sp.Expr) -> bool:
    """Whether a sympy expression reduces to 0: expanded, over a common denominator, then simplified.

    Parameters
    ----------
    expression : sympy expression or words.Expression
        Polynomials and rational functions are decided exactly, words of matrices by the rules of `words`.

    Notes
    -----
    In the book: :doc:`/book/appendices/c_input_output_mode`.

    Examples
    --------
    >>> from lrnn_helpers import symbolic
    >>> a, b = symbolic.a, symbolic.b
    >>> symbolic.vanishes((a + b) ** 2 - a**2 - 2 * a * b - b**2), symbolic.vanishes(a - b)
    (True, False)
    """
    if isinstance(expression, words.Expression):
        return expression.vanishes()
    expression = sp.sympify(expression)
    steps = (sp.expand, lambda e: sp.expand(sp.powsimp(sp.expand(e))), lambda e: sp.cancel(sp.together(e)), sp.simplify)
    return any(step(expression) == 0 for step in steps)


def positive(expression: sp.Expr, given: Sequence[sp.Rel] = (), strict: bool = True) -> bool:
    """Whether an expression is shown to be > 0 wherever the relations hold and it has a value.

    It is shown by a form in which no term is negative.

    A relation between letters is solved for one of them with what one side exceeds the other by, and a range of one
    letter is mapped on that of a positive one; what cannot be used so is left out. The expression then has the sign if
    each term of it, or of its numerator and its denominator, has it by the signs of its factors.

    Parameters
    ----------
    expression : sympy expression
        In real symbols.
    given : sequence of sympy relations
        ``>``, ``>=``, ``<``, ``<=`` between letters, linear in one; of a single letter also equal and unequal.
    strict : bool
        False asks for >= 0 only.

    Returns
    -------
    bool
        True is a proof; False says that this form shows nothing.

    Raises
    ------
    ValueError
        Where the relations on one letter contradict each other, or one is an equation between letters.

    Notes
    -----
    In the book: :doc:`/book/appendices/h_proof`.

    Examples
    --------
    >>> from lrnn_helpers import symbolic
    >>> n = sp.Symbol("n", real=True)
    >>> symbolic.positive(n**2 - 4 * n + 1, [n >= 4]), symbolic.positive(n**2 - 4 * n + 1, [n >= 3])
    (True, False)
    """
    expression, alone = sp.sympify(expression), {}
    given = [relation for relation in given if relation not in (True, sp.true)]
    for relation in given:
        if len(relation.free_symbols) == 1:
            (letter,) = relation.free_symbols
            alone[letter] = alone.get(letter, sp.Reals).intersect(relation.as_set())
    values = {letter: _mapped(letter, of) for letter, of in alone.items()}
    between = [r for r in given if len(r.free_symbols) > 1 and not isinstance(r, sp.Unequality)]
    if equations := [r for r in between if isinstance(r, sp.Equality)]:
        raise ValueError(f"an equation between letters must be put in beforehand, got {equations[0]}")
    while between:
        relation, *between = between
        gap = relation.gts - relation.lts
        slopes = {s: sp.diff(gap, s) for s in sorted(gap.free_symbols, key=str) if not isinstance(s, sp.Dummy)}
        linear = [s for s in slopes if not slopes[s].has(s) and slopes[s].subs(values).is_nonzero]
        if not linear:
            continue
        letter = min(linear, key=lambda s: (s in alone, not slopes[s].is_positive))
        strictly = isinstance(relation, sp.StrictGreaterThan | sp.StrictLessThan)
        more = sp.Dummy(positive=True) if strictly else sp.Dummy(nonnegative=True)
        solved = sp.expand((more - gap.subs(letter, 0)) / slopes[letter])
        expression, between = expression.subs(letter, solved), [r.subs(letter, solved) for r in between]
        between = [relation for relation in between if isinstance(relation, sp.Rel)]
    for letter, of in values.items():
        expression = expression.subs(letter, of)
    rest = {s: sp.Dummy(str(s), real=True) for s in expression.free_symbols if not isinstance(s, sp.Dummy)}
    return _signed(expression.subs(rest), strict)


def _mapped(letter, values):
    """An expression in a positive, or nonnegative, dummy that takes every value of a set of reals."""
    if values.is_empty:
        raise ValueError(f"the relations on {letter} contradict each other")
    if isinstance(values, sp.FiniteSet) and len(values) == 1:
        return values.args[0]
    if not isinstance(values, sp.Interval):  # single values left out, or several points
        if values.is_subset(sp.Interval.open(0, sp.oo)):
            return sp.Dummy(positive=True)
        return sp.Dummy(real=True, nonzero=True) if 0 not in values else sp.Dummy(real=True)
    low, high = values.start, values.end
    closed = not (values.left_open if low.is_finite else values.right_open)
    more = sp.Dummy(nonnegative=True) if closed else sp.Dummy(positive=True)
    if low.is_finite and high.is_finite:
        if closed:
            return low + (high - low) * more / (1 + more) if values.right_open else sp.Dummy(real=True)
        more = more if values.right_open else sp.Dummy(nonnegative=True)
        return low + (high - low) / (1 + more)
    return low + more if low.is_finite else high - more if high.is_finite else sp.Dummy(real=True)


def _signed(expression, strict):
    """Whether sympy reads off the sign, of the whole, or of numerator and denominator term by term."""

    def shown(e, strict):
        for terms in (sp.Add.make_args(e), sp.Add.make_args(sp.expand(e))):
            if all(t.is_nonnegative for t in terms) and (not strict or any(t.is_positive for t in terms)):
                return True
        return False

    if shown(expression, strict):
        return True
    over, under = sp.fraction(sp.together(sp.powsimp(sp.expand(expression))))
    return any(shown(s * over, strict) and shown(s * under, True) for s in (1, -1))


def witnesses(T: int | Sequence[int] = (1, 2, 3, 5, 8), seed: int = 0, **extra: object) -> list[dict]:
    """Exact rational modes and task dynamics at which printed forms are checked, one witness for each T.

    Parameters
    ----------
    T : int or sequence of int
        Trajectory lengths, each >= 1.
    seed : int
        The same seed gives the same witnesses everywhere.
    **extra
        Added to every witness as it is.

    Returns
    -------
    list of dict
        Keyword arguments ``a, b, c, tau`` (Fraction, generic: none is 0, 1 or -1, both signs, tau > 0), ``s`` (list of
        T distinct Fractions) and ``T``.

    Raises
    ------
    ValueError
        Where a length is below 1.

    Notes
    -----
    In the book: :doc:`/book/results/energy_function`.

    Examples
    --------
    >>> from lrnn_helpers import symbolic
    >>> [len(w["s"]) for w in symbolic.witnesses(T=(1, 3))]
    [1, 3]
    """
    lengths = (T,) if isinstance(T, numbers.Integral) else tuple(T)
    if not lengths or min(lengths) < 1:
        raise ValueError(f"T must be one or more trajectory lengths >= 1, got {T!r}")
    random = Random(seed)

    def rational():
        value = Fraction(random.randint(2, 12), 7)
        return value * random.choice((-1, 1)) if value != 1 else Fraction(5, 3)

    out = []
    for length in lengths:
        s = [value + Fraction(k, 97) for k, value in enumerate(rational() for _ in range(length))]
        out.append(dict(a=rational(), b=rational(), c=rational(), s=s, T=length, tau=abs(rational()), **extra))
    return out
