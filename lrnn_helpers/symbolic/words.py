"""Words of matrices: printed functions run on matrices of every size, for every T.

A matrix is a letter, a product a word, and no two letters commute unless they are diagonal. A sum over an index whose
range ends at a symbol is kept as one term with its limits. `run` calls a function on such letters; what it returns is
reduced by these rules and no other:

- a power of one matrix times a power of the same one adds the exponents; diagonal matrices commute;
- transposing reverses a word; traces are cyclic and do not see transposition; (A ⊗ B) vec(M) = vec(B M Aᵀ);
- a matrix with orthonormal columns has RᵀR = 1 (R†R = 1 where it is complex); an inverse is the power −1
  of a matrix that is taken to have one;
- where WR = RB is given for W = RBR†, or for W = RBR⁻¹, so is WᵏR = RBᵏ for every k >= 0, and its adjoint;
- names of summation indices do not matter, a sum may run backwards, and two ranges are equal where each implies the
  other; a sum over an empty range is 0.
"""

from __future__ import annotations

import builtins
import itertools
import types
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import sympy as sp

from lrnn_helpers.symbolic._reduce import (
    Factor,
    Letter,
    Term,
    collected,
    contracted,
    normal,
    rewritten,
    smallest,
    transposed,
)

__all__ = [
    "Expression",
    "Family",
    "Letter",
    "Numbers",
    "correlate",
    "differential",
    "differentiate",
    "family",
    "gradient",
    "identity",
    "matrix",
    "numbers",
    "run",
    "tangent",
]


