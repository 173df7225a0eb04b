// Searching inside the document: from one place of the words to the next, and the nearest passages.

import { post } from "./api.js";
import { exactLink } from "./citation.js";
import { announce, byId, el } from "./dom.js";
import { t } from "./strings.js";
import { findWords } from "./words.js";

const SHOWN = 8; // nearest passages
const LOOKED_AT = 50; // passages that say which words they share with what was typed

const { document: id } = document.querySelector(".reader").dataset;
const article = document.querySelector("article");
const box = byId("inside");
let query = ""; // what was looked for last
let words = []; // the same as typed, else those of its words that the document has
let places = []; // ranges
let current = -1;

export function setUpSearchInside() {
  byId("inside-form").addEventListener("submit", (event) => {
    event.preventDefault();
    again() ? step(1) : lookFor(box.value.trim());
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    if (again()) step(-1);
  });
  box.addEventListener("input", () => box.value.trim() || lookFor(""));
  byId("inside-previous").addEventListener("click", () => step(-1));
  byId("inside-next").addEventListener("click", () => step(1));
}

// For when the document's text was cut anew, which ranges do not outlive.
export function findPlaces() {
  places = findWords(article, words);
  show();
}

const again = () => places.length > 0 && box.value.trim() === query;

async function lookFor(wanted) {
  query = wanted;
  words = [wanted];
  current = -1;
  const list = byId("inside-found");
  list.replaceChildren();
  findPlaces();
  if (!wanted) return;
  const asTyped = places.length > 0;
  if (asTyped) step(1);
  try {
    const body = { query, top_k: LOOKED_AT, explain: true, filters: { documents: [id] } };
    const { results } = await post("/v1/search", body);
    if (query !== wanted) return;
    if (!asTyped) {
      words = [...new Set(results.flatMap((result) => result.matched_terms))];
      findPlaces();
    }
    list.replaceChildren(...nearest(results.slice(0, SHOWN)));
    if (!places.length) announce(t("no_words_inside"));
    if (!asTyped) list.scrollIntoView({ block: "start" });
  } catch (problem) {
    list.replaceChildren(el("p", { class: "notice problem", role: "alert" }, problem.message || t("unreachable")));
  }
}

function step(by) {
  // From the end to the beginning; the first step backwards goes to the last.
  current = current < 0 && by < 0 ? places.length - 1 : (current + by + places.length) % places.length;
  show();
  const place = places[current];
  place.startContainer.parentElement.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
  window.scrollBy({ top: place.getBoundingClientRect().top - window.innerHeight / 2, behavior: "instant" });
  announce(`${byId("inside-count").textContent}: ${around(place)}`);
}

function show() {
  for (const name of ["inside-count", "inside-previous", "inside-next"]) byId(name).hidden = !places.length;
  byId("inside-count").textContent = current < 0 ? t("words_inside", { count: places.length }) : `${current + 1} / ${places.length}`;
  if (!window.CSS?.highlights) return; // an older browser goes from place to place without marks
  CSS.highlights.set("found", new Highlight(...places));
  CSS.highlights.set("found-here", new Highlight(...places.filter((_, at) => at === current)));
}

// The words with a little of what stands before and behind them.
function around(place) {
  const words = place.startContainer.parentElement.textContent;
  const from = Math.max(place.startOffset - 20, 0);
  return words.slice(from, from + 80);
}

function nearest(results) {
  const none = places.length ? [] : [el("p", {}, el("strong", {}, t("no_words_inside")))];
  const close = el("button", { type: "button", class: "quiet", onclick: () => byId("inside-found").replaceChildren() }, t("close"));
  const head = results.length ? t("found_inside", { count: results.length }) : "";
  return [...none, el("p", { class: "hint" }, head, " ", close), el("ol", {}, ...results.map(entry))];
}

function entry({ passage, citation }) {
  const text = Array.from(passage.text);
  const begin = text.length > 90 ? `${text.slice(0, 90).join("")}…` : passage.text;
  const { section, figure } = citation;
  const name = figure?.label || [section.number, section.title].filter(Boolean).join(" ");
  return el("li", {}, el("a", { href: exactLink(citation) }, name), el("p", {}, begin));
}
