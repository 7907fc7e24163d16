// Equations of the book with one small error each: which witness of the check sees it first. Nothing is computed here;
// mutant-table.js holds what the chapters' own checks say.
Explorer.define("mutants", function (box) {
  "use strict";
  const WORDS = { 0: "agrees", 1: "fails", x: "crashes" };
  const safe = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const which = box.select("Equation", fill), error = box.select("Error");
  const code = box.text(), fates = box.text();
  which.fill(MUTANTS.map((one) => `(${one.ids.replace(/, /g, "), (")}): ${one.what}`));
  function fill() { error.fill(MUTANTS[which.value].mutants.map(([name]) => name)); }
  fill();
  const length = (witness) => /\bT = \d+/.exec(witness)[0];

  return function () {
    const one = MUTANTS[which.value], [name, marks, found, right] = one.mutants[error.value], split = name.indexOf(": ");
    const what = name.slice(0, split), spot = safe(name.slice(split + 2).replace(/ #\d+$/, ""));
    // A mutant names the term that it changes; where the term stands more than once, all places are marked.
    code.innerHTML = `<pre tabindex="0" role="region" aria-label="The equation as the book's check has it">${safe(one.code).split(spot).join(`<mark>${spot}</mark>`)}</pre>`;
    fates.innerHTML = `<ol aria-label="Witnesses">${one.witnesses.map((w, i) => `<li><span class="x-fate">${WORDS[marks[i]]}</span> ${safe(w)}</li>`).join("")}</ol>`;
    const first = marks.search(/[1x]/), all = one.mutants.length, blind = one.mutants.filter(([, m]) => m[0] === "0").length;
    const at = first < 0 ? "" : `witness ${first + 1} of ${marks.length}, ${length(one.witnesses[first])}`;
    box.say(
      `“${what}” in ${name.slice(split + 2)}: ` +
      (first < 0 ? `no witness sees it. It is the same formula: the check names it as an invariant.` : marks[first] === "x" ? `it crashes at ${at}.` : `seen first at ${at}, where it gives ${found.replace("-", "−")} and ${one.what === "the three rates" ? "one rate" : one.what} is ${right.replace("-", "−")}.`) +
      ` Of ${all} variants of this equation ${blind} pass the first witness, ${length(one.witnesses[0])}, and ${one.mutants.filter(([, m]) => !/[1x]/.test(m)).length} pass all.`,
    );
  };
});
