// Asking: the box, the stream, the turns.

import { failure, partialAnswer, wholeAnswer } from "./answer.js";
import { Problem, stream } from "./api.js";
import * as conversation from "./conversation.js";
import { announce, byId, el } from "./dom.js";
import { examples } from "./library.js";
import { t } from "./strings.js";

let running = null; // the AbortController of the answer under way

export function setUpAsk() {
  const question = byId("question");
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    send(question);
  });
  question.addEventListener("keydown", (event) => {
    // From the empty box up to the answer: its first citation, which Enter opens.
    if (event.key === "ArrowUp" && !question.value && !event.isComposing) {
      byId("turns").lastElementChild?.querySelector(".chip")?.focus();
      event.preventDefault();
    }
    // While an input method composes, Enter takes its proposal (229: Safari says so afterwards).
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    send(question);
  });
  question.addEventListener("input", () => {
    grow(question);
    byId("too-long").hidden = question.value.length < question.maxLength;
  });
  byId("stop").addEventListener("click", () => running?.abort());
  byId("new-conversation").addEventListener("click", () => {
    running?.abort();
    conversation.clear();
    show();
    question.focus();
  });
  byId("bring-back").addEventListener("click", () => {
    conversation.bringBack();
    show();
    question.focus();
  });
  byId("export-conversation").addEventListener("click", save);
  show();
  offerExamples();
  const asked = new URLSearchParams(location.search).get("q");
  if (asked?.trim()) {
    window.history.replaceState(null, "", location.pathname + location.hash); // a reload asks nothing
    ask(asked.trim().slice(0, 2000));
  }
  conversation.onChangeElsewhere(() => running || show());
}

function send(box) {
  const question = box.value.trim();
  if (!question || running) return;
  box.value = "";
  grow(box);
  conversation.forgetDropped();
  ask(question);
}

async function ask(question) {
  const history = conversation.history();
  const answer = el("div", { class: "answer", "aria-busy": "true" }, el("p", { class: "waiting" }, t("searching")));
  const turn = el("article", { class: "turn" }, el("h2", { class: "asked" }, question), answer);
  byId("turns").append(turn);
  tidy();
  turn.scrollIntoView({ block: "start" });
  const controller = new AbortController();
  setRunning(controller);
  const retry = () => again(turn, question);
  const citations = new Map();
  let text = "";
  try {
    let response = null;
    for await (const { event, data } of stream("/v1/ask", { question, history, stream: true }, controller.signal)) {
      if (event === "citation") citations.set(data.n, data);
      if (event === "delta") {
        text += data.text;
        answer.replaceChildren(partialAnswer(text, citations));
      }
      if (event === "done") response = data;
    }
    if (response === null) throw new Problem("interrupted", "");
    turn.dataset.id = conversation.add(question, response);
    answer.replaceChildren(...standalone(response), ...wholeAnswer(response, { retry }));
    announce(response.answer.text);
  } catch (error) {
    const problem = error.name === "AbortError" ? new Problem("stopped", "") : error;
    const said = text ? [partialAnswer(text, citations)] : [];
    answer.replaceChildren(...said, failure(problem, { retry }));
  } finally {
    answer.removeAttribute("aria-busy");
    for (const part of answer.querySelectorAll("[aria-busy]")) part.removeAttribute("aria-busy");
    setRunning(null);
    tidy();
  }
}

// What follows on an answer goes with it: it was said in its light.
function again(turn, question) {
  if (running) return;
  const turns = [...byId("turns").children];
  const gone = turns.slice(turns.indexOf(turn));
  const ids = gone.map((each) => each.dataset.id).filter(Boolean);
  if (ids.length) conversation.drop(ids);
  for (const each of gone) each.remove();
  ask(question);
}

// The question as it was searched for, where it leaned on the conversation.
function standalone(response) {
  if (response.standalone_question === response.question) return [];
  return [el("p", { class: "standalone" }, t("understood", { question: response.standalone_question }))];
}

function show() {
  const shown = conversation.all().map(({ id, question, response }) => {
    const answer = el("div", { class: "answer" });
    const turn = el("article", { class: "turn" }, el("h2", { class: "asked" }, question), answer);
    const retry = () => again(turn, question);
    answer.append(...standalone(response), ...wholeAnswer(response, { retry }));
    turn.dataset.id = id;
    return turn;
  });
  byId("turns").replaceChildren(...shown);
  tidy();
}

function tidy() {
  const turns = byId("turns");
  byId("welcome").hidden = turns.children.length > 0;
  byId("conversation-tools").hidden = turns.children.length === 0;
  byId("bring-back").hidden = !conversation.canBringBack();
}

function setRunning(controller) {
  running = controller;
  byId("stop").hidden = controller === null;
  byId("send").hidden = controller !== null;
}

function grow(box) {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight + 2, window.innerHeight * 0.4)}px`;
}

function save() {
  const file = new Blob([conversation.markdown()], { type: "text/markdown" });
  const link = el("a", { href: URL.createObjectURL(file), download: "conversation.md" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function offerExamples() {
  try {
    const items = (await examples()).map((question) =>
      el("li", {}, el("button", { type: "button", onclick: () => running || ask(question) }, question)),
    );
    byId("examples").replaceChildren(...items);
  } catch {
    // The service is away: asking will say so.
  }
}
