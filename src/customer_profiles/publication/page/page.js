"use strict";
// Where the publication comes from: the page itself (a report), or the API, for who has a token.

const API = "api/v1/";
// The token outlives a reload of this tab, and nothing else: other tabs, other pages and later
// visits do not see it, and no request carries it but those made here.
const KEPT = "token";
const FILES = {
  "segments.csv": "Segments, CSV",
  "segments.json": "Segments, JSON",
  "briefs.md": "Briefs, Markdown",
  "cells.csv": "Cells, CSV",
  "mood.csv": "Mood by day, CSV",
};
let publication = given.publication;

// An answer that is not the one asked for, in the words of the API (RFC 9457).
class Refusal extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

async function ask(path) {
  let answer;
  try {
    answer = await fetch(API + path,
      { headers: { Authorization: `Bearer ${sessionStorage.getItem(KEPT)}` } });
  } catch {
    throw new Refusal(0, "the server does not answer; is it running?");
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw new Refusal(answer.status, problem.detail ?? answer.statusText);
}
const json = async (path) => (await ask(path)).json();

async function every(path) {
  const rows = [];
  for (let page = 1; ; page += 1) {
    const { results, next } = await json(`${path}?page_size=100&page=${page}`);
    rows.push(...results);
    if (next === null) return rows;
  }
}

// The parts of the current publication, put together as a report holds it.
async function collect() {
  const { publication: id, sample, certificate: _, ...summary } = await json("summary/");
  const found = await parts().catch((problem) => problem);
  // Another one may have been published meanwhile, in which a segment asked for is not.
  if ((await json("summary/")).publication !== id) return collect();
  if (found instanceof Error) throw found;
  return { _id: id, summary, ...found, provenance: { sample } };
}

async function parts() {
  const [segments, mood_daily, continuity, certificate] = await Promise.all(
    [every("segments/"), every("mood/daily/"), json("continuity/"), json("privacy/")]);
  const each = (ask) => Promise.all(segments.map(ask));
  const briefs = await each((row) => json(`segments/${row.id}/brief/`));
  const cells = (await each((row) => every(`segments/${row.id}/cells/`))).flat();
  segments.forEach((row, place) => { row.brief = briefs[place]; });
  return { segments, cells, mood_daily, continuity, certificate };
}

// In the words of the API, where `commands` stand in backticks.
function say(words) {
  const parts = words.split("`").map((part, at) => (at % 2 ? el("code", {}, part) : part));
  place("status").replaceChildren(...parts);
}

async function enter() {
  const button = document.querySelector("#sign-in button");
  button.disabled = true;
  say("Loading …");
  const found = await collect().catch((problem) => problem);
  button.disabled = false;
  if (found instanceof Error) {
    refuse(found);
    return;
  }
  publication = found;
  place("sign-in").hidden = true;
  place("sign-out").hidden = false;
  show(publication);
  say("");
  place("source").append(" · ", el("a", { href: "docs/" }, "the API"));
  place("title").focus();
}

// Back to signing in, saying why; a token that may yet do is kept for another try.
function refuse(problem) {
  if (!(problem instanceof Refusal)) {
    say(`This page failed: ${problem.message}.`);
    throw problem;
  }
  const refused = problem.status === 401;
  if (refused) sessionStorage.removeItem(KEPT);
  place("token").value = refused ? "" : sessionStorage.getItem(KEPT);
  leave(`${refused ? "Not signed in" : "Not available now"}: ${problem.message}.`);
  const button = document.querySelector("#sign-in button");
  button.textContent = refused ? "Sign in" : "Try again";
  (refused ? place("token") : button).focus();
}

function leave(words) {
  publication = null;
  place("content").hidden = place("sections").hidden = place("sign-out").hidden = true;
  for (const made of document.querySelectorAll("#content .made, #cards > *")) made.remove();
  place("sign-in").hidden = false;
  say(words);
}

// The content of one of FILES.
async function file(name) {
  if (name === "segments.json") return JSON.stringify(publication.segments, null, 1);
  if (given.files) return given.files[name];
  const text = async (path) => (await ask(path)).text();
  const each = (path, form) => Promise.all(
    publication.segments.map(({ id }) => text(`segments/${id}/${path}/?format=${form}`)));
  if (name === "briefs.md") return (await each("brief", "md")).join("\n");
  if (name === "cells.csv") {
    const tables = await each("cells", "csv");
    const body = (table) => table.slice(table.indexOf("\n") + 1);
    return tables[0] + tables.slice(1).map(body).join("");
  }
  return text(name === "mood.csv" ? "mood/daily/?format=csv" : "segments/?format=csv");
}

async function save(name) {
  try {
    const content = new Blob([await file(name)]);
    const link = el("a", { download: name, href: URL.createObjectURL(content) });
    link.click();
    setTimeout(URL.revokeObjectURL, 60_000, link.href); // a slow browser is still reading it
    say(`${name} is saved.`);
  } catch (problem) {
    refuse(problem);
  }
}

function start() {
  const buttons = Object.entries(FILES).map(([name, title]) => {
    const button = el("button", { type: "button", class: "file" }, title);
    button.addEventListener("click", () => save(name));
    return button;
  });
  const print = el("button", { type: "button", class: "file" }, "Print or PDF");
  print.addEventListener("click", () => window.print());
  place("downloads").append(el("div", { class: "files" }, buttons, print));
  if (publication) {
    show(publication);
    return;
  }
  place("sign-in").addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(KEPT, place("token").value.trim());
    place("token").value = "";
    enter();
  });
  place("sign-out").addEventListener("click", () => {
    sessionStorage.removeItem(KEPT);
    leave("Signed out.");
    place("token").focus();
  });
  if (sessionStorage.getItem(KEPT)) enter();
  else place("sign-in").hidden = false;
}

start();
