// Complex modes that learn to rotate: the task in the complex plane, the ways of b and u, their radius and their angle.
Explorer.define("rotation", function (box) {
  "use strict";
  const number = box.number, PI = Math.PI, RANGE = 1.35;
  const angle = (v) => `${number(v / PI, 2)} π`;
  const phi = box.slider({ label: "angle <i>φ</i>", min: -1, max: 1, step: 1 / 24, value: 1 / 4, text: (v) => `${number(v, 2)} π` });
  const R = box.slider({ label: "radius <i>R</i>", min: 0.3, max: 1.1, step: 0.05, value: 1 });
  const T = box.slider({ label: "length <i>T</i>", min: 2, max: 12, step: 1, value: 6 });
  const re = box.slider({ label: "start Re <i>b</i>(0)", min: -0.9, max: 0.9, step: 0.02, value: 0.1 });
  const im = box.slider({ label: "start Im <i>b</i>(0)", min: -0.9, max: 0.9, step: 0.02, value: 0 });
  const size = box.slider({ label: "start <i>u</i>(0)", min: 0.001, max: 1, step: 0.05, value: 0.01, log: true });
  const plane = box.panel("Complex plane: drag <i>b</i>(0)"), radius = box.panel("Radius"), turn = box.panel("Angle, in units of π");
  box.key([["x-1", "recurrent mode <i>b</i>"], ["x-2", "input-output mode <i>u</i> = <i>ac</i>"], ["x-4", "task <i>λ</i><sup>T−t</sup>"], ["x-theory", "<i>R</i> and <i>φ</i>"]]);
  const clamp = (v) => Math.min(0.9, Math.max(-0.9, v));
  plane.drag((x, y, at) => { re.value = clamp(at.x.low + x * (at.x.high - at.x.low)); im.value = clamp(at.y.low + y * (at.y.high - at.y.low)); });
  // The angle along a way, without its jumps by 2 pi.
  const unwrap = (z) => {
    let before = 0;
    return z.map(([x, y]) => { let a = Math.atan2(y, x); a += 2 * PI * Math.round((before - a) / (2 * PI)); before = a; return a; });
  };

  return function () {
    const d = LRNN.rotation(R.value, phi.value * PI, T.value), root = Math.sqrt(size.value), start = [root, 0, re.value, im.value, root, 0];
    const product = (y) => [y[0] * y[4] - y[1] * y[5], y[0] * y[5] + y[1] * y[4]];
    const { path, times, until, rests } = box.untilRest((times, stop) => LRNN.complexFlow(start, d, times, 1e-5, 5000, stop), (y) => [y[2], y[3], ...product(y)]);
    const b = path.map((y) => [y[2], y[3]]), u = path.map(product), end = path.length - 1, target = [R.value * Math.cos(phi.value * PI), R.value * Math.sin(phi.value * PI)];

    const at = box.axes({ low: -RANGE * box.shape, high: RANGE * box.shape, label: "real part", ticks: [-1, 0, 1].map((v) => [v, number(v)]) }, { low: -RANGE, high: RANGE, ticks: [[-1, "−i"], [0, "0"], [1, "i"]] });
    const circle = Array.from({ length: 73 }, (_, i) => [Math.cos((i * PI) / 36), Math.sin((i * PI) / 36)]);
    plane.set(at, at.line(circle, "x-faint") + at.line(d, "x-4 x-thin") + d.map(([x, y]) => at.dot(x, y, "x-4 x-spot", 3)).join("") +
      at.line(u, "x-2") + at.line(b, "x-1") + at.dot(...target, "x-ring x-6", 6) + at.dot(...b[end], "x-1 x-spot", 4));
    plane.place(re.value, im.value);
    const turned = [unwrap(b), unwrap(u)], wide = [b, u].map((z) => z.map(([x, y]) => Math.hypot(x, y)));
    const frame = (low, high) => box.axes({ low: 0, high: until, label: "learning time t / τ" }, { low, high });
    const draw = (panel, curves, at, target) => panel.set(at, curves.map((c, k) => at.line(c.map((v, i) => [times[i], v]), k ? "x-2" : "x-1")).join("") + at.line([[0, target], [until, target]], "x-theory"));
    draw(radius, wide, frame(0, Math.max(1.1, ...wide.flat()) * 1.05), R.value);
    const lowest = Math.min(0, ...turned.flat()) / PI, highest = Math.max(0.1, ...turned.flat()) / PI;
    draw(turn, turned.map((c) => c.map((v) => v / PI)), frame(Math.min(lowest, phi.value) * 1.1, Math.max(highest, phi.value) * 1.1), phi.value);

    // Half of the way from where it starts to where it ends.
    const half = (curve) => times[curve.findIndex((v) => Math.abs(v - curve[0]) >= Math.abs(curve[end] - curve[0]) / 2)];
    const far = Math.hypot(b[end][0] - target[0], b[end][1] - target[1]), swing = Math.max(...turned[1].map(Math.abs));
    const still = Math.abs(turned[0][end] - turned[0][0]) < 0.01;
    const energy = path.map((y) => LRNN.complexEnergy(y, d)), halved = times[energy.findIndex((v) => v <= energy[0] / 2)];
    box.say(
      `The task turns by φ = ${number(phi.value, 2)} π a step at radius ${number(R.value)}. From b = ${number(re.value, 2)}${im.value ? (im.value < 0 ? " − " : " + ") + number(Math.abs(im.value), 2) + "i" : ""} the flow ${rests ? "ends at" : `still moves at time ${number(times[end])}, at`} radius ${number(wide[0][end])} and angle ${angle(turned[0][end])}${far < 0.02 ? ", the task's" : ", not at the task's"}. ` +
      `Half of its way the radius of b has gone at time ${number(half(wide[0]), 1)}, ${still ? "and its angle stays" : `its angle at ${number(half(turned[0]), 1)}`}. ` +
      `On its way u turns by up to ${angle(swing)} and ends at ${angle(turned[1][end])}. The energy has ${halved === undefined ? "not halved" : `halved at time ${number(halved, 2)}`}.`,
    );
  };
});
