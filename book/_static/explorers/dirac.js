// The Dirac task: the effective energy over b, its branches over beta, and where the flow goes; the start may be kept
// while beta is dragged, which shows what comes back and what does not.
Explorer.define("dirac", function (box) {
  "use strict";
  const number = box.number, share = (b) => b / (1 + b), back = (x) => x / (1 - x), KICK = 0.02;
  let held = 0.3, trail = [], ran = "";
  const T = box.slider({ label: "length <i>T</i>", min: 2, max: 20, step: 1, value: 4 });
  const beta = box.slider({ label: "ratio <i>β</i>", min: 0.6, max: 1.5, step: 0.005, value: 1.02 });
  const b0 = box.slider({ label: "start <i>b</i>(0)", min: 0.02, max: 2, step: 0.02, value: 0.3, moved: () => { trail = []; held = b0.value; } });
  const X = box.slider({ label: "search up to <i>b</i> =", min: 0.5, max: 20, step: 0.5, value: 2 });
  const mode = box.choice("Each run starts at", [["fresh", "<i>b</i>(0)"], ["held", "where the run before it ended"]], "fresh", () => { trail = []; held = b0.value; });
  const left = box.panel("Effective energy <i>E</i>*(<i>b</i>): drag the start"), right = box.panel("Stationary <i>b</i> over <i>β</i>");
  box.key([["x-1", "energy; branch of minima"], ["x-1 x-faintly", "branch of maxima"], ["x-3", "gradient flow, and where it ended"], ["x-2", "<i>β</i>; end of the search"]]);
  left.drag((x) => { mode.value = "fresh"; trail = []; b0.value = Math.min(2, Math.max(0.02, back(Math.min(0.95, Math.max(0, x))))); });
  const B = [[0, "0"], [0.25, "¼"], [0.5, "½"], [1, "1"], [2, "2"], [4, "4"], [Infinity, "∞"]], onB = (b) => (b === Infinity ? 1 : share(b));
  const times = [0].concat(Array.from({ length: 60 }, (_, i) => 10 ** (-1 + (4 * i) / 59)));

  return function () {
    const n = T.value, q = beta.value, zero = q * q, all = zero + 1 / zero, energy = (b) => (b === Infinity ? 1 / zero : LRNN.effective(b, q, n));
    const begin = Math.max(KICK, mode.value === "held" ? held : b0.value), root = Math.sqrt(LRNN.optimalU(begin, q, n));
    const path = LRNN.flow([root, begin, root], LRNN.dirac(q, n), times, 1e-6, 24000 / n), points = LRNN.stationaryPoints(q, n);
    const b = path.map((y) => Math.max(0, y[1])), end = b[b.length - 1];
    // Beyond the last maximum the energy falls all the way to b = ∞.
    const last = points[points.length - 1], grows = last && last[1] === "max" && end > last[0] + 1e-6, speed = LRNN.velocity(path[path.length - 1], LRNN.dirac(q, n), []);
    const whole = path.length === times.length || Math.max(...speed.map(Math.abs)) < 1e-5;
    const asked = [n, q, mode.value].join(" ");
    if (asked !== ran) { held = Math.min(end, 4); trail.push([q, held]); trail = trail.slice(-400); ran = asked; }

    const high = 1.08 * Math.min(all, Math.max(zero, 1 / zero) * 1.25);
    const at = box.axes({ low: 0, high: 1, map: onB, ticks: B, label: "recurrent mode b" }, { low: 0, high, ticks: [[0, "0"], [zero, "β²"]].concat(Math.abs(zero - 1 / zero) > 0.15 ? [[1 / zero, "1/β²"]] : []) });
    const curve = Array.from({ length: 301 }, (_, i) => back(i / 301)).concat(Infinity).map((b) => [b, energy(b)]);
    left.set(at,
      at.line([[X.value, 0], [X.value, high]], "x-2") + at.line([[0, zero], [Infinity, zero]], "x-faint") + at.line(curve, "x-1") +
      at.line([begin].concat(b).map((v) => [v, energy(v)]), "x-3 x-thick") +
      points.map(([v, kind]) => at.dot(v, energy(v), kind === "min" ? "x-1 x-spot" : "x-1 x-ring")).join("") + at.dot(end, energy(end), "x-3 x-spot", 6));
    left.place(begin, energy(begin));

    const map = box.axes({ low: 0.6, high: 1.5, label: "ratio β" }, { low: 0, high: 1, map: onB, ticks: B, label: "b" });
    let branches = "", piece = [], turn = 0;
    const flush = () => { if (piece.length > 1) branches += map.line(piece, turn > 0 ? "x-1" : "x-1 x-faintly"); };
    for (let i = 1; i < 500; i++) {
      const v = back(i / 500), here = LRNN.stationaryBeta(v, n), next = Math.sign(LRNN.stationaryBeta(back((i + 0.5) / 500), n) - here);
      if (next !== turn) { flush(); piece = piece.slice(-1); turn = next; }
      piece.push([here, v]);
    }
    flush();
    if (n > 2) branches += n === 3 ? map.line([[0.6, 0], [Math.SQRT1_2, 0]], "x-1") + map.line([[Math.SQRT1_2, 0], [1.5, 0]], "x-1 x-faintly") : map.line([[0.6, 0], [1.5, 0]], "x-1");
    right.set(map, branches + map.line([[q, 0], [q, Infinity]], "x-2") + map.line(trail, "x-3") + trail.map(([x, v]) => map.dot(x, v, "x-3 x-spot", 3)).join("") + map.dot(q, end, "x-3 x-spot", 6));

    const seen = LRNN.apparent(n, X.value), grid = (Math.ceil(seen / 0.02 - 1e-9) * 0.02).toFixed(2), lowest = points.filter(([, k]) => k === "min").concat([[Infinity]]).reduce((m, [v]) => (energy(v) < energy(m) - 1e-12 ? v : m), 0);
    box.say(
      `T = ${n}, β = ${number(q)}: ` + (points.map(([v, k]) => `${k === "min" ? "minimum" : "maximum"} at b = ${number(v)}`).join(", ") || "no stationary point") +
      `; the least energy, ${number(energy(lowest))}, is ${lowest === Infinity ? "only neared as b grows without end" : `at b = ${number(lowest)}`}. ` +
      `From b = ${number(begin, 2)} the flow ${grows ? `passes b = ${number(end, 1)} and goes on growing` : `${whole ? "ends at" : "has come to"} b = ${number(end)}`}. ` +
      `A search up to b = ${number(X.value, 2)} finds less than at b = 0 from β = ${number(seen, 4)} on` + (seen > 1.0005 && n > 3 ? ` (on a grid of 0.02 it says ${grid}); without its end it would be 1.` : "."),
    );
  };
});
