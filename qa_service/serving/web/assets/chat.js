// The page `/`: which view is shown, and what each needs.

import { setUpAsk } from "./ask.js";
import { byId } from "./dom.js";
import { setUpLibrary } from "./library.js";
import { setUpPane } from "./pane.js";
import { setUpSearch } from "./search.js";

const VIEWS = ["ask", "search", "library"];
const enter = { ask: () => {}, search: setUpSearch(), library: setUpLibrary() };

function showView() {
  const wanted = location.hash.slice(1).split("?")[0];
  const shown = VIEWS.find((view) => !byId(view).hidden);
  if (shown && wanted && !VIEWS.includes(wanted)) return; // #main: "skip to the content"
  const chosen = VIEWS.includes(wanted) ? wanted : "ask";
  for (const view of VIEWS) {
    byId(view).hidden = view !== chosen;
    if (view === chosen) byId(`tab-${view}`).setAttribute("aria-current", "page");
    else byId(`tab-${view}`).removeAttribute("aria-current");
  }
  enter[chosen]();
  if (chosen !== "library") byId(chosen === "ask" ? "question" : "query").focus({ preventScroll: true });
}

window.addEventListener("hashchange", showView);
showView();
setUpAsk();
setUpPane();
