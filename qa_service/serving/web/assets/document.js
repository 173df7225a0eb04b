// The document view: the cited words marked, the contents, copying a citation.

import { get } from "./api.js";
import { copyMenu, placesOf } from "./citation.js";
import { announce, byId, el } from "./dom.js";
import { findPlaces, setUpSearchInside } from "./inside.js";
import { mark, parsePlaces, unmark } from "./marks.js";
import { t } from "./strings.js";

const article = document.querySelector("article");

const embedded = window.self !== window.top;
if (embedded) document.body.classList.add("embedded");

function goThere() {
  showPlace();
  findPlaces();
}

function showPlace() {
  unmark(article);
  byId("cited-bar").hidden = true;
  const [id, at] = decoded(location.hash.slice(1)).split(";at=");
  if (!id && at === undefined) return;
  const anchor = byId(id);
  // Words are marked within their passage alone: a link made up by somebody names no other place.
  const whole = parsePlaces(anchor?.dataset.spans);
  const wanted = parsePlaces(at);
  const places = wanted.length && wanted.every((place) => within(place, whole)) ? wanted : whole;
  const marks = places.length ? mark(article, places) : [];
  const seen = marks.find((each) => each.getClientRects().length);
  if (seen) {
    goTo(seen);
    // The browser goes to the passage's beginning by itself when the page has come: after that, again.
    if (document.readyState !== "complete") {
      window.addEventListener("load", () => requestAnimationFrame(() => goTo(seen)), { once: true });
    }
    const words = marks.filter((each) => !each.closest("[hidden]")).map((each) => each.textContent);
    announce(`${t("cited_words")}: ${Array.from(words.join("")).slice(0, 300).join("")}`);
    showBar(id, places === whole ? "" : placesOf(places));
  } else if (anchor) {
    anchor.scrollIntoView({ block: "start" });
    if (embedded && !anchor.matches("a")) {
      anchor.tabIndex = -1;
      anchor.focus({ preventScroll: true });
    }
  } else {
    byId("cited-bar").replaceChildren(el("p", { class: "problem" }, t("no_such_place")));
    byId("cited-bar").hidden = false;
  }
}

const within = ({ start, end }, spans) => spans.some((span) => span.start <= start && start < end && end <= span.end);

// Keyboard and screen reader go on from the cited words, too.
function goTo(marked) {
  if (!marked.isConnected) return;
  marked.tabIndex = -1;
  marked.focus({ preventScroll: true });
  const tall = marked.getBoundingClientRect().height > window.innerHeight / 3;
  marked.scrollIntoView({ block: tall ? "start" : "center", behavior: "instant" });
}

async function showBar(passage, places) {
  let label = "";
  try {
    label = (await get(`/v1/passages/${encodeURIComponent(passage)}/citation`)).label;
  } catch {
    return; // marked words without a passage of the service: nothing to cite
  }
  if (decoded(location.hash.slice(1)).split(";at=")[0] !== passage) return; // one has gone on
  const bar = byId("cited-bar");
  bar.replaceChildren(
    el("p", { class: "where", lang: article.lang }, label),
    el(
      "div",
      { class: "actions" },
      copyMenu(passage, places),
      el("button", { type: "button", class: "quiet", onclick: () => (bar.hidden = true) }, t("close")),
    ),
  );
  bar.hidden = false;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function followContents() {
  const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [decoded(link.hash.slice(1)), link]));
  const seen = new Set();
  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) entry.isIntersecting ? seen.add(entry.target.id) : seen.delete(entry.target.id);
      const current = [...links.keys()].find((id) => seen.has(id));
      for (const [id, link] of links) {
        if (id === current) link.setAttribute("aria-current", "location");
        else link.removeAttribute("aria-current");
      }
    },
    { rootMargin: "-10% 0px -70% 0px" },
  );
  for (const section of article.querySelectorAll(":scope > section")) observer.observe(section);
}

// On a small screen the contents would push the text away.
if (window.matchMedia("(max-width: 60rem)").matches || embedded) {
  byId("contents").open = false;
}
window.addEventListener("hashchange", goThere);
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (link?.href === location.href && link.hash) goThere(); // there already: no hashchange comes
});
goThere();
followContents();
setUpSearchInside();
