// The conversation so far, kept in this browser alone.

import { asMarkdown } from "./answer.js";

const PLACE = "qa_service.conversation";
const RESULTS_KEPT = 3; // what an unanswered question shows

let turns = read();

export const all = () => turns;

let dropped = [];

export function add(question, response) {
  turns = read(); // another tab may have gone on
  turns.push({ question, response: { ...response, results: response.results.slice(0, RESULTS_KEPT) } });
  write();
}

// The last answer is asked for again.
export function dropFrom(place) {
  turns = turns.slice(0, place);
  write();
}

export function clear() {
  dropped = turns;
  turns = [];
  write();
}

export function bringBack() {
  turns = [...dropped, ...read()];
  write();
}

// Another tab has asked, or begun anew.
export function onChangeElsewhere(act) {
  window.addEventListener("storage", (event) => {
    if (event.key !== PLACE) return;
    turns = read();
    act();
  });
}

// As the service reads it: what was asked and answered, oldest first.
export function history(limit = 10) {
  return turns.slice(-limit).flatMap(({ question, response }) => [
    { role: "user", content: question },
    { role: "assistant", content: response.answer.text },
  ]);
}

export function markdown() {
  return turns.map(({ question, response }) => `## ${question}\n\n${asMarkdown(response)}\n`).join("\n");
}

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(PLACE) ?? "[]");
    return Array.isArray(kept) ? kept.filter((each) => each?.response?.answer?.statements) : [];
  } catch {
    return []; // kept by an older page, or storage is barred
  }
}

function write() {
  try {
    localStorage.setItem(PLACE, JSON.stringify(turns));
  } catch {
    // Full or barred: the conversation lasts as long as the page.
  }
}
