// The mathematics of the explorers, and nothing else; tests/test_explorers.py holds every function against the package.
// Task dynamics s are arrays of T numbers, index 0 being t = 1; modes are [a, b, c]. Time is in units of tau = 1.
var LRNN = (function () {
  "use strict";

  // ---- task dynamics, as lrnn_helpers.dynamics
  function dynamics(kind, delta, lam, T) {
    const s = [];
    for (let t = 1; t <= T; t++) {
      s.push(delta * (kind === "constant" ? 1 : lam ** (kind === "exponential" ? t : T - t)));
    }
    return s;
  }
  function dirac(beta, T) {
    return Array.from({ length: T }, (_, i) => (i === 0 ? beta : i === T - 1 ? 1 / beta : 0));
  }

  // ---- one mode: energy (8), gradient flow (5)-(7), closed forms
  function energy(a, b, c, s) {
    let sum = 0, echo = a * c;
    for (let k = s.length - 1; k >= 0; k--) { sum += (s[k] - echo) ** 2; echo *= b; }
    return sum / 2;
  }
  // S = sum of s_i b^(T-i), B = sum of b^(2(T-i)): the energy is |s|^2/2 - u S + u^2 B/2.
  function level(b, s) {
    let S = 0, B = 0, p = 1;
    for (let k = s.length - 1; k >= 0; k--) { S += s[k] * p; B += p * p; p *= b; }
    return [S, B];
  }
  function velocity(y, s, out) {
    const a = y[0], b = y[1], c = y[2], T = s.length;
    let drive = 0, slope = 0, p = 1, q = 0; // p = b^k, q = k b^(k-1)
    for (let k = 0; k < T; k++) {
      const rest = s[T - 1 - k] - c * p * a;
      drive += p * rest;
      slope += q * rest;
      q = (k + 1) * p;
      p *= b;
    }
    out[0] = c * drive;
    out[1] = a * c * slope;
    out[2] = a * drive;
    return out;
  }
  function flow(start, s, times, tol) {
    return integrate((y, out) => velocity(y, s, out), start, times, tol);
  }
  // Simultaneous gradient descent; the modes after 0, 1, ..., steps, cut where they leave the floats.
  function descend(start, s, rate, steps) {
    const path = [start.slice()], v = [0, 0, 0];
    let y = start.slice();
    for (let n = 0; n < steps; n++) {
      velocity(y, s, v);
      y = y.map((x, i) => x + rate * v[i]);
      if (!y.every((x) => Math.abs(x) < 1e6)) break;
      path.push(y);
    }
    return path;
  }
  // (47): u(t) with b frozen, from a = c = sqrt(u0).
  function inputOutputMode(t, u0, b, s) {
    const [S, B] = level(b, s);
    const rise = S === 0 ? 2 * t : -Math.expm1(-2 * S * t) / S;
    return u0 / (Math.exp(-2 * S * t) + B * u0 * rise);
  }
  // (58)-(61): b(t) with u frozen, its Taylor expansion of some order, anew in every window; times ascend from 0.
  function recurrentMode(times, b0, u, s, window, order = 5) {
    const T = s.length, p = new Array(Math.max(1, 2 * T - 2)).fill(0);
    for (let k = 1; k < T; k++) { p[k - 1] += u * k * s[T - 1 - k]; p[2 * k - 1] -= u * u * k; }
    const expand = (start) => {
      const y = [start];
      for (let n = 0; n < order; n++) {
        // The coefficient of t^n in P(y(t)), by Horner's rule on series cut after t^n.
        let value = new Array(n + 1).fill(0);
        for (let j = p.length - 1; j >= 0; j--) {
          const next = new Array(n + 1).fill(0);
          for (let i = 0; i <= n; i++) for (let m = 0; m <= n - i; m++) next[i + m] += value[i] * y[m];
          next[0] += p[j];
          value = next;
        }
        y.push(value[n] / (n + 1));
      }
      return y;
    };
    const at = (y, t) => y.reduceRight((sum, coefficient) => sum * t + coefficient, 0);
    let series = expand(b0), begun = 0;
    return times.map((t) => {
      while (t - begun > window) { series = expand(at(series, window)); begun += window; }
      return at(series, t - begun);
    });
  }

  // ---- an ordinary differential equation y' = f(y): Dormand and Prince's pair 5(4), step by error
  const A = [
    [1 / 5], [3 / 40, 9 / 40], [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
  ];
  const E = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40];
  // f(y, out) writes into out. Returns y at every time, ascending from 0; at rest it stays, beyond 1e6 it is cut.
  function integrate(f, start, times, tol = 1e-7) {
    const n = start.length, k = A.concat(0).map(() => new Float64Array(n)), next = new Float64Array(n);
    let y = Float64Array.from(start), t = 0, h = 1e-3, steps = 0, rest = false;
    const out = [];
    f(y, k[0]);
    for (const end of times) {
      while (t < end && !rest && steps++ < 20000) {
        h = Math.min(h, end - t);
        for (let r = 0; r < 6; r++) {
          const row = A[r];
          for (let i = 0; i < n; i++) {
            let sum = 0;
            for (let j = 0; j <= r; j++) sum += row[j] * k[j][i];
            next[i] = y[i] + h * sum;
          }
          f(next, k[r + 1]);
        }
        let error = 0, fastest = 0, largest = 0;
        for (let i = 0; i < n; i++) {
          let sum = 0;
          for (let j = 0; j < 7; j++) sum += E[j] * k[j][i];
          error = Math.max(error, Math.abs(h * sum) / (tol * (1e-2 + Math.abs(y[i]))));
          fastest = Math.max(fastest, Math.abs(k[6][i]));
          largest = Math.max(largest, Math.abs(next[i]));
        }
        if (error <= 1) {
          t = end - t - h < 1e-12 * end ? end : t + h;
          y.set(next);
          k[0].set(k[6]); // the last stage is the next step's first
          rest = fastest < 1e-13;
          if (!(largest < 1e6)) return out;
        }
        h *= Math.min(5, Math.max(0.2, 0.9 * (error + 1e-16) ** -0.2));
      }
      if (t < end && !rest) return out; // too stiff to draw: what follows is left out
      out.push(Array.from(y));
    }
    return out;
  }

  return { dynamics, dirac, energy, level, velocity, flow, descend, inputOutputMode, recurrentMode, integrate };
})();
