// The conversation so far, kept in this browser alone.

import { asMarkdown } from "./answer.js";

const PLACE = "qa_service.conversation";
const RESULTS_KEPT = 3; // what an unanswered question shows

let turns = read();

export const all = () => turns;

let before = []; // the conversation as it was before turns were dropped

// The new turn's id.
export function add(question, response) {
  turns = read(); // another tab may have gone on
  const id = `${Date.now()}-${Math.random()}`;
  turns.push({ id, question, response: { ...response, results: response.results.slice(0, RESULTS_KEPT) } });
  write();
  return id;
}

// The turns of these ids; `bringBack` gives them back.
export function drop(ids) {
  before = read();
  turns = before.filter((each) => !ids.includes(each.id));
  write();
}

export const clear = () => drop(read().map((each) => each.id));

export const forgetDropped = () => {
  before = [];
};

export const canBringBack = () => before.length > 0;

export function bringBack() {
  const known = new Set(before.map((each) => each.id));
  turns = [...before, ...read().filter((each) => !known.has(each.id))];
  before = [];
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
    return Array.isArray(kept) ? kept.filter(isTurn) : [];
  } catch {
    return []; // kept by an older page, or storage is barred
  }
}

// Kept by this page, and not by an older one or by hand.
function isTurn(each) {
  const { answer, citations, results, degraded } = each?.response ?? {};
  return each.id && typeof each.question === "string" && [answer?.statements, citations, results, degraded].every(Array.isArray);
}

function write() {
  try {
    localStorage.setItem(PLACE, JSON.stringify(turns));
  } catch {
    // Full or barred: the conversation lasts as long as the page.
  }
}