class Expression:
    """A sum of words, with the operators of a numpy array: a matrix, a vector or a scalar of every size.

    Parameters
    ----------
    terms : iterable of Term
    shape : tuple of str
        The names of the spaces that it maps between: two for a matrix, one for a vector, none for a scalar.
    given : frozenset of sympy expressions
        What is known to be >= 0 of free indices.
    """

    __array_ufunc__ = None  # so that numpy's scalars and arrays leave the operators to us

    def __init__(self, terms, shape, given=frozenset()):
        self.terms, self.shape, self.given = tuple(terms), tuple(shape), frozenset(given)

    def _like(self, terms, *others):
        return Expression(terms, self.shape, self.given.union(*(o.given for o in others)))

    def __add__(self, other):
        other = _expression(other, self)
        if other.shape != self.shape:
            raise ValueError(f"shapes must agree in a sum, got {self.shape} and {other.shape}")
        return self._like(self.terms + other.terms, other)

    __radd__ = __add__

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -_expression(other, self)

    def __rsub__(self, other):
        return -self + other

    def __mul__(self, other):
        if isinstance(other, Expression):
            scalar, other = (self, other) if not self.shape else (other, self)
            if scalar.shape:
                raise ValueError("an elementwise product of matrices has no word, write @")
            terms = (_times(s.fresh(), t, t.word)._replace(left=t.left) for t in other.terms for s in scalar.terms)
            return other._like(terms, scalar)
        number = sp.sympify(other)
        return self._like(t._replace(coefficient=t.coefficient * number) for t in self.terms)

    __rmul__ = __mul__

    def __truediv__(self, number):
        return self * (1 / sp.sympify(number))

    def __pow__(self, n):
        if self.shape or n not in (1, 2):
            raise ValueError("only a scalar's first and second power are words; of a matrix use matrix_power")
        return self if n == 1 else self * self

    def __matmul__(self, other):
        if not isinstance(other, Expression):
            return NotImplemented
        if not self.shape or not other.shape or self.shape[-1] != other.shape[0]:
            raise ValueError(f"inner spaces must agree in a product, got {self.shape} and {other.shape}")
        if "⊗" in other.shape[0]:
            return _applied(self, other)
        left, right, dims = self, other, (len(self.shape), len(other.shape))
        if dims == (1, 2):
            left, right = other.T, self
        terms, shape = [], left.shape[:-1] + right.shape[1:]
        for one, two in itertools.product(left.terms, right.terms):
            two = two.fresh()
            if dims == (1, 1):
                terms.append(_times(one, two, (), (transposed(one.word) + two.word,)))
            else:
                terms.append(_times(one, two, one.word + two.word))
        return Expression(terms, shape, self.given | other.given)

    @property
    def T(self):
        """The transpose; a vector is its own, as in numpy."""
        if len(self.shape) < 2:
            return self
        if "⊗" in self.shape[0]:
            raise ValueError("a Kronecker product is not transposed")
        terms = (t._replace(word=transposed(t.word)) for t in self.terms)
        return Expression(terms, self.shape[::-1], self.given)

    def reshape(self, n):
        """A matrix row by row, as one vector: only ``reshape(-1)`` has a meaning."""
        if n != -1 or len(self.shape) != 2:
            raise ValueError(f"only a matrix is laid out, by reshape(-1), got {n} and shape {self.shape}")
        return Expression(self.T.terms, ["⊗".join(self.shape)], self.given)

    def conj(self):
        """The complex conjugate, letter by letter."""
        flip = lambda word: tuple(f.flip(C=True) for f in word)  # noqa: E731
        return self._like(
            t._replace(
                coefficient=sp.conjugate(t.coefficient),
                word=flip(t.word),
                loops=tuple(map(flip, t.loops)),
                left=flip(t.left),
            )
            for t in self.terms
        )

    conjugate = conj

    def __array_function__(self, function, types, args, kwargs):
        if function not in _NUMPY or kwargs:
            raise TypeError(f"words of matrices have no {function.__name__}")
        return _NUMPY[function](*args)

    @property
    def free_symbols(self):
        """T, indices and sizes that stand in it, as sympy symbols."""
        every = set()
        for t in self.terms:
            every |= t.coefficient.free_symbols | {s for e in t.limits for s in e.free_symbols}
            for f in t.factors:
                every |= f.power.free_symbols | {s for e in f.index for s in e.free_symbols}
                every.add(sp.Symbol(f.letter.name, commutative=False))
        return every

    def replace(self, old, new):
        """The same sum with a symbol or function of its coefficients replaced, as sympy's ``replace`` does."""
        return self._like(t._replace(coefficient=t.coefficient.replace(old, new)) for t in self.terms)

    def reduced(self):
        """The same sum, reduced by the rules; no term is left where it vanishes."""
        return self._like(collected([s for t in self.terms for s in normal(t)], self.given))

    def vanishes(self):
        """Whether it reduces to 0; where parts are there for large T only, for each small T and for the large ones."""
        left = self.reduced().terms
        if not left:
            return True
        if (least := smallest(left)) is None:
            return False
        symbol, start = least
        above = Expression(left, self.shape, self.given | {symbol - start})
        cases = [Expression((t.moved({symbol: sp.Integer(n)}) for t in left), self.shape) for n in range(start)]
        return all(case.vanishes() for case in [*cases, above])

    def __str__(self):
        return " + ".join(map(_text, self.terms)) or "0"

    __repr__ = __str__


class Family:
    """Matrices, or vectors, that indices number: ``x[p, i - 1]`` is the one of sample p and time i, as in an array.

    `shape` begins with the symbols at which the indices end, so that ``T = len(S)`` and ``P, T, _ = x.shape`` are read
    as in numpy.
    """

    def __init__(self, letter):
        self.letter, self.ends = letter, letter.ends
        self.shape = (*self.ends, letter.rows, *([letter.cols] if letter.cols else []))

    def __getitem__(self, index):
        index = index if isinstance(index, tuple) else (index,)
        if len(index) != len(self.ends):
            raise ValueError(f"{self.letter.name} needs {len(self.ends)} indices, got {len(index)}")
        factor = Factor(self.letter, tuple(sp.expand(sp.sympify(i) + 1) for i in index))
        return Expression([Term(sp.Integer(1), (factor,))], [s for s in factor.ends if s])


