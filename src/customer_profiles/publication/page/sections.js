"use strict";
// One publication, section by section. The words for fields, attackers and verdicts come with the page.

const given = JSON.parse(document.getElementById("given").textContent);
const titled = (field) => given.fields[field] ?? field.replaceAll("_", " ");
// The averages of a segment, and the field that each is of.
const AVERAGES = {
  avg_polarity: "polarity",
  avg_subjectivity: "subjectivity",
  avg_followers: "followers",
  avg_account_tweets: "account_posts",
  avg_tweets: "posts",
  avg_favorites: "favorites",
};

const place = (id) => document.getElementById(id);
const text = (...parts) => el("p", {}, ...parts);
const soft = (...parts) => el("p", { class: "soft" }, ...parts);
const chip = (word, name = "") => el("span", { class: `chip ${name}` }, word);
const facts = (entries) => el("dl", { class: "facts" }, entries.map(([name, value]) =>
  el("div", {}, el("dt", {}, name), el("dd", {}, value))));
const listed = (items) => (items.length ? items.join(", ") : "none");
const heads = (segments) => segments.map((row) => `${row.id + 1} ${row.name}`);

// Puts `publication` in the place of whatever is shown.
function show(publication) {
  for (const old of document.querySelectorAll("#content .made")) old.remove();
  const add = (id, ...children) => place(id).append(el("div", { class: "made" }, ...children));
  add("overview", overview(publication));
  const cards = publication.segments.map((row) => card(row, publication));
  place("cards").replaceChildren(...cards);
  add("map", ...map(publication));
  add("mood", ...mood(publication));
  add("clusters", ...clusters(publication));
  add("changes", ...changes(publication));
  add("certificate", ...certificate(publication));
  place("source").replaceChildren(`Publication ${publication._id}`);
  document.body.classList.toggle("single", cards.length === 1);
  place("content").hidden = place("sections").hidden = false;
}

function badge({ passed, published }) {
  const told = passed
    ? `Privacy certificate passed: every group has at least ${published.k} people`
    : "Privacy certificate not passed";
  return el("a", { class: passed ? "badge" : "badge no", href: "#certificate" },
    el("span", { "aria-hidden": "true" }, passed ? "✓ " : "✗ "), told);
}

function overview({ summary, segments, certificate, provenance }) {
  const { clusters, first_day: first, last_day: last } = summary;
  const year = { year: "numeric" };
  return [
    el("div", { class: "lede" },
      first ? `${day(first, year)} to ${day(last, year)}` : "No day is shown",
      provenance.sample && " · the shipped sample: an invented brand and invented people",
      Boolean(summary.caution) && el("p", { class: "caution" }, summary.caution)),
    facts([
      ["authors", number(summary.authors)],
      ["posts", number(summary.posts)],
      [segments.length === 1 ? "segment" : "segments", segments.length],
      ["average polarity, 0 to 1", number(summary.avg_polarity)],
      ["followers, about", short(summary.avg_followers)],
    ]),
    mix(summary.mood),
    campaigns(summary),
    Boolean(summary.unread) && soft(summary.unread),
    el("div", { class: "proof" }, verdict(clusters), text(badge(certificate)),
      unshown(segments, clusters, certificate)),
  ];
}

const campaigns = ({ flagged: share, flagged_excluded: out }) =>
  soft(`${share === null ? "A few" : percent(share)} of the posts look like campaigns (copies, `,
    `bursts, floods of links) and are ${out ? "left out" : "counted like the others"}.`);

// What a reader would miss: a segment too small to be shown, and one that would give it away.
const unshown = ({ length: shown }, { k }, { published }) => shown < k &&
  text(`Not shown: ${k - shown} of ${k} segments, so that no group of fewer than ${published.k} `,
    "people can be made out.");

const verdict = ({ verdict: found }) => {
  const { name, meaning } = given.verdicts[found];
  return text(chip(name, name.startsWith("groups") ? "good" : ""), " ", meaning);
};

function card(row, { summary, segments, continuity }) {
  const flags = [
    continuity.born.includes(row.id) && chip("new", "good"),
    row.small && chip("small", "warn"),
    row.stability !== null && row.stability < summary.clusters.jaccard && chip("unstable", "warn"),
  ];
  return el("article", { class: "card", "aria-labelledby": `segment-${row.id}` },
    el("header", {},
      el("h3", { id: `segment-${row.id}` }, segments.length > 1 &&
        el("span", { class: "place" }, `${row.id + 1}`), " ", row.name),
      el("p", { class: "flags" }, flags)),
    el("p", { class: "headline" }, row.brief.headline),
    mix(row.mood),
    figures(row, segments.length > 1),
    facts([
      ["of all posts", percent(row.volume)],
      ["stability", row.stability === null ? "–" : row.stability.toFixed(2)],
      ["verified", number(row.no_verified)],
      ["protected", number(row.no_protected)],
    ]),
    week(row.weekdays),
    el("details", { class: "brief" }, el("summary", {}, "Brief", el("span", { class: "hidden" },
      `: ${row.name}`)),
      el("ul", {}, row.brief.points.map((point) => el("li", {}, point))),
      row.brief.caveats.length > 0 && [soft("Limitations"),
        el("ul", { class: "soft" }, row.brief.caveats.map((caveat) => el("li", {}, caveat)))]));
}

