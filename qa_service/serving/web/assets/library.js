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

// Questions that the service answers, made of the documents' own titles.
export const examples = () => get("/suggestions");

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
