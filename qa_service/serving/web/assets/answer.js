// An answer as one reads it: statements with chips, sources, and what to do next.

import { chip, copy, copyMenu, description, exactLink, passageOf, placesOf, verdict } from "./citation.js";
import { el, menu, slice } from "./dom.js";
import { has, t } from "./strings.js";

const DOUBTFUL = 0.5; // below it, more likely than not the documents hold no answer

// The text so far, with chips for the citations that have come; for a streamed answer.
export function partialAnswer(text, citations) {
  return el("div", { class: "answer-text", "aria-busy": "true" }, ...withChips(text, citations));
}

export function wholeAnswer(response, { retry }) {
  const { answer } = response;
  return [
    degradation(response),
    doubt(answer),
    el("div", { class: answer.answered ? "answer-text" : "answer-text refused", lang: answer.language }, ...statements(response)),
    answer.answered ? null : abstention(response),
    answer.answered ? sources(response) : nearest(response),
    el(
      "div",
      { class: "actions" },
      answer.answered ? el("span", { class: "mode" }, t(`mode_${answer.mode}`)) : null,
      menu(t("copy"), [
        [t("copy_text"), () => copy(plain(answer.text))],
        [t("copy_markdown"), () => copy(answer.text)],
        [t("copy_cited"), () => copy(asMarkdown(response))],
      ]),
      el("button", { type: "button", class: "quiet", onclick: retry }, t("retry")),
      verdict({ subject: "answer", question: response.standalone_question, answer: answer.text, answered: answer.answered, passages: response.citations.map(passageOf) }),
    ),
  ].filter(Boolean);
}

export function failure(problem, { retry }) {
  const words = has(problem.code) ? t(problem.code) : problem.message || t("unreachable");
  return el(
    "div",
    { class: "notice problem", role: "alert" },
    el("p", {}, words),
    el("button", { type: "button", onclick: retry }, t("retry")),
  );
}

// An answer with its citations, as Markdown that can be checked elsewhere.
export function asMarkdown(response) {
  const lines = response.citations.map((each) => {
    const link = new URL(exactLink(each), location.href).href;
    return `\\[${each.n}\\] ${each.label}\n\n> ${each.quote.replace(/\n+/g, "\n> ")}\n\n<${link}>`;
  });
  return [response.answer.text, ...lines].join("\n\n");
}

function statements(response) {
  const { answer, citations } = response;
  const known = new Map(citations.map((each) => [each.n, each]));
  const parts = [];
  let at = 0;
  for (const statement of answer.statements) {
    parts.push(...withChips(slice(answer.text, at, statement.start), known));
    const words = statement.cells?.some((cell) => cell.label)
      ? tableRow(statement)
      : el("span", { class: `statement ${statement.support}` }, slice(answer.text, statement.start, statement.end));
    if (answer.mode === "generated") words.title = t(`support_${statement.support}`);
    parts.push(words);
    at = statement.end;
  }
  parts.push(...withChips(slice(answer.text, at), known));
  return parts;
}

// A row by itself: the cells that have no header above them name it, the others stand in a list.
function tableRow({ cells, support }) {
  const entries = cells.filter((cell) => cell.label).map(({ label, text }) => el("div", {}, el("dt", {}, label), el("dd", {}, text)));
  const names = cells.filter((cell) => !cell.label).map(({ text }) => el("p", {}, text));
  return el("div", { class: `statement row ${support}` }, ...names, el("dl", {}, ...entries));
}

// "… [1][2]" with each mark as a chip, where its citation is known.
function withChips(text, citations) {
  return text.split(/(\[\d+\])/).filter(Boolean).map((part) => {
    const n = /^\[(\d+)\]$/.exec(part)?.[1];
    const citation = n && citations.get(Number(n));
    return citation ? chip(Number(n), citation) : part;
  });
}

function sources(response) {
  const items = response.citations.map((citation) =>
    el(
      "li",
      { value: citation.n },
      ...description(citation),
      el(
        "div",
        { class: "actions" },
        el("a", { href: exactLink(citation) }, t("read_there")),
        copyMenu(passageOf(citation), placesOf(citation.spans)),
        verdict({ subject: "citation", question: response.standalone_question, answer: response.answer.text, passages: [passageOf(citation)] }),
      ),
    ),
  );
  return el("details", { class: "sources" }, el("summary", {}, t("sources", { count: items.length })), el("ol", {}, ...items));
}

function nearest(response) {
  if (!response.results.length) return null;
  const items = response.results.slice(0, 3).map(({ citation }) =>
    el("li", {}, ...description(citation), el("a", { href: exactLink(citation) }, t("read_there"))),
  );
  return el("details", { class: "sources", open: true }, el("summary", {}, t("nearest")), el("ul", {}, ...items));
}

function abstention(response) {
  const { reason } = response.answer;
  const name = `reason_${reason}`;
  return el("p", { class: "advice" }, has(name) ? t(name) : t("reason_other"));
}

function doubt({ answered, confidence }) {
  if (!answered || confidence >= DOUBTFUL) return null;
  return el("p", { class: "notice" }, t("doubtful", { percent: Math.round(confidence * 100) }));
}

function degradation(response) {
  if (!response.degraded.length) return null;
  return el("div", { class: "notice" }, el("p", {}, t("degraded")), el("ul", {}, ...lacks(response).map((each) => el("li", {}, each))));
}

// What a response does without, in the reader's language where the page knows its kind.
export function lacks({ degraded, degraded_codes: codes = [] }) {
  return degraded.map((words, place) => (has(`degraded_${codes[place]}`) ? t(`degraded_${codes[place]}`) : words));
}

const plain = (text) => text.replace(/ ?\[\d+\]/g, "");
