/* Shows what a reference refers to, on hover and on focus. What is on the page is copied from it; the rest is in
   previews.js, which is loaded when it is first needed. Escape closes it. */
(() => {
  "use strict";
  let tip = null;
  let link = null;
  let timer = 0;
  let loading = null;
  const root = new URL(document.documentElement.dataset.content_root || "./", location.href).href;

  function load() {
    loading ||= new Promise((done) => {
      const script = document.createElement("script");
      script.src = root + "_static/previews.js";
      script.onload = () => done(window.bookPreviews || {});
      script.onerror = () => done({});
      document.head.append(script);
    });
    return loading;
  }

  function copied(place) {
    const term = place.closest("dt");
    const block = term
      ? [term, term.nextElementSibling]
      : [place.classList.contains("check-anchor") ? place.closest("li") || place.closest("div.cell").querySelector("summary") : place];
    if (!term && !place.matches(".check-anchor, div.math, figure, .proof, .admonition, .citation, tr, div.exercise")) return null;
    const box = document.createElement("div");
    for (const part of block) {
      const copy = part && part.cloneNode(true);
      if (!copy) continue;
      copy.removeAttribute("id");
      copy.querySelectorAll("[id]").forEach((e) => e.removeAttribute("id"));
      copy.querySelectorAll(".headerlink, a.sign, button, form").forEach((e) => e.remove());
      if (copy.matches("summary, li, dt, dd, tr")) {
        const plain = document.createElement("div");
        plain.append(...copy.childNodes);
        box.append(plain);
      } else box.append(copy);
    }
    return box;
  }

  async function contentOf(target) {
    const url = new URL(target.href, location.href);
    if (!url.hash || !url.href.startsWith(root)) return null;
    const id = decodeURIComponent(url.hash.slice(1));
    if (url.pathname === location.pathname) {
      const place = document.getElementById(id);
      const copy = place && copied(place);
      if (copy) return copy;
    }
    const page = url.href.slice(root.length).replace(/\.html.*$/, "");
    const html = (await load())[`${page}#${id}`];
    if (!html) return null;
    const box = document.createElement("div");
    box.innerHTML = html;
    return box;
  }

  function hide() {
    clearTimeout(timer);
    if (link) link.removeAttribute("aria-describedby");
    if (tip) tip.remove();
    tip = link = null;
  }

  async function show(target) {
    const box = await contentOf(target);
    if (!box || link !== target) return;
    tip = document.createElement("div");
    tip.className = "preview";
    tip.id = "preview";
    tip.setAttribute("role", "tooltip");
    tip.append(box);
    document.body.append(tip);
    if (window.MathJax && MathJax.typesetPromise && !box.querySelector("mjx-container") && /\\[([]/.test(box.textContent))
      await MathJax.typesetPromise([tip]);
    if (!tip) return;
    target.setAttribute("aria-describedby", "preview");
    const at = target.getBoundingClientRect();
    const width = document.documentElement.clientWidth;
    const below = at.bottom + tip.offsetHeight + 12 < innerHeight;
    tip.style.left = `${scrollX + Math.max(8, Math.min(at.left, width - tip.offsetWidth - 8))}px`;
    tip.style.top = `${scrollY + (below ? at.bottom + 6 : Math.max(4, at.top - tip.offsetHeight - 6))}px`;
    tip.addEventListener("pointerleave", hide);
  }

  function want(event) {
    const target = event.target.closest && event.target.closest("article a[href]");
    if (!target || target === link || target.closest(".headerlink")) return;
    hide();
    link = target;
    timer = setTimeout(() => show(target), event.type === "focusin" ? 0 : 180);
  }
  document.addEventListener("pointerover", want);
  document.addEventListener("focusin", want);
  document.addEventListener("pointerout", (event) => {
    const to = event.relatedTarget;
    if (link && !(to && to.closest && (to.closest(".preview") || to.closest("a") === link))) timer = setTimeout(hide, 120);
  });
  document.addEventListener("pointerover", (event) => event.target.closest && event.target.closest(".preview") && clearTimeout(timer));
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
})();
