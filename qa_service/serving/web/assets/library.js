// The documents of the corpus: the list, and questions that they suggest.

import { get } from "./api.js";
import { byId, el } from "./dom.js";
import { failure } from "./answer.js";
import { t } from "./strings.js";

const PAGE = 100;
let first = null; // the first page of documents, asked for once

export function documents() {
  first ??= get(`/v1/documents?limit=${PAGE}`).catch((problem) => {
    first = null;
    throw problem;
  });
  return first;
}

export const whole = (id) => get(`/v1/documents/${encodeURIComponent(id)}`);

// Questions made of the first documents' own boxes, figures and section titles, of each in turn.
export async function examples(limit = 4) {
  const { documents: found } = await documents();
  const each = (await Promise.all(found.slice(0, limit).map(({ id }) => whole(id)))).map(questions);
  // What two documents would answer is no example of either.
  const all = each.flat();
  const own = each.map((some) => some.filter((question) => all.indexOf(question) === all.lastIndexOf(question)));
  const rounds = Array.from({ length: limit }, (_, round) => own.map((some) => some[round]));
  return rounds.flat().filter(Boolean).slice(0, limit);
}

// Each document begins with another kind, so that the first of each are not all alike.
function questions({ boxes, figures, sections }, place) {
  const titles = leaves(sections).map((section) => section.title);
  const named = figures.filter((figure) => figure.label);
  const some = [
    ...boxes.slice(0, 1).filter((box) => box.title).map((box) => t("example_box", { title: box.title })),
    ...titles.slice(0, 2).map((title) => t("example_section", { title })),
    ...named.slice(0, 1).map((figure) => t("example_figure", { label: figure.label })),
    ...titles.slice(2, 4).map((title) => t("example_section", { title })),
  ];
  const first = place % Math.max(some.length, 1);
  return [...new Set([...some.slice(first), ...some.slice(0, first)])];
}

export function leaves(sections) {
  return sections.flatMap((section) => (section.children.length ? leaves(section.children) : [section]))
    .filter((section) => section.title && section.id !== "lead");
}

export function setUpLibrary() {
  const list = byId("documents");
  const more = byId("more-documents");
  let shown = 0;
  const add = ({ documents: found, total }) => {
    shown += found.length;
    list.append(...found.map(entry));
    more.hidden = shown >= total;
  };
  more.addEventListener("click", async () => add(await get(`/v1/documents?limit=${PAGE}&offset=${shown}`)));
  const load = async () => {
    try {
      const page = await documents();
      list.replaceChildren();
      shown = 0;
      add(page);
    } catch (problem) {
      list.replaceChildren(el("li", {}, failure(problem, { retry: load })));
    }
  };
  return load;
}

function entry({ id, metadata, passages }) {
  const about = [metadata.part, metadata.chapter].filter(Boolean).map((each) => `${each.number} ${each.title}`);
  return el(
    "li",
    {},
    el("a", { href: `/documents/${encodeURIComponent(id)}`, lang: metadata.language }, metadata.title),
    el("p", {}, [...about, metadata.publisher].filter(Boolean).join(" · ")),
    el("p", { class: "hint" }, t("passage_count", { count: passages })),
  );
}
