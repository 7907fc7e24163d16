"""The figures: a gallery of what is remade, with both verdicts and our settings."""

import base64
import io
import re
from collections import Counter
from html import escape
from pathlib import Path

from docutils import nodes
from PIL import Image

from lrnn_helpers.ledger._book import VERDICTS
from records._shown import Shown, anchor, badge, ledger, named, notebooks, slug

WIDTH = 720  # pixels of a thumbnail: sharp at half of it on any screen


def plot(book, row):
    """The alternative text and the PNG of a row's ``plot``, the name that a cell of its chapter gives its figure."""
    for cell in notebooks(book).get(row["chapter"], {}).get("cells", ()):
        about = cell.get("metadata", {}).get("mystnb", {})
        if row.get("plot") and about.get("figure", {}).get("name") == row["plot"]:
            for output in cell["outputs"]:
                if "image/png" in output.get("data", {}):
                    return about.get("image", {}).get("alt", ""), "".join(output["data"]["image/png"])
    return None


def tidy(value):
    """A setting as one writes it: numbers without the type that numpy prints."""
    return re.sub(r"np\.\w+\(([^()]*)\)", r"\1", value)


class Figures(Shown):
    """A card a figure: its plot here, what is remade, what the text reads from it, what the paper leaves open."""

    def run(self):
        """The cards, in the paper's order."""
        self.begin()
        cards = [self._card(id) for id, row in self.rows.items() if row["kind"] == "figure"]
        return [nodes.container("", *cards, classes=["gallery"])]

    def _card(self, id):
        row = self.rows[id]
        self.citable(anchor(self.rows, id), named(self.rows, id))
        card = nodes.container(classes=["figure-card"], ids=[anchor(self.rows, id)])
        found = plot(self.book, row)
        if found:
            self.env.metadata[self.env.docname].setdefault("thumbnails", []).append(id)
            depth = self.env.docname.count("/")
            source = f"{'../' * depth}_images/thumbnail-{slug(id)}.png"
            image = f'<img src="{source}" alt="{escape(found[0])}" loading="lazy">'
            html = f'<a class="thumbnail" href="{self.uri(row["chapter"], row["plot"])}">{image}</a>'
            card += nodes.raw("", html, format="html")
        mine = [r for r in self.records if r["call"] == "figure" and id in r["ids"] and "shows" in r]
        shows, says = ([i for r in mine for i in r[side]] for side in ("shows", "says"))
        where = f"{{ref}}`the plot <{row['plot']}>` in " if found else ""
        counts = Counter(self.verdict[i] for i in says)
        found = ", ".join(f"{counts[word]} {word}" for word in VERDICTS if counts[word])
        read = f"Read from it: {found}." if says else "The text reads no claim from it."
        lines = [
            f"**{named(self.rows, id)}** {badge(self.verdict[id].remade)}",
            f"{' '.join(row['claim'].split())} · {where}{self.place(row['chapter'])}",
            read if mine else "No check yet.",
        ]
        card += self.parsed("\n\n".join(lines))
        for title, ids in (("what its panels show", shows), ("what the text reads from it", says)):
            if ids:
                card += nodes.raw("", f"<details><summary>{title}</summary>", format="html")
                card += self.parsed("\n".join(f"- {self._claim(i)}" for i in ids))
                card += nodes.raw("", "</details>", format="html")
        settings = {key: tidy(value) for r in mine for key, value in r["settings"].items()}
        if settings:
            pairs = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in settings.items())
            card += nodes.raw("", f"<details><summary>our settings</summary><dl>{pairs}</dl></details>", format="html")
        return card

    def _claim(self, id):
        row = self.rows[id]
        words = " ".join(row["claim"].split()) if "claim" in row else "; ".join(row.get("parts", {}).values())
        return f"{self.cite(id)} {badge(self.verdict[id])} {words}"


def write_thumbnails(app, exception):
    """Small images of the plots, from the committed notebooks, beside the pages' own images."""
    if exception or app.builder.format != "html":
        return
    book = str(Path(app.srcdir) / app.config.ledger_book)
    rows = ledger(book)[0]
    for about in app.env.metadata.values():
        for id in about.get("thumbnails", ()):
            image = Image.open(io.BytesIO(base64.b64decode(plot(book, rows[id])[1]))).convert("RGB")
            image.thumbnail((WIDTH, WIDTH))
            (Path(app.outdir) / "_images").mkdir(exist_ok=True)
            image.save(Path(app.outdir) / "_images" / f"thumbnail-{slug(id)}.png")
