"""The rules of `symbolic.words`: each against random matrices, and identities that are false, which must not reduce."""

import itertools

import numpy as np
import pytest
import sympy as sp
import torch
from numpy.linalg import matrix_power

from lrnn_helpers import bases, network, ntk, tasks
from lrnn_helpers.ledger import mutants
from lrnn_helpers.network import Weights
from lrnn_helpers.symbolic import T, words

P = sp.Symbol("P", integer=True, nonnegative=True)
Wx, Wh, Wy = words.matrix("Wx", "h", "x"), words.matrix("Wh", "h", "h"), words.matrix("Wy", "y", "h")
x, y = words.family("x", [P, T], "x"), words.family("y", [P], "y")
R, B = words.matrix("R", "h", "n", orthonormal=True), words.matrix("B", "n", "n")
D, E = words.matrix("D", "n", "n", diagonal=True), words.matrix("E", "n", "n", diagonal=True)
Q = words.matrix("Q", "h", "n", orthonormal=True, real=False)
G = words.matrix("G", "n", "n", diagonal=True, orthonormal=True)  # signs
L = words.matrix("L", "n", "n", diagonal=True, real=False)
M = words.matrix("M", "h", "h", real=False, similar=(Q, L))
W, Z = words.matrix("W", "h", "h", similar=(R, B)), words.matrix("Z", "h", "h", similar=(Q, L))
S, K = (words.matrix(name, "h", "h", real=False) for name in "SK")
V = S @ K @ np.linalg.inv(S)
LETTERS = dict(Wx=Wx, Wh=Wh, Wy=Wy, x=x, y=y)


def arrays(length, samples=4, seed=0, complex_pairs=False):
    """Random arrays with the properties of the letters above; sizes all differ. M is complex where pairs are."""
    rng = np.random.default_rng(seed)
    sizes = dict(Wx=(4, 2), Wh=(4, 4), Wy=(3, 4), x=(samples, length, 2), y=(samples, 3))
    out = {name: rng.normal(size=size) / 2 for name, size in sizes.items()}
    out |= dict(R=bases.random_orthogonal(4, rng)[:, :2], B=rng.normal(size=(2, 2)))
    out |= dict(D=np.diag(rng.normal(size=2)), E=np.diag(rng.normal(size=2)), G=np.diag([1.0, -1.0]))
    q = out["R"] @ np.array([[1, 1], [1j, -1j]]) / np.sqrt(2)
    out |= dict(Q=q, L=np.diag([0.4 + 0.3j, 0.4 - 0.3j]))
    out["(R B R†)"] = out["R"] @ out["B"] @ out["R"].T
    out["L"] = np.diag([0.4 + 0.3j, 0.7 - 0.2j]) if complex_pairs else out["L"]
    out["M"] = q @ out["L"] @ q.conj().T
    out |= {name: rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)) for name in "SK"}
    out["(S K S⁻¹)"] = out["S"] @ out["K"] @ np.linalg.inv(out["S"])
    return out | dict(W=out["R"] @ out["B"] @ out["R"].T, Z=(q @ out["L"] @ q.conj().T).real)


