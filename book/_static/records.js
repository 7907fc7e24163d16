/* The pages of the records: the box that filters lines and rows, statements set in type when they are unfolded, and
   what rests on what. A chapter's rows fold to the line with their totals. Without it every row is there. A classic script, so that it runs from a file too. */
(function () {
  "use strict";
  const all = (selector, within) => [...(within || document).querySelectorAll(selector)];

  /* ---- mathematics of a statement, when it is first shown */
  function typeset(holder) {
    const codes = all("code.tex", holder);
    if (!codes.length || !window.MathJax || !MathJax.startup) return;
    const made = codes.map((code) => {
      const maths = document.createElement("span");
      maths.className = "math tex";
      maths.textContent = "\\[" + code.textContent + "\\]";
      code.replaceWith(maths);
      return maths;
    });
    MathJax.startup.promise.then(() => MathJax.typesetPromise(made));
  }

  /* ---- filter */
  const fold = (text) => text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "");
  const words = (text) => fold(text).split(/[^\p{L}\p{N}.'′]+/u).map((w) => w.replace(/^\.+|\.+$/g, "")).filter(Boolean);
  /* A word is found at the beginning of another; a number only whole, or as the section that others lie in. */
  const meets = (asked, word) => word === asked || word.startsWith(/\d/.test(asked) ? asked + "." : asked);

  function filter(form) {
    const items = all("table.ledger tbody tr[id], .find-list li");
    const homes = items.map((item) => item.parentElement);
    const keys = items.map((item) => words((item.dataset.keys || item.id.replace(/-/g, " ")) + " " + item.textContent));
    const said = form.querySelector("output");
    const folds = all("details.rows");
    let asking = false;
    const box = form.elements.words;
    let sorted = false;

    function arrange() {
      const wanted = Boolean(form.elements.gravest && form.elements.gravest.checked);
      if (wanted === sorted) return;
      sorted = wanted;
      const grave = (item) => Number((item.className.match(/grave-(\d+)/) || [0, 99])[1]);
      const order = items.map((_, k) => k);
      if (sorted) order.sort((i, j) => grave(items[i]) - grave(items[j]) || i - j);
      /* statements into the first table, claims into the first of theirs */
      const first = {};
      homes.forEach((home, k) => (first[items[k].cells.length] = first[items[k].cells.length] || home));
      order.forEach((k) => (sorted ? first[items[k].cells.length] : homes[k]).append(items[k]));
      document.body.classList.toggle("gravest-first", sorted);
    }

    function apply() {
      arrange();
      const asked = words(box.value);
      const classes = all("select", form).map((select) => select.value).filter(Boolean);
      let shown = 0;
      items.forEach((item, k) => {
        const fits = asked.every((a) => keys[k].some((word) => meets(a, word)));
        item.hidden = !(fits && classes.every((name) => item.classList.contains(name)));
        shown += !item.hidden;
      });
      /* a section none of whose lines is left, and one whose rows stand elsewhere, goes too */
      all("section").forEach((section) => {
        const lists = all("table.ledger tbody, .find-list", section);
        if (lists.length && !section.contains(form)) {
          section.hidden = !lists.some((list) => [...list.children].some((item) => !item.hidden));
        }
      });
      /* what is asked for is shown, and folded again when nothing is */
      const asks = Boolean(asked.length || classes.length || sorted);
      if (asks || asking) folds.forEach((rows) => (rows.open = asks));
      asking = asks;
      said.textContent = shown === items.length ? `${items.length} lines` : `${shown} of ${items.length}`;
    }

    form.hidden = false;
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(apply));
    box.value = new URLSearchParams(location.search).get("q") || "";
    apply();
  }

  /* ---- the graph */
  function graph(figure) {
    const svg = figure.querySelector("svg.edges");
    const panel = document.querySelector(".graph-panel");
    const nodes = new Map(all("a.node", figure).map((node) => [node.id.slice(5), node]));
    const below = (id) => (nodes.get(id).dataset.uses || "").split(" ").filter((other) => nodes.has(other));

    function middle(node) {
      const box = node.getBoundingClientRect();
      const frame = figure.getBoundingClientRect();
      return [box.left + box.width / 2 - frame.left, box.top + box.height / 2 - frame.top];
    }

    function draw(id) {
      const seen = new Set([id]);
      const queue = [id];
      const curves = [];
      while (queue.length) {
        const here = queue.shift();
        for (const other of below(here)) {
          const [x1, y1] = middle(nodes.get(here));
          const [x2, y2] = middle(nodes.get(other));
          const bend = Math.abs(y2 - y1) < 4 ? 26 : (y2 - y1) / 2;
          const [c1, c2] = Math.abs(y2 - y1) < 4 ? [y1 + bend, y2 + bend] : [y1 + bend, y2 - bend];
          curves.push(`<path class="${here === id ? "near" : "far"}" d="M${x1} ${y1}C${x1} ${c1} ${x2} ${c2} ${x2} ${y2}"/>`);
          if (!seen.has(other)) {
            seen.add(other);
            queue.push(other);
          }
        }
      }
      svg.innerHTML = curves.join("");
      nodes.forEach((node, key) => {
        node.classList.toggle("chosen", key === id);
        node.classList.toggle("below", key !== id && seen.has(key));
      });
      figure.classList.add("choosing");
      return seen.size - 1;
    }

    function show(node) {
      const id = node.id.slice(5);
      const count = draw(id);
      const row = document.getElementById(node.hash.slice(1));
      panel.replaceChildren();
      const head = document.createElement("p");
      const name = document.createElement("strong");
      name.textContent = row.cells[0].textContent.trim();
      head.append(name, " ");
      const [printed, own, effective] = [2, 3, 4].map((k) => row.cells[k].querySelector(".status"));
      head.append(printed.cloneNode(true), " ", own.cloneNode(true), ", with what it uses ", effective.cloneNode(true), "; ");
      head.append(count ? `rests on ${count} ${count === 1 ? "other" : "others"}` : "rests on no other");
      panel.append(head);
      panel.append(row.cells[1].querySelector("p").cloneNode(true));
      all("p.form", row).forEach((form) => {
        const copy = form.cloneNode(true);
        /* what is set in type already is set anew: its source is in the title */
        all(".math", copy).forEach((maths) => maths.remove());
        const code = document.createElement("code");
        code.className = "tex";
        code.textContent = form.dataset.tex;
        all("code.tex", copy).forEach((old) => old.remove());
        copy.append(code);
        panel.append(copy);
      });
      panel.hidden = false;
      typeset(panel);
    }

    function clear() {
      svg.innerHTML = "";
      figure.classList.remove("choosing");
      nodes.forEach((node) => node.classList.remove("chosen", "below"));
      panel.hidden = true;
    }

    for (const event of ["mouseover", "focusin"]) {
      figure.addEventListener(event, (e) => {
        const node = e.target.closest && e.target.closest("a.node");
        if (node && !node.classList.contains("chosen")) show(node);
      });
    }
    figure.addEventListener("mouseleave", () => {
      const kept = figure.contains(document.activeElement) && document.activeElement.closest("a.node");
      if (kept) show(kept);
      else clear();
    });
    figure.addEventListener("focusout", (e) => figure.contains(e.relatedTarget) || clear());
    figure.addEventListener("keydown", (e) => e.key === "Escape" && clear());
  }

  function unfold() {
    const row = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!row) return;
    const statement = row.matches("tr") && row.querySelector("details.statement");
    if (statement) statement.open = true;
    const rows = row.closest("details.rows");
    if (rows && !rows.open) {
      rows.open = true;
      row.scrollIntoView();
    }
  }

  function begin() {
    all("details.rows").forEach((rows) => (rows.open = false));
    all("details.statement").forEach((details) => {
      details.addEventListener("toggle", () => details.open && typeset(details));
    });
    all("form.records-filter").forEach(filter);
    all(".ledger-graph").forEach(graph);
    unfold();
    window.addEventListener("hashchange", unfold);
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
