// What the explorers share: native sliders with words, axes, curves, dragging, a sentence that is read out.
// `Explorer.define(name, make)` finds the places of that name on the page; `make(box)` builds one and returns its draw.
var Explorer = (function () {
  "use strict";
  let serial = 0;
  const SVG = "http://www.w3.org/2000/svg";

  function element(tag, attributes = {}, html = "") {
    const made = document.createElement(tag);
    for (const name in attributes) made.setAttribute(name, attributes[name]);
    made.innerHTML = html;
    return made;
  }
  // Three significant digits, without trailing zeros; a proper minus.
  function number(x, digits = 3) {
    if (!isFinite(x)) return x > 0 ? "∞" : x < 0 ? "−∞" : "undefined";
    const small = Math.abs(x) < 0.5 * 10 ** -digits;
    const text = small ? "0" : Math.abs(x) >= 1e4 ? x.toExponential(1) : x.toFixed(Math.abs(x) >= 100 ? 0 : digits);
    return (text.includes(".") ? text.replace(/\.?0+$/, "") : text).replace("-", "−");
  }
  const tenth = (v) => Math.round(v * 10) / 10;
  const plain = (html) => html.replace(/<[^>]+>/g, "");

  function ticks(low, high, about = 4) {
    const raw = (high - low) / about, ten = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 2.5, 5, 10].map((m) => m * ten).find((s) => s >= raw * 0.999), out = [];
    for (let x = Math.ceil(low / step - 1e-9) * step; x <= high + 1e-9 * step; x += step) out.push([x, number(x)]);
    return out;
  }
  function decades(low, high) {
    const out = [];
    for (let e = Math.ceil(Math.log10(low) - 1e-9); 10 ** e <= high * 1.000001; e++) {
      out.push([10 ** e, e < -2 || e > 3 ? `10${[..."" + e].map((d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d] || "⁻").join("")}` : number(10 ** e)]);
    }
    return out.length > 6 ? out.filter((_, i) => i % 2 === 0) : out;
  }

  // One set of axes of 420 by 300; x and y are {low, high, label, log, map, ticks}. `map` turns a value into [0, 1].
  const W = 420, H = 300, LEFT = 52, RIGHT = 402, TOP = 12, BOTTOM = 254;
  function axes(x, y) {
    for (const one of [x, y]) {
      const share = one.log ? (v) => Math.log(v / one.low) / Math.log(one.high / one.low) : (v) => (v - one.low) / (one.high - one.low);
      one.map = one.map || share;
      one.ticks = one.ticks || (one.log ? decades : ticks)(one.low, one.high);
    }
    const X = (v) => LEFT + (RIGHT - LEFT) * x.map(v), Y = (v) => BOTTOM - (BOTTOM - TOP) * y.map(v);
    // A point far outside is brought to just outside, so that the clipped path stays a short text.
    const near = (v) => tenth(Math.max(-2000, Math.min(2000, v)));
    const curve = (points) => {
      let text = "", pen = false;
      for (const [px, py] of points) {
        const ok = isFinite(X(px)) && isFinite(Y(py));
        if (ok) text += (pen ? "L" : "M") + near(X(px)) + " " + near(Y(py));
        pen = ok;
      }
      return text;
    };
    const line = (points, kind) => `<path class="${kind}" d="${curve(points)}"/>`;
    const dot = (px, py, kind, r = 5) => `<circle class="${kind}" r="${r}" cx="${near(X(px))}" cy="${near(Y(py))}"/>`;
    const grid =
      `<path class="x-axis" d="M${LEFT} ${TOP}V${BOTTOM}H${RIGHT}"/>` +
      x.ticks.map(([v, t]) => `<path class="x-axis" d="M${X(v).toFixed(1)} ${BOTTOM}v4"/><text x="${X(v).toFixed(1)}" y="${BOTTOM + 18}" text-anchor="middle">${t}</text>`).join("") +
      y.ticks.map(([v, t]) => `<path class="x-axis" d="M${LEFT} ${Y(v).toFixed(1)}h-4"/><text x="${LEFT - 7}" y="${(Y(v) + 4).toFixed(1)}" text-anchor="end">${t}</text>`).join("") +
      `<text x="${(LEFT + RIGHT) / 2}" y="${H - 6}" text-anchor="middle">${x.label}</text>`;
    return { X, Y, line, dot, grid, x, y };
  }

  // A flow followed until it rests: `run(times, stop)` integrates, `seen(y)` is what has to rest. Times double, 64 in each
  // octave, so that neither a quick nor a slow flow is computed twice.
  function untilRest(run, seen) {
    const times = Array.from({ length: 65 }, (_, i) => i / 64);
    for (let high = 1; high < 256; high *= 2) for (let i = 1; i <= 64; i++) times.push(high + (high * i) / 64);
    const far = (y, z) => { const one = seen(y), other = seen(z); return Math.max(...one.map((v, i) => Math.abs(v - other[i]))); };
    const path = run(times, (out) => out.length > 128 && out.length % 64 === 1 && far(out[out.length - 1], out[out.length - 65]) < 1e-3);
    const last = path[path.length - 1], enough = 1.3 * times[path.findIndex((y) => far(y, last) < 1e-3)];
    const until = [1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256].find((t) => t >= enough) || 256;
    const kept = path.filter((_, i) => times[i] <= until + 1e-9);
    const rests = path.length > 65 && far(last, path[path.length - 65]) < 1e-3;
    return { path: kept, times: times.slice(0, kept.length), until, rests };
  }

  // Where the grid of values, rows along y, crosses the level: marching squares, in pieces of one segment.
  function contour(values, xs, ys, value, at) {
    let text = "";
    const cut = (v0, v1, p0, p1) => p0 + ((value - v0) / (v1 - v0)) * (p1 - p0);
    for (let j = 0; j + 1 < ys.length; j++) {
      for (let i = 0; i + 1 < xs.length; i++) {
        const a = values[j][i], b = values[j][i + 1], c = values[j + 1][i + 1], d = values[j + 1][i], ends = [];
        if (a < value !== b < value) ends.push([cut(a, b, xs[i], xs[i + 1]), ys[j]]);
        if (b < value !== c < value) ends.push([xs[i + 1], cut(b, c, ys[j], ys[j + 1])]);
        if (d < value !== c < value) ends.push([cut(d, c, xs[i], xs[i + 1]), ys[j + 1]]);
        if (a < value !== d < value) ends.push([xs[i], cut(a, d, ys[j], ys[j + 1])]);
        for (let k = 0; k + 1 < ends.length; k += 2) {
          text += `M${tenth(at.X(ends[k][0]))} ${tenth(at.Y(ends[k][1]))}L${tenth(at.X(ends[k + 1][0]))} ${tenth(at.Y(ends[k + 1][1]))}`;
        }
      }
    }
    return text;
  }

  function build(place, make) {
    const live = element("div", { class: "x-live" }), controls = element("div", { class: "x-controls" });
    const panels = element("div", { class: "x-panels" }), key = element("p", { class: "x-key" });
    const words = element("p", { class: "x-words", "aria-live": "polite", id: `x-${++serial}` });
    const said = element("div", { class: "x-said" });
    said.append(key, words);
    panels.append(said);
    live.append(controls, panels);
    let waiting = 0, spoken = 0, drawn = 0, draw = null, fresh = true;
    const soon = () => { fresh = true; waiting = waiting || requestAnimationFrame(redraw); };
    // `draw` is told whether something was moved since, and returns whether it wants another frame to go on.
    function redraw() {
      const begun = performance.now(), moved = fresh;
      fresh = false;
      waiting = 0;
      if (draw(moved) === true) waiting = requestAnimationFrame(redraw);
      place.dataset.drawn = ++drawn;
      place.dataset.redraw = (performance.now() - begun).toFixed(2);
    }
    const box = {
      number, axes, contour, untilRest, shape: (RIGHT - LEFT) / (BOTTOM - TOP),
      // {label, min, max, step, value, log, text}: with `log` the range input holds the logarithm to base 10.
      slider(about) {
        const id = `x-${++serial}`, out = about.log ? Math.log10 : (v) => v, into = about.log ? (v) => 10 ** v : (v) => v;
        const text = about.text || ((v) => number(v, about.log && v < 0.1 ? 4 : 3));
        const row = element("div", about.log ? { class: "x-slider", "data-log": "" } : { class: "x-slider" }, `<label for="${id}">${about.label}</label>`);
        const input = element("input", {
          type: "range", id, min: out(about.min), max: out(about.max), step: about.step, value: out(about.value),
        });
        const shown = element("output", { for: id });
        const show = () => {
          const words = text(made.value);
          shown.textContent = words;
          input.setAttribute("aria-valuetext", `${plain(about.label)} ${words}`);
        };
        input.addEventListener("input", () => { show(); if (about.moved) about.moved(); soon(); });
        const made = {
          get value() { return about.log ? +into(+input.value).toPrecision(2) : +(+input.value).toFixed(6); },
          set value(v) { input.value = out(v); show(); },
          enable(on) { input.disabled = !on; row.classList.toggle("x-off", !on); },
        };
        row.append(input, shown);
        controls.append(row);
        show();
        return made;
      },
      // One of several, as native radio buttons.
      choice(legend, options, chosen, moved) {
        const name = `x-${++serial}`, group = element("fieldset", { class: "x-choice" }, `<legend>${legend}</legend>`);
        for (const [value, text] of options) {
          const label = element("label", {}, `<input type="radio" name="${name}" value="${value}"${value === chosen ? " checked" : ""}> ${text}`);
          group.append(label);
        }
        group.addEventListener("change", () => { if (moved) moved(); soon(); });
        controls.append(group);
        return {
          get value() { return group.querySelector(":checked").value; },
          set value(v) { group.querySelector(`[value="${v}"]`).checked = true; },
        };
      },
      // A native list; `fill` gives it new entries, the first of which is chosen.
      select(label, moved) {
        const id = `x-${++serial}`, row = element("div", { class: "x-select" }, `<label for="${id}">${label}</label>`), list = element("select", { id });
        list.addEventListener("change", () => { if (moved) moved(); soon(); });
        row.append(list);
        controls.append(row);
        return {
          get value() { return +list.value; },
          fill(entries) { list.replaceChildren(...entries.map((text, i) => { const one = element("option", { value: i }); one.textContent = text; return one; })); },
        };
      },
      // A place for text of its own, among the panels.
      text() { const made = element("div", { class: "x-text" }); said.before(made); return made; },
      // An empty drawing under a title; `set(html, at)` fills it, and clips everything to the axes but their labels.
      panel(title) {
        const figure = element("figure", { class: "x-panel" }), id = `x-${++serial}`;
        const svg = document.createElementNS(SVG, "svg");
        svg.setAttribute("viewBox", `0 0 ${W} ${H}`);
        svg.setAttribute("role", "img");
        svg.setAttribute("aria-label", plain(title));
        svg.setAttribute("aria-describedby", words.id);
        svg.innerHTML = `<clipPath id="${id}"><rect x="${LEFT}" y="${TOP - 6}" width="${RIGHT - LEFT + 6}" height="${BOTTOM - TOP + 8}"/></clipPath><g></g><g clip-path="url(#${id})"></g><g></g>`;
        const caption = element("figcaption", {}, title);
        figure.append(caption, svg);
        said.before(figure);
        const [under, clipped, over] = svg.querySelectorAll("g");
        let at = null, handle = null;
        return {
          svg, title: (text) => { caption.innerHTML = text; svg.setAttribute("aria-label", plain(text)); },
          set(made, html, above = "") { at = made; under.innerHTML = at.grid; clipped.innerHTML = html; over.innerHTML = above; },
          // A handle at (x, y) that can be dragged; the sliders do the same by keyboard.
          drag(moved) {
            handle = document.createElementNS(SVG, "g");
            handle.setAttribute("class", "x-handle");
            handle.innerHTML = '<circle r="22" class="x-reach"/><circle r="7"/>';
            svg.append(handle);
            const where = (event) => {
              const p = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
              moved((p.x - LEFT) / (RIGHT - LEFT), (BOTTOM - p.y) / (BOTTOM - TOP), at);
              soon();
            };
            svg.addEventListener("pointerdown", (event) => {
              if (event.pointerType !== "mouse" && !handle.contains(event.target)) return; // a finger elsewhere scrolls
              svg.setPointerCapture(event.pointerId);
              event.preventDefault();
              where(event);
            });
            // A finger on the handle drags it; the page must not scroll along.
            handle.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
            svg.addEventListener("pointermove", (event) => svg.hasPointerCapture(event.pointerId) && where(event));
          },
          place(x, y) { handle.setAttribute("transform", `translate(${at.X(x).toFixed(1)} ${at.Y(y).toFixed(1)})`); },
        };
      },
      key(entries) {
        key.innerHTML = entries.map(([kind, text]) => `<span class="x-entry"><svg viewBox="0 0 28 10" aria-hidden="true"><path class="${kind}" d="M1 5H27"/></svg><span>${text}</span></span>`).join("");
      },
      // Written at once, read out when the hand rests.
      say(text) {
        clearTimeout(spoken);
        text = text.replace(/ ([=−+]) /g, "\u00a0$1\u00a0");
        spoken = setTimeout(() => { words.textContent = text; }, words.textContent ? 250 : 0);
      },
    };
    draw = make(box);
    redraw();
    const spare = place.querySelector(".explorer-fallback");
    spare.replaceWith(live);
  }

  return {
    define(name, make) {
      for (const place of document.querySelectorAll(`[data-explorer="${name}"]`)) build(place, make);
    },
    number, ticks,
  };
})();
