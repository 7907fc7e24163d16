"""The figures: a gallery of what is remade, with both verdicts and our settings."""

import base64
import io
import re
from html import escape
from pathlib import Path

from docutils import nodes
from PIL import Image

from records._shown import Shown, anchor, badge, ledger, named, notebooks, slug

WIDTH = 480  # pixels of a thumbnail: sharp at half of it on any screen


def plot(book, row):
    """The alternative text and the PNG of a row's ``plot``, the name that a cell of its chapter gives its figure."""
    for cell in notebooks(book).get(row["chapter"], {}).get("cells", ()):
        about = cell["metadata"].get("mystnb", {})
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
        row, verdict = self.rows[id], self.verdict[id]
        self.citable(anchor(self.rows, id), named(self.rows, id))
        card = nodes.container(classes=["figure-card"], ids=[anchor(self.rows, id)])
        found = plot(self.book, row)
        if found:
            self.env.metadata[self.env.docname].setdefault("thumbnails", []).append(id)
            depth = self.env.docname.count("/")
            source = f"{'../' * depth}_images/thumbnail-{slug(id)}.png"
            html = f'<a class="thumbnail" href="{self.uri(row["chapter"], row["plot"])}"><img src="{source}" alt="{escape(found[0])}" loading="lazy"></a>'
            card += nodes.raw("", html, format="html")
        mine = [r for r in self.records if r["call"] == "figure" and id in r["ids"] and "shows" in r]
        where = (
            f"{{ref}}`the plot <{row['plot']}>` in {self.place(row['chapter'])}"
            if found
            else self.place(row["chapter"])
        )
        lines = [
            f"**{named(self.rows, id)}** {badge(verdict.remade)}",
            "",
            f"{' '.join(row['claim'].split())} · {where}",
            "",
        ]
        says = [i for r in mine for i in r["says"]]
        read = (
            f"{verdict.supported} of {verdict.read} claims that the text reads from it supported"
            if says
            else "the text reads no claim from it"
        )
        lines += [read if mine else "no check yet", ""]
        card += self.parsed("\n".join(lines))
        shows = [i for r in mine for i in r["shows"]]
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
