"use strict";
// Elements, numbers, tables and the frame of a chart. Data enters as text nodes and attributes alone,
// so none of it can become markup.

const SVG = "http://www.w3.org/2000/svg";

const number = (value) =>
  typeof value === "string" ? value : value.toLocaleString("en-GB", { maximumFractionDigits: 4 });
const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)}%`;
const short = (value) => value.toLocaleString("en-GB", { notation: "compact" });
const day = (text, more = {}) =>
  new Date(`${text}T00:00Z`).toLocaleDateString("en-GB", {
    day: "numeric", month: "short", timeZone: "UTC", ...more,
  });
const sum = (values) => values.reduce((total, value) => total + value, 0);

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return node;
}
const el = (name, attributes = {}, ...children) =>
  filled(document.createElement(name), attributes, children);
const svg = (name, attributes = {}, ...children) =>
  filled(document.createElementNS(SVG, name), attributes, children);
const words = (x, y, text, attributes = {}) => svg("text", { x, y, ...attributes }, text);
const line = (x1, y1, x2, y2, name) => svg("line", { x1, y1, x2, y2, class: name });

// A small picture in a text, told in one sentence.
const picture = (label, attributes, ...children) =>
  svg("svg", { role: "img", "aria-label": label, ...attributes },
    svg("title", {}, label), children);

const cell = (name, content, scope) =>
  content?.matches?.("th, td") ? content : el(name, { scope }, content);
// A table of `rows`; the first cell of each heads it. Cells are what is in them, or cells.
function table(caption, head, rows, name = "") {
  return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    el("table", { class: name },
      el("caption", {}, caption),
      el("thead", {}, el("tr", {}, head.map((content) => cell("th", content, "col")))),
      el("tbody", {}, rows.map(([first, ...cells]) =>
        el("tr", {}, cell("th", first, "row"), cells.map((content) => cell("td", content)))))));
}

// A chart as wide as its place, drawn anew when that changes, and its numbers to unfold.
// `draw(width)` gives the height and the children; the description says how to read them.
function chart(title, description, draw, numbers) {
  const drawing = svg("svg", { class: "chart", role: "img", "aria-label": title });
  drawing.drawAt = (width) => {
    const [height, ...children] = draw(width);
    drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    drawing.replaceChildren();
    filled(drawing, {}, children);
  };
  let drawn = 0;
  new ResizeObserver(([{ contentRect: { width } }]) => {
    if (width && width !== drawn) drawing.drawAt(drawn = width);
  }).observe(drawing);
  return el("figure", {}, el("figcaption", {}, title), el("p", { class: "soft" }, description), drawing,
    numbers && el("details", { class: "numbers" }, el("summary", {}, "Numbers", el("span",
      { class: "hidden" }, `: ${title}`)), numbers));
}

// Paper is narrower than most windows: what was drawn for these would have tiny letters on it.
const PAPER = 680;
const redraw = (fitted) => {
  for (const drawing of document.querySelectorAll(".chart")) {
    drawing.drawAt(fitted(drawing.clientWidth));
  }
};
addEventListener("beforeprint", () => redraw((width) => PAPER * (width > PAPER / 2 ? 1 : 0.55)));
addEventListener("afterprint", () => redraw((width) => width));

// Cells of a table that is shaded: by `level`, -4 to 4 (CSS has a shade for each), by a number of
// people as a part of `whole`, and suppressed.
const shade = (level, text) => el("td", { "data-level": Math.round(level) }, text);
const portion = (people, whole) => {
  if (people === undefined) return el("td", {}, "·");
  return shade(Math.ceil((4 * people) / whole), number(people));
};
const untold = (text, why) =>
  el("td", { class: "untold" }, text, el("span", { class: "hidden" }, ` (${why})`));
