// Citations: their links, their preview, what is copied, and a reader's verdict on them.

import { get, post } from "./api.js";
import { announce, el, menu } from "./dom.js";
import { has, t } from "./strings.js";

// A link to exactly the cited words: the passage's own address, and the places in the source.
export const exactLink = (citation) => `${citation.url};at=${placesOf(citation.spans)}`;

// "2-8,10-14"
export const placesOf = (spans) => spans.map(({ start, end }) => `${start}-${end}`).join(",");

// The passage of a citation's link: what stands behind `#`.
export const passageOf = (citation) => decodeURIComponent(citation.url.split("#")[1]);

export function chip(n, citation) {
  const link = el("a", { class: "chip", href: exactLink(citation) }, String(n));
  link.setAttribute("aria-label", `${t("citation")} ${n}: ${citation.label}`);
  for (const event of ["mouseenter", "focus"]) link.addEventListener(event, () => show(link, citation));
  for (const event of ["mouseleave", "blur"]) link.addEventListener(event, hideSoon);
  return link;
}

// What a preview and a list of sources say of a citation.
export function description(citation) {
  const { section, figure, box, document } = citation;
  const place = [section.number, section.title].filter((part, at, all) => part && all.indexOf(part) === at);
  return [
    el("p", { class: "where" }, el("strong", {}, place.join(" ")), " ", el("span", {}, document.title)),
    figure ? el("p", { class: "figure-name" }, [figure.label, figure.caption].filter(Boolean).join(" ")) : null,
    box ? el("p", { class: "figure-name" }, [box.kind, box.title].filter(Boolean).join(" ")) : null,
    el("blockquote", { class: "quote" }, shortened(citation.quote)),
  ];
}

// `places`: of the cited words; empty for the whole passage.
export function copyMenu(passage, places) {
  const words = places ? `?at=${places}` : "";
  const copyAs = (form) => async () => {
    try {
      const forms = await get(`/v1/passages/${encodeURIComponent(passage)}/citation${words}`);
      await copy(forms[form]);
    } catch (problem) {
      announceSeen(has(problem.code) ? t(problem.code) : problem.message || t("unreachable"));
    }
  };
  return menu(t("copy_citation"), [
    ["日本語", copyAs("japanese")],
    ["English", copyAs("english")],
    ["BibTeX", copyAs("bibtex")],
    ["RIS", copyAs("ris")],
  ]);
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    announceSeen(t("copied"));
  } catch {
    announceSeen(t("not_copied"));
  }
}

// Buttons "right" and "wrong"; the verdict goes to the service, with a word why.
export function verdict(subject) {
  const place = el("span", { class: "verdict", role: "group", "aria-label": t("verdict") });
  const give = (value) => async () => {
    const kept = keep(value, "");
    const why = el("input", { type: "text", maxlength: 2000, "aria-label": t("why"), placeholder: t("why") });
    const sendIt = async (event) => {
      event.preventDefault();
      try {
        await kept;
        if (why.value.trim()) await keep(value, why.value.trim());
        offer();
        place.append(el("span", { class: "thanks" }, t("thanks")));
        announce(t("thanks"));
      } catch (problem) {
        place.append(el("span", { class: "problem" }, problem.message || t("unreachable")));
      }
    };
    place.replaceChildren(
      el(
        "form",
        { class: "why", onsubmit: sendIt },
        el("span", { class: "thanks" }, `✓ ${t(value)}`),
        why,
        el("button", { type: "submit" }, t("send")),
      ),
    );
    why.focus();
    kept.catch((problem) => {
      offer();
      place.append(el("span", { class: "problem", role: "alert" }, problem.message || t("unreachable")));
    });
  };
  const keep = (value, comment) => post("/v1/feedback", { ...subject, verdict: value, comment });
  function offer() {
    place.replaceChildren(
      el("button", { type: "button", class: "quiet", onclick: give("right") }, t("right")),
      el("button", { type: "button", class: "quiet", onclick: give("wrong") }, t("wrong")),
    );
  }
  offer();
  return place;
}

// --- the preview beside a chip ---

let card = null;
let leaving = null;

function show(link, citation) {
  clearTimeout(leaving);
  hide();
  card = el("div", { class: "card", role: "tooltip", id: "citation-card" }, ...description(citation));
  card.addEventListener("mouseenter", () => clearTimeout(leaving));
  card.addEventListener("mouseleave", hideSoon);
  document.body.append(card);
  link.setAttribute("aria-describedby", card.id);
  card.link = link;
  putBeside(link);
}

function putBeside(link) {
  const at = link.getBoundingClientRect();
  const width = card.offsetWidth;
  const below = at.bottom + card.offsetHeight + 8 < window.innerHeight;
  card.style.left = `${Math.max(8, Math.min(at.left - 16, document.documentElement.clientWidth - width - 8))}px`;
  card.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - card.offsetHeight - 6)}px`;
}

function hideSoon() {
  leaving = setTimeout(hide, 120);
}

function hide() {
  card?.link.removeAttribute("aria-describedby");
  card?.remove();
  card = null;
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") hide();
});
document.addEventListener(
  "scroll",
  (event) => {
    if (!card || card.contains(event.target)) return;
    if (document.activeElement === card.link) putBeside(card.link); // the keyboard brought it into view
    else hide();
  },
  { capture: true, passive: true },
);

function announceSeen(text) {
  const note = el("div", { class: "toast" }, text);
  document.body.append(note);
  announce(text);
  setTimeout(() => note.remove(), 2500);
}

function shortened(text) {
  const characters = Array.from(text);
  return characters.length > 400 ? `${characters.slice(0, 400).join("")}…` : text;
}
