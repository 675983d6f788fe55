// The viewer, the theme switch, confirmations, the kept draft. No library; loaded from the same
// origin. Everything is delegated from the document, since the pages replace their HTML.
(() => {
  "use strict";

  const kb = (window.kb ||= {});

  // --- language: what the server put into the page (ui/web/spoken_page.py) -----------------
  // A message is a literal in double quotes; {names} in it are filled from `values`.
  kb.tr = (message, values = {}) =>
    (window.kbMessages?.[message] ?? message).replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const tr = kb.tr;

  function speak(language) {
    const path = new URL(document.baseURI).pathname;
    document.cookie = `kb-language=${language}; path=${path}; max-age=31536000; samesite=lax`;
    location.reload();
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-language]")) speak(event.target.value);
  });

  const THEME_KEY = "kb-theme";

  // --- light and dark: the system's choice, until the person makes one -------------------
  const systemDark = window.matchMedia("(prefers-color-scheme: dark)");

  function wantsDark() {
    const chosen = localStorage.getItem(THEME_KEY);
    return chosen ? chosen === "dark" : systemDark.matches;
  }

  function applyTheme() {
    const dark = wantsDark();
    if (document.body && document.body.classList.contains("dark") !== dark) {
      document.body.classList.toggle("dark", dark);
    }
    document.documentElement.style.colorScheme = dark ? "dark" : "light";
  }

  function toggleTheme() {
    localStorage.setItem(THEME_KEY, wantsDark() ? "light" : "dark");
    applyTheme();
  }

  systemDark.addEventListener("change", applyTheme);

  // --- the viewer ------------------------------------------------------------------------
  let viewer = null;
  let opener = null;
  let request = 0;

  function dialog(className, label) {
    const element = document.createElement("dialog");
    element.className = className;
    if (label) element.setAttribute("aria-label", label);
    // A click on the backdrop lands on the dialog itself.
    element.addEventListener("click", (event) => {
      if (event.target === element) element.close();
    });
    document.body.append(element);
    return element;
  }

  function viewerDialog() {
    if (viewer) return viewer;
    viewer = dialog("kb-viewer");
    viewer.setAttribute("aria-labelledby", "kb-viewer-title");
    viewer.addEventListener("close", () => {
      request += 1;
      viewer.replaceChildren();
      if (opener && opener.isConnected) opener.focus();
      opener = null;
      kb.viewClosed();
    });
    return viewer;
  }

  kb.dialog = dialog;
  kb.view = (url, from) => openViewer(url, from);
  kb.closeView = () => {
    if (viewer && viewer.open) viewer.close();
  };

  async function openViewer(url, from) {
    kb.viewOpened(from);
    const element = viewerDialog();
    if (!element.open) {
      opener = from;
      element.innerHTML = '<p class="kb-viewer-wait" role="status"></p>';
      element.firstChild.textContent = tr("Opening…");
      element.showModal();
    }
    const mine = ++request;
    try {
      const response = await fetch(url);
      const content = response.ok
        ? await response.text()
        : failure((await response.json().catch(() => ({}))).detail || tr("Error {status}", response));
      if (mine === request) fill(element, content, from);
    } catch {
      if (mine === request) fill(element, failure(tr("The server does not answer.")), from);
    }
  }

  function escaped(text) {
    const box = document.createElement("p");
    box.textContent = text;
    return box.innerHTML;
  }

  function failure(text) {
    return (
      '<header class="kb-viewer-head"><h2 class="kb-viewer-title" id="kb-viewer-title">' +
      `${escaped(tr("Not available"))}</h2>` +
      '<div class="kb-tools"><button type="button" class="kb-tool kb-tool-text" data-close>' +
      `${escaped(tr("Close"))}</button></div></header>` +
      `<div class="kb-viewer-body"><div class="kb-message kb-message-error" role="alert">` +
      `<p>${escaped(text)}</p></div></div>`
    );
  }

  function fill(element, content, from) {
    const turned = from && from.dataset ? from.dataset.pageTurn : null;
    element.innerHTML = content; // escaped by the server, see ui/web/html/viewer.py
    const same = turned && element.querySelector(`[data-page-turn="${turned}"]:not([disabled])`);
    (same || element.querySelector("[data-close]")).focus();
    const image = element.querySelector(".kb-page img");
    if (image) {
      if (image.complete) showMark(element);
      else image.addEventListener("load", () => showMark(element), { once: true });
    }
    const quoted = element.querySelector("mark.kb-quote, .kb-row-marked");
    if (quoted) quoted.scrollIntoView({ block: "center" });
    const frame = element.querySelector(".kb-frame[aria-current]");
    if (frame) frame.parentElement.scrollLeft = frame.offsetLeft - frame.parentElement.offsetLeft;
    const player = element.querySelector("video, audio");
    if (player) startPlayer(element, player);
  }

  function showMark(element) {
    const mark = element.querySelector(".kb-mark");
    if (mark) mark.scrollIntoView({ block: "center", inline: "center" });
  }

  function startPlayer(element, player) {
    const start = Number(player.dataset.startS);
    const failed = () => {
      player.hidden = true;
      element.querySelector(".kb-video-failed").hidden = false;
    };
    player.addEventListener(
      "loadedmetadata",
      () => {
        if (Math.abs(player.currentTime - start) > 0.5) player.currentTime = start;
      },
      { once: true },
    );
    player.addEventListener("error", failed);
    const caption = element.querySelector(".kb-caption");
    if (caption) {
      // A browser draws the text tracks of a video alone.
      for (const track of player.textTracks) {
        track.addEventListener("cuechange", () => {
          if (track.mode !== "showing") return;
          const lines = [...(track.activeCues || [])].map((cue) => cue.getCueAsHTML().textContent);
          caption.textContent = lines.join(" ");
        });
      }
    }
    player.play().catch(() => {}); // a browser may refuse to start by itself
  }

  // --- chat ------------------------------------------------------------------------------
  // What is typed but not sent is kept in this tab: a page that lost its server loads itself again
  // (Gradio does that) when the server is back.
  const DRAFT_KEY = "kb-draft";
  const BOX = "#kb-question textarea";

  function stored(key, value) {
    try {
      if (value === undefined) return sessionStorage.getItem(key);
      if (value === null) sessionStorage.removeItem(key);
      else sessionStorage.setItem(key, value);
      return true;
    } catch {
      return null; // refused by the browser's settings, or full
    }
  }

  window.addEventListener("pagehide", () => {
    const box = document.querySelector(BOX);
    if (box) stored(DRAFT_KEY, box.value || null);
  });

  function restoreDraft() {
    const draft = stored(DRAFT_KEY);
    if (!draft) return;
    stored(DRAFT_KEY, null);
    const observer = new MutationObserver(() => {
      const box = document.querySelector(BOX);
      if (!box) return;
      observer.disconnect();
      if (box.value) return;
      box.value = draft;
      box.dispatchEvent(new Event("input", { bubbles: true }));
    });
    observer.observe(document.body, { childList: true, subtree: true });
  }

  // --- focus -----------------------------------------------------------------------------
  // A control keeps the focus when the list that it stands in is drawn anew.
  kb.keepFocus = (element) => {
    const keyOf = (control) => control.dataset.focus || `${control.dataset.act} ${control.dataset.source}`;
    let last = null;
    element.addEventListener("focusin", (event) => (last = event.target));
    document.addEventListener("pointerdown", (event) => {
      if (!element.contains(event.target)) last = null;
    });
    return () => {
      if (!last || last.isConnected || document.activeElement !== document.body) return;
      const group = last.dataset.group;
      const controls = [...element.querySelectorAll("button, input, select")];
      const same = controls.find((control) => keyOf(control) === keyOf(last) && !control.disabled);
      // "Next" on the last page is off: the group's first control takes over.
      const near = controls.find((control) => group && control.dataset.group === group && !control.disabled);
      (same || near)?.focus({ preventScroll: true });
    };
  };

  // --- one place for clicks --------------------------------------------------------------
  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest(selector);
    for (const open of document.querySelectorAll(".kb-profile[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
    let target;
    if ((target = on("[data-view]"))) {
      openViewer(target.dataset.view, target);
    } else if ((target = on("[data-close]"))) {
      target.closest("dialog").close();
    } else if ((target = on("[data-seek-s]"))) {
      const player = target.closest("dialog").querySelector("video, audio");
      if (player && !player.hidden) {
        player.currentTime = Number(target.dataset.seekS);
        for (const frame of target.parentElement.children) frame.removeAttribute("aria-current");
        target.setAttribute("aria-current", "true");
      }
    } else if ((target = on("[data-theme-toggle]"))) {
      toggleTheme();
    } else if ((target = on("[data-goto]"))) {
      goTo(target.dataset.goto);
    } else if ((target = on("[data-copy]"))) {
      copy(target);
    } else if ((target = on("[data-edit]"))) {
      edit(target.dataset.edit);
    }
  });

  function goTo(name) {
    const tab = document.querySelector(`#kb-tab-${name}-button`);
    if (tab) tab.click();
  }

  // A question as it was understood goes back into the box, to be said otherwise.
  function edit(question) {
    const box = document.querySelector(BOX);
    if (!box) return;
    box.value = question;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
  }

  async function copy(button) {
    const text = button.parentElement.querySelector(button.dataset.copy).textContent;
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = tr("Copied");
    } catch {
      button.textContent = tr("Copying is blocked by the browser");
    }
    setTimeout(() => (button.textContent = label), 1600);
  }

  // A number in the answer and its card light up together.
  function highlight(event, on) {
    const item = event.target.closest && event.target.closest("[data-number]");
    const turn = item && item.closest("[data-turn]");
    if (!turn) return;
    for (const other of turn.querySelectorAll(`[data-number="${item.dataset.number}"]`)) {
      other.classList.toggle("kb-lit", on);
    }
  }
  for (const [name, on] of [["mouseover", true], ["mouseout", false], ["focusin", true], ["focusout", false]]) {
    document.addEventListener(name, (event) => highlight(event, on));
  }

  // --- keyboard --------------------------------------------------------------------------
  document.addEventListener("keydown", (event) => {
    if (viewer && viewer.open) {
      if (event.target.closest("video, .kb-passage-full")) return;
      const word = { ArrowLeft: "previous", ArrowRight: "next" }[event.key];
      const button = word && viewer.querySelector(`[data-page-turn="${word}"]:not([disabled])`);
      if (button) {
        event.preventDefault();
        button.click();
      }
      return;
    }
    if (event.key === "/" && !event.target.closest("input, textarea, [contenteditable]")) {
      const box = [...document.querySelectorAll("#kb-question textarea, #kb-search-query textarea")]
        .find((element) => element.offsetParent);
      if (box) {
        event.preventDefault();
        box.focus();
      }
    }
  });

  // A thumbnail that does not load gives way to the icon under it.
  document.addEventListener(
    "error",
    (event) => {
      if (event.target.matches && event.target.matches(".kb-thumb img")) event.target.remove();
    },
    true,
  );

  // Gradio shows the names of files that it does not take as HTML. So no name has markup in it by
  // the time Gradio sees it; those that the library takes are changed likewise.
  function plainFiles(files) {
    if (![...files].some((file) => /[<>]/.test(file.name))) return null;
    const plain = new DataTransfer();
    for (const file of files) {
      const name = file.name.replaceAll("<", "\u2039").replaceAll(">", "\u203a");
      const { type, lastModified } = file;
      plain.items.add(name === file.name ? file : new File([file], name, { type, lastModified }));
    }
    return plain;
  }
  document.addEventListener(
    "change",
    (event) => {
      const plain = event.target.type === "file" && plainFiles(event.target.files);
      if (plain) event.target.files = plain.files;
    },
    true,
  );
  for (const [kind, data, Kind] of [
    ["drop", "dataTransfer", DragEvent],
    ["paste", "clipboardData", ClipboardEvent],
  ]) {
    document.addEventListener(
      kind,
      (event) => {
        const plain = event[data] && plainFiles(event[data].files);
        if (!plain) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        const again = { [data]: plain, bubbles: true, cancelable: true };
        event.target.dispatchEvent(new Kind(kind, again));
      },
      true,
    );
  }

  // A notice's words are HTML as well, whatever else may be among them. Gradio's own are English.
  const NOTICES = {
    Error: tr("Error"),
    "Connection Lost": tr("Connection lost"),
    "Connection to the server was lost. Attempting reconnection...": tr("The server does not answer. The page goes on when it is back."),
    "Connection errored out.": tr("The server does not answer."),
    "This application is currently busy. Please try again.": tr("Too much is asked at once. Try again in a moment."),
  };
  function plainNotices() {
    for (const words of document.querySelectorAll('[data-testid="toast-text"], .toast-title')) {
      const said = words.textContent.trim();
      if (words.firstElementChild || NOTICES[said]) {
        const plain = NOTICES[said] ?? words.textContent;
        if (plain !== said || words.firstElementChild) words.textContent = plain;
      }
    }
  }

  function begin() {
    applyTheme();
    const style = document.documentElement.style;
    style.setProperty("--kb-within", JSON.stringify(tr("Ask within")));
    style.setProperty("--kb-within-all", JSON.stringify(tr("Ask within the whole library, or choose")));
    restoreDraft();
    new MutationObserver(plainNotices).observe(document.body, { childList: true, subtree: true });
    // Gradio sets its own idea of the theme when it starts.
    new MutationObserver(applyTheme).observe(document.body, { attributeFilter: ["class"] });
  }
  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin);
})();