def value(expression, given, length, samples=4):
    """A sum of words as an array, every index written out."""
    sizes = dict(h=4, x=2, y=3, n=2, p=samples)
    ends = {T: length, P: samples} | {sp.Symbol(f"N_{n}", integer=True, positive=True): m for n, m in sizes.items()}
    number = lambda e, at: int(sp.sympify(e).subs(at))  # noqa: E731

    def product(word, at):
        out = None
        for f in word:
            a = given[f.letter.name]
            for i in f.index:
                a = a[number(i, at) - 1]
            a = a[:, None] if a.ndim == 1 else a
            a = a.conj() if f.C else a
            power = number(f.power, at)
            a = matrix_power(a.T if f.T else a, power) if power != 1 else a.T if f.T else a
            out = a if out is None else out @ a
        return out

    total = 0
    for term in expression.terms:
        for values in itertools.product(range(-1, max(length, samples) + 2), repeat=len(term.bound)):
            at = ends | dict(zip(term.bound, values, strict=True))
            if all(number(e, at) >= 0 for e in term.limits):
                part = complex(term.coefficient.subs(at))
                for loop in term.loops:
                    part = part * np.trace(product(loop, at))
                spaces = expression.shape[0].split("⊗") if expression.shape else [""]
                open_, left = product(term.word, at), product(term.left, at)
                if open_ is None:
                    open_ = np.eye(sizes[spaces[-1]]) if expression.shape else 1
                if len(spaces) == 2 and len(expression.shape) == 2:
                    open_ = np.kron(np.eye(sizes[spaces[0]]) if left is None else left, open_)
                elif len(spaces) == 2:
                    open_ = open_.T.reshape(-1)
                total = total + part * open_
    return np.asarray(total).squeeze() if len(expression.shape) == 1 else np.asarray(total)


def loss(Wx, Wh, Wy, x, y):
    P, T, _ = x.shape
    errors = (y[p] - Wy @ sum(matrix_power(Wh, T - i) @ Wx @ x[p, i - 1] for i in range(1, T + 1)) for p in range(P))
    return sum(np.linalg.norm(e) ** 2 for e in errors) / 2


def answer(Wx, Wh, Wy, x):
    T = x.shape[1]
    return sum(Wy @ matrix_power(Wh, T - i) @ Wx @ x[1, i - 1] for i in range(1, T + 1))


def lengths(Wh, T):
    return sum(k * matrix_power(Wh, k).T @ matrix_power(Wh, T - k) for k in range(0, T))


def nested(Wh, T):
    return sum(matrix_power(Wh, r).T @ matrix_power(Wh, T - i - r) for i in range(1, T) for r in range(0, T - i))


def traced(Wy, Wh):
    return np.trace(Wy.T @ Wy @ Wh) * Wh - 2 * Wh @ Wh


def laid_out(Wx, Wh, Wy):
    return np.kron(Wx.T @ Wx, Wy @ Wh @ Wy.T) @ (Wy @ Wh @ Wx).T.reshape(-1)