class Numbers:
    """Real numbers that an index numbers, as an array of one axis would hold them: ``s[i - 1]`` is `function` of i."""

    def __init__(self, function, end):
        self.function, self.shape = function, (sp.sympify(end),)

    def __getitem__(self, index):
        return self.function(sp.expand(sp.sympify(index) + 1))


def numbers(name, end):
    """Real numbers s_1 … s_end, of which ``s[i - 1]`` is s_i: any, by their name, or those that a function of i gives.

    Parameters
    ----------
    name : str or callable
        Their name, or a function of the sympy index i that returns s_i.
    end : sympy expression
        The last index.

    Returns
    -------
    Numbers
        With ``shape`` (end,), so that ``len`` inside `run` is the end.

    Examples
    --------
    >>> from lrnn_helpers import symbolic
    >>> from lrnn_helpers.symbolic import words
    >>> words.numbers("s", symbolic.T)[symbolic.T - 1]
    s(T)
    """
    return Numbers(sp.Function(name, real=True) if isinstance(name, str) else name, end)


def matrix(name, rows, cols, *, diagonal=False, orthonormal=False, real=True, similar=()):
    """A matrix of any size as a word of one letter.

    Parameters
    ----------
    name, rows, cols : str
        Its name, and the names of the spaces that it maps to and from.
    diagonal, orthonormal, real : bool
        Whether it is diagonal, has orthonormal columns, is real.
    similar : tuple of two expressions, optional
        (R, B) where it is R B R†, with R of orthonormal columns; or R B R⁻¹, with any other R.

    Returns
    -------
    Expression
        Of shape (rows, cols).

    Examples
    --------
    >>> from lrnn_helpers.symbolic import words
    >>> R = words.matrix("R", "h", "n", orthonormal=True)
    >>> (R.T @ R - words.identity("n")).vanishes(), (R @ R.T - words.identity("h")).vanishes()
    (True, False)
    """
    if diagonal and rows != cols:
        diagonal = False  # a rectangular diagonal matrix commutes with nothing of its own kind
    similar = tuple(e.terms[0].word[0].letter for e in similar)
    letter = Letter(name, rows, cols, diagonal, orthonormal, real, similar)
    return Expression([Term(sp.Integer(1), (Factor(letter),))], (rows, cols))


def identity(space):
    """The identity of a space.

    Parameters
    ----------
    space : str
        Its name.

    Returns
    -------
    Expression
        Of shape (space, space).

    Examples
    --------
    >>> from lrnn_helpers.symbolic import words
    >>> W = words.matrix("W", "h", "h")
    >>> (words.identity("h") @ W - W).vanishes()
    True
    """
    return Expression([Term(sp.Integer(1))], (space, space))


def family(name, ends, rows, cols="", *, diagonal=False, real=True, white=False):
    """Matrices (vectors, where `cols` is empty) numbered by indices from 1 to each of `ends`.

    Parameters
    ----------
    name, rows, cols : str
        Their name, and the names of the spaces that they map to and from.
    ends : sequence of sympy expressions
        The last value of each index.
    diagonal, real : bool
        Whether they are diagonal (square ones only), and real.
    white : bool
        Vectors x with Σ_p x_pt x_pt'ᵀ = δ_tt' I, where p is the first index and runs over all samples.

    Returns
    -------
    Family
        Of which ``S[i - 1]`` is the `Expression` of index i.

    Examples
    --------
    >>> from lrnn_helpers import symbolic
    >>> from lrnn_helpers.symbolic import words
    >>> S = words.family("S", [symbolic.T], "y", "x")
    >>> S[symbolic.T - 1].shape
    ('y', 'x')
    """
    return Family(
        Letter(name, rows, cols, diagonal and rows == cols, False, real, (), tuple(map(sp.sympify, ends)), white)
    )


