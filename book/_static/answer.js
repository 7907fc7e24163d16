/* The field of an exercise: compares a number with what a cell of the page computed. A fraction is a number too. */
(() => {
  "use strict";
  const part = "[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?";
  const form = new RegExp(`^(${part})(?:/(${part}))?$`, "i");

  function number(text) {
    const found = form.exec(text.replace(/\s/g, "").replace(/[−–]/g, "-").replace(/^([^,]*),([^,]*)$/, "$1.$2"));
    return found ? Number(found[1]) / Number(found[2] ?? 1) : NaN;
  }

  function said(text, field) {
    const value = number(text);
    const right = Number(field.dataset.right);
    const tolerance = Number(field.dataset.tolerance);
    if (!Number.isFinite(value)) return [false, "Write a number, such as 0.75, 3/4 or 2e-3."];
    if (Math.abs(value - right) <= tolerance) return [true, "Right."];
    const near = Math.abs(value - right) <= 5 * tolerance && "close, give another digit";
    const sign = Math.abs(value + right) <= tolerance && "the size is right, the sign is not";
    return [false, `Not yet: ${[sign || near, field.dataset.hint].filter(Boolean).join("; ")}.`.replace("?.", "?")];
  }

  document.querySelectorAll("form.answer").forEach((field) => {
    const input = field.querySelector("input");
    const output = field.querySelector("output");
    field.hidden = false;
    input.addEventListener("input", () => {
      field.classList.remove("right", "not-yet");
      input.removeAttribute("aria-invalid");
      output.textContent = "";
    });
    field.addEventListener("submit", (event) => {
      event.preventDefault();
      const [right, text] = said(input.value, field);
      field.classList.toggle("right", right);
      field.classList.toggle("not-yet", !right);
      if (right) input.removeAttribute("aria-invalid");
      else input.setAttribute("aria-invalid", "true");
      output.textContent = text;
    });
  });
})();