@pytest.mark.parametrize("function", [loss, answer, lengths, nested, traced, laid_out])
@pytest.mark.parametrize("length", [1, 2, 4])
def test_a_printed_function_means_on_words_what_it_means_on_arrays(function, length):
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    given = arrays(length)
    on_words = words.run(function, {n: (LETTERS | dict(T=T))[n] for n in names})
    direct = function(**{n: (given | dict(T=length))[n] for n in names})
    np.testing.assert_allclose(value(on_words, given, length), direct, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(value(on_words.reduced(), given, length), direct, rtol=1e-11, atol=1e-12)


k = sp.Symbol("k", integer=True, nonnegative=True)
REDUCE = {
    "R'R": R.T @ R @ B,
    "Q†Q": Q.conj().T @ Q @ L,
    "Q'Q*": Q.T @ Q.conj() @ L,
    "powers": matrix_power(Wh, T) @ matrix_power(Wh, k) @ Wh,
    "transposes": (Wy @ matrix_power(Wh, k)).T,
    "diagonals": E @ D @ matrix_power(E, k) @ D,
    "signs": G @ matrix_power(E @ G, 2) @ B @ G @ D @ G,
    "W R": matrix_power(W, T) @ R,
    "W'R": matrix_power(W, T).T @ R,
    "R'W": R.T @ matrix_power(W, T),
    "R'W'": R.T @ matrix_power(W.T, T),
    "Z Q": matrix_power(Z, T) @ Q,
    "Z'Q": matrix_power(Z.T, T) @ Q,
    "Z Q*": matrix_power(Z, T) @ Q.conj(),
    "Q†Z": Q.conj().T @ matrix_power(Z, T),
    "Q'Z": Q.T @ matrix_power(Z, T),
    "Q†Z'": Q.conj().T @ matrix_power(Z.T, T),
    "M Q": matrix_power(M, T) @ Q,
    "M†Q": matrix_power(M, T).conj().T @ Q,
    "M*Q*": matrix_power(M, T).conj() @ Q.conj(),
    "M'Q*": matrix_power(M, T).T @ Q.conj(),
    "Q†M": Q.conj().T @ matrix_power(M, T),
    "Q†M†": Q.conj().T @ matrix_power(M, T).conj().T,
    "Q'M*": Q.T @ matrix_power(M, T).conj(),
    "Q'M'": Q.T @ matrix_power(M, T).T,
    "no rule M Q*": matrix_power(M, T) @ Q.conj(),
    "no rule M'Q": matrix_power(M, T).T @ Q,
    "no rule Q'M": Q.T @ matrix_power(M, T),
    "composite": R.T @ matrix_power(R @ B @ R.T, T) @ R,
    "inverse": np.linalg.inv(S @ Wh) @ S @ K,
    "V S": matrix_power(V, T) @ S,
    "S⁻¹V": np.linalg.inv(S) @ matrix_power(V, T),
    "V†S⁻†": matrix_power(V, T).conj().T @ np.linalg.inv(S).conj().T,
    "S†V†": S.conj().T @ matrix_power(V, T).conj().T,
    "no rule V S*": matrix_power(V, T) @ S.conj(),
    "no rule V'S": matrix_power(V, T).T @ S,
    "no rule S†V": S.conj().T @ matrix_power(V, T),
    "no rule V S⁻¹": matrix_power(V, T) @ np.linalg.inv(S),
    "loop": np.trace(R @ B @ R.T) * D,
    "size": np.trace(R @ R.T) * D,
    "turned loop": np.trace(R.T @ W @ W @ R) * E,
}


@pytest.mark.parametrize("name", REDUCE)
def test_a_rule_keeps_the_value(name):
    given, expression = arrays(3, complex_pairs="M" in name), REDUCE[name]
    change = {k: sp.Integer(2)}
    fixed = words.Expression((t.moved(change) for t in expression.terms), expression.shape)
    assert fixed.reduced().terms, name
    before, after = value(fixed, given, 3), value(fixed.reduced(), given, 3)
    if "M" in name or "V" in name:
        assert any(f.letter.similar for t in fixed.reduced().terms for f in t.word) is ("no rule" in name)
    assert np.linalg.norm(before) > 1e-3
    np.testing.assert_allclose(after, before, rtol=1e-11, atol=1e-12)


SAME = {
    "backwards": (lambda Wh, T: sum(matrix_power(Wh, T - i) for i in range(1, T + 1)),
                  lambda Wh, T: sum(matrix_power(Wh, n) for n in range(0, T))),
    "empty end": (lambda Wh, T: sum(matrix_power(Wh, r) for i in range(1, T) for r in range(0, T - i)),
                  lambda Wh, T: sum(matrix_power(Wh, r) for i in range(1, T + 1) for r in range(0, T - i))),
    "order": (lambda A, T: sum(matrix_power(A, i).T @ matrix_power(A, j) for i in range(T) for j in range(T)),
              lambda A, T: sum(matrix_power(A, j).T @ matrix_power(A, i) for i in range(T) for j in range(T))),
    "triangle": (lambda A: sum(matrix_power(A, j).T @ matrix_power(A, i) for i in range(T) for j in range(0, i)),
                 lambda A: sum(matrix_power(A, i).T @ matrix_power(A, k) for i in range(T) for k in range(i + 1, T))),
    "count": (lambda A: sum(matrix_power(A, i) for i in range(1, T) for _ in range(0, T - i)),
              lambda A: sum((T - i) * matrix_power(A, i) for i in range(1, T + 1))),
    "count after a change": (lambda A: sum(matrix_power(A, t - i) for t in range(1, T + 1) for i in range(1, t + 1)),
                             lambda A: sum((T - k) * matrix_power(A, k) for k in range(0, T))),
    "telescope": (lambda A: sum(matrix_power(A, r + 1) @ matrix_power(A.T, T - 1 - r) for r in range(0, T))
                  - sum(matrix_power(A, r) @ matrix_power(A.T, T - r) for r in range(0, T)),
                  lambda A: matrix_power(A, T) - matrix_power(A.T, T)),
    "last split off": (lambda A: sum(matrix_power(A, i) for i in range(0, T + 1)) - matrix_power(A, T),
                       lambda A: sum(matrix_power(A, i) for i in range(0, T))),
    "first split off": (lambda A: sum(matrix_power(A, T - i) for i in range(0, T + 1)),
                        lambda A: sum(matrix_power(A, i) for i in range(0, T)) + matrix_power(A, T)),
    "a list summed": (lambda A: sum([matrix_power(A, i) for i in range(1, T)]) + A,
                      lambda A: sum(matrix_power(A, i) for i in range(1, T)) + A),
    "a list inside": (lambda A: sum(sum([matrix_power(A, i + j) for j in range(0, T)]) for i in range(0, T)),
                      lambda A: sum(matrix_power(A, i + j) for j in range(0, T) for i in range(0, T))),
    "nothing": (lambda Wh, T: sum(Wh for i in range(T, T)) + Wh, lambda Wh, T: Wh),
    "trace": (lambda Wh, T: np.trace(Wh @ Wh.T @ matrix_power(Wh, T)) * Wh,
              lambda Wh, T: np.trace(matrix_power(Wh, T).T @ Wh @ Wh.T) * Wh),
}  # fmt: skip
FALSE = {
    "commute": (lambda Wh, Wy: Wy.T @ Wy @ Wh, lambda Wh, Wy: Wh @ Wy.T @ Wy),
    "transpose": (lambda Wh: Wh, lambda Wh: Wh.T),
    "one term less": (lambda Wh, T: sum(matrix_power(Wh, i) for i in range(T)),
                      lambda Wh, T: sum(matrix_power(Wh, i) for i in range(T - 1))),
    "wrong count": (lambda A: sum(matrix_power(A, i) for i in range(1, T) for _ in range(0, T - i)),
                    lambda A: sum((T - i + 1) * matrix_power(A, i) for i in range(1, T + 1))),
    "wrong end": (lambda A: sum(matrix_power(A, i) for i in range(0, T + 1)) - matrix_power(A, T - 1),
                  lambda A: sum(matrix_power(A, i) for i in range(0, T))),
    "shifted": (lambda Wh, T: sum(matrix_power(Wh, i) for i in range(T)),
                lambda Wh, T: sum(matrix_power(Wh, i + 1) for i in range(T))),
    "other triangle": (lambda Wh, T: sum(matrix_power(Wh, j) for i in range(T) for j in range(0, i)),
                       lambda Wh, T: sum(matrix_power(Wh, j) for i in range(T) for j in range(i, T))),
    "diagonal order": (lambda B, D: B @ D, lambda B, D: D @ B),
    "no orthogonal rows": (lambda R, Wh: R @ R.T @ Wh, lambda R, Wh: Wh),
    "inverse order": (lambda S, K: np.linalg.inv(S @ K), lambda S, K: np.linalg.inv(S) @ np.linalg.inv(K)),
    "one sign": (lambda G, D: G @ D @ G, lambda G, D: G @ D),
    "signs do not commute": (lambda G, B: G @ B @ G, lambda G, B: B),
    "no dagger": (lambda Q, L: Q.T @ Q @ L, lambda Q, L: L),
    "wrong side": (lambda W, R, T: R @ matrix_power(R.T @ W @ R, 2), lambda W, R, T: W @ R),
    "trace is no product": (lambda Wh: np.trace(Wh) * np.trace(Wh) * Wh, lambda Wh: np.trace(Wh @ Wh) * Wh),
    "reversed loop": (lambda A, B, R: np.trace(R.T @ A @ R @ B) * A, lambda A, B, R: np.trace(R.T @ A @ R @ B.T) * A),
    "factor 2": (lambda Wh: 2 * Wh, lambda Wh: Wh),
}  # fmt: skip


def both(pair):
    named = LETTERS | dict(T=T, A=Wh, R=R, B=B, D=D, E=E, G=G, Q=Q, L=L, W=W, Z=Z, S=S, K=K)
    return [words.run(f, {n: named[n] for n in f.__code__.co_varnames[: f.__code__.co_argcount]}) for f in pair]


@pytest.mark.parametrize("name", SAME)
def test_equal_sums_reduce_to_nothing(name):
    one, two = both(SAME[name])
    assert (one - two).vanishes()
    assert not (one + two).vanishes()


@pytest.mark.parametrize("name", FALSE)
def test_a_false_identity_does_not_reduce(name):
    one, two = both(FALSE[name])
    given = arrays(3)
    assert np.linalg.norm(value(one, given, 3) - value(two, given, 3)) > 1e-6
    assert not (one - two).vanishes()


def test_a_list_is_one_value_for_every_index():
    def one(A):
        powers = [matrix_power(A, i) for i in range(0, T)]
        return [*powers, sum(powers), *[matrix_power(A, i) @ A for i in range(0, T)]]

    def two(A):
        whole = sum(matrix_power(A, T - 1 - k) for k in range(0, T))
        return [*[A @ matrix_power(A, i - 1) for i in range(1, T)], whole, *[matrix_power(A, i + 1) for i in range(T)]]

    first, second = (words.run(f, dict(A=Wh)) for f in (one, two))
    assert [(a - b).vanishes() for a, b in zip(first, second, strict=True)] == [True, True, True]
    assert not (first[0] - second[2]).vanishes()


def test_sums_of_numbers_too():
    a, b, s = sp.Symbol("a", real=True), sp.Symbol("b", real=True), words.numbers("s", T)

    def squares(a, b, s, T):
        return sum((s[i - 1] - a * b ** (T - i)) ** 2 for i in range(1, T + 1)) / 2

    def slope(a, b, s, T, lost=0):
        return sum(-(s[i - 1] - a * b ** (T - i)) * a * (T - i) * b ** (T - i - 1) for i in range(1, T - lost))

    given = dict(a=a, b=b, s=s, T=T)
    derivative = words.differentiate(words.run(squares, given), b)
    assert (derivative - words.run(slope, given)).vanishes()
    assert not (derivative - words.run(slope, given | dict(lost=1))).vanishes()
    numbers = dict(a=0.7, b=-0.4, s=[0.3, 1.1, -0.2, 0.5], T=4)
    step = 1e-6
    up, down = (squares(**numbers | dict(b=numbers["b"] + d)) for d in (step, -step))
    assert abs(slope(**numbers) - (up - down) / (2 * step)) < 1e-8


@pytest.mark.parametrize("ends, equal", [((1, 1), True), ((0, 1), False)])
def test_a_sum_of_numbers_telescopes_from_any_two_powers(ends, equal):
    b, d = sp.symbols("b d", real=True)

    def spread(b, d, T):
        return (b - d) * sum(b**r * d ** (T - 1 - r) for r in range(0, T)), b**T - d**T

    def ends_apart(b, d, T):
        inner = sum((T - k) * b ** (2 * k) for k in range(1, T - 1))
        return sum((T - k) * b ** (2 * k) for k in range(0, T)), inner + T * ends[0] + ends[1] * b ** (2 * T - 2)

    given = dict(b=b, d=d, T=k + 2)
    for function, holds in ((spread, True), (ends_apart, equal)):
        one, two = words.run(function, given)
        assert (one - two).vanishes() is holds
    assert abs(np.subtract(*spread(0.7, -0.4, 4))) < 1e-12


def gradient_of_Wh(Wx, Wh, Wy, x, y):
    (P, T, _), power = x.shape, matrix_power

    def error(p):
        return y[p] - sum(Wy @ power(Wh, T - j) @ Wx @ x[p, j - 1] for j in range(1, T + 1))

    return -sum(
        power(Wh, r).T @ Wy.T @ np.outer(error(p), x[p, i - 1]) @ Wx.T @ power(Wh, T - i - 1 - r).T
        for p in range(P)
        for i in range(1, T)
        for r in range(0, T - i)
    )


def test_the_gradient_is_that_of_backpropagation():
    given = {n: torch.tensor(a, requires_grad=n in ("Wx", "Wh", "Wy")) for n, a in arrays(4).items() if n in LETTERS}
    h = torch.zeros(4, 4, dtype=torch.float64)
    for t in range(4):
        h = h @ given["Wh"].T + given["x"][:, t] @ given["Wx"].T
    (((given["y"] - h @ given["Wy"].T) ** 2).sum() / 2).backward()
    on_words = words.run(loss, LETTERS)
    for name in ("Wx", "Wh", "Wy"):
        found = value(words.gradient(on_words, LETTERS[name]), arrays(4), 4)
        np.testing.assert_allclose(found, given[name].grad.numpy(), rtol=1e-11)


def test_the_gradient_in_a_complex_matrix_is_that_of_its_two_parts():
    C = words.matrix("C", "y", "h", real=False)
    size = words.run(lambda C, Wh: np.linalg.norm(C @ matrix_power(Wh, 2) @ Wy.T) ** 2, dict(C=C, Wh=Wh))
    given, rng = arrays(2), np.random.default_rng(0)
    given["C"] = rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4))
    leaf = torch.tensor(given["C"], requires_grad=True)
    right = torch.tensor(given["Wh"] @ given["Wh"] @ given["Wy"].T).to(leaf.dtype)
    (leaf @ right).abs().square().sum().backward()
    np.testing.assert_allclose(value(words.gradient(size, C), given, 2), leaf.grad.numpy(), rtol=1e-11)


