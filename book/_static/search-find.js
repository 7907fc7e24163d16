/* The search page: what the paper numbers comes first. Sphinx' own index knows neither "(47)" nor "3.4.5"; the lines of
   the page "Find" do, and stand in find-index.js. A classic script, so that it runs from a disk too. */
(function () {
  "use strict";
  const words = (text) => text.toLowerCase().split(/[^\p{L}\p{N}.'′]+/u).map((w) => w.replace(/^\.+|\.+$/g, "")).filter(Boolean);
  const meets = (asked, word) => word === asked || word.startsWith(/\d/.test(asked) ? asked + "." : asked);

  function show() {
    const results = document.getElementById("search-results");
    const query = new URLSearchParams(window.location.search).get("q") || "";
    const asked = words(query);
    if (!results || !asked.length || !window.bookFind) return;
    const fits = window.bookFind.filter(([text]) => {
      const own = words(text);
      return asked.every((a) => own.some((word) => meets(a, word)));
    });
    if (!fits.length) return;
    const box = document.createElement("section");
    box.className = "found-first";
    box.setAttribute("aria-label", "What the paper numbers");
    const list = document.createElement("ul");
    fits.slice(0, 8).forEach(([, line]) => {
      const item = document.createElement("li");
      item.innerHTML = line;
      list.append(item);
    });
    box.append(list);
    results.before(box);
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", show);
  else show();
})();
