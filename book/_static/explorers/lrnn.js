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
  function flow(start, s, times, tol, most, stop) {
    return integrate((y, out) => velocity(y, s, out), start, times, tol, most, stop);
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

  // ---- curvature of the energy and error at another length
  function hessian(y, s) {
    const [a, b, c] = y, T = s.length;
    let aa = 0, cc = 0, ac = 0, ab = 0, bc = 0, bb = 0, p = 1, q = 0, r = 0; // b^k and its two derivatives
    for (let k = 0; k < T; k++) {
      const rest = s[T - 1 - k] - a * c * p;
      aa += (c * p) ** 2;
      cc += (a * p) ** 2;
      ac += a * c * p * p - rest * p;
      ab += a * c * c * p * q - rest * c * q;
      bc += a * a * c * p * q - rest * a * q;
      bb += (a * c * q) ** 2 - rest * a * c * r;
      r = (k + 1) * k * b ** Math.max(0, k - 1);
      q = (k + 1) * p;
      p *= b;
    }
    return [[aa, ab, ac], [ab, bb, bc], [ac, bc, cc]];
  }
  // Eigenvalues of a symmetric matrix and, in columns, its eigenvectors: Jacobi's rotations.
  function eigen(matrix) {
    const n = matrix.length, M = matrix.map((row) => row.slice()), V = M.map((_, i) => M.map((_, j) => +(i === j)));
    for (let sweep = 0; sweep < 30; sweep++) {
      let off = 0, all = 0;
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) { all += M[i][j] ** 2; if (i !== j) off += M[i][j] ** 2; }
      if (off <= 1e-32 * all) break;
      for (let p = 0; p < n; p++) {
        for (let q = p + 1; q < n; q++) {
          if (M[p][q] === 0) continue;
          const theta = (M[q][q] - M[p][p]) / (2 * M[p][q]);
          const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1)), c = 1 / Math.hypot(t, 1), s = t * c;
          for (let k = 0; k < n; k++) [M[k][p], M[k][q]] = [c * M[k][p] - s * M[k][q], s * M[k][p] + c * M[k][q]];
          for (let k = 0; k < n; k++) [M[p][k], M[q][k]] = [c * M[p][k] - s * M[q][k], s * M[p][k] + c * M[q][k]];
          for (let k = 0; k < n; k++) [V[k][p], V[k][q]] = [c * V[k][p] - s * V[k][q], s * V[k][p] + c * V[k][q]];
        }
      }
    }
    return { values: M.map((row, i) => row[i]), vectors: V };
  }
  function stableRate(y, s) {
    const steepest = Math.max(...eigen(hessian(y, s)).values);
    return steepest > 0 ? 2 / steepest : Infinity;
  }

  // ---- complex modes, y = [Re a, Im a, Re b, Im b, Re c, Im c]: the flow (182)-(184); d = [[re, im], ...]
  function rotation(R, phi, T) { // d_t = lambda^(T-t), lambda = R exp(i phi)
    return Array.from({ length: T }, (_, i) => [R ** (T - 1 - i) * Math.cos(phi * (T - 1 - i)), R ** (T - 1 - i) * Math.sin(phi * (T - 1 - i))]);
  }
  function complexVelocity(y, d, out) {
    const ar = y[0], ai = y[1], br = y[2], bi = y[3], cr = y[4], ci = y[5], T = d.length;
    const ur = ar * cr - ai * ci, ui = ar * ci + ai * cr;
    let gr = 0, gi = 0, hr = 0, hi = 0, pr = 1, pi = 0, qr = 0, qi = 0; // p = b^k, q = k b^(k-1)
    for (let k = 0; k < T; k++) {
      const wanted = d[T - 1 - k], rr = wanted[0] - (ur * pr - ui * pi), ri = wanted[1] - (ur * pi + ui * pr);
      gr += pr * rr + pi * ri; // the sum of conj(p) times the rest
      gi += pr * ri - pi * rr;
      hr += qr * rr + qi * ri;
      hi += qr * ri - qi * rr;
      qr = (k + 1) * pr;
      qi = (k + 1) * pi;
      const next = pr * br - pi * bi;
      pi = pr * bi + pi * br;
      pr = next;
    }
    out[0] = cr * gr + ci * gi;
    out[1] = cr * gi - ci * gr;
    out[2] = ur * hr + ui * hi;
    out[3] = ur * hi - ui * hr;
    out[4] = ar * gr + ai * gi;
    out[5] = ar * gi - ai * gr;
    return out;
  }
  function complexEnergy(y, d) {
    let sum = 0, re = y[0] * y[4] - y[1] * y[5], im = y[0] * y[5] + y[1] * y[4];
    for (let k = d.length - 1; k >= 0; k--) {
      sum += (d[k][0] - re) ** 2 + (d[k][1] - im) ** 2;
      [re, im] = [re * y[2] - im * y[3], re * y[3] + im * y[2]];
    }
    return sum / 2;
  }
  function complexFlow(start, d, times, tol, most, stop) {
    return integrate((y, out) => complexVelocity(y, d, out), start, times, tol, most, stop);
  }

  // ---- the tangent kernel of one aligned mode through T lags, white inputs, and the distance (135) of two
  function kernel([a, b, c], T) {
    const u = [], v = [], w = [];
    for (let k = 0, p = 1, q = 0; k < T; k++) {
      u.push(a * p);
      v.push(c * p);
      w.push(a * c * q);
      q = (k + 1) * p;
      p *= b;
    }
    return u.map((_, k) => u.map((_, l) => u[k] * u[l] + v[k] * v[l] + w[k] * w[l]));
  }
  function distance(m0, m1, T) {
    const K0 = kernel(m0, T).flat(), K1 = kernel(m1, T).flat();
    const n0 = Math.hypot(...K0), n1 = Math.hypot(...K1);
    return K0.reduce((sum, v, i) => sum + (v / n0 - K1[i] / n1) ** 2, 0) / 2;
  }

  // ---- a whole network, N inputs, units and outputs: W = [Wx, Wh, Wy], row by row in one array; the task's singular
  // vectors are the axes, s[alpha][t]. Its gradient costs one pass through the lags and one back.
  function gaussian(N, sigma, seed) {
    let state = Math.imul(seed, 0x9e3779b9) >>> 0;
    const uniform = () => { // mulberry32
      state = (state + 0x6d2b79f5) >>> 0;
      let z = Math.imul(state ^ (state >>> 15), state | 1);
      z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
      return ((z ^ (z >>> 14)) >>> 0) / 4294967296;
    };
    const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
    return Float64Array.from({ length: 3 * N * N }, () => (sigma / Math.sqrt(N)) * normal());
  }
  // out += A B, each square matrix at its place in its array; with `left` or `right` A or B is transposed.
  function add(N, out, o, A, p, B, q, left = false, right = false) {
    const [ai, aj] = left ? [1, N] : [N, 1], [bi, bj] = right ? [1, N] : [N, 1];
    for (let i = 0; i < N; i++) for (let j = 0; j < N; j++) {
      let sum = 0;
      for (let k = 0; k < N; k++) sum += A[p + i * ai + k * aj] * B[q + k * bi + j * bj];
      out[o + i * N + j] += sum;
    }
  }
  // Writes the descent direction of loss (4) into out and returns the loss.
  function networkVelocity(W, s, out) {
    const N = s.length, T = s[0].length, n = N * N, H = n, Y = 2 * n, echoes = [W.slice(0, n)], rests = [];
    out.fill(0);
    let loss = 0, G = new Float64Array(n);
    for (let k = 0; k < T; k++) {
      const rest = new Float64Array(n), next = new Float64Array(n);
      add(N, rest, 0, W, Y, echoes[k], 0);
      add(N, next, 0, W, H, echoes[k], 0);
      for (let i = 0; i < n; i++) {
        rest[i] = (i % (N + 1) ? 0 : s[i / (N + 1)][T - 1 - k]) - rest[i];
        loss += rest[i] ** 2 / 2;
      }
      rests.push(rest);
      echoes.push(next);
      add(N, out, Y, rest, 0, echoes[k], 0, false, true);
    }
    for (let k = T - 1; k >= 0; k--) { // G: what a change of Wh^k Wx is worth
      const back = new Float64Array(n);
      add(N, back, 0, W, Y, rests[k], 0, true);
      add(N, back, 0, W, H, G, 0, true);
      G = back;
      if (k > 0) add(N, out, H, G, 0, echoes[k - 1], 0, false, true);
    }
    out.set(G, 0);
    return loss;
  }
  // Gradient descent on all weights: [weights, loss] after 0, every, 2 every, ... steps, cut where it diverges.
  function train(W, s, rate, steps, every) {
    const w = Float64Array.from(W), v = new Float64Array(w.length), out = [];
    for (let n = 0; n <= steps; n++) {
      const loss = networkVelocity(w, s, v);
      if (!(loss < 1e8)) break;
      if (n % every === 0) out.push([Array.from(w), loss]);
      for (let i = 0; i < w.length; i++) w[i] += rate * v[i];
    }
    return out;
  }
  const square = (w, N, at) => Array.from({ length: N }, (_, i) => Array.from(w.slice(at + i * N, at + (i + 1) * N)));
  const product = (A, B) => A.map((row) => B[0].map((_, j) => row.reduce((sum, v, k) => sum + v * B[k][j], 0)));
  const transposed = (A) => A[0].map((_, j) => A.map((row) => row[j]));
  function singularValues(A) {
    return eigen(product(transposed(A), A)).values.map((v) => Math.sqrt(Math.max(0, v))).sort((x, y) => y - x);
  }
  // The modes that weights start from: the polar factor R of Wx + Wy^T, and the diagonals of R^T Wx, R^T Wh R, Wy R.
  function effectiveModes(W, N) {
    const [Wx, Wh, Wy] = [0, N * N, 2 * N * N].map((at) => square(W, N, at));
    const M = transposed(Wy).map((row, i) => row.map((v, j) => v + Wx[i][j])), { values, vectors } = eigen(product(transposed(M), M));
    const root = product(vectors.map((row) => row.map((v, k) => v / Math.sqrt(values[k]))), transposed(vectors)), R = product(M, root);
    const A = product(transposed(R), Wx), B = product(transposed(R), product(Wh, R)), C = product(Wy, R);
    return A.map((_, i) => [A[i][i], B[i][i], C[i][i]]);
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
  // or after so many steps at `most` it is cut, and so it is where `stop`, asked after every time, says.
  function integrate(f, start, times, tol = 1e-7, most = 20000, stop = null) {
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
        // A step that left the floats has an error that is no number.
        h *= error < 1e30 ? Math.min(5, Math.max(0.2, 0.9 * (error + 1e-16) ** -0.2)) : 0.1;
      }
      if (t < end && !rest) return out; // too stiff to draw: what follows is left out
      out.push(Array.from(y));
      if (stop && stop(out)) return out;
    }
    return out;
  }

  return {
    dynamics, dirac, energy, level, velocity, flow, descend, inputOutputMode, recurrentMode, integrate,
    effective, optimalU, stationaryBeta, stationaryPoints, apparent, hessian, eigen, stableRate, rotation, complexVelocity,
    complexEnergy, complexFlow, kernel, distance, gaussian, networkVelocity, train, square, product, singularValues, effectiveModes,
  };
})();
