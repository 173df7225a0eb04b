// Searching: ranked passages, filters, and why each was found.

import { failure, lacks } from "./answer.js";
import { post } from "./api.js";
import { exactLink } from "./citation.js";
import { announce, byId, el } from "./dom.js";
import { documents, whole } from "./library.js";
import { t } from "./strings.js";

const KINDS = ["paragraph", "table", "table_row", "caption", "box", "note", "footnote", "reference"];
const defaults = { mode: "hybrid" };
const FILTERS = ["document", "section", "kind", "mode"];
const select = (name) => byId(`filter-${name}`);
let offered = {}; // the document whose sections are on offer, and when they are there
let latest = null; // the AbortController of the search under way
let shown = ""; // the hash of what is shown

// The address says what is searched for, `#search?q=…&kind=table`: it can be shared, loaded again and
// gone back to.
export function setUpSearch() {
  byId("search-form").addEventListener("submit", (event) => {
    event.preventDefault();
    goToSearch();
  });
  select("kind").append(...KINDS.map((kind) => el("option", { value: kind }, t(`kind_${kind}`))));
  select("document").addEventListener("change", () => offerSections());
  for (const name of FILTERS) select(name).addEventListener("change", goToSearch);
  let ready = null;
  return async () => {
    try {
      await (ready ??= offerDocuments());
    } catch {
      ready = null; // the filters can wait; searching says what is wrong
    }
    await showSearch();
  };
}

function goToSearch() {
  const query = byId("query").value.trim();
  if (!query) return;
  const chosen = FILTERS.map((name) => [name, select(name).value]).filter(([name, value]) => value && value !== defaults[name]);
  const hash = `#search?${new URLSearchParams([["q", query], ...chosen])}`;
  if (hash === location.hash) find();
  else location.hash = hash; // which shows it
}

async function showSearch() {
  const { hash } = location;
  if (hash === shown) return;
  const wanted = new URLSearchParams(hash.replace(/^#search\??/, ""));
  const query = wanted.get("q")?.trim().slice(0, 2000);
  if (!query && !shown) return; // nothing was searched for yet: what is being typed stays
  byId("query").value = query ?? "";
  choose("document", wanted.get("document"));
  await offerSections();
  if (location.hash !== hash) return;
  for (const name of ["section", "kind", "mode"]) choose(name, wanted.get(name));
  shown = query ? hash : "";
  byId("tab-search").hash = shown || "search";
  latest?.abort();
  byId("found").replaceChildren();
  if (query) await find();
}

// What is not on offer is as good as not chosen.
function choose(name, value) {
  const options = [...select(name).options];
  select(name).value = options.some((each) => each.value === value) ? value : (defaults[name] ?? "");
}

async function offerDocuments() {
  const { documents: found } = await documents();
  const choices = found.map((each) => el("option", { value: each.id }, [each.metadata.title, each.metadata.chapter?.title].filter(Boolean).join(" ")));
  select("document").append(...choices);
  if (found.length === 1) defaults.document = found[0].id;
  choose("document", null);
  await offerSections();
}

// The sections of the document that is chosen, asked for when it is another than before.
function offerSections() {
  const id = select("document").value;
  if (offered.id !== id) offered = { id, done: loadSections(id) };
  return offered.done;
}

async function loadSections(id) {
  const sections = select("section");
  sections.replaceChildren(sections.options[0]);
  sections.disabled = !id;
  try {
    const found = id ? options((await whole(id)).sections, 0) : [];
    if (offered.id === id) sections.append(...found);
  } catch {
    offered = {}; // the filter can wait; searching says what is wrong
  }
}

function options(sections, depth) {
  return sections.flatMap((section) => [
    el("option", { value: section.id }, `${"　".repeat(depth)}${section.own_number} ${section.title}`),
    ...options(section.children, depth + 1),
  ]);
}

async function find() {
  const query = byId("query").value.trim();
  if (!query) return;
  latest?.abort();
  latest = new AbortController();
  const value = (name) => select(name).value;
  const filters = {
    documents: value("document") ? [value("document")] : [],
    kinds: value("kind") ? [value("kind")] : [],
    ...(value("section") ? { section: value("section") } : {}),
  };
  const found = byId("found");
  try {
    const body = { query, top_k: 20, mode: value("mode"), filters, explain: true };
    const response = await post("/v1/search", body, latest.signal);
    const took = t("found", { count: response.results.length, milliseconds: response.timings_ms.total.toFixed(1) });
    const said = response.results.length ? took : t("nothing_found");
    announce(said);
    found.replaceChildren(
      el("p", { class: "hint" }, said),
      ...(response.degraded.length ? [el("p", { class: "notice" }, lacks(response).join(" "))] : []),
      el("ol", { class: "hits" }, ...response.results.map(hit)),
    );
  } catch (problem) {
    if (problem.name !== "AbortError") found.replaceChildren(failure(problem, { retry: find }));
  }
}

export function hit({ score, scores, passage, citation, matched_terms: terms = [] }) {
  const legs = Object.entries(scores).map(([leg, value]) =>
    el("li", {}, `${t(`leg_${leg}`)}: `, el("meter", { min: 0, max: 1, value, "aria-label": t(`leg_${leg}`) }), ` ${value.toFixed(2)}`),
  );
  return el(
    "li",
    {},
    el("a", { class: "where", href: exactLink(citation) }, citation.label),
    el("p", { class: "passage-text" }, ...marked(passage.text, terms)),
    el(
      "details",
      { class: "explained" },
      el("summary", {}, `${t("why_found")} (${score.toFixed(2)})`),
      el("ul", {}, ...legs),
      terms.length ? el("p", {}, `${t("matched")}: ${terms.join("、")}`) : el("p", {}, t("no_words_matched")),
    ),
  );
}

// The words that matched, where they stand in the passage as they are written.
function marked(text, terms) {
  const words = terms.filter((term) => Array.from(term).length > 1).sort((a, b) => b.length - a.length);
  if (!words.length) return [text];
  const pattern = new RegExp(`(${words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`, "giu");
  return text.split(pattern).map((part, place) => (place % 2 ? el("b", {}, part) : part));
}
