/* Reading mode: how much code a page shows. Three states, remembered; without this script all is open.
   A link, a search or the browser's own search that leads into a fold opens it. */
(() => {
  "use strict";
  const KEY = "lrnn-reading-mode";
  const MODES = { checks: "Long code folded", code: "All code folded", all: "All code shown" };
  const names = Object.keys(MODES);
  const root = document.documentElement;

  function stored() {
    try { return localStorage.getItem(KEY); } catch { return null; }
  }
  function keep(mode) {
    try { localStorage.setItem(KEY, mode); } catch { /* a private window: it lasts for the page */ }
  }
  let mode = names.includes(stored()) ? stored() : names[0];
  root.dataset.reading = mode;

  function show(folds) {
    for (const fold of folds) fold.open = mode === "all" || (mode === "checks" && !fold.classList.contains("long"));
  }
  function reveal(place) {
    for (let fold = place && place.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  }
  function revealTarget() {
    const place = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!place) return;
    // Whoever follows a link to a check wants to see it.
    const check = place.classList.contains("check-anchor") && place.closest("div.cell").querySelector("details.fold");
    const hidden = (check && !check.open) || place.closest("details:not([open])");
    reveal(place);
    if (check) check.open = true;
    if (hidden) place.scrollIntoView();
  }

  // What scrolls inside itself can be scrolled by keyboard; a formula that fits is no stop of the Tab key.
  function stops() {
    for (const box of document.querySelectorAll("article mjx-container, article .pst-scrollable-table-container")) {
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  }
  addEventListener("load", () => {
    const typeset = window.MathJax && MathJax.startup && MathJax.startup.promise;
    Promise.resolve(typeset).then(stops);
  });
  addEventListener("resize", stops);

  function start() {
    const article = document.querySelector("article.bd-article");
    const folds = article ? [...article.querySelectorAll("details.fold")] : [];
    if (!folds.length) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-sm nav-link reading-mode";
    const label = () => {
      button.textContent = MODES[mode];
      button.title = "Change how much code the pages show";
      root.dataset.reading = mode;
    };
    button.addEventListener("click", () => {
      // What is being read keeps its place.
      const line = [...article.querySelectorAll("h2, h3, p, div.math")].find((e) => e.getBoundingClientRect().top > 60);
      const before = line && line.getBoundingClientRect().top;
      mode = names[(names.indexOf(mode) + 1) % names.length];
      keep(mode);
      label();
      show(folds);
      if (line) window.scrollBy(0, line.getBoundingClientRect().top - before);
    });
    label();
    show(folds);
    (document.querySelector(".article-header-buttons") || article).prepend(button);
    // Sphinx marks what was searched for a moment after the page is read.
    setTimeout(() => document.querySelectorAll("article .highlighted").forEach(reveal), 60);
    addEventListener("hashchange", revealTarget);
    revealTarget();
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