def test_no_mutant_that_is_wrong_on_arrays_is_right_on_words():
    exact = words.gradient(words.run(loss, LETTERS), Wh)
    assert (exact - words.run(gradient_of_Wh, LETTERS)).vanishes()
    given = {n: a for n, a in arrays(4).items() if n in LETTERS}
    target, wrong = gradient_of_Wh(**given), 0
    for name, mutant in mutants(gradient_of_Wh):
        try:
            differs = not np.allclose(mutant(**given), target, rtol=1e-9)
            on_words = words.run(mutant, LETTERS)
        except Exception:  # shapes that do not fit
            continue
        wrong += differs
        assert (exact - on_words).vanishes() is not differs, name
    assert wrong >= 15


def test_the_tangent_kernel_is_that_of_the_jacobian():
    def other(Wx, Wh, Wy, x):
        T = x.shape[1]
        return sum(Wy @ matrix_power(Wh, T - i) @ Wx @ x[2, i - 1] for i in range(1, T + 1))

    given = arrays(3)
    shared = {n: LETTERS[n] for n in ("Wx", "Wh", "Wy", "x")}
    f, g = words.run(answer, shared), words.run(other, shared)
    weights = Weights(given["Wx"], given["Wh"], given["Wy"])
    for name in ("Wx", "Wh", "Wy"):

        def outputs(m, name=name):
            return network.forward(weights._replace(**{name: m}), given["x"])[[1, 2]]

        base, step = getattr(weights, name), 1e-6
        jacobian = np.array([
            (outputs(base + step * e) - outputs(base - step * e)) / (2 * step)
            for e in np.eye(base.size).reshape(-1, *base.shape)
        ])  # fmt: skip
        np.testing.assert_allclose(
            value(words.tangent(f, g, LETTERS[name]), given, 3), jacobian[:, 0].T @ jacobian[:, 1], atol=1e-8
        )


