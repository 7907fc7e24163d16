// A network of four inputs, units and outputs, all its weights trained here by gradient descent; over it, dashed, the
// flow of the four modes that it starts next to.
Explorer.define("network", function (box) {
  "use strict";
  const number = box.number, N = 4, steps = (n, f) => Array.from({ length: n }, (_, i) => f(i));
  const way = box.choice("Start", [["gaussian", "Gaussian"], ["aligned", "aligned, <i>a</i> = <i>b</i> = <i>c</i> = <i>σ</i>"]], "gaussian");
  const kind = box.choice("Task dynamics", [["inverse", "<i>δλ</i><sup>T−t</sup>"], ["constant", "<i>δ</i>"]], "inverse");
  const sigma = box.slider({ label: "start scale <i>σ</i>", min: 0.01, max: 0.8, step: 0.05, value: 0.1, log: true });
  const draw = box.slider({ label: "draw of the start", min: 1, max: 30, step: 1, value: 1 });
  const delta = box.slider({ label: "largest scale <i>δ</i>", min: 0.4, max: 2, step: 0.1, value: 1.6 });
  const ratio = box.slider({ label: "each next, times", min: 0.4, max: 1, step: 0.05, value: 0.6 });
  const lam = box.slider({ label: "factor <i>λ</i>", min: 0, max: 1, step: 0.05, value: 0.7 });
  const T = box.slider({ label: "length <i>T</i>", min: 1, max: 8, step: 1, value: 8 });
  const left = box.panel("Singular values of <i>W<sub>y</sub>W<sub>x</sub></i> and modes <i>u</i>"), middle = box.panel("Singular values of <i>W<sub>h</sub></i> and modes <i>b</i>"), right = box.panel("Loss");
  box.key([["x-1", "network, one colour a rank"], ["x-theory", "flow of the modes"]]);
  const RANKS = ["x-1", "x-2", "x-3", "x-4"];

  // Training goes on over several frames, for a few milliseconds in each.
  let s, scales, modes, rate, until, count, every, times, run, sizes, flows, dashed, predicted;
  const measured = (w) => {
    const [X, H, Y] = [0, 1, 2].map((i) => LRNN.square(w, N, i * N * N));
    return [LRNN.singularValues(LRNN.product(Y, X)), LRNN.singularValues(H)];
  };
  function begin() {
    lam.enable(kind.value !== "constant");
    draw.enable(way.value === "gaussian");
    scales = steps(N, (i) => delta.value * ratio.value ** i);
    s = scales.map((d) => LRNN.dynamics(kind.value, d, lam.value, T.value));
    const W = way.value === "gaussian" ? LRNN.gaussian(N, sigma.value, draw.value) : Float64Array.from({ length: 3 * N * N }, (_, i) => ((i % (N * N)) % (N + 1) ? 0 : sigma.value));
    // A rate well below the stable one of the largest mode.
    const b = kind.value === "constant" ? 1 : lam.value, root = Math.sqrt(delta.value);
    rate = Math.min(0.05, 0.25 * LRNN.stableRate([root, b, root], s[0]));
    every = Math.max(1, Math.round(Math.min(20, 0.4 / rate)));
    count = 60 * every;
    until = count * rate;
    times = steps(61, (i) => i * every * rate);
    run = LRNN.train(W, s, rate, 0, 1);
    sizes = [measured(run[0][0])];
    modes = LRNN.effectiveModes(W, N);
    flows = modes.map((m, i) => LRNN.flow(m, s[i], times, 1e-6));
    const ranked = (of) => times.map((_, i) => flows.map((f) => (f[i] ? Math.abs(of(f[i])) : NaN)).sort((x, y) => y - x));
    dashed = [ranked((y) => y[0] * y[2]), ranked((y) => y[1])];
    predicted = times.map((_, i) => flows.reduce((sum, f, k) => sum + (f[i] ? LRNN.energy(...f[i], s[k]) : NaN), 0));
  }

  return function (moved) {
    const start = performance.now();
    if (moved) begin();
    while (!moved && run.length <= 60 && performance.now() - start < 5) {
      const next = LRNN.train(run[run.length - 1][0], s, rate, every, every)[1];
      if (!next) { run.length = 61; break; }
      run.push(next);
      sizes.push(measured(next[0]));
    }
    const done = run.length > 60;
    [left, middle].forEach((panel, which) => {
      const high = Math.max(...dashed[which].map((v) => v[0] || 0), ...sizes.map((v) => v[which][0]), 0.2) * 1.1, at = box.axes({ low: 0, high: until, label: "learning time t / τ" }, { low: 0, high });
      panel.set(at, RANKS.map((c, r) => at.line(sizes.map((v, i) => [times[i], v[which][r]]), c)).join("") +
        RANKS.map((_, r) => at.line(dashed[which].map((v, i) => [times[i], v[r]]), "x-theory")).join(""));
    });
    run = run.filter(Boolean);
    const top = run[0][1] * 1.3, low = Math.max(1e-6 * top, Math.min(...run.map((r) => r[1]), ...predicted.filter((v) => v >= 0)) / 2);
    const at = box.axes({ low: 0, high: until, label: "learning time t / τ" }, { low, high: top, log: true });
    right.set(at, at.line(run.map((r, i) => [times[i], r[1]]), "x-6") + at.line(predicted.map((v, i) => [times[i], v]), "x-theory"));

    if (!done) return true;
    const last = sizes[sizes.length - 1], gap = (which) => Math.max(...sizes.map((v, i) => Math.max(...v[which].map((x, r) => Math.abs(x - dashed[which][i][r])))));
    const far = (which) => Math.max(...last[which].map((x, r) => Math.abs(x - dashed[which][dashed[which].length - 1][r])));
    const halves = RANKS.map((_, r) => times[sizes.findIndex((v) => v[0][r] >= scales[r] / 2)]);
    box.say(
      `The task has scales ${scales.map((d) => number(d, 2)).join(", ")}. After ${count} steps of ${number(rate, 4)} the singular values of Wy Wx are ${last[0].map((v) => number(v, 2)).join(", ")}, those of Wh ${last[1].map((v) => number(v, 2)).join(", ")}; the loss is ${number(run[run.length - 1][1], 4)}. ` +
      `Half of its scale is reached at time ${halves.map((t) => (t === undefined ? "never" : number(t, 1))).join(", ")}. ` +
      `The largest gap to the modes is ${number(gap(0), 2)} in u and ${number(gap(1), 2)} in b; at the end ${number(far(0), 2)} and ${number(far(1), 2)}.`,
    );
    return false;
  };
});
