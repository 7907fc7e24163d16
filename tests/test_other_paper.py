"""The ledger with another paper: deep linear networks, Saxe, McClelland and Ganguli (2014), written out here.

Nothing of this book is used but `cells.define`, which stands for a notebook's cell: own symbols, witnesses, arguments,
numbers and sections, then the commands.
"""

import json
import re
from fractions import Fraction
from io import StringIO
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
import sympy as sp
import yaml
from cells import define
from conftest import ROOT
from scipy.integrate import solve_ivp
from sphinx.application import Sphinx

from lrnn_helpers.ledger import MIME, Check, read_records, read_rows, statuses, verdicts
from lrnn_helpers.ledger.__main__ import main

TRANSCRIPTION = r"""
$$\tau \frac{d}{dt} W^{21} = W^{32\top} (\Sigma^{31} - W^{32} W^{21} \Sigma^{11}) \quad (1)$$
$$\tau \frac{d}{dt} W^{32} = (\Sigma^{31} - W^{32} W^{21} \Sigma^{11}) W^{21\top} \quad (2)$$
$$\Sigma^{31} = U S V^\top \quad (3)$$
$$\tau \frac{d}{dt} \bar{W}^{21} = \bar{W}^{32\top} (S - \bar{W}^{32} \bar{W}^{21}) \quad (4)$$
$$E(a, b) = \frac{1}{2\tau} (s - ab)^2 \quad (5)$$
$$\tau \frac{da}{dt} = b (s - ab) \quad (6)$$
$$\tau \frac{du}{dt} = 2u(s - u) \quad (7)$$
$$t = \frac{\tau}{2s} \ln \frac{u_f (s - u_0)}{u_0 (s - u_f)} \quad (8)$$
$$u_f(t) = \frac{s e^{2st/\tau}}{e^{2st/\tau} - 1 + s/u_0} \quad (9)$$
$$\frac{d}{dt} (a^2 - b^2) = 0 \quad (S1)$$
$$\tau \frac{du}{dt} = (N_l - 1) u^{2 - 2/(N_l - 1)} (s - u) \quad (S2)$$
$$t = \frac{\tau}{N_l} \left[ \frac{1}{s^2} \ln \frac{u_f (u_0 - s)}{u_0 (u_f - s)}
 + \frac{1}{s u_0} - \frac{1}{s u_f} \right] \quad (S3)$$
"""


class Scalars(NamedTuple):
    """The two weights of one mode."""

    a: float
    b: float


def symbols(T=None):
    a, b, s, u, tau, t, u_0, N = sp.symbols("a b s u tau t u_0 N", positive=True)
    return dict(a=a, b=b, s=s, u=u, tau=tau, t=t, u_0=u_0, u_f=sp.Symbol("u_f", positive=True), N=N)


def energy(T=None):
    v = symbols()
    return sp.Rational(1, 2) * (v["s"] - v["a"] * v["b"]) ** 2 / v["tau"]


MATHEMATICS = SimpleNamespace(symbols=symbols, energy_of=energy)
RNG = np.random.default_rng(0)
SCALARS = [dict(a=a, b=b, s=s, tau=tau) for a, b, s, tau in RNG.uniform(0.3, 2.5, (4, 4))]
EXACT = [
    dict(a=Fraction(2, 3), b=Fraction(-5, 7), s=Fraction(9, 4)),
    dict(a=Fraction(7, 5), b=Fraction(1, 3), s=Fraction(3)),
]
TIMES = [dict(u_0=u_0, s=s, t=t, tau=tau) for u_0, s, t, tau in RNG.uniform(0.4, 1.8, (4, 4))]


def matrices(seed, inputs=None):
    rng = np.random.default_rng(seed)
    shapes = dict(W21=(4, 3), W32=(5, 4), S31=(5, 3))
    out = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    X = rng.normal(size=(3, 9))
    return dict(out, S11=np.eye(3) if inputs else X @ X.T, seed=seed)


def downhill(name):
    """Minus the gradient of ½‖Y − W32 W21 X‖² by differences, from second moments alone."""

    def gradient(W21, W32, S31, S11):
        given = dict(W21=W21, W32=W32)

        def loss(W):
            product = np.linalg.multi_dot([*(W if key == name else given[key] for key in ("W32", "W21"))])
            return np.trace(product @ S11 @ product.T) / 2 - np.trace(product.T @ S31)

        out = np.empty_like(given[name])
        for index in np.ndindex(out.shape):
            step = np.zeros_like(out)
            step[index] = 1e-4
            out[index] = -(loss(given[name] + step) - loss(given[name] - step)) / 2e-4
        return out

    return gradient


