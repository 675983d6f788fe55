// The Settings page's tokens of programs.
(() => {
  "use strict";

  const kb = (window.kb ||= {});
  const tr = kb.tr;

  kb.tokens = (element, trigger) => {
    function make() {
      const field = element.querySelector("[data-token-name]");
      const name = field.value.trim();
      if (!name) {
        field.focus();
        return;
      }
      const scopes = [...element.querySelectorAll("[data-token-scope]:checked")].map((box) => box.value);
      trigger("submit", { name, scopes });
    }
    async function revoke(name) {
      const isYes = await kb.confirm({
        title: tr("Revoke the token of {name}?", { name }),
        text: tr("The program is let in no more. This cannot be undone."),
        yes: tr("Revoke"),
        no: tr("Keep"),
      });
      if (isYes) trigger("revoke", { name });
    }
    element.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      if ("tokenMake" in button.dataset) make();
      if (button.dataset.tokenRevoke) revoke(button.dataset.tokenRevoke);
    });
    element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !event.target.matches("[data-token-name]")) return;
      event.preventDefault();
      make();
    });
  };
})();
