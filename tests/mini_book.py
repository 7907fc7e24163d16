"""A book of one chapter with one of everything that the rules judge, in which faults are planted."""

import re

import book_rules
import notebooks

from lrnn_helpers.ledger._book import summary, totals
from lrnn_helpers.ledger._seal import digest, sealable

CHAPTER = r"""---
jupytext:
  formats: md:myst,ipynb
kernelspec:
  name: python3
  display_name: Python 3
  language: python
---

# A chapter

```{code-cell} ipython3
:tags: [remove-cell]

COLAB
```

```{chapter-card}
:section: §1
:runtime: 2 s
A sum of powers. The share is {glue:text}`one-share`, at least 0.75.
```

```{code-cell} ipython3
import matplotlib.pyplot as plt
import numpy as np

from lrnn_helpers import plotting
from lrnn_helpers.ledger import check, glue, witnesses
```

$$
u = \sum_{i=1}^T a b^{T-i}
$$ (eq:paper-1)

A copy of it:

$$
u = \sum_{j=1}^T a b^{T-j}
$$ (eq:paper-2)

```{code-cell} ipython3
def eq1(a, b, T):
    return sum(a * b**(T-i) for i in range(1, T+1))


def recursion(a, b, T):
    u = 0
    for _ in range(T):
        u = b * u + a
    return u


def by_recursion(T):
    import sympy as sp

    return recursion(*sp.symbols("a b", real=True), T)


check.holds("1", eq1, recursion, at=witnesses(), rtol=0, symbolic=(1, 2, 3, 4), derivation=by_recursion)
```

Two lines with one error:

$$
p = a + b
$$ (eq:paper-3)

$$
q = a(a + b)
$$ (eq:paper-4)

$$
p = a - b
$$ (eq:corrected-3)

$$
q = a(a - b)
$$ (eq:corrected-4)

```{code-cell} ipython3
def eq34(a, b):
    return a + b, a * (a + b)


def corrected34(a, b):
    return a - b, a * (a - b)


def gap(a, b):
    return -b + a, a**2 - b * a


check.refutes(("3", "4"), eq34, corrected34, gap, at=witnesses())
```

$$
m = \frac{a + b}{2}
$$ (eq:paper-5)

```{code-cell} ipython3
def eq5(a, b):
    return (a + b) / 2


check.defines("5", eq5, lambda a, b: np.mean([a, b]), at=witnesses())
```

$$
u^2 b^k
$$ (eq:paper-6)

```{code-cell} ipython3
def eq6(u, b, k):
    return u**2 * b**k


def step(u, b, k):
    return b**k * u * u


def power(T):
    from lrnn_helpers import symbolic

    return symbolic.u**2 * symbolic.b**symbolic.k


at = [dict(u=2.5, b=0.3, k=k) for k in (1, 2, 3)]
check.holds("6", eq6, lambda u, b, k: np.prod([u, u, *([b] * k)]), at=at)
logarithms = lambda u, b, k: np.exp(2 * np.log(u) + k * np.log(b))
check.holds("step-one", step, logarithms, at=at, symbolic="all", derivation=power)
```

A result of ours, the closed form of the sum:

$$
u = a \frac{1 - b^T}{1 - b}
$$

and a display that belongs to no row: $$ c = d $$

$$
e = f
$$ (eq:ours)

```{code-cell} ipython3
rng = np.random.default_rng(0)
draws = [dict(b=float(b), T=int(T)) for b, T in zip(rng.uniform(-0.9, 0.9, 40), rng.integers(1, 30, 40))]


def closes(b, T):
    "The sum has the closed form for b inside (-1, 1)."
    return abs(eq1(1.0, b, T) * (1 - b) - (1 - b**T)) < 1e-9


def stays(b, T):
    "The sum stays below 1/(1 - |b|)."
    return abs(eq1(1.0, b, T)) <= 1 / abs(1 - abs(b)) + 1e-12


def grows(b, T):
    "The sum grows with T."
    return eq1(1.0, b, T + 1) > eq1(1.0, b, T)


def left(b, T):
    "The left panel's curve ends above 0.4."
    return eq1(1.0, b, T) > 0.4


large = [dict(b=1.5, T=T) for T in range(2, 6)]
wrong = [dict(b=float("inf"), T=3)]
check.claim("ours-sum", closes, over=draws, outside=wrong, domain="b in (-0.9, 0.9), T = 1..29")
check.claim("c.1", stays, over=draws, outside=large, domain="b in (-0.9, 0.9), T = 1..29", part="bounded")
check.claim("c.1", grows, over=draws, outside=large, domain="b in (-0.9, 0.9), T = 1..29", part="grows",
            supported=False)
check.claim("fig-1-left", left, over=draws, outside=[dict(b=-3.0, T=2)], domain="b in (-0.9, 0.9), T = 1..29")
check.figure("fig-1", shows=["fig-1-left"], says=["c.1"], settings={"b": 0.5})
share = np.mean([grows(**case) for case in draws])
assert 0 < share < 0.75
glue("one-share", f"{share:.2f}")
print("share", round(share, 2))
```

```{code-cell} ipython3
---
mystnb:
  image:
    alt: The sum against T, which ends below 2
  figure:
    name: fig-one
    caption: The sum for b = 0.5.
---
T = np.arange(1, 9)
with plotting.style():
    plotting.simulation(T, [eq1(1.0, 0.5, t) for t in T])
plotting.show()
```

```{code-cell} ipython3
import sympy

sympy.Symbol("u") + sympy.Symbol("b") ** 2
```

```{code-cell} ipython3
with plotting.style():
    plotting.simulation(T, [eq1(1.0, 0.7, t) for t in T])
plotting.show()
```
"""
ROWS = r"""
- id: "1"
  kind: theorem
  latex: 'u = \sum_{i=1}^T a b^{T-i}'
  assumes: 'T ≥ 1'
- id: "2"
  kind: copy
  of: "1"
  latex: 'u = \sum_{j=1}^T a b^{T-j}'
- id: "3"
  kind: identity
  latex: 'p = a + b'
  erratum:
    kind: slip
    also: ["4"]
    corrected: 'p = a - b'
    consequence: 'The sign.'
    conclusion: none
- id: "4"
  kind: identity
  uses: ["3"]
  latex: 'q = a(a + b)'
  erratum:
    corrected: 'q = a(a - b)'
- id: "5"
  kind: definition
  latex: 'm = \frac{a + b}{2}'
- id: "6"
  kind: theorem
  uses: ["1"]
  proof: [step-one]
  latex: 'u^2 b^k'
- id: step-one
  kind: step
  claim: 'a square times a power'
- id: c.1
  kind: claim
  figure: fig-1
  claim: 'the sum is bounded and grows'
  parts:
    bounded: 'the sum stays below 1/(1 - |b|)'
    grows: 'the sum grows with T'
- id: fig-1
  kind: figure
  claim: 'a sum'
- id: fig-1-left
  kind: panel
  of: fig-1
  claim: "the left panel's curve ends above 0.4"
- id: ours-sum
  kind: theorem
  uses: ["1"]
  latex: 'u = a \frac{1 - b^T}{1 - b}'
  claim: 'the sum has a closed form'
  domain: 'b in (-0.9, 0.9), T = 1..29'
""".replace("\n  kind", "\n  section: '1'\n  chapter: one\n  kind")


