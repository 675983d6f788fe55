// Why an answer is what it is: asked for when it is opened, and never before.
(() => {
  "use strict";

  const kb = (window.kb ||= {});
  const tr = kb.tr;

  async function fill(element, url) {
    element.textContent = tr("Searching…");
    element.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(url);
      if (response.ok) element.innerHTML = await response.text(); // escaped by the server
      else element.textContent = tr("Error {status}", response);
    } catch {
      element.textContent = tr("The server does not answer.");
    }
    element.removeAttribute("aria-busy");
  }

  document.addEventListener(
    "toggle",
    (event) => {
      const details = event.target;
      if (!details.matches?.(".kb-why") || !details.open || details.dataset.isFilled) return;
      details.dataset.isFilled = "yes";
      const { conversation, turn } = details.closest("[data-turn]").dataset;
      fill(details.querySelector(".kb-why-body"), `api/why/${conversation}/${turn}`);
    },
    true,
  );

  function look(group) {
    const file = group.querySelector("[data-why-file]");
    const page = group.querySelector("[data-why-page]");
    if (!file.value.trim()) {
      file.focus();
      return;
    }
    const asked = new URLSearchParams({ source: file.value.trim() });
    if (/^[1-9]\d{0,5}$/.test(page.value)) asked.set("page", page.value);
    fill(group.querySelector(".kb-why-lost"), `api/why/${group.dataset.whyOf}/page?${asked}`);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-why-ask]");
    if (button) look(button.closest(".kb-why-not"));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches(".kb-why-not input")) return;
    event.preventDefault();
    look(event.target.closest(".kb-why-not"));
  });
})();