def energy_of(pair, s, tau):
    return 0.5 / tau * (s - pair.a * pair.b) ** 2


def integrated(right, u_0, t, **arguments):
    return solve_ivp(lambda _, u: right(u, **arguments), (0, t), [u_0], rtol=1e-12, atol=1e-12).y[0, -1]


def ledger():
    """Check a dozen equations and return the records."""
    check = Check(MATHEMATICS, made={"pair": Scalars})
    at = [matrices(1), matrices(2)]
    eq1 = define("def eq1(W21, W32, S31, S11):\n    return W32.T @ (S31 - W32 @ W21 @ S11)\n")
    eq2 = define("def eq2(W21, W32, S31, S11):\n    return (S31 - W32 @ W21 @ S11) @ W21.T\n")
    reason = "a product of matrices: half of its mutants do not fit together"
    check.holds("1", eq1, downhill("W21"), at, rtol=1e-8, excuse=reason)
    check.holds("2", eq2, downhill("W32"), at, rtol=1e-8, excuse=reason)
    eq3 = define("def eq3(U, S, V):\n    return U @ np.diag(S) @ V.T\n")
    svds = [dict(zip("USV", (U, S, Vt.T), strict=True)) for U, S, Vt in (np.linalg.svd(w["S31"], False) for w in at)]
    outer = lambda U, S, V: sum(s * np.outer(u, v) for u, s, v in zip(U.T, S, V.T, strict=True))  # noqa: E731
    check.defines("3", eq3, outer, svds)

    eq4 = define("def eq4(B21, B32, S):\n    return B32.T @ (S - B32 @ B21)\n")

    def turned(B21, B32, S, U, V, R):
        return R.T @ eq1_again(R @ B21 @ V.T, U @ B32 @ R.T, U @ S @ V.T) @ V

    def eq1_again(W21, W32, S31):
        return downhill("W21")(W21, W32, S31, np.eye(3))

    def bases(seed):
        rng = np.random.default_rng(seed)
        U, R, V = (np.linalg.qr(rng.normal(size=(n, n)))[0] for n in (5, 4, 3))
        B = dict(B21=rng.normal(size=(4, 3)), B32=rng.normal(size=(5, 4)), S=rng.normal(size=(5, 3)))
        return dict(B, U=U, R=R, V=V)

    check.holds("4", eq4, turned, [bases(1), bases(2)], rtol=1e-8, excuse=reason)

    eq5 = define("def eq5(a, b, s, tau):\n    return (s - a*b)**2 / (2*tau)\n")
    check.holds("5", eq5, energy_of, SCALARS, symbolic="all", excuse="no size in it")
    eq6 = define("def eq6(a, b, s):\n    return b*(s - a*b)\n")
    v = symbols()
    slope = lambda T: -v["tau"] * sp.diff(energy(), v["a"])  # noqa: E731
    measured = lambda a, b, s, tau: -tau * sum(  # noqa: E731
        sign * energy_of(Scalars(a + sign * 1e-4, b), s, tau) for sign in (1, -1)
    ) / 2e-4  # fmt: skip
    check.holds("6", eq6, measured, SCALARS, rtol=1e-8, symbolic="all", derivation=slope, excuse="no size in it")
    eq7 = define("def eq7(u, s):\n    return 2*u*(s - u)\n")
    by_product = lambda u, s: 2 * np.sqrt(u) * np.sqrt(u) * (s - np.sqrt(u) * np.sqrt(u))  # noqa: E731
    check.holds("7", eq7, by_product, [dict(u=u, s=s) for u, s in RNG.uniform(0.4, 2, (3, 2))])

    eq9 = define("def eq9(u_0, s, t, tau):\n    e = np.exp(2*s*t/tau)\n    return s*e / (e - 1 + s/u_0)\n")
    ode = lambda u_0, s, t, tau: integrated(lambda u: 2 * u * (s - u) / tau, u_0, t)  # noqa: E731
    check.holds("9", eq9, ode, TIMES, rtol=1e-8)
    eq8 = define("def eq8(u_0, s, u_f, tau):\n    return tau/(2*s) * np.log(u_f*(s - u_0)/(u_0*(s - u_f)))\n")
    passed = lambda t: t  # noqa: E731
    reached = [dict(w, u_f=float(ode(**w))) for w in TIMES]
    check.holds("8", eq8, passed, reached, rtol=1e-8)
    eqS1 = define("def eqS1(a, b, s):\n    da, db = b*(s - a*b), a*(s - a*b)\n    return 2*a*da - 2*b*db\n")
    check.holds("S1", eqS1, lambda a: 0 * a, EXACT, rtol=0)

    eqS2 = define("def eqS2(u, s, N):\n    return (N - 1) * u**(2 - 2/(N - 1)) * (s - u)\n")

    def layers(u, s, N):
        w, step = u ** (1 / (N - 1)), 1e-6
        dw = w ** (N - 2) * (s - u)
        return ((w + step * dw) ** (N - 1) - (w - step * dw) ** (N - 1)) / (2 * step)

    deep = [dict(u=0.4, s=1.7, N=3), dict(u=0.7, s=2.1, N=4), dict(u=1.3, s=1.6, N=6)]
    check.holds("S2", eqS2, layers, deep, rtol=1e-8)

    printed = define(
        "def eqS3(u_0, u_f, s):\n    return np.log(u_f*(u_0 - s)/(u_0*(u_f - s)))/s**2 - 1/(s*u_0) + 1/(s*u_f)\n"
    )
    corrected = define(
        "def right(u_0, u_f, s):\n    return np.log(u_f*(u_0 - s)/(u_0*(u_f - s)))/s**2 + 1/(s*u_0) - 1/(s*u_f)\n"
    )

    def quadrature(u_0, u_f, s):
        u, w = np.polynomial.legendre.leggauss(80)
        u = u_0 + (u_f - u_0) * (u + 1) / 2
        return np.sum(w / (u**2 * (s - u))) * (u_f - u_0) / 2

    spans = [dict(u_0=0.4, u_f=0.9, s=1.5), dict(u_0=0.6, u_f=1.2, s=2.0)]
    check.refutes("S3", printed, corrected, quadrature, spans)
    larger = define(
        "def larger_first(s):\n    'Of two modes the larger is learned first.'\n    return hit(s[0]) < hit(s[1])\n",
        hit=lambda s: eq8(u_0=1e-3, s=s, u_f=0.9 * s, tau=1.0),
    )
    pairs = [tuple(sorted(p, reverse=True)) for p in RNG.uniform(0.5, 4, (40, 2))]
    check.claim("order", larger, over=pairs, outside=[p[::-1] for p in pairs[:3]], domain="s in (0.5, 4), equal starts")
    return check.records


