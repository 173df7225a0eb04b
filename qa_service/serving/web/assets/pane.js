// The document beside the answer, where there is room: one click, and one stands at the words.

import { byId } from "./dom.js";

const WIDE = window.matchMedia("(min-width: 68rem)");

export function setUpPane() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='/documents/']");
    if (!link || link.closest("#library") || !WIDE.matches || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    open(link.getAttribute("href"));
  });
  byId("pane-close").addEventListener("click", leave);
  document.addEventListener("keydown", closeOnEscape);
  byId("pane-frame").addEventListener("load", () => {
    byId("pane-frame").contentDocument?.addEventListener("keydown", closeOnEscape);
  });
  window.addEventListener("popstate", () => history.state?.pane || close());
}

// In a box with words in it, Escape takes them away, and the next one closes.
const closeOnEscape = (event) => {
  if (event.key === "Escape" && !event.target.value) leave();
};

let opener = null;

function open(address) {
  const frame = byId("pane-frame");
  const url = new URL(address, location.href);
  if (byId("pane").hidden) history.pushState({ pane: true }, ""); // "back" closes the pane
  opener = document.activeElement;
  byId("pane").hidden = false;
  document.body.classList.add("with-pane");
  byId("pane-open").href = address;
  frame.focus(); // first: the document then puts it on the cited words
  const inside = frame.contentWindow.location;
  if (inside.pathname === url.pathname && inside.hash === url.hash) frame.contentWindow.dispatchEvent(new Event("hashchange"));
  else inside.replace(url.href); // the same document: only the place changes
}

function leave() {
  if (byId("pane").hidden) return;
  if (history.state?.pane) history.back();
  else close();
}

function close() {
  if (byId("pane").hidden) return;
  byId("pane").hidden = true;
  document.body.classList.remove("with-pane");
  opener?.focus();
}