def run(function: Callable, arguments: dict) -> object:
    """Call a function on words: its ``range``, ``sum``, ``len`` and ``eye`` take symbols, its numpy calls take words.

    Parameters
    ----------
    function : function
        Sums are written ``sum(term for i in range(1, T + 1))``; a list ``[term for t in range(1, T + 1)]`` is one
        value for every t.
    arguments : dict
        By name: Expression, Family, sympy symbols or numbers.

    Raises
    ------
    ValueError
        Where a loop over a symbolic range is left that no ``sum`` and no list closed.

    Notes
    -----
    In the book: :doc:`/book/appendices/b_gradient_flow`.

    Examples
    --------
    >>> from lrnn_helpers import symbolic
    >>> from lrnn_helpers.symbolic import words
    >>> W = words.matrix("W", "h", "h")
    >>> def shifted(T):
    ...     return sum(np.linalg.matrix_power(W, T - i) for i in range(1, T + 1))
    >>> def straight(T):
    ...     return sum(np.linalg.matrix_power(W, k) for k in range(T))
    >>> (words.run(shifted, {"T": symbolic.T}) - words.run(straight, {"T": symbolic.T})).vanishes()
    True
    """
    opened = []

    class Range:
        def __init__(self, *ends):
            self.first, self.last = (0, ends[0]) if len(ends) == 1 else ends
            self.index, self.done = None, False

        def __iter__(self):
            return self

        def __next__(self):
            if self.index is not None:
                self.done = True
                raise StopIteration
            self.index = sp.Dummy("i", integer=True)
            opened.append(self)
            return self.index

        def limits(self, index):
            return {sp.expand(index - self.first), sp.expand(self.last - 1 - index)}

    def symbolic_range(*ends):
        if all(sp.sympify(e).is_Integer for e in ends):
            return range(*map(int, ends))
        return Range(*ends)

    def symbolic_sum(items, start=0):
        total, mark = start, len(opened)
        for item in items:
            # its own ranges, which wait for their next value, and those of a list that is summed after it was made
            mine = [r for r in opened[mark:] if not r.done]
            opened[mark:] = [r for r in opened[mark:] if r.done]
            made = [r for r in opened if r.done and r.index in _indices(item)]
            if isinstance(items, (list, tuple)) and opened and not made and not _expression(item).vanishes():
                raise ValueError(f"the sum of a list whose terms do not name their index is not known, got {item}")
            if ranges := mine + made:
                item, bound = _expression(item), tuple(r.index for r in ranges)
                limits = frozenset(e for r in ranges for e in r.limits(r.index))
                terms = (t._replace(bound=t.bound + bound, limits=t.limits | limits) for t in item.terms)
                item = item._like(t.fresh() for t in terms)
            total = total + item
        return total

    def symbolic_len(value):
        return value.shape[0] if hasattr(value, "shape") else len(value)

    def symbolic_eye(size):
        return identity(size) if isinstance(size, str) else np.eye(size)

    swapped = dict(range=symbolic_range, sum=symbolic_sum, len=symbolic_len, eye=symbolic_eye)
    value = _with_globals(function, swapped)(**arguments)
    listed, out = isinstance(value, (list, np.ndarray)), []
    several = listed or isinstance(value, tuple)
    for item in np.ravel(np.array(value, dtype=object)) if several else [value]:
        if not opened and not isinstance(item, Expression):
            out.append(item)  # no words in it: whatever it is
            continue
        item = _expression(item)
        left = [r for r in opened if r.index in _indices(item)]
        if left and not listed:
            raise ValueError(f"{function.__name__} loops over a symbolic range: write the loop as a sum(...) or a list")
        free = {r.index: sp.Symbol(f"t_{n}", integer=True) for n, r in enumerate(left)}
        given = frozenset(sp.expand(e.xreplace(free)) for r in left for e in r.limits(r.index))
        terms = (t.moved(free)._replace(bound=t.bound) for t in item.terms)
        out.append(Expression(terms, item.shape, item.given | given))
    return type(value)(out) if isinstance(value, (list, tuple)) else out if several else out[0]


