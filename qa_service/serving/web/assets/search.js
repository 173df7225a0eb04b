// Searching: ranked passages, filters, and why each was found.

import { failure } from "./answer.js";
import { post } from "./api.js";
import { exactLink } from "./citation.js";
import { byId, el } from "./dom.js";
import { documents, whole } from "./library.js";
import { t } from "./strings.js";

const KINDS = ["paragraph", "table", "table_row", "caption", "box", "note", "footnote", "reference"];
let latest = null; // the AbortController of the search under way

export function setUpSearch() {
  byId("search-form").addEventListener("submit", (event) => {
    event.preventDefault();
    find();
  });
  byId("filter-kind").append(...KINDS.map((kind) => el("option", { value: kind }, t(`kind_${kind}`))));
  byId("filter-document").addEventListener("change", () => offerSections());
  for (const name of ["document", "section", "kind", "mode"]) {
    byId(`filter-${name}`).addEventListener("change", () => byId("query").value.trim() && find());
  }
  let ready = false;
  return async () => {
    if (ready) return;
    ready = true;
    try {
      await offerDocuments();
    } catch {
      ready = false; // the filters can wait; searching says what is wrong
    }
  };
}

async function offerDocuments() {
  const { documents: found } = await documents();
  const choices = found.map((each) => el("option", { value: each.id }, [each.metadata.title, each.metadata.chapter?.title].filter(Boolean).join(" ")));
  byId("filter-document").append(...choices);
  if (found.length === 1) byId("filter-document").value = found[0].id;
  await offerSections();
}

async function offerSections() {
  const select = byId("filter-section");
  select.replaceChildren(select.options[0]);
  select.value = "";
  const id = byId("filter-document").value;
  select.disabled = !id;
  if (id) select.append(...options((await whole(id)).sections, 0));
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
  const value = (name) => byId(`filter-${name}`).value;
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
    found.replaceChildren(
      el("p", { class: "hint" }, response.results.length ? took : t("nothing_found")),
      ...(response.degraded.length ? [el("p", { class: "notice" }, response.degraded.join(" "))] : []),
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
