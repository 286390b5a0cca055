"use strict";
// What holds the segments up: how many there are, what became of them, and the certificate.

const CRITERIA = {
  elbow: "elbow of the inertia",
  silhouette: "silhouette",
  gap: "gap statistic",
  calinski_harabasz: "Calinski–Harabasz",
  davies_bouldin: "Davies–Bouldin",
};

function clusters({ summary: { clusters: found } }) {
  const { k, curves, preferred } = found;
  const told = [verdict(found), soft(found.reason)];
  if (!curves.length) return told;
  const names = Object.keys(curves[0]).filter((name) => name !== "k");
  const shared = { rows: curves, chosen: k };
  const only = (more) => curve({ ...shared, ...more });
  return [...told,
    el("div", { class: "curves" },
      only({ title: "Inertia", key: "inertia", best: preferred.elbow,
        hint: "How far authors lie from the centre of their segment; the elbow is where it stops falling fast." }),
      only({ title: "Silhouette", key: "silhouette", best: preferred.silhouette,
        chance: "silhouette_chance",
        hint: "How far apart the segments are, 1 at most; what counts is how far above chance." }),
      only({ title: "Gap", key: "gap", error: "gap_error", best: preferred.gap,
        hint: "How much tighter the segments are than by chance, which is 0, with its error." }),
      only({ title: "Stability", key: "jaccard", bound: found.jaccard,
        hint: "Mean Jaccard similarity of the least stable segment over bootstrap samples." })),
    soft(curves.some((row) => row.k === k) && "Filled: the number chosen. ",
      "Ringed: the number that the criterion prefers. Grey: the value on rearranged data, in which each ",
      "column keeps its values and no groups remain."),
    table(k > 1 ? "What each criterion would choose" : "What each criterion would choose if forced",
      ["criterion", "segments", ...(k > 1 ? ["agrees"] : [])],
      Object.entries(CRITERIA).map(([name, title]) => [title, preferred[name] ?? "none",
        ...(k > 1 ? [preferred[name] === k ? "yes" : "no"] : [])])),
    el("details", { class: "numbers" }, el("summary", {}, "Numbers", el("span", { class: "hidden" },
      ": criteria by number of segments")),
    table("Criteria by number of segments", ["segments k", ...names.map(titled)],
      curves.map((row) => ["k", ...names].map((name) =>
        typeof row[name] === "boolean" ? (row[name] ? "yes" : "no") : number(row[name])))))];
}

function changes({ continuity: { former, born, died }, segments }) {
  if (former === null) {
    return [soft("This is the first publication: there is nothing to compare it with.")];
  }
  const named = new Map(segments.map((row) => [row.id, row.name]));
  return [facts([["new", listed(born.map((id) => named.get(id)))], ["gone", listed(died)]])];
}

function certificate({ certificate: { passed, reasons, published, at_rest: stolen } }) {
  const k = published.k;
  const limit = percent(1 / k, 100 % k ? 1 : 0);
  // Each is told after the one that it refers to.
  const names = [...Object.keys(given.attackers), ...Object.keys(published.attacks)];
  const attackers = [...new Set(names)].filter((name) => name in published.attacks);
  return [
    text(chip(passed ? "passed" : "not passed", passed ? "good" : "warn")),
    reasons.length > 0 && el("ul", {}, reasons.map((reason) => el("li", {}, reason))),
    soft(`Simulated attackers look for people in the publication. Each attacker below is assumed to
 hold every post of the conversation and all that X shows of the authors. The number is the share of
 his targets whom he names rightly. It may be ${limit} at most: one guess among ${k} people
 alike. Otherwise nothing is published.`),
    table("Attacks on what is published",
      ["an attacker who …", "names the right person, at most", `line: ${limit} at most`,
        "targets, at least"],
      attackers.map((name) => {
        const attack = published.attacks[name];
        return [given.attackers[name] ?? titled(name), percent(attack.success, 1), success(attack),
          number(attack.targets)];
      }), "attacks"),
    el("div", { class: "pair" },
      table("The published groups", ["what", "found"], [
        [`people in the smallest group (at least ${k})`, number(published.k_min)],
        ["authors who are alone in their cell", percent(published.uniqueness)],
        ["authors in suppressed cells", percent(published.suppressed_share, 1)],
        ["different opinions in a cell, at least", number(published.l_diversity)],
      ]),
      table("The database, which is not published: what a thief without the key could learn",
        ["what", "found"], [
          ["pseudonyms traced to accounts", percent(stolen.dictionary, 1)],
          ["authors recognised by their posts of each month", percent(stolen.linkage, 1)],
          ["authors unlike all others in these", percent(stolen.uniqueness, 1)],
        ])),
  ];
}