def _indices(value):
    """The free symbols of a value, without those over which it sums."""
    if not isinstance(value, Expression):
        return sp.sympify(value).free_symbols
    return set().union(*(Expression([t], value.shape).free_symbols - set(t.bound) for t in value.terms))


def gradient(expression, matrix):
    """The gradient of a scalar in a matrix, by the product rule on every word: of tr(AX) it is Aᵀ.

    Parameters
    ----------
    expression : Expression
        A scalar.
    matrix : Expression
        One letter. Of a complex one the scalar, which must be real, is differentiated in its real and imaginary part,
        ∂/∂Re + i ∂/∂Im: twice the derivative in its conjugate.

    Returns
    -------
    Expression
        Of the shape of `matrix`.

    Raises
    ------
    ValueError
        Where `matrix` is not one letter, or an inverse of it is differentiated.

    Examples
    --------
    >>> from lrnn_helpers.symbolic import words
    >>> A, X = words.matrix("A", "n", "m"), words.matrix("X", "m", "n")
    >>> (words.gradient(np.trace(A @ X), X) - A.T).vanishes()
    True
    """
    letter, terms = _letter(matrix), []
    for t in expression.terms:
        for place, loop in enumerate(t.loops):
            others = t.loops[:place] + t.loops[place + 1 :]
            for before, factor, after, bound, limits in _places(loop, letter):
                if not letter.real and not factor.C:
                    continue  # the half that the conjugate gives again
                rest, twice = after + before, 1 if letter.real else 2
                word = rest if factor.T else transposed(rest)
                terms.append(Term(twice * t.coefficient, word, others, t.bound + bound, t.limits | limits))
    return Expression(terms, matrix.shape, expression.given)


def differentiate(expression, symbol):
    """The derivative of a sum in a commuting symbol on which its ranges do not depend.

    Parameters
    ----------
    expression : Expression
    symbol : sympy symbol
        One of its coefficients.

    Returns
    -------
    Expression
        Of the same shape.

    Examples
    --------
    >>> from lrnn_helpers.symbolic import T, b, words
    >>> def powers(T):
    ...     return sum(b**k for k in range(T))
    >>> def slopes(T):
    ...     return sum(k * b ** (k - 1) for k in range(1, T))
    >>> one, two = (words.run(f, {"T": T}) for f in (powers, slopes))
    >>> (words.differentiate(one, b) - two).vanishes()
    True
    """
    expression = _expression(expression)
    return expression._like(t._replace(coefficient=sp.diff(t.coefficient, symbol)) for t in expression.terms)


def differential(expression, directions):
    """How an expression moves, to first order, when matrices do.

    Parameters
    ----------
    expression : Expression
    directions : list of (matrix, direction)
        Each matrix one real letter, each direction an expression of its shape.

    Returns
    -------
    Expression
        Of the shape of `expression`.

    Raises
    ------
    ValueError
        Where a matrix is not one letter, or stands in a trace, or the expression is a Kronecker product.

    Examples
    --------
    >>> from lrnn_helpers.symbolic import words
    >>> X, D = words.matrix("X", "n", "n"), words.matrix("D", "n", "n")
    >>> (words.differential(X @ X, [(X, D)]) - X @ D - D @ X).vanishes()
    True
    """
    _plain(expression)
    terms = []
    for matrix, direction in directions:
        letter = _letter(matrix)
        for t, d in itertools.product(expression.terms, direction.terms):
            if t.loops and any(f.letter == letter for loop in t.loops for f in loop):
                raise ValueError(f"{letter.name} must not stand in a trace")
            d = d.fresh()
            for before, factor, after, bound, limits in _places(t.word, letter):
                word = (*before, *(transposed(d.word) if factor.T else d.word), *after)
                term = _times(t, d, word)
                terms.append(term._replace(bound=term.bound + bound, limits=term.limits | limits))
    return expression._like(terms)