function figures(row, compared) {
  return el("table", { class: "figures" },
    el("caption", { class: "hidden" }, `Figures of ${row.name}`),
    el("thead", { class: compared ? null : "hidden" }, el("tr", {}, el("th", { scope: "col" },
      el("span", { class: "hidden" }, "figure")), el("th", { scope: "col" }, "average"),
      compared && el("th", { scope: "col", colspan: 2 }, "index"))),
    el("tbody", {}, Object.entries(AVERAGES).map(([name, field]) => {
      const index = row.index[name];
      return el("tr", {},
        el("th", { scope: "row" }, titled(field)), el("td", {}, number(row[name])),
        compared && (index
          ? [el("td", {}, range(index)), el("td", {}, index.index, el("span", { class: "hidden" },
            `, between ${index.low} and ${index.high}`))]
          : [el("td"), el("td", {}, "–")]));
    })));
}

function mood({ mood_daily: days }) {
  return days.length
    ? [soft("Days with too few authors are suppressed; the line breaks there."),
      moodByDay(days)]
    : [soft("All days are suppressed: each has too few authors.")];
}

function map(publication) {
  const { segments, summary } = publication;
  if (segments.length < 2) {
    return [soft(summary.clusters.k === 1
      ? "The audience is one group: there is nothing to lay out on a map."
      : "Fewer than two segments are shown: there is nothing to lay out on a map."),
      cells(publication)];
  }
  const features = Object.keys(segments[0].centroid);
  return [
    bubbles(segments, summary),
    features.length > 0 && el("figure", {}, el("figcaption", {}, "What sets each apart"),
      soft("Distance of a segment's average author from the audience's, in standard deviations (1 is a ",
        "lot): blue above, red below."),
      table("Centroids of the segments by feature", ["", ...heads(segments)], features.map((name) =>
        [titled(name), ...segments.map((row) => deviation(row.centroid[name]))]), "heat")),
    cells(publication),
  ];
}

function deviation(value = 0) {
  const sign = value > 0 ? "+" : value < 0 ? "−" : "";
  return shade(Math.max(-4, Math.min(4, 2.5 * value)), `${sign}${Math.abs(value).toFixed(1)}`);
}

// Authors by tiers (rows) and segment (columns), shaded by their share of the segment.
function cells({ cells: all, segments, certificate: { published } }) {
  if (!all.length) return soft("No cell has enough people to be shown.");
  const fields = Object.keys(all[0]).filter((name) => !["segment", "authors"].includes(name));
  if (!fields.length) return soft("A cell is a whole segment: any finer group would be too small.");
  const key = (cell) => fields.map((name) => cell[name]).join("\t");
  // "under 1,000" comes before "1,000 to 99,999".
  const rank = (tier) => (tier.startsWith("under") ? -1 : parseInt(tier.replaceAll(",", ""), 10));
  const tiers = [...new Map(all.map((cell) => [key(cell), cell])).values()].sort((one, other) =>
    fields.reduce((found, name) => found || rank(one[name]) - rank(other[name]) || 0, 0));
  const found = new Map(all.map((cell) => [`${cell.segment}\t${key(cell)}`, cell.authors]));
  const line = (tier) => [
    ...fields.map((name, at) => (at ? el("td", { class: "tier" }, tier[name]) : tier[name])),
    ...segments.map((row) => portion(found.get(`${row.id}\t${key(tier)}`), row.customers)),
  ];
  const held = segments.map((row) => {
    const rest = row.customers - sum(all.filter((c) => c.segment === row.id).map((c) => c.authors));
    if (rest <= 0) return el("td", {}, "0");
    return untold(rest < published.k ? `<${published.k}` : number(rest), "suppressed");
  });
  return el("figure", {}, el("figcaption", {}, `Cells: ${fields.map(titled).join(", ")}`),
    soft(`How many authors of a segment are alike in these; darker is more of the segment. Cells of fewer than ${published.k} people are
 suppressed, together with cells from which they could be computed: ${published.cells_suppressed} of
 ${published.cells + published.cells_suppressed}. A dot is an empty or a suppressed cell.`),
    table("Authors by cell",
      [...fields.map((name) => el("th", { scope: "col", class: "tier" }, titled(name))),
        ...heads(segments)],
      [...tiers.map(line), ["suppressed", ...fields.slice(1).map(() => ""), ...held]], "heat"));
}
