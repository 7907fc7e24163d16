"""Number labelled equations as the paper does.

``eq:paper-8`` is printed and cited as (8), ``eq:corrected-204``, our corrected form, as (204′). Any other label is an
equation of ours: (i), (ii), … on each page, so that it never looks like one of the paper's.
"""

import re

from docutils.utils.roman import toRoman
from sphinx.domains.math import MathDomain
from sphinx.util import logging

from lrnn_helpers.ledger._book import NUMBER

OURS = re.compile(r"(?!eq:paper|eq:corrected)")
PAPER = re.compile(rf"eq:(?:paper|(corrected))-({NUMBER})$")
log = logging.getLogger(__name__)


class PaperMathDomain(MathDomain):
    """Sphinx's mathematics domain, except for the number that an equation gets."""

    def note_equation(self, docname, labelid, location=None):
        """Give the label its number at the moment its page is read."""
        if labelid in self.equations:
            log.warning(
                "duplicate label of equation %s, also in %s", labelid, self.equations[labelid][0], location=location
            )
        self.equations[labelid] = (docname, self.number(labelid, location))

    def number(self, labelid, location):
        """Return what is printed between the parentheses."""
        if OURS.match(labelid):
            return toRoman(self.env.new_serialno("eqno") + 1).lower()
        if paper := PAPER.match(labelid):
            return paper[2] + ("′" if paper[1] else "")
        log.warning("the label %s names no equation of the paper", labelid, location=location)
        return "?"


def _numbers_are_the_domains(app, config):
    # With math_numfig Sphinx prints a running number of its own instead.
    config.math_numfig = False


def setup(app):
    """Register the extension."""
    app.add_domain(PaperMathDomain, override=True)
    app.connect("config-inited", _numbers_are_the_domains)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