def tangent(one, other, matrix):
    """The tangent kernel's part from one matrix: derivatives of two outputs, multiplied, summed over entries.

    Parameters
    ----------
    one, other : Expression
        Vectors, or matrices of one column a sample; the matrix stands in them untransposed.
    matrix : Expression
        One real letter.

    Returns
    -------
    Expression
        Of L X r and M X q it is (r·q) L Mᵀ for vectors r, q, and rᵀq ⊗ L Mᵀ for matrices.

    Raises
    ------
    ValueError
        Where the two are not two vectors or two matrices, or the letter is complex or stands transposed.

    Examples
    --------
    >>> from lrnn_helpers import symbolic
    >>> from lrnn_helpers.symbolic import words
    >>> W, x = words.matrix("W", "y", "x"), words.family("x", [symbolic.T], "x")
    >>> f, g = W @ x[0], W @ x[1]
    >>> (words.tangent(f, g, W) - (x[0] @ x[1]) * words.identity("y")).vanishes()
    True
    """
    _plain(one, other)
    letter, terms = _letter(matrix), []
    if len(one.shape) != len(other.shape) or not one.shape:
        raise ValueError(f"one and other must be two vectors or two matrices, got {one.shape} and {other.shape}")
    columns = len(one.shape) == 2
    for s, t in itertools.product(one.terms, other.terms):
        t = t.fresh()
        for (k, f, r, b, e), (m, g, q, c, d) in itertools.product(_places(s.word, letter), _places(t.word, letter)):
            if f.T or g.T or not letter.real:
                raise ValueError(f"{letter.name} must be real and stand untransposed in both")
            here = _times(s, t, k + transposed(m), () if columns else (transposed(r) + q,))
            here = here._replace(left=transposed(r) + q if columns else ())
            terms.append(here._replace(bound=here.bound + b + c, limits=here.limits | e | d))
    shape = [f"{p}⊗{n}" for n, p in (one.shape, other.shape)] if columns else one.shape + other.shape
    return Expression(terms, shape, one.given | other.given)


def correlate(expression, means):
    """Sums over samples replaced by correlation matrices: Σ_p y_p x_ptᵀ by Σ_t.

    Parameters
    ----------
    expression : Expression
        Sums over the first index of two families of vectors, which stand side by side as y xᵀ.
    means : dict
        (name, name) of two families to the Family of their correlations, numbered by their other indices in this order.

    Returns
    -------
    Expression
        Of the same shape; sums over samples that `means` does not name stay.

    Examples
    --------
    >>> from lrnn_helpers import symbolic
    >>> from lrnn_helpers.symbolic import words
    >>> P = sp.Symbol("P", integer=True, nonnegative=True)
    >>> x, y = words.family("x", [P, symbolic.T], "x"), words.family("y", [P], "y")
    >>> Sigma = words.family("Sigma", [symbolic.T], "y", "x")
    >>> def first(x, y):
    ...     return sum(np.outer(y[p], x[p, 0]) for p in range(P))
    >>> words.correlate(words.run(first, {"x": x, "y": y}), {("y", "x"): Sigma})
    1 Sigma[1]^1
    """

    def mean(f, g, bound):
        index = tuple(k - 1 for k in f.index[1:] + g.index[1:])
        if (name := (f.letter.name, g.letter.name)) in means:
            return means[name][index].terms[0].word, {}
        if name[::-1] in means:
            index = tuple(k - 1 for k in g.index[1:] + f.index[1:])
            return transposed(means[name[::-1]][index].terms[0].word), {}
        return None

    return expression._like(contracted(t, mean) for t in expression.terms)


