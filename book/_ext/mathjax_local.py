"""Serve MathJax from the book itself, so that a page read offline has its mathematics.

The parts come with the package `django-static-mathjax` and are joined to one script: the TeX input, the CHTML output
with its fonts, the MathML that screen readers speak. MathJax's ready-made script has its menu besides, a third of its
weight, which makes every formula a stop of the Tab key. TeX extensions are copied; MathJax loads one when a command
needs it.
"""

import base64
import json
import shutil
from importlib.resources import as_file, files

PARTS = ("core", "input/tex", "output/chtml", "output/chtml/fonts/tex", "a11y/assistive-mml")
EXTENSIONS = "input/tex/extensions"
# Fonts that most chapters use travel in the script: one request instead of ten.
FONTS = ("Zero", "Main-Regular", "Main-Bold", "Math-Italic", "AMS-Regular", "Calligraphic-Regular")
FONTS += ("Size1-Regular", "Size2-Regular", "Size3-Regular", "Size4-Regular")
WOFF = "output/chtml/fonts/woff-v2"
SCRIPT = "book.js"
# MathJax asks for its parts by address; those that are joined here are run, others are loaded as usual.
HEAD = """(function () {
  var here = document.currentScript.src.replace(/[^/]*$/, "");
  var parts = {};
  var config = (window.MathJax = window.MathJax || {});
  config.loader = {
    paths: { mathjax: here.slice(0, -1) },
    load: %s,
    require: function (address) {
      var name = address.slice(here.length).replace(/\\.js$/, "");
      if (parts[name]) { parts[name].call(window); return true; }
      return new Promise(function (loaded, failed) {
        var tag = document.createElement("script");
        tag.src = address;
        tag.onload = loaded;
        tag.onerror = function () { failed(new Error("not there: " + address)); };
        document.head.appendChild(tag);
      });
    },
  };
"""


def _joined(source):
    """The script's text, made from MathJax's parts in the folder `source`."""
    texts = {part: (source / f"{part}.js").read_text(encoding="utf-8") for part in (*PARTS, "startup")}
    for font in FONTS:
        data = base64.b64encode((source / WOFF / f"MathJax_{font}.woff").read_bytes()).decode()
        old = f'url("%%URL%%/MathJax_{font}.woff")'
        assert any(old in text for text in texts.values()), f"MathJax names its font {font} otherwise"
        texts = {part: text.replace(old, f'url("data:font/woff;base64,{data}")') for part, text in texts.items()}
    out = [HEAD % json.dumps(PARTS)]
    out += [f"parts[{json.dumps(part)}] = function () {{ {texts[part]}\n}};\n" for part in PARTS]
    return "".join([*out, "})();\n", texts["startup"]])


def _use_it(app, config):
    config.mathjax_path = f"mathjax/{SCRIPT}"


def _copy(app, exception):
    if exception or app.builder.format != "html":
        return
    target = app.outdir / "_static" / "mathjax"
    with as_file(files("mathjax") / "static" / "mathjax" / "es5") as source:
        for folder in (WOFF, EXTENSIONS):
            shutil.copytree(source / folder, target / folder, dirs_exist_ok=True)
        (target / SCRIPT).write_text(_joined(source), encoding="utf-8")


def setup(app):
    """Register the extension."""
    app.connect("config-inited", _use_it)
    app.connect("build-finished", _copy)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