@pytest.fixture(scope="module")
def records():
    return ledger()


def test_a_dozen_equations_of_another_paper_are_checked(records):
    assert len(records) == 13 and sum(r["mutants"]["rejected"] for r in records[:-1]) > 80
    assert records[4]["symbolic"] == "all" and not records[4]["every_size"]


def write_notes(root, records):
    """The paper's folder: a chapter, its notebook, and a ledger that began with the transcription."""
    (root / "saxe.md").write_text(TRANSCRIPTION, encoding="utf-8")
    main(["--book", "notes", "init", "saxe.md"])
    text = (root / "notes/ledger.yml").read_text(encoding="utf-8")
    text = text.replace("section: ''", "section: '1.1'").replace("chapter: ''", "chapter: deep")
    erratum = "  erratum: {kind: slip, corrected: 't = 0', consequence: 'Planted here.'}\n"
    order = "\n- id: order\n  section: '1.2'\n  chapter: deep\n  kind: claim\n  claim: 'the larger first'\n"
    (root / "notes/ledger.yml").write_text(text + erratum + order, encoding="utf-8")
    page = TRANSCRIPTION.replace("$$\n", "$$\n\n")
    page = re.sub(r"(?s)\$\$([^$]+?) \\quad \((\w+)\)\$\$", r"$$\1$$ (eq:paper-\2)", page)
    (root / "notes/deep.md").write_text("# Deep linear networks\n" + page, encoding="utf-8")
    cells = [dict(cell_type="code", source="", outputs=[dict(data={MIME: r}) for r in records])]
    (root / "notes/deep.ipynb").write_text(json.dumps(dict(cells=cells)), encoding="utf-8")