# What the rules are made of.


def _expression(value, like=None):
    if isinstance(value, Expression):
        return value
    value = sp.sympify(value)
    if value == 0:
        return Expression([], like.shape if like is not None else ())
    if like is not None and like.shape:
        raise ValueError(f"a number cannot be added to a matrix or vector, got {value}")
    return Expression([Term(value)], ())


def _letter(expression):
    if len(expression.terms) != 1 or len(expression.terms[0].word) != 1:
        raise ValueError(f"matrix must be one letter, got {expression}")
    return expression.terms[0].word[0].letter


def _with_globals(function, swapped, seen=None):
    """The function with those globals, and with it every function of the same notebook that it names."""
    seen = {} if seen is None else seen
    if function in seen:
        return seen[function]
    world = {**function.__globals__, **swapped}
    new = types.FunctionType(function.__code__, world, function.__name__, function.__defaults__, function.__closure__)
    new.__kwdefaults__ = function.__kwdefaults__
    seen[function] = new
    for name in function.__code__.co_names:
        other = function.__globals__.get(name)
        if isinstance(other, types.FunctionType) and other.__module__ == function.__module__:
            world[name] = _with_globals(other, swapped, seen)
    return new


def _times(one, two, word, loops=()):
    return Term(
        one.coefficient * two.coefficient,
        word,
        one.loops + two.loops + tuple(loops),
        one.bound + two.bound,
        one.limits | two.limits,
    )


def _places(word, letter):
    """Each place of a letter: the word before and after it; inside a power, one place for each factor of it."""
    for at, f in enumerate(word):
        if f.letter == letter:
            if f.power == 1:
                yield word[:at], f, word[at + 1 :], (), frozenset()
            elif f.power.is_negative:
                raise ValueError(f"the inverse of {letter.name} is not differentiated")
            else:
                r = sp.Dummy("r", integer=True)
                left, right = f._replace(power=r), f._replace(power=sp.expand(f.power - 1 - r))
                limits = frozenset([r, sp.expand(f.power - 1 - r)])
                yield (*word[:at], left), f._replace(power=sp.Integer(1)), (right, *word[at + 1 :]), (r,), limits


def _matrix_power(base, n):
    n = sp.expand(sp.sympify(n))
    if len(base.terms) > 1:
        base = base.reduced()
    if len(base.shape) != 2 or base.shape[0] != base.shape[1]:
        raise ValueError(f"a power needs a square matrix, got {base.shape}")
    if n.is_Integer and n >= 0:
        out = identity(base.shape[0])
        for _ in builtins.range(int(n)):
            out = out @ base
        return out
    term = base.terms[0] if len(base.terms) == 1 else Term(sp.Integer(0))
    term = term._replace(word=rewritten(term.word))
    word = term.word
    if len(word) == 1 and term.coefficient == 1 and not term.loops and not term.bound:
        return Expression([Term(sp.Integer(1), (word[0]._replace(power=sp.expand(word[0].power * n)),))], base.shape)
    if len(word) == 3 and term.coefficient == 1 and not term.loops and not term.bound:
        R, B = word[0], word[1]
        plain = not (R.T or R.C or B.T or B.C) and R.power == B.power == 1 and not R.index and not B.index
        if plain and word[2] == (R.flip(T=True, C=True) if R.letter.orthonormal else R._replace(power=sp.Integer(-1))):
            mark = "†" if R.letter.orthonormal else "⁻¹"
            whole = Letter(f"({R.letter.name} {B.letter.name} {R.letter.name}{mark})", R.letter.rows, R.letter.rows,
                           real=R.letter.real and B.letter.real, similar=(R.letter, B.letter))  # fmt: skip
            return Expression([Term(sp.Integer(1), (Factor(whole, power=n),))], base.shape)
    raise ValueError(f"the power {n} of {base} has no word")


