// Thumbs at an answer: kept by the server at once, and the reason when it is given.
(() => {
  "use strict";

  const kb = (window.kb ||= {});
  const tr = kb.tr;

  function address(rate) {
    const { conversation, turn } = rate.closest("[data-turn]").dataset;
    return `api/v1/conversations/${conversation}/turns/${turn}/feedback`;
  }

  async function send(rate, method, body) {
    const told = rate.querySelector(".kb-rated");
    try {
      const response = await fetch(address(rate), {
        method,
        headers: { "X-KB-Request": "1", "Content-Type": "application/json" },
        body: body && JSON.stringify(body),
      });
      if (response.ok) return true;
      const problem = await response.json().catch(() => ({}));
      told.textContent = problem.detail || tr("Error {status}", response);
    } catch {
      told.textContent = tr("The server does not answer.");
    }
    return false;
  }

  function press(rate, name) {
    for (const button of rate.querySelectorAll("[data-rate]")) {
      button.setAttribute("aria-pressed", String(button.dataset.rate === name));
    }
    const why = rate.querySelector(".kb-rate-why");
    why.hidden = !name;
    why.querySelector("fieldset").hidden = name !== "bad";
  }

  async function judge(button) {
    const rate = button.closest(".kb-rate");
    const isPressed = button.getAttribute("aria-pressed") === "true";
    const isGood = button.dataset.rate === "good";
    if (!(await send(rate, isPressed ? "DELETE" : "PUT", isPressed ? null : { is_good: isGood }))) return;
    press(rate, isPressed ? "" : button.dataset.rate);
    for (const input of rate.querySelectorAll("input")) {
      if (input.type === "radio") input.checked = false;
      else input.value = "";
    }
    rate.querySelector(".kb-rated").textContent = isPressed ? tr("Taken back") : tr("Kept. Thank you.");
  }

  async function save(button) {
    const rate = button.closest(".kb-rate");
    const isGood = rate.querySelector('[data-rate="good"]').getAttribute("aria-pressed") === "true";
    const chosen = isGood ? null : rate.querySelector("input:checked");
    const note = rate.querySelector(".kb-rate-note input").value.trim();
    const body = { is_good: isGood, reason: chosen ? chosen.value : null, note };
    if (!(await send(rate, "PUT", body))) return;
    const label = chosen ? chosen.closest("label").textContent.trim() : "";
    rate.querySelector(".kb-rated").textContent = [label, note].filter(Boolean).join(": ") || tr("Kept. Thank you.");
    rate.querySelector(".kb-rate-why").hidden = true;
    rate.querySelector('[aria-pressed="true"]').focus();
  }

  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest(selector);
    let target;
    if ((target = on("[data-rate]"))) judge(target);
    else if ((target = on("[data-rate-save]"))) save(target);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches(".kb-rate-note input")) return;
    event.preventDefault();
    save(event.target);
  });
})();
