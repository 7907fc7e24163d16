// How steep the solution is, what descent does next to it at a rate of choice, and what is learned there worth at T'.
Explorer.define("stability", function (box) {
  "use strict";
  const number = box.number, STEPS = 4000, SHOWN = 300;
  const kind = box.choice("Task dynamics", [["constant", "<i>δ</i>"], ["inverse", "<i>δλ</i><sup>T−t</sup>"], ["exponential", "<i>δλ</i><sup>t</sup>"]], "constant");
  const delta = box.slider({ label: "scale <i>δ</i>", min: 0.3, max: 2, step: 0.05, value: 1 });
  const lam = box.slider({ label: "factor <i>λ</i>", min: 0.5, max: 1.3, step: 0.05, value: 0.8 });
  const T = box.slider({ label: "length <i>T</i>", min: 2, max: 20, step: 1, value: 6 });
  const rate = box.slider({ label: "learning rate <i>η</i>", min: 0.0005, max: 1, step: 0.02, value: 0.02, log: true, text: (v) => number(v, v < 0.01 ? 4 : 3) });
  const other = box.slider({ label: "used at length <i>T′</i>", min: 1, max: 24, step: 1, value: 12 });
  const left = box.panel("Largest stable rate 2/<i>λ</i><sub>+</sub>: drag <i>T</i> and <i>η</i>"), middle = box.panel("Descent from next to the solution"), right = box.panel("Relative error at other lengths");
  box.key([["x-1", "2/<i>λ</i><sub>+</sub>; error at <i>T′</i>"], ["x-theory", "6/(<i>δ</i>²<i>T</i>³), for constant dynamics"], ["x-2", "descent at <i>η</i>"], ["x-3", "trained at <i>T</i>"]]);
  const bound = (v, low, high) => Math.min(high, Math.max(low, v));
  left.drag((x, y) => { T.value = bound(Math.round(1 + 19 * x), 2, 20); rate.value = bound(10 ** (-4.5 + 5 * y), 0.0005, 1); });
  // The modes of zero loss at length T, a = c.
  const solution = (T) => {
    const u = delta.value * (kind.value === "exponential" ? lam.value ** T : 1), b = kind.value === "constant" ? 1 : kind.value === "inverse" ? lam.value : 1 / lam.value;
    return [Math.sqrt(u), b, Math.sqrt(u)];
  };

  return function () {
    const task = (T) => LRNN.dynamics(kind.value, delta.value, lam.value, T), n = T.value, s = task(n), eta = rate.value;
    lam.enable(kind.value !== "constant");
    const best = LRNN.stableRate(solution(n), s), lengths = Array.from({ length: 20 }, (_, i) => i + 1);
    const at = box.axes({ low: 1, high: 20, label: "length T", ticks: [1, 5, 10, 15, 20].map((v) => [v, v]) }, { low: 10 ** -4.5, high: 10 ** 0.5, log: true });
    left.set(at, at.line(lengths.map((k) => [k, LRNN.stableRate(solution(k), task(k))]), "x-1") +
      (kind.value === "constant" ? at.line(lengths.slice(2).map((k) => [k, 6 / (delta.value ** 2 * k ** 3)]), "x-theory") : ""));
    left.place(n, eta);

    const [a, b, c] = solution(n), start = [a * (1 + 1e-3 / n), b * (1 + 1e-3 / n), c], path = LRNN.descend(start, s, eta, STEPS);
    const loss = path.map((y) => LRNN.energy(...y, s)), end = path[path.length - 1], lost = path.length <= STEPS;
    const near = (p) => { const y = path[path.length - 1 - p]; return Math.abs(y[1] - end[1]) + Math.abs(y[0] * y[2] - end[0] * end[2]) < 1e-7; };
    let period = 0;
    if (!lost) for (let p = 1; p <= 16 && !period; p++) if (near(p)) period = p;
    const calm = loss[loss.length - 1] < Math.max(1e-18, 1e-3 * loss[0]);
    const what = lost ? `leaves it and diverges after ${path.length} steps` : calm ? "returns to it" :
      period === 1 ? (loss[loss.length - 1] < loss[0] ? "creeps back to it" : "settles elsewhere") : period ? `leaves it for a cycle of period ${period}` : loss[loss.length - 1] < loss[0] ? "creeps back to it" : "leaves it and finds no cycle of up to 16 steps";
    const frame = box.axes({ low: 0, high: SHOWN, label: "step" }, { low: 1e-16, high: 1e4, log: true });
    middle.set(frame, frame.line(loss.slice(0, SHOWN + 1).map((v, i) => [i, Math.max(v, 1e-17)]), "x-2"));

    const miss = (T2, y) => { const t = task(T2); return (2 * LRNN.energy(...y, t)) / t.reduce((z, v) => z + v * v, 0); };
    const errors = Array.from({ length: 24 }, (_, i) => [i + 1, miss(i + 1, solution(n))]), away = miss(other.value, solution(n));
    const high = Math.max(0.1, ...errors.map((e) => Math.min(e[1], 4))) * 1.1, map = box.axes({ low: 0, high: 25, label: "length T′" }, { low: 0, high });
    right.set(map, map.line([[n, 0], [n, high]], "x-3") + errors.map(([k, v]) => map.line([[k, 0], [k, v]], k === other.value ? "x-1 x-bar x-on" : "x-1 x-bar")).join("") + map.line([[0, 1], [25, 1]], "x-faint"),
      errors.some((e) => e[1] > 1e-20) ? "" : `<text x="${map.X(12.5)}" y="${map.Y(high / 2)}" text-anchor="middle">no error at any length</text>`);
    box.say(
      `At T = ${n} the solution is u = ${number(a * c)}, b = ${number(b)}, and stable up to η = ${number(best, 4)}. ` +
      `η = ${number(eta, 4)} is ${number(eta / best, 2)} of that: descent ${what}. ` +
      (away < 1e-20 ? `Used at T′ = ${other.value} the solution has no error.` : `Used at T′ = ${other.value} it misses by ${number(100 * away, 1)} % of what is asked for.`),
    );
  };
});