def _inverse(m):
    m = m.reduced()
    if len(m.shape) != 2 or m.shape[0] != m.shape[1] or len(m.terms) != 1:
        raise ValueError(f"an inverse needs one product of square matrices, got {m}")
    (term,) = m.terms
    if term.loops or term.bound or any(f.letter.rows != f.letter.cols for f in term.word):
        raise ValueError(f"an inverse needs one product of square matrices, got {m}")
    word = tuple(f._replace(power=sp.expand(-f.power)) for f in reversed(term.word))
    return Expression([Term(1 / term.coefficient, word)], m.shape, m.given)


class _Norm(NamedTuple):
    vector: Expression

    def __pow__(self, n):
        if n != 2:
            raise ValueError("only the square of a norm is a word")
        v = self.vector
        return v.conj() @ v if len(v.shape) == 1 else _trace(v.conj().T @ v)


def _trace(m):
    _plain(m)
    if len(m.shape) != 2 or m.shape[0] != m.shape[1]:
        raise ValueError(f"a trace needs a square matrix, got {m.shape}")
    size = sp.Symbol(f"N_{m.shape[0]}", integer=True, positive=True)

    def close(t):
        if t.word:
            return t._replace(word=(), loops=(*t.loops, t.word))
        return t._replace(coefficient=t.coefficient * size)

    return Expression(map(close, m.terms), (), m.given)


def _plain(*expressions):
    """Refuse Kronecker products and laid out matrices where only plain words have a meaning."""
    for each in expressions:
        if any("⊗" in space for space in each.shape):
            raise ValueError(
                f"neither a Kronecker product nor a matrix that is laid out is meant here, got {each.shape}"
            )


def _kron(one, two):
    _plain(one, two)
    if len(one.shape) != 2 or len(two.shape) != 2:
        raise ValueError(f"kron takes two matrices, got {one.shape} and {two.shape}")
    terms = []
    for s, t in itertools.product(one.terms, two.terms):
        t = t.fresh()
        terms.append(_times(s, t, t.word)._replace(left=s.word))
    shape = [f"{a}⊗{b}" for a, b in zip(one.shape, two.shape, strict=True)]
    return Expression(terms, shape, one.given | two.given)


def _applied(kron, vector):
    """(A ⊗ B) vec(M) = vec(B M Aᵀ)."""
    if len(kron.shape) != 2 or len(vector.shape) != 1:
        raise ValueError(f"a Kronecker product acts on vectors only, got {kron.shape} and {vector.shape}")
    terms = []
    for s, t in itertools.product(kron.terms, vector.terms):
        t = t.fresh()
        terms.append(_times(s, t, (*s.word, *t.word, *transposed(s.left))))
    return Expression(terms, kron.shape[:1], kron.given | vector.given)


def _outer(one, two):
    _plain(one, two)
    if len(one.shape) != 1 or len(two.shape) != 1:
        raise ValueError(f"outer takes two vectors, got {one.shape} and {two.shape}")
    terms = []
    for s, t in itertools.product(one.terms, two.terms):
        t = t.fresh()
        terms.append(_times(s, t, s.word + transposed(t.word)))
    return Expression(terms, one.shape + two.shape, one.given | two.given)


_NUMPY = {
    np.linalg.matrix_power: _matrix_power,
    np.linalg.inv: _inverse,
    np.linalg.norm: _Norm,
    np.trace: _trace,
    np.outer: _outer,
    np.kron: _kron,
    np.transpose: lambda m: m.T,
    np.conj: lambda m: m.conj(),
}


def _text(t):
    marks = "".join(f" tr({' '.join(map(str, loop))})" for loop in t.loops)
    over = f" [{', '.join(map(str, sorted(t.limits, key=str)))} >= 0]" if t.bound else ""
    left = f" {' '.join(map(str, t.left))} ⊗" if t.left else ""
    return f"{t.coefficient}{marks}{left} {' '.join(map(str, t.word))}{over}"