def test_the_tangent_kernel_of_all_samples_is_a_sum_of_kronecker_products():
    X = words.family("X", [T], "x", "p")

    def outputs(Wx, Wh, Wy, X):
        T = len(X)
        return Wy @ sum(matrix_power(Wh, T - i) @ Wx @ X[i - 1] for i in range(1, T + 1))

    given = arrays(3)
    given["X"] = given["x"].transpose(1, 2, 0)
    f = words.run(outputs, dict(Wx=Wx, Wh=Wh, Wy=Wy, X=X))
    found = sum(value(words.tangent(f, f, LETTERS[name]), given, 3) for name in ("Wx", "Wh", "Wy"))
    weights = Weights(given["Wx"], given["Wh"], given["Wy"])
    np.testing.assert_allclose(found, ntk.ntk(weights, given["x"]), rtol=1e-11)


def test_a_scalar_and_a_conjugate_keep_both_sides_of_a_kronecker_product():
    scaled = np.trace(Wh) * np.kron(Wx.T @ Wx, Wh)
    assert not (scaled - np.trace(Wh) * np.kron(words.identity("x"), Wh)).vanishes()
    given = arrays(3)
    direct = np.trace(given["Wh"]) * np.kron(given["Wx"].T @ given["Wx"], given["Wh"])
    np.testing.assert_allclose(value(scaled, given, 3), direct, rtol=1e-12)
    turned = np.kron(L, D)
    assert not (turned.conj() - turned).vanishes() and (turned.conj() - np.kron(L.conj(), D)).vanishes()
    for meant in (np.trace, lambda k: np.kron(k, Wh), lambda k: words.differential(k, [(Wh, Wh)])):
        with pytest.raises(ValueError, match="Kronecker product"):
            meant(np.kron(Wh, Wh))


