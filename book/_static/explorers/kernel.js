// How far the tangent kernel of one mode moves: over start scale and length, through its own lags or through a window.
Explorer.define("kernel", function (box) {
  "use strict";
  const number = box.number, SIZES = Array.from({ length: 10 }, (_, i) => (i + 1) / 10), LENGTHS = Array.from({ length: 8 }, (_, i) => i + 1), WINDOW = 8;
  const look = box.choice("Kernel looked at through", [["own", "the <i>T</i> lags of the task"], ["fixed", "8 lags, whatever <i>T</i>"]], "own");
  const sigma = box.slider({ label: "start scale <i>σ</i>", min: 0.1, max: 1, step: 0.1, value: 0.1 });
  const T = box.slider({ label: "length <i>T</i>", min: 1, max: 8, step: 1, value: 4 });
  const delta = box.slider({ label: "scale <i>δ</i>", min: 0.25, max: 2, step: 0.05, value: 1 });
  const lam = box.slider({ label: "factor <i>λ</i>", min: 0.2, max: 1.2, step: 0.05, value: 1 });
  const map = box.panel("Distance <i>D</i> over <i>σ</i> and <i>T</i>: drag the cell"), line = box.panel("Distance over <i>T</i>"), before = box.panel("Kernel before"), after = box.panel("Kernel after");
  box.key([["x-1", "through own lags"], ["x-theory", "through 8 lags"], ["x-3", "the cell"]]);
  map.drag((x, y) => { sigma.value = SIZES[Math.min(9, Math.max(0, Math.floor(x * 10)))]; T.value = LENGTHS[Math.min(7, Math.max(0, Math.floor(y * 8)))]; });
  // cividis, the map of the book's heat maps, by five of its colours
  const STOPS = [[0, 34, 78], [67, 78, 108], [124, 123, 120], [188, 175, 111], [254, 232, 56]];
  const colour = (v) => {
    const x = Math.min(0.9999, Math.max(0, v)) * 4, i = Math.floor(x);
    return `rgb(${STOPS[i].map((low, k) => Math.round(low + (STOPS[i + 1][k] - low) * (x - i))).join(" ")})`;
  };
  const cells = (at, values, columns, rows) => values.map((row, j) => row.map((v, i) => {
    const x = at.X(i / columns), y = at.Y((j + 1) / rows);
    return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${(at.X((i + 1) / columns) - x + 0.5).toFixed(1)}" height="${(at.Y(j / rows) - y + 0.5).toFixed(1)}" fill="${colour(v)}"/>`;
  }).join("")).join("");

  return function () {
    const side = Math.sqrt(delta.value);
    // Gradient flow from a = b = c: with one step b has no task and stays, with more the zero-loss solution is reached.
    const moved = (s, n, lags) => LRNN.distance([s, s, s], [side, n === 1 ? s : lam.value, side], lags);
    const D = LENGTHS.map((n) => SIZES.map((s) => moved(s, n, look.value === "own" ? n : WINDOW)));
    const spots = (list, about) => list.map((v, i) => [(i + 0.5) / list.length, about(v)]);
    const at = box.axes({ low: 0, high: 1, label: "start scale σ", ticks: spots(SIZES, (v) => (v * 10) % 2 ? "" : number(v)) }, { low: 0, high: 1, ticks: spots(LENGTHS, (v) => v) });
    const i = Math.round(sigma.value * 10) - 1, j = T.value - 1, s = SIZES[i], n = T.value;
    map.set(at, cells(at, D, 10, 8), D.map((row, y) => row.map((v, x) => `<text class="x-value ${v > 0.47 ? "x-dark" : "x-light"}" x="${at.X((x + 0.5) / 10).toFixed(1)}" y="${(at.Y((y + 0.5) / 8) + 4).toFixed(1)}" text-anchor="middle">${v.toFixed(2).replace(/^0/, "")}</text>`).join("")).join("") +
      `<rect class="x-cell" x="${at.X(i / 10)}" y="${at.Y((j + 1) / 8)}" width="${at.X(0.1) - at.X(0)}" height="${at.Y(0) - at.Y(1 / 8)}"/>`);
    map.place((i + 0.5) / 10, (j + 0.5) / 8);
    const own = LENGTHS.map((n) => [n, moved(s, n, n)]), fixed = LENGTHS.map((n) => [n, moved(s, n, WINDOW)]);
    const frame = box.axes({ low: 0.5, high: 8.5, label: "length T", ticks: LENGTHS.map((v) => [v, v]) }, { low: 0, high: 1.02 });
    line.set(frame, frame.line([[n, 0], [n, 1.02]], "x-3") + frame.line(own, "x-1") + own.map(([x, y]) => frame.dot(x, y, "x-1 x-spot", 4)).join("") + frame.line(fixed, "x-theory"));
    const lags = look.value === "own" ? n : WINDOW, kernels = [LRNN.kernel([s, s, s], lags), LRNN.kernel([side, n === 1 ? s : lam.value, side], lags)];
    [before, after].forEach((panel, k) => {
      const top = Math.max(...kernels[k].flat()), square = box.axes({ low: 0, high: 1, label: "lag", ticks: kernels[k].map((_, l) => [(l + 0.5) / lags, l]) }, { low: 0, high: 1, ticks: kernels[k].map((_, l) => [(l + 0.5) / lags, l]) });
      panel.set(square, cells(square, kernels[k].map((row) => row.map((v) => v / top)), lags, lags));
      panel.title(`Kernel ${k ? "after" : "before"}, over its largest entry ${number(top)}`);
    });
    box.say(
      `From σ = ${number(s)} at T = ${n} the kernel moves by D = ${number(own[j][1])} through its own lags and by ${number(fixed[j][1])} through 8 lags. ` +
      `From T = 2 to 8 the distance ${own[7][1] > own[1][1] + 0.005 ? "rises" : own[7][1] < own[1][1] - 0.005 ? "falls" : "stays"} from ${number(own[1][1])} to ${number(own[7][1])} through own lags; through 8 lags it is ${number(fixed[1][1])} and ${number(fixed[7][1])}. ` +
      `From T = 1 to 2 it goes from ${number(fixed[0][1])} to ${number(fixed[1][1])} through 8 lags.`,
    );
  };
});
