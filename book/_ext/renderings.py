"""Each plot in the twins that `plotting.show` left in its notebook: bright or dark, for a wide page or a narrow one.

A page shows the one for its theme and its width and loads no other; the picture links to its own file, where it can be
enlarged. A picture without twins is shown as it is.
"""

import base64
import hashlib
import io
import json
import re
from pathlib import Path, PurePosixPath

from PIL import Image

PHONE = "(max-width: 576px)"
DPI_RATIO = 2  # pixels of the file to one of the page
IMAGE = re.compile(r'(?:<a class="[^"]*image-reference[^"]*" href="[^"]*">)?<img ([^>]*)/?>(?:</a>)?')


def twins(notebook):
    """The twins of each picture of a notebook, by the picture's file name: a name's base64 PNG."""
    out = {}
    for cell in json.loads(Path(notebook).read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", ()):
            png = output.get("data", {}).get("image/png")
            if png:
                light = base64.b64decode("".join(png))
                found = {"light": light}
                for name, text in output.get("metadata", {}).get("renderings", {}).items():
                    found[name] = base64.b64decode(text)
                # The name that the notebooks' parser gives a picture.
                out[hashlib.sha256(light).hexdigest() + ".png"] = found
    return out


def named(png):
    """The name of a picture's file."""
    return hashlib.sha256(png).hexdigest() + ".png"


def picture(found, folder, alt):
    """HTML of a plot: a link for each theme, in it the picture for each width.

    Parameters
    ----------
    found : dict of bytes
        PNG by name; "light" at least.
    folder : str
        The address of the images.
    alt : str
        In words what the plot shows, escaped.
    """
    out = []
    for theme in ("light", "dark"):
        if theme not in found:
            continue
        width, height = (round(n / DPI_RATIO) for n in Image.open(io.BytesIO(found[theme])).size)
        address, narrow = f"{folder}/{named(found[theme])}", found.get(f"{theme}-narrow")
        source = ""
        if narrow:
            size = 'width="{}" height="{}"'.format(*Image.open(io.BytesIO(narrow)).size)
            source = f'<source media="{PHONE}" srcset="{folder}/{named(narrow)}" {size}>'
        classes = f"only-{theme}" if "dark" in found else "single"
        out.append(
            f'<a class="plot {classes}" href="{address}" title="Enlarge"><picture>{source}'
            f'<img class="{classes}" src="{address}" alt="{alt}" width="{width}" height="{height}" loading="lazy">'
            "</picture></a>"
        )
    # one element: the theme hides the captions that are siblings of what it hides
    return f'<div class="plots">{"".join(out)}</div>'


def _replace(app, pagename, templatename, context, doctree):
    source = Path(app.srcdir) / f"{pagename}.ipynb"
    if "body" not in context or not source.exists() or app.builder.format != "html":
        return
    found = twins(source)

    def shown(match):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', match[1]))
        address = PurePosixPath(attributes.get("src", ""))
        if address.name not in found:
            return match[0]
        return picture(found[address.name], address.parent, attributes.get("alt", ""))

    context["body"] = IMAGE.sub(shown, context["body"])
    images = Path(app.outdir) / "_images"
    images.mkdir(exist_ok=True)
    for pictures in found.values():
        for png in pictures.values():
            (images / named(png)).write_bytes(png)


def setup(app):
    """Register the extension."""
    app.connect("html-page-context", _replace)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