def test_the_differential_is_the_derivative_along_a_direction():
    D, F = words.matrix("D", "h", "h"), words.matrix("F", "y", "h")
    f = words.run(lambda Wh, Wy, T: Wy @ matrix_power(Wh, T), dict(Wh=Wh, Wy=Wy, T=T))
    given = arrays(4)
    given |= dict(D=np.random.default_rng(1).normal(size=(4, 4)), F=np.random.default_rng(2).normal(size=(3, 4)))
    up, down = ((given["Wy"] + e * given["F"]) @ matrix_power(given["Wh"] + e * given["D"], 4) for e in (1e-6, -1e-6))
    found = value(words.differential(f, [(Wh, D), (Wy, F)]), given, 4)
    np.testing.assert_allclose(found, (up - down) / 2e-6, atol=1e-8)


def correlated(Wx, Wh, Wy, x, y):
    P, T, _ = x.shape
    return sum(
        np.outer(y[p] - sum(Wy @ matrix_power(Wh, T - j) @ Wx @ x[p, j - 1] for j in range(1, T + 1)), x[p, i - 1])
        @ Wx.T
        @ matrix_power(Wh, T - i).T
        for p in range(P)
        for i in range(1, T + 1)
    )


def test_sums_over_samples_become_correlations():
    Sigma, white = words.family("Sigma", [T], "y", "x"), words.family("x", [P, T], "x", white=True)
    done = words.correlate(words.run(correlated, LETTERS | dict(x=white)), {("y", "x"): Sigma}).reduced()
    assert not any(f.letter.name in ("x", "y") for t in done.terms for f in t.word)
    given = arrays(3, samples=12)
    given["x"] = tasks.structured_task(np.ones((2, 3)), P=12, seed=0).x
    given["Sigma"] = tasks.correlations(given["x"], given["y"])
    direct = correlated(**{n: given[n] for n in LETTERS})
    np.testing.assert_allclose(value(done, given, 3, samples=12), direct, rtol=1e-10)


