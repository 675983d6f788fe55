// The page's address says what it shows: the tab, the conversation, what is searched for, and the
// source that is open. Back, Forward, a reload and a second tab go by it. No library.
(() => {
  "use strict";

  const kb = (window.kb ||= {});
  // As the server wrote it into the page; it stays when the address changes.
  const base = new URL(document.baseURI);
  const TABS = { "": "chat", c: "chat", search: "search", library: "library", settings: "settings", source: "library" };

  function read() {
    const [first, id = ""] = location.pathname.slice(base.pathname.length).split("/");
    const known = Object.hasOwn(TABS, first) ? first : "";
    return {
      tab: TABS[known],
      talk: known === "c" ? id : "",
      source: known === "source" ? id : "",
      words: new URLSearchParams(location.search).get("q") || "",
      open: new URLSearchParams(location.hash.slice(1)),
    };
  }

  // What each tab showed last: it shows it again when it is gone back to by its own button.
  const shown = { chat: "", search: "search", library: "library", settings: "settings" };

  function note() {
    const { tab } = read();
    shown[tab] = location.pathname.slice(base.pathname.length) + location.search;
  }

  kb.address = read;
  kb.go = (path, how = "pushState") => {
    history[how]({}, "", new URL(path, base));
    note();
  };
  // The conversation that the Chat tab shows now.
  kb.talkIs = (id) => {
    const path = id ? `c/${id}` : "";
    if (read().tab !== "chat") shown.chat = path;
    else if (read().talk !== id) kb.go(path);
  };

  // What the Library tab's list shows now: whether somebody chose it or came to it, and its address.
  let listed = "";
  kb.libraryIs = (value) => {
    const [how, query] = value.split(" ");
    listed = query;
    if (read().tab !== "library") shown.library = `library${query}`;
    else if (query !== location.search) {
      kb.go(`library${query}`, how === "came" || isTyping(query) ? "replaceState" : "pushState");
    }
  };
  // A name that is written on is one entry of the history, not one for each letter.
  function isTyping(query) {
    const [then, now] = [new URLSearchParams(location.search), new URLSearchParams(query)];
    if (!then.get("name") || !now.get("name")) return false;
    for (const fields of [then, now]) ["name", "page"].forEach((field) => fields.delete(field));
    return then.toString() === now.toString();
  }
  function showList() {
    const at = read();
    if (at.tab !== "library" || at.source || location.search === listed || !kb.lookInto) return;
    listed = location.search;
    kb.lookInto(new URLSearchParams(listed));
  }
  kb.listIsThere = showList;

  function tabOf(name) {
    return document.getElementById(`kb-tab-${name}-button`);
  }

  document.addEventListener("click", (event) => {
    const tab = event.target.closest('#kb-tabs [role="tab"]');
    const name = tab && /^kb-tab-(\w+)-button$/.exec(tab.id)?.[1];
    if (name && Object.hasOwn(shown, name) && read().tab !== name) kb.go(shown[name]);
  });

  // --- the source that is open -----------------------------------------------------------
  function named(from) {
    const turn = from.closest("[data-turn]");
    if (turn && from.dataset.number) return `turn=${turn.dataset.turn}&cite=${from.dataset.number}`;
    const hit = from.closest(".kb-hit");
    return hit ? `hit=${[...hit.parentElement.children].indexOf(hit) + 1}` : "";
  }

  kb.viewOpened = (from) => {
    const turned = from && from.dataset && /\/pages\/(\d+)$/.exec(from.dataset.view || "");
    if (turned && read().source) {
      history.replaceState(history.state, "", `${location.pathname}#page=${turned[1]}`);
      return;
    }
    const fragment = from && from.dataset ? named(from) : "";
    if (!fragment || location.hash === `#${fragment}`) return;
    const how = location.hash ? "replaceState" : "pushState";
    const state = location.hash ? history.state : { isViewer: true };
    history[how](state, "", `${location.pathname}${location.search}#${fragment}`);
  };
  kb.viewClosed = () => {
    if (!location.hash) return;
    if (history.state && history.state.isViewer) history.back();
    else if (read().source) kb.go("library", "replaceState");
    else history.replaceState({}, "", location.pathname + location.search);
  };

  const isNumber = (text) => /^\d{1,6}$/.test(text || "");

  function opener(open) {
    if (isNumber(open.get("hit"))) {
      return document.querySelector(`.kb-hits > :nth-child(${open.get("hit")}) [data-view]`);
    }
    if (!isNumber(open.get("cite"))) return null;
    const turn = isNumber(open.get("turn")) ? `[data-turn="${open.get("turn")}"]` : "[data-turn]";
    const found = document.querySelectorAll(`${turn} [data-number="${open.get("cite")}"][data-view]`);
    return found[found.length - 1] || null;
  }

  // Called when the page's address changed, and when what it names has come.
  kb.showOpen = () => {
    const { open, source } = read();
    if (source) {
      const page = isNumber(open.get("page")) ? open.get("page") : "1";
      kb.view(`media/view/documents/${encodeURIComponent(source)}/pages/${page}`, null);
      return;
    }
    const from = opener(open);
    if (from) kb.view(from.dataset.view, from);
    else if (!location.hash) kb.closeView();
  };

  // --- words that are searched for -------------------------------------------------------
  const SEARCH = "#kb-search-query textarea";
  let searched = "";

  kb.searched = () => {
    const box = document.querySelector(SEARCH);
    const words = box ? box.value.trim() : "";
    if (read().tab === "search" && words !== read().words) {
      const path = words ? `search?${new URLSearchParams({ q: words })}` : "search";
      kb.go(path, searched || !words ? "pushState" : "replaceState");
    }
    searched = words;
    if (read().tab === "search") kb.showOpen();
  };

  function search(words) {
    if (words === searched) return;
    searched = words;
    whenThere(SEARCH, (box) => {
      box.value = words;
      box.dispatchEvent(new Event("input", { bubbles: true }));
      const press = { key: "Enter", bubbles: true, cancelable: true };
      setTimeout(() => box.dispatchEvent(new KeyboardEvent("keypress", press)));
    });
  }

  // --- going there -----------------------------------------------------------------------
  function whenThere(selector, then) {
    const look = () => {
      const found = typeof selector === "function" ? selector() : document.querySelector(selector);
      if (found) then(found);
      return Boolean(found);
    };
    if (look()) return;
    const observer = new MutationObserver(() => look() && observer.disconnect());
    observer.observe(document, { childList: true, subtree: true });
  }
  kb.whenThere = whenThere;

  function apply() {
    note();
    const at = read();
    whenThere(
      () => tabOf(at.tab),
      (tab) => {
        if (tab.getAttribute("aria-selected") !== "true") tab.click();
        if (at.tab === "search") search(at.words);
      },
    );
    showList();
    if (at.tab === "chat" && kb.openTalk) kb.openTalk(at.talk);
    if (kb.view) kb.showOpen();
  }

  window.addEventListener("popstate", apply);
  note();
  if (read().tab !== "chat") apply();
})();
