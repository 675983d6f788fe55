// The Chat page: its turns, and the list of conversations beside them. No library; everything is
// delegated from the document, since the pages replace their HTML.
(() => {
  "use strict";

  const kb = (window.kb ||= {});
  const tr = kb.tr;
  const root = document.documentElement;
  const BOX = "#kb-question textarea";
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

  // The conversation that is shown; empty for one that has not begun.
  let shown = kb.address().talk;
  if (shown) root.classList.add("kb-restoring");

  // --- turns -----------------------------------------------------------------------------
  // What was asked leaves the box; what was typed after it stays.
  function takeOut(question) {
    const box = document.querySelector(BOX);
    if (!question || !box || !box.value.trimStart().startsWith(question)) return;
    box.value = box.value.trimStart().slice(question.length).trimStart();
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // Asked while the page was loading, a turn comes a second time, among those of before. It is
  // hidden, not removed: its element is Gradio's.
  function hideTwin() {
    const turn = document.querySelector("#kb-live [data-turn]");
    if (!turn) return;
    for (const twin of document.querySelectorAll(`#kb-past [data-turn="${turn.dataset.turn}"]`)) {
      twin.hidden = true;
      twin.removeAttribute("data-turn");
    }
  }

  let lastTurn = "";
  // The page stands where it ends at once and its turns are drawn on their way there. Were it
  // scrolled smoothly, the new turn would be laid out below the last one for some frames, in the
  // element that held that one, which browsers count as a shift where the answer came late.
  function slideTo(turn) {
    const from = turn.getBoundingClientRect().top;
    turn.scrollIntoView({ block: "start", behavior: "instant" });
    const by = from - turn.getBoundingClientRect().top;
    if (calm.matches || !by) return;
    const way = [{ transform: `translateY(${by}px)` }, { transform: "none" }];
    for (const part of document.querySelectorAll("#kb-past, #kb-live")) {
      part.animate(way, { duration: 250, easing: "ease-out" });
    }
  }

  kb.onTurn = (element) => {
    const turn = element.querySelector("[data-turn]");
    hideTwin();
    const id = (turn && turn.dataset.conversation) || "";
    const name = turn ? `${id} ${turn.dataset.turn}` : "";
    if (turn && name !== lastTurn) {
      kb.rewritten = "";
      const question = turn.querySelector(".kb-question > p");
      takeOut(question ? question.textContent : "");
      if (id && id !== shown) {
        shown = id;
        kb.talkIs(id);
        mark();
      }
      if (turn.dataset.turn !== "1") slideTo(turn);
    }
    lastTurn = name;
  };

  kb.turnsShown = () => {
    root.classList.remove("kb-restoring");
    hideTwin();
    mark();
    const last = document.querySelector("#kb-past .kb-turn:last-child");
    if (last && !document.querySelector("#kb-live [data-turn]")) last.scrollIntoView();
    kb.showOpen();
  };

  // The question in the box is another one than the turn that was taken back into it.
  document.addEventListener("input", (event) => {
    if (event.target.matches(BOX) && !event.target.value) kb.rewritten = "";
  });

  async function copy(button) {
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copyText);
      button.textContent = tr("Copied");
    } catch {
      button.textContent = tr("Copying is blocked by the browser");
    }
    setTimeout(() => (button.textContent = label), 1600);
  }

  // --- conversations ---------------------------------------------------------------------
  kb.openTalk = (id) => {
    if (id === shown || !window.kbTalks) return;
    shown = id;
    root.classList.toggle("kb-restoring", Boolean(id));
    mark();
    window.kbTalks.open(id);
  };
  kb.newTalk = () => {
    kb.talkIs("");
    kb.openTalk("");
    const box = document.querySelector(BOX);
    if (box) box.focus();
  };

  function mark() {
    for (const link of document.querySelectorAll("#kb-talks [data-talk]")) {
      if (link.dataset.talk === shown) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const current = document.querySelector('#kb-talks [aria-current="page"]');
    const name = tr("Knowledge base");
    document.title = current ? `${current.textContent} · ${name}` : name;
  }
  // The list itself comes a little later than its value.
  kb.talksShown = () => setTimeout(mark, 50);

  function drawer(isOpen) {
    root.classList.toggle("kb-talks-open", isOpen);
    const button = document.querySelector("[data-talks-toggle]");
    if (button) button.setAttribute("aria-expanded", String(isOpen));
    const side = document.querySelector("#kb-talk-side");
    const first = isOpen && side && side.querySelector("button, input, textarea, a");
    if (first) first.focus();
  }

  function rename(button) {
    const element = document.createElement("dialog");
    element.className = "kb-confirm";
    element.setAttribute("aria-label", tr("Rename this conversation"));
    element.innerHTML =
      "<form method='dialog'><h2></h2><input class='kb-field' maxlength='200' required>" +
      "<div class='kb-confirm-buttons'>" +
      "<button type='button' class='kb-button kb-button-quiet' data-close></button>" +
      "<button type='submit' class='kb-button' value='yes'></button></div></form>";
    element.querySelector("h2").textContent = tr("Rename this conversation");
    element.querySelector("[data-close]").textContent = tr("Keep the title");
    element.querySelector("[type=submit]").textContent = tr("Rename");
    const field = element.querySelector("input");
    field.setAttribute("aria-label", tr("Title"));
    field.value = button.dataset.title;
    element.addEventListener("close", () => {
      element.remove();
      const title = field.value.trim();
      if (element.returnValue === "yes" && title) window.kbTalks.act("rename", button.dataset.id, title);
    });
    // The page's policy lets no form be sent; a dialog's form sends nothing.
    element.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      element.close("yes");
    });
    document.body.append(element);
    element.showModal();
    field.select();
  }

  function act(button) {
    const { talkAct, id } = button.dataset;
    if (talkAct === "rename") {
      rename(button);
      return;
    }
    if (talkAct === "delete" && id === shown) kb.newTalk();
    window.kbTalks.act(talkAct, id);
  }

  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest(selector);
    for (const menu of document.querySelectorAll(".kb-talk-menu[open]")) {
      if (!menu.contains(event.target) || on("button, a")) menu.open = false;
    }
    let target;
    if ((target = on("[data-talk]"))) {
      // Another window is the browser's to open.
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      if (!target.dataset.talk) kb.newTalk();
      else {
        kb.talkIs(target.dataset.talk);
        kb.openTalk(target.dataset.talk);
      }
      drawer(false);
    } else if ((target = on("[data-rewrite]"))) {
      kb.rewritten = target.dataset.rewrite;
      document.querySelector(BOX)?.focus();
    } else if ((target = on("[data-copy-text]"))) {
      copy(target);
    } else if ((target = on("[data-talk-act]"))) {
      act(target);
    } else if (on("[data-talks-toggle]")) {
      drawer(!root.classList.contains("kb-talks-open"));
    } else if (root.classList.contains("kb-talks-open") && !on("#kb-talk-side, dialog")) {
      drawer(false);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector(".kb-talk-menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    } else if (root.classList.contains("kb-talks-open")) {
      drawer(false);
      document.querySelector("[data-talks-toggle]").focus();
    }
  });
  // Another tab may have asked meanwhile.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && window.kbTalks) window.kbTalks.show();
  });
})();