@pytest.mark.parametrize("first, last, white", [(0, 1, True), (1, 0, True), (0, 0, False)])
def test_only_the_sum_over_all_samples_of_white_inputs_is_the_identity(first, last, white):
    x = words.family("x", [P, T], "x", white=white)

    def covariance(x):
        return sum(np.outer(x[p, 0], x[p, 0]) for p in range(first, x.shape[0] - last))

    def whole(x):
        return sum(np.outer(x[p, 0], x[p, 0]) for p in range(x.shape[0]))

    assert not (words.run(covariance, dict(x=x)) - words.identity("x")).vanishes()
    assert (words.run(whole, dict(x=x)) - words.identity("x")).vanishes() is white


def test_the_squares_of_white_inputs_add_up_to_the_size_of_their_space():
    def squares(x):
        return sum(np.linalg.norm(x[p, 0]) ** 2 for p in range(P))

    white = words.family("x", [P, T], "x", white=True)
    size = sp.Symbol("N_x", integer=True, positive=True)
    found = words.run(squares, dict(x=white))
    assert (found - words.Expression([words.Term(size)], ())).vanishes() and not (found - 1).vanishes()
    samples = tasks.structured_task(np.ones((2, 3)), P=7, seed=0).x
    assert abs(sum(np.linalg.norm(x_p[0]) ** 2 for x_p in samples) - 2) < 1e-12


