// One mode: a task (delta, lambda, T), a start on the contours of its energy, the flow from there, and the closed forms.
Explorer.define("one-mode", function (box) {
  "use strict";
  const number = box.number;
  const kind = box.choice("Task dynamics", [["inverse", "<i>δλ</i><sup>T−t</sup>"], ["constant", "<i>δ</i>"], ["exponential", "<i>δλ</i><sup>t</sup>"]], "inverse");
  const delta = box.slider({ label: "scale <i>δ</i>", min: 0.2, max: 2, step: 0.05, value: 1 });
  const lam = box.slider({ label: "factor <i>λ</i>", min: -1, max: 1.3, step: 0.05, value: 0.5 });
  const T = box.slider({ label: "length <i>T</i>", min: 2, max: 12, step: 1, value: 3 });
  const u0 = box.slider({ label: "start <i>u</i>(0)", min: 0.005, max: 2, step: 0.005, value: 0.05 });
  const b0 = box.slider({ label: "start <i>b</i>(0)", min: -1.2, max: 1.4, step: 0.02, value: 0.1 });
  const rate = box.slider({ label: "learning rate <i>η</i>", min: 0.01, max: 1, step: 0.05, value: 0.1, log: true });
  const plane = box.panel("Energy over <i>u</i> and <i>b</i>: drag the start"), left = box.panel("Input-output mode <i>u</i> = <i>ac</i>"), right = box.panel("Recurrent mode <i>b</i>");
  box.key([
    ["x-1", "gradient flow"], ["x-2 x-dots", "descent in steps of <i>η</i>"], ["x-theory", "closed form, the other mode frozen where the flow ends"], ["x-contour", "energy"],
  ]);
  const U = [0, 2.2], B = [-1.3, 1.5], LEVELS = Array.from({ length: 14 }, (_, i) => 0.002 * 2.1 ** i);
  const clamp = (v, low, high) => Math.min(high, Math.max(low, v));
  plane.drag((x, y) => {
    u0.value = clamp(U[0] + x * (U[1] - U[0]), 0.005, 2);
    b0.value = clamp(B[0] + y * (B[1] - B[0]), -1.2, 1.4);
  });
  const steps = (low, high, n) => Array.from({ length: n }, (_, i) => low + ((high - low) * i) / (n - 1));

  return function () {
    const s = LRNN.dynamics(kind.value, delta.value, lam.value, T.value), root = Math.sqrt(u0.value);
    lam.enable(kind.value !== "constant");
    const start = [root, b0.value, root];
    const { path, times, until, rests } = box.untilRest((times, stop) => LRNN.flow(start, s, times, 1e-6, 5000, stop), (y) => [y[0] * y[2], y[1]]);
    const u = path.map((y) => y[0] * y[2]), b = path.map((y) => y[1]), end = path.length - 1;
    const jumps = Math.min(4000, Math.ceil(until / rate.value)), descent = LRNN.descend(start, s, rate.value, jumps);
    const every = Math.max(1, Math.ceil(jumps / 60)), seen = descent.map((y, n) => [n * rate.value, y]).filter((_, n) => n % every === 0);
    const lost = descent.length <= jumps;
    const uTheory = times.map((t) => LRNN.inputOutputMode(t, u0.value, b[end], s));
    const bTheory = LRNN.recurrentMode(times, b0.value, u[end], s, 0.25 / (0.05 + u[end] * u[end] * T.value));

    const at = box.axes({ low: U[0], high: U[1], label: "input-output mode u" }, { low: B[0], high: B[1], label: "b" });
    const xs = steps(...U, 37), ys = steps(...B, 41), all = s.reduce((z, v) => z + v * v, 0) / 2;
    const values = ys.map((y) => { const [S, Z] = LRNN.level(y, s); return xs.map((x) => all - x * S + (x * x * Z) / 2); });
    let html = LEVELS.map((l) => `<path class="x-contour" d="${box.contour(values, xs, ys, l, at)}"/>`).join("");
    html += seen.map(([, y]) => at.dot(y[0] * y[2], y[1], "x-2 x-spot", 2.5)).join("");
    html += at.line(u.map((x, i) => [x, b[i]]), "x-1") + at.dot(u[end], b[end], "x-1 x-spot", 4.5);
    plane.set(at, html);
    plane.place(u0.value, b0.value);
    for (const [panel, flow, theory, of] of [[left, u, uTheory, (y) => y[0] * y[2]], [right, b, bTheory, (y) => y[1]]]) {
      const high = Math.max(...flow, 0.2) * 1.15, low = Math.min(0, Math.min(...flow) * 1.15);
      const frame = box.axes({ low: 0, high: until, label: "learning time t / τ" }, { low, high });
      panel.set(frame, seen.map(([t, y]) => frame.dot(t, of(y), "x-2 x-spot", 2.5)).join("") +
        frame.line(flow.map((v, i) => [times[i], v]), "x-1") + frame.line(theory.map((v, i) => [times[i], v]), "x-theory"));
    }

    const half = (curve) => Math.abs(curve[end] - curve[0]) < 0.005 ? "from the start" : "at time " + number(times[curve.findIndex((v) => Math.abs(v - curve[0]) >= Math.abs(curve[end] - curve[0]) / 2)], 1);
    const rest = LRNN.energy(...path[end], s), same = LRNN.flow(start, s, seen.map(([t]) => t), 1e-6);
    const gap = Math.max(...same.map(([a, m, c], i) => Math.max(Math.abs(seen[i][1][0] * seen[i][1][2] - a * c), Math.abs(seen[i][1][1] - m))));
    box.say(
      `The task asks for ${s.length > 6 ? s.slice(0, 2).map((v) => number(v)).join(", ") + ", …, " + number(s[s.length - 1]) : s.map((v) => number(v)).join(", ")}. ` +
      `From u = ${number(u0.value)}, b = ${number(b0.value, 2)} the flow ${rests ? "ends at" : `still moves at time ${number(times[end])}, at`} u = ${number(u[end])}, b = ${number(b[end])}, energy ${number(rest)}. ` +
      `Half of its way u has gone ${half(u)}, b ${half(b)}. ` +
      (lost ? `Descent at η = ${number(rate.value)} diverges.` : `Descent at η = ${number(rate.value)} stays within ${number(gap, 2)} of the flow.`),
    );
  };
});
