// The keyboard: arrow keys between the tabs, and a list of the keys; and names for what Gradio
// leaves nameless, or names in English alone. No library.
(() => {
  "use strict";

  const kb = (window.kb ||= {});
  const tr = kb.tr;

  // --- tabs: as the pattern of WAI-ARIA has it ---------------------------------------------
  const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

  function turnTab(event) {
    const tab = event.target.closest('#kb-tabs [role="tab"]');
    const step = STEPS[event.key];
    if (!tab || !step || event.ctrlKey || event.altKey || event.metaKey) return;
    const tabs = [...document.querySelectorAll('#kb-tabs [role="tab"]')].filter((one) => one.offsetParent);
    const at = tabs.indexOf(tab);
    const to = Number.isFinite(step) ? (at + step + tabs.length) % tabs.length : step < 0 ? 0 : tabs.length - 1;
    event.preventDefault();
    tabs[to].click();
    tabs[to].focus();
  }

  // --- the list of keys --------------------------------------------------------------------
  function keys() {
    return [
      ["?", tr("Show this list")],
      ["/", tr("Go to the box for a question or a search")],
      ["Enter", tr("Ask or search")],
      ["Shift + Enter", tr("Begin a new line")],
      ["← →", tr("On a tab: the next one. In an open source: turn its pages")],
      ["Esc", tr("Close what is open")],
    ];
  }

  function showKeys() {
    if (document.querySelector("dialog[open]")) return;
    const element = kb.dialog("kb-confirm kb-keys", tr("Keys"));
    element.innerHTML =
      "<h2></h2><dl></dl><div class='kb-confirm-buttons'>" +
      "<button type='button' class='kb-button kb-button-quiet' data-close></button></div>";
    element.querySelector("h2").textContent = tr("Keys");
    element.querySelector("[data-close]").textContent = tr("Close");
    for (const [key, meaning] of keys()) {
      const name = document.createElement("dt");
      name.append(document.createElement("kbd"));
      name.firstChild.textContent = key;
      const what = document.createElement("dd");
      what.textContent = meaning;
      element.querySelector("dl").append(name, what);
    }
    element.addEventListener("close", () => element.remove());
    element.showModal();
  }

  document.addEventListener("keydown", (event) => {
    turnTab(event);
    const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "?" && !isTyping) showKeys();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-keys]")) showKeys();
  });

  // --- names of Gradio's controls ----------------------------------------------------------
  const NAMES = {
    "More tabs": tr("More tabs"),
    "Multimedia input field": tr("Words and files"),
    "Click to upload or drop files": tr("Click to upload or drop files"),
    "File upload": tr("File upload"),
    "Upload a file": tr("Upload a file"),
    "Remove this file": tr("Remove this file"),
    "Remove file": tr("Remove this file"),
    Submit: tr("Send"),
    Stop: tr("Stop"),
    Close: tr("Close"),
  };
  const NAMED = Object.keys(NAMES)
    .map((name) => `[aria-label="${name}"]`)
    .join();

  function nameControls() {
    for (const element of document.querySelectorAll(NAMED)) {
      const name = NAMES[element.getAttribute("aria-label")];
      if (name !== element.getAttribute("aria-label")) element.setAttribute("aria-label", name);
    }
    for (const button of document.querySelectorAll(".timebox button:not([aria-label])")) {
      button.setAttribute("aria-label", tr("Choose a day"));
    }
    // Of a checkbox Gradio shows the value as a hint, which is for programs.
    for (const input of document.querySelectorAll("#kb-filters label > input[title]")) {
      input.removeAttribute("title");
    }
  }

  function begin() {
    nameControls();
    new MutationObserver(nameControls).observe(document.body, { childList: true, subtree: true });
  }
  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin);
})();