@pytest.mark.parametrize("other", [dict(diagonal=True), dict(orthonormal=True), dict(real=False)])
def test_two_letters_of_one_name_are_not_one(other):
    one, two = words.matrix("W", "h", "h"), words.matrix("W", "h", "h", **other)
    with pytest.raises(ValueError, match="two different letters are named W"):
        (one - two).vanishes()


def test_a_name_with_other_sizes_is_another_letter():
    one, two = words.matrix("X", "p", "q"), words.matrix("X", "q", "p")
    with pytest.raises(ValueError, match="two different letters are named X"):
        (np.trace(one @ one.T) - np.trace(two @ two.T)).vanishes()


def test_what_has_no_word_is_refused():
    def loop(Wh, T):
        total = 0
        for i in range(1, T):
            total = total + matrix_power(Wh, i)
        return total

    with pytest.raises(ValueError, match="loop as a sum"):
        words.run(loop, dict(Wh=Wh, T=T))
    with pytest.raises(ValueError, match="do not name their index"):
        words.run(lambda Wh, T: sum([Wh for _ in range(T)]), dict(Wh=Wh, T=T))
    with pytest.raises(ValueError, match="inner spaces must agree"):
        Wy @ Wx.T
    with pytest.raises(ValueError, match="shapes must agree"):
        Wy + Wx
    with pytest.raises(ValueError, match="write @"):
        Wh * Wh
    with pytest.raises(ValueError, match="square matrix"):
        matrix_power(Wx, 2)
    with pytest.raises(ValueError, match="has no word"):
        matrix_power(Wh + Wh.T, T)
    for refused in (Wx, Wh + Wh.T, R @ R.T):
        with pytest.raises(ValueError, match="one product of square matrices"):
            np.linalg.inv(refused)
    with pytest.raises(ValueError, match="inverse of Wh is not differentiated"):
        words.gradient(np.trace(np.linalg.inv(Wh)), Wh)
    with pytest.raises(TypeError, match="no cross"):
        np.cross(Wh, Wh)
    with pytest.raises(ValueError, match="not transposed"):
        _ = np.kron(Wh, Wh).T
    with pytest.raises(ValueError, match="only a matrix is laid out"):
        Wh.reshape(2)
    with pytest.raises(ValueError, match="needs 2 indices"):
        x[0]