def make(root):
    """Write the book under `root`, run its chapter, seal it, and return it; its forms are the frozen ones."""
    book = root / "book"
    book.mkdir()
    chapter = CHAPTER.replace("COLAB", notebooks.colab_cell())
    (book / "one.md").write_text(chapter, encoding="utf-8")
    (book / "one.ipynb").write_text(notebooks.execute(book / "one.md"), encoding="utf-8")
    (book / "ledger.yml").write_text(ROWS, encoding="utf-8")
    (root / "README.md").write_text("<!-- totals:begin -->\n<!-- totals:end -->\n", encoding="utf-8")
    return sealed(book_rules.read(root, notebooks.colab_cell()))


def sealed(book):
    """The same book after `seal` and `readme`, run by somebody who did not look."""
    seals, free = sealable(book.rows, book.records, book.texts)
    rows = {id: {**row, "seal": seals[id]} for id, row in book.rows.items()}
    try:
        numbers = summary(totals(rows, book.records))
    except ValueError:  # as the command would
        numbers = ""
    readme = re.sub(r"(begin -->\n).*(<!--)", lambda m: m[1] + numbers + m[2], book.readme, flags=re.S)
    return book._replace(rows=rows, free=free, readme=readme)


def frozen(book):
    """The digest of its printed forms."""
    return digest([[id, row["latex"]] for id, row in book.rows.items() if book_rules.is_number(row)])
