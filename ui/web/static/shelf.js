// The Library page's list: what is selected, and what is done with it. No library.
(() => {
  "use strict";

  const kb = (window.kb ||= {});
  const tr = kb.tr;
  const MOST_NAMED = 12;

  // Asks before files are deleted, or several are read again; tells whether to.
  kb.confirm = ({ title, text, names = [], yes, no, isDanger = true }) =>
    new Promise((resolve) => {
      const element = kb.dialog("kb-confirm", title);
      element.innerHTML =
        "<h2></h2><ul class='kb-confirm-names' tabindex='0'></ul><p></p><div class='kb-confirm-buttons'>" +
        "<button type='button' class='kb-button kb-button-quiet' value='no'></button>" +
        "<button type='button' class='kb-button' value='yes'></button></div>";
      element.querySelector("h2").textContent = title;
      element.querySelector("p").textContent = text;
      element.querySelector("[value=no]").textContent = no;
      element.querySelector("[value=yes]").textContent = yes;
      element.querySelector("[value=yes]").classList.toggle("kb-button-danger", isDanger);
      const list = element.querySelector("ul");
      list.hidden = !names.length;
      list.setAttribute("aria-label", title);
      const named = names.slice(0, MOST_NAMED);
      if (names.length > named.length) named.push(tr("and {n} more", { n: count(names.length - named.length) }));
      for (const name of named) {
        list.append(document.createElement("li"));
        list.lastChild.textContent = name;
      }
      element.addEventListener("click", (event) => {
        const button = event.target.closest("button");
        if (button) element.close(button.value);
      });
      element.addEventListener("close", () => {
        element.remove();
        resolve(element.returnValue === "yes");
      });
      element.showModal();
    });

  // As the server writes numbers.
  const count = (n) => n.toLocaleString("en-US");

  // How many of the files that something is asked about are not seen while it is.
  function notSeen(n) {
    return n ? " " + tr("{n} of them are not on this page.", { n: count(n) }) : "";
  }

  function confirmRemove(names, nNotSeen = 0, nStay = 0) {
    const title = names.length === 1 ? tr("Delete this file?") : tr("Delete {n} files?", { n: count(names.length) });
    let text = tr("Deleted files leave the index at once, and stay in the trash for 30 days.") + notSeen(nNotSeen);
    if (nStay) text += " " + tr("Selected files in folders that are indexed in place stay: {n}.", { n: count(nStay) });
    return kb.confirm({ title, text, names, yes: tr("Delete"), no: tr("Keep") });
  }

  function confirmRead(names, nNotSeen) {
    if (names.length === 1) return Promise.resolve(true);
    const title = tr("Read {n} files again?", { n: count(names.length) });
    const text =
      tr("What is found in them now stays until they are read. Long recordings and scans take a while.") +
      notSeen(nNotSeen);
    return kb.confirm({ title, text, names, yes: tr("Read again"), no: tr("Cancel"), isDanger: false });
  }

  // Asks for a name or a folder; gives what was written, or nothing.
  function askText({ title, label, text, yes, value = "", type = "text", choices = [] }) {
    return new Promise((resolve) => {
      const element = kb.dialog("kb-confirm", title);
      element.innerHTML =
        "<form method='dialog'><h2></h2><p></p><input class='kb-field' maxlength='1000' list='kb-ask-choices'>" +
        "<datalist id='kb-ask-choices'></datalist><div class='kb-confirm-buttons'>" +
        "<button type='button' class='kb-button kb-button-quiet' data-close></button>" +
        "<button type='submit' class='kb-button' value='yes'></button></div></form>";
      element.querySelector("h2").textContent = title;
      element.querySelector("p").textContent = text;
      element.querySelector("[data-close]").textContent = tr("Cancel");
      element.querySelector("[type=submit]").textContent = yes;
      const field = element.querySelector("input");
      field.setAttribute("aria-label", label);
      field.type = type;
      if (type === "password") field.autocomplete = "off";
      field.value = value;
      for (const choice of choices) {
        const option = document.createElement("option");
        option.value = choice;
        element.querySelector("datalist").append(option);
      }
      element.addEventListener("close", () => {
        element.remove();
        resolve(element.returnValue === "yes" ? field.value : null);
      });
      // The page's policy lets no form be sent; a dialog's form sends nothing.
      element.querySelector("form").addEventListener("submit", (event) => {
        event.preventDefault();
        element.close("yes");
      });
      element.showModal();
      field.focus();
      // The name itself, without its folders and its ending.
      const start = value.lastIndexOf("/") + 1;
      const dot = value.lastIndexOf(".");
      field.setSelectionRange(start, dot > start ? dot : value.length);
    });
  }

  function askPassword(source) {
    return askText({
      title: tr("Password of this file"),
      label: tr("Password"),
      text: tr("{source} is read with it. It is kept on the server, and tried on other locked files.", { source }),
      yes: tr("Read"),
      type: "password",
    });
  }

  function askName(source) {
    return askText({
      title: tr("Rename this file"),
      label: tr("Name, with its folders"),
      text: tr("With folders before the name, the file moves there."),
      value: source,
      yes: tr("Rename"),
    });
  }

  function askFolder(n, choices) {
    return askText({
      title: n === 1 ? tr("Move this file") : tr("Move {n} files", { n }),
      label: tr("Folder"),
      text: tr("A folder of the library, which is made if there is none. Empty: the library itself."),
      yes: tr("Move"),
      choices,
    });
  }

  const ADDRESS_FIELDS = ["folder", "in", "status", "kind", "name", "sort", "page"];

  // The list of files: `trigger` sends its events, `watch` calls back when it was drawn anew.
  kb.files = (element, trigger, watch) => {
    const focusAgain = kb.keepFocus(element);
    // By source; it stays when pages are turned.
    const picked = new Map();
    let turned = false;

    const boxes = () => [...element.querySelectorAll("[data-pick]")];
    function show() {
      for (const box of boxes()) box.checked = picked.has(box.dataset.pick);
      const all = element.querySelector("[data-pick-all]");
      if (all) {
        const n = boxes().filter((box) => box.checked).length;
        all.checked = n > 0 && n === boxes().length;
        all.indeterminate = n > 0 && !all.checked;
      }
      const bar = element.querySelector(".kb-picked");
      if (!bar) return;
      bar.hidden = !picked.size;
      bar.querySelector(".kb-picked-n").textContent = tr("{n} selected", { n: count(picked.size) });
      const isOurs = [...picked.values()].some(Boolean);
      for (const what of ["move", "remove"]) bar.querySelector(`[data-many=${what}]`).disabled = !isOurs;
    }
    function pick(box, isPicked) {
      if (isPicked) picked.set(box.dataset.pick, box.hasAttribute("data-deletable"));
      else picked.delete(box.dataset.pick);
    }
    const turn = (page) => {
      turned = true;
      trigger("turn", { page });
    };
    async function many(what) {
      if (what === "page") boxes().forEach((box) => pick(box, true));
      else if (what === "none") picked.clear();
      else if (what === "all") trigger("all", {});
      else {
        const deletable = [...picked].filter(([, is]) => is).map(([source]) => source);
        const sources = what === "read" ? [...picked.keys()] : deletable;
        const here = new Set(boxes().map((box) => box.dataset.pick));
        const nNotSeen = sources.filter((source) => !here.has(source)).length;
        let folder = "";
        if (what === "move") {
          const folders = [...element.querySelectorAll("[data-folder]")].map((button) => button.dataset.folder);
          folder = await askFolder(sources.length, folders.filter(Boolean));
          if (folder === null) return;
        } else if (what === "remove") {
          if (!(await confirmRemove(sources, nNotSeen, picked.size - sources.length))) return;
        } else if (!(await confirmRead(sources, nNotSeen))) return;
        picked.clear();
        trigger("many", { what, sources, folder });
      }
      show();
    }

    element.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      const { act, source, page } = button.dataset;
      if (page) turn(page);
      if (button.dataset.sort) trigger("sort", { order: button.dataset.sort });
      if ("folder" in button.dataset) trigger("folder", { root: button.dataset.root, folder: button.dataset.folder });
      if (button.dataset.many) many(button.dataset.many);
      if (act === "retry") trigger("retry", { source });
      if (act === "unlock") askPassword(source).then((password) => password && trigger("unlock", { source, password }));
      if (act === "rename") askName(source).then((target) => target && trigger("rename", { source, target }));
      if (act === "remove") confirmRemove([source]).then((yes) => yes && trigger("remove", { source }));
    });
    element.addEventListener("change", (event) => {
      if (event.target.matches("[data-page-number]")) turn(event.target.value);
      if (event.target.matches("[data-pick]")) pick(event.target, event.target.checked);
      if (event.target.matches("[data-pick-all]")) boxes().forEach((box) => pick(box, event.target.checked));
      if (event.target.matches("[data-sort-menu]")) trigger("sort", { order: event.target.value });
      if (event.target.matches("[data-kind-menu]")) trigger("kind", { kind: event.target.value });
      show();
    });
    // The list comes a little later than its value.
    const observer = new MutationObserver(() => {
      show();
      observer.takeRecords();
    });
    observer.observe(element, { childList: true, subtree: true });
    watch("value", () => {
      focusAgain();
      if (turned && element.getBoundingClientRect().top < 0) element.scrollIntoView();
      turned = false;
    });
    kb.pickAll = (value) => {
      const { ours, others } = JSON.parse(value);
      // A name that both have is ours.
      for (const source of others) picked.set(source, false);
      for (const source of ours) picked.set(source, true);
      show();
    };
    kb.lookInto = (address) => {
      trigger("look", Object.fromEntries(ADDRESS_FIELDS.map((field) => [field, address.get(field) || ""])));
    };
    kb.listIsThere();
  };

  kb.trash = (element, trigger, watch) => {
    const focusAgain = kb.keepFocus(element);
    let isOpen = false;
    element.addEventListener("toggle", (event) => (isOpen = event.target.open), true);
    element.addEventListener("click", async (event) => {
      const button = event.target.closest("[data-trash]");
      if (!button) return;
      const { trash: what, id = "", source } = button.dataset;
      if (what !== "restore") {
        const isYes = await kb.confirm({
          title: source ? tr("Delete this file for good?") : tr("Delete everything in the trash for good?"),
          text: tr("Its bytes are deleted, and what was read and heard in them. This cannot be undone."),
          names: source ? [source] : [],
          yes: tr("Delete for good"),
          no: tr("Keep"),
        });
        if (!isYes) return;
      }
      trigger("submit", { what, id });
    });
    watch("value", () => {
      const details = element.querySelector("details");
      if (details) details.open = isOpen;
      focusAgain();
    });
  };
})();
