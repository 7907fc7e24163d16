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
  function flow(start, s, times, tol, most) {
    return integrate((y, out) => velocity(y, s, out), start, times, tol, most);
  }
  // Simultaneous gradient descent; the modes after 0, 1, ..., steps, cut where one leaves [-1e6, 1e6].
  function descend(start, s, rate, steps) {
    const path = [start.slice()], v = [0, 0, 0];
    let [a, b, c] = start;
    for (let n = 0; n < steps; n++) {
      velocity([a, b, c], s, v);
      a += rate * v[0];
      b += rate * v[1];
      c += rate * v[2];
      if (!(Math.abs(a) < 1e6 && Math.abs(b) < 1e6 && Math.abs(c) < 1e6)) break;
      path.push([a, b, c]);
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

  // ---- the Dirac task, s_1 = beta and s_T = 1/beta: lrnn_helpers.transitions, for b >= 0
  function geometric(x, terms) {
    let total = 0;
    for (let i = 0; i < terms; i++) total = 1 + x * total;
    return total;
  }
  // Effective energy (102), a sum of squares; beyond b = 1 by the duality (b, beta) -> (1/b, 1/beta).
  function effective(b, beta, T) {
    if (b > 1) { b = 1 / b; beta = 1 / beta; }
    const n = T - 1, ends = (beta - b ** n / beta) ** 2;
    return (ends + ((beta * b) ** 2 + (b / beta) ** 2) * geometric(b * b, n - 1)) / geometric(b * b, n + 1);
  }
  // (101)
  function optimalU(b, beta, T) {
    const far = b > 1;
    if (far) { b = 1 / b; beta = 1 / beta; }
    const p = b ** (T - 1);
    return ((beta * p + 1 / beta) * (far ? p : 1)) / geometric(b * b, T);
  }
  // The beta at which b > 0 is stationary: the branches.
  function stationaryBeta(b, T) {
    const n = T - 1, far = b > 1;
    if (far) b = 1 / b;
    let P = 0, Q = 0;
    for (let i = 1; i <= n; i++) { P = P * b * b + (n + 1 - i); Q = Q * b * b + i; }
    const beta = Math.sqrt(P / Q) * b ** (1 - n / 2);
    return far ? 1 / beta : beta;
  }
  // Every stationary b >= 0, ascending: [b, "min" | "max"]. Roots on a grid of b/(1+b), then by bisection.
  function stationaryPoints(beta, T, grid = 1000) {
    const b = (x) => x / (1 - x), side = (x) => stationaryBeta(b(x), T) - beta, found = [];
    if (T > 2) found.push([0, T === 3 && 2 * beta * beta > 1 ? "max" : "min"]);
    let left = 1e-6, before = side(left);
    for (let i = 1; i <= grid; i++) {
      const right = i < grid ? i / grid : 1 - 1e-6, here = side(right);
      if (before < 0 !== here < 0) {
        let [low, high] = [left, right];
        for (let j = 0; j < 60; j++) {
          const middle = (low + high) / 2;
          if (side(middle) < 0 === before < 0) low = middle; else high = middle;
        }
        found.push([b((low + high) / 2), here > before ? "min" : "max"]);
      }
      [left, before] = [right, here];
    }
    return found;
  }
  // From which beta on a search of b up to X finds less than the trivial energy beta^2.
  function apparent(T, X) {
    const n = T - 1;
    let b = Math.min(X, n === 1 || n === 2 ? 0 : n === 3 ? 1 : Infinity);
    const far = b > 1;
    if (far) b = 1 / b;
    const root = Math.sqrt(geometric(b * b, n + 1));
    return far ? Math.sqrt(root - b ** n) : b ** (1 - n / 2) * Math.sqrt(geometric(b * b, n) / (root + 1));
  }

  // ---- an ordinary differential equation y' = f(y): Dormand and Prince's pair 5(4), step by error
  const A = [
    [1 / 5], [3 / 40, 9 / 40], [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
  ];
  const E = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40];
  // f(y, out) writes into out. Returns y at every time, ascending from 0; at rest it stays, beyond 1e6
  // or after so many steps at `most` it is cut.
  function integrate(f, start, times, tol = 1e-7, most = 20000) {
    const n = start.length, k = A.concat(0).map(() => new Float64Array(n)), next = new Float64Array(n);
    let y = Float64Array.from(start), t = 0, h = 1e-3, steps = 0, rest = false;
    const out = [];
    f(y, k[0]);
    for (const end of times) {
      while (t < end && !rest && steps++ < most) {
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

  return {
    dynamics, dirac, energy, level, velocity, flow, descend, inputOutputMode, recurrentMode, integrate,
    effective, optimalU, stationaryBeta, stationaryPoints, apparent,
  };
})();