def test_its_ledger_begins_with_its_transcription_and_ends_with_totals(records, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text("<!-- totals:begin -->\n<!-- totals:end -->\n", encoding="utf-8")
    write_notes(tmp_path, records)
    for command in (["seal"], ["readme"], ["errata"], ["totals", "--json"]):
        main(["--book", "notes", *command])
    found = json.loads(capsys.readouterr().out)
    assert (found["numbers"], found["settled"], found["slips"], found["claims_supported"]) == (12, 12, 1, 1)
    assert "**12 of 12** numbered equations" in (tmp_path / "README.md").read_text(encoding="utf-8")
    rows = read_rows(tmp_path / "notes/ledger.yml")
    status = statuses(rows, read_records(tmp_path / "notes"))
    assert status["S3"].printed == "slip" and status["3"].printed == "definition" and status["5"].own == "proved"
    assert verdicts(rows, records)["order"] == "supported" and all("seal" in row for row in rows.values())
    assert yaml.safe_load((tmp_path / "notes/errata.yml").read_text(encoding="utf-8"))[0]["id"] == "S3"


PAGES = {
    "ledger": "records-filter ledger-totals ledger-table ledger-graph ledger-excuses ledger-displays",
    "errata": "errata-summary errata-waiting",
    "figures": "figure-gallery",
    "find": "find-list",
    "letter": "letter",
}


def test_its_records_have_pages(records, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))
    write_notes(tmp_path, records)
    fence = "```{%s}\n%s\n```\n\n"
    for page, words in PAGES.items():
        text = f"# {page}\n\n" + "".join(fence % (word, "") for word in words.split())
        if page == "ledger":
            text += "## Claims\n\n" + fence % ("ledger-table", ":claims:")
        if page == "errata":
            text += "## Slips\n\n" + fence % ("errata-list", ":kind: slip")
        (tmp_path / f"notes/{page}.md").write_text(text, encoding="utf-8")
    deep = tmp_path / "notes/deep.md"
    card = fence % ("chapter-card", ":section: §1\n:runtime: 2 s\nWhat is larger is learned first.")
    deep.write_text(deep.read_text(encoding="utf-8").replace("networks\n", "networks\n\n" + card, 1), encoding="utf-8")
    tree = "".join(f"notes/{page}\n" for page in ("deep", *PAGES))
    (tmp_path / "index.md").write_text("# Notes\n\n" + fence % ("toctree", tree), encoding="utf-8")
    warnings = StringIO()
    app = Sphinx(
        tmp_path,
        None,
        tmp_path / "html",
        tmp_path / "trees",
        "html",
        dict(
            extensions=["myst_parser", "sphinx_design", "sphinx.ext.mathjax", "paper_numbers", "records"],
            myst_enable_extensions=["attrs_inline", "colon_fence", "dollarmath"],
            exclude_patterns=["saxe.md", "html", "trees"],
            html_static_path=[str(ROOT / "book" / "_static")],
            ledger_book="notes",
            nitpicky=True,
        ),
        status=None,
        warning=warnings,
    )
    app.build()
    assert warnings.getvalue() == ""
    html = {page: (tmp_path / f"html/notes/{page}.html").read_text(encoding="utf-8") for page in ("deep", *PAGES)}
    assert all(f'id="row-{id}"' in html["ledger"] for id in ("1", "S3")) and 'id="claim-order"' in html["ledger"]
    assert 'data-keys="equation S3 ' in html["find"] and 'href="deep.html#equation-eq-paper-s3"' in html["find"]
    assert "Planted here." in html["errata"] and "Planted here." in html["letter"]
    assert "records.js" in html["find"] and "records.js" not in html["deep"]
    assert "13 checks" in html["deep"] and 'href="errata.html#erratum-S3"' in html["deep"]


def test_the_ledger_knows_nothing_of_this_book_s_paper():
    folder = ROOT / "lrnn_helpers" / "ledger"
    texts = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    del texts["__init__.py"]  # hands this book's mathematics to its check
    knows = re.compile(r"lrnn_helpers\.(?!ledger|_validation)|\bModes\b|Proca|recurrent|singular value", re.IGNORECASE)
    assert {name: knows.findall(text) for name, text in texts.items() if knows.search(text)} == {}
