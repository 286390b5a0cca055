"use strict";
// The charts: data in, an element out.

const CLASSES = ["negative", "neutral", "positive"];
const WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

// Round steps that cover `low` to `high`, about `count` of them.
function ticks(low, high, count) {
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, place) =>
    Number(((first + place) * step).toPrecision(12)));
}
const scale = (from, to, start, end) => (value) =>
  start + ((value - from) / (to - from || 1)) * (end - start);

// Shares of posts by class as one bar; null where one is suppressed.
function mix(mood) {
  let start = 0;
  const known = CLASSES.filter((name) => mood[name] !== null);
  // Rounded shares may add up to a little more or less than everything.
  const total = sum(known.map((name) => mood[name]));
  const whole = known.length === CLASSES.length ? total || 1 : Math.max(total, 1);
  const told = CLASSES.map((name) =>
    mood[name] === null ? `${name}: too few people to tell` : `${percent(mood[name])} ${name}`);
  const parts = known.map((name) => {
    const part = svg("rect",
      { class: name, x: percent(start, 2), width: percent(mood[name] / whole, 2), height: "100%" });
    start += mood[name] / whole;
    return part;
  });
  return el("div", { class: "mix" },
    picture(`Mood: ${told.join(", ")}`, { class: "bar" }, parts),
    el("p", { "aria-hidden": "true" }, CLASSES.map((name) => el("span", { class: name },
      mood[name] === null ? "–" : percent(mood[name]), el("small", {}, ` ${name}`)))));
}

// Shares of posts from Monday to Sunday, as columns around an even seventh.
function week(days) {
  const entries = WEEKDAYS.map((name) => [name, days[name]]);
  const most = Math.max(1.5 / 7, ...entries.map(([, share]) => share));
  const told = entries.map(([name, share]) =>
    `${name} ${share === null ? "too few people to tell" : percent(share)}`);
  return el("div", { class: "week" }, el("small", { "aria-hidden": "true" },
    "posts by weekday; dashed: each day alike"),
  picture(`Posts by weekday: ${told.join(", ")}`, { viewBox: "0 0 308 52" },
    entries.map(([name, share], place) => {
      const height = share === null ? 18 : (34 * share) / most;
      return [
        svg("rect", { class: share === null ? "untold" : "column", x: 44 * place + 1, width: 42,
          y: 34 - height, height, rx: 2 }, svg("title", {}, told[place])),
        words(44 * place + 22, 49, name.slice(0, 2), { "text-anchor": "middle" }),
      ];
    }),
    line(0, 34 - 34 / 7 / most, 308, 34 - 34 / 7 / most, "even")));
}

// An index with its interval on a scale that doubles with each step, 25 to 400; what lies beyond
// is an arrow at its end.
function range({ index, low, high }) {
  const x = (value) => Math.min(Math.max(60 + 28 * Math.log2(Math.max(value, 1) / 100), 4), 116);
  const beyond = index < 25 ? "M8 3.5L1 8L8 12.5Z" : index > 400 && "M112 3.5L119 8L112 12.5Z";
  const name = low > 100 || high < 100 ? "apart" : "alike";
  return svg("svg", { class: `range ${name}`, viewBox: "0 0 120 16", "aria-hidden": "true" },
    [4, 32, 88, 116].map((at) => line(at, 5, at, 11, "tick")),
    line(4, 8, 116, 8, "rail"), line(60, 1, 60, 15, "middle"),
    line(x(low), 8, x(high), 8, "interval"),
    beyond ? svg("path", { class: "dot", d: beyond })
      : svg("circle", { class: "dot", cx: x(index), cy: 8, r: 3.6 }),
    svg("title", {}, `${index}, between ${low} and ${high}`));
}

// Posts a day as bars, their average polarity as a line with gaps for days that are not shown.
function moodByDay(days) {
  const time = (row) => Date.parse(row.day) / 864e5;
  const first = time(days[0]);
  const last = time(days.at(-1));
  const most = Math.max(...days.map((row) => row.posts));
  const draw = (width) => {
    const [left, right, middle, low, high] = [44, width - 8, 144, 184, 268];
    const slot = (right - left) / (last - first + 1);
    const x = (row) => left + slot * (time(row) - first + 0.5);
    const y = scale(0, 1, middle, 18);
    const marks = ticks(0, most, 2);
    const bar = scale(0, marks.at(-1), high, low);
    const runs = [];
    days.forEach((row, place) => {
      if (!place || time(row) - time(days[place - 1]) > 1) runs.push([]);
      runs.at(-1).push(`${x(row).toFixed(1)} ${y(row.avg_polarity).toFixed(1)}`);
    });
    const step = Math.max(1, Math.ceil(64 / slot / 7) * 7);
    return [high + 24,
      [0, 0.5, 1].map((at) => [line(left, y(at), right, y(at), at === 0.5 ? "even" : "grid"),
        words(left - 8, y(at) + 4, at, { "text-anchor": "end" })]),
      marks.map((at) => [line(left, bar(at), right, bar(at), "grid"),
        words(left - 8, bar(at) + 4, short(at), { "text-anchor": "end" })]),
      words(left, 10, "average polarity: 1 positive, 0 negative"),
      words(left, low - 8, "posts"),
      days.map((row) => svg("rect", { class: "column", x: x(row) - slot * 0.4,
        width: slot * 0.8, y: bar(row.posts), height: high - bar(row.posts) })),
      // A single day between two gaps is a line of no length: its round end shows it.
      runs.map((run) =>
        svg("path", { class: "line", d: `M${run.join("L")}${run[1] ? "" : "h0"}` })),
      days.filter((row) => (time(row) - first) % step === 0).map((row) =>
        words(x(row), high + 18, day(row.day), { "text-anchor": "middle" })),
      days.map((row) => svg("rect", { class: "touch", x: x(row) - slot / 2, width: slot, y: 12,
        height: high - 12 }, svg("title", {},
        `${day(row.day)}: ${number(row.posts)} posts, average polarity ${row.avg_polarity}`)))];
  };
  const found = days.map((row) => row.avg_polarity);
  return chart("Average polarity and posts a day",
    `${days.length} days, polarity ${Math.min(...found)} to ${Math.max(...found)}, ` +
    `${number(Math.min(...days.map((row) => row.posts)))} to ${number(most)} posts.`, draw,
    table("Mood by day", ["day", "posts", "average polarity"],
      days.map((row) => [day(row.day, { year: "numeric" }), number(row.posts),
        number(row.avg_polarity)])));
}

// Names beside their circles, where they meet neither another circle nor another name nor the edge.
function labels(circles, [left, right, top, low]) {
  const taken = circles.map(({ cx, cy, r }) => [cx - r, cx + r, cy - r, cy + r]);
  return circles.map(({ row, cx, cy, r }) => {
    const width = 7 * row.name.length;
    const places = [[cx + r + 7, cy, "start"], [cx - r - 7, cy, "end"],
      [cx, cy + r + 14, "middle"], [cx, cy - r - 12, "middle"]].map(([x, y, anchor]) => {
      const from = x - { start: 0, middle: width / 2, end: width }[anchor];
      return { x, y, anchor, box: [from, from + width, y - 8, y + 8] };
    });
    const free = ({ box: [a, b, c, d] }) => a > left && b < right && c > top && d < low &&
      !taken.some(([e, f, g, h]) => a < f && b > e && c < h && d > g);
    const { x, y, anchor, box } = places.find(free) ?? places[0];
    taken.push(box);
    return words(x, y + 4, row.name, { class: "name", "text-anchor": anchor });
  });
}

// Segments by how they speak and how far they are heard, around the averages of the audience.
function bubbles(segments, audience) {
  const reach = (row) => Math.log10(Math.max(row.avg_followers, 1));
  const all = [...segments, audience];
  const most = Math.max(...segments.map((row) => row.customers));
  const bounds = (values, room) => [Math.min(...values) - room, Math.max(...values) + room];
  const draw = (width) => {
    const [left, right, top, low] = [52, width - 8, 24, Math.min(420, 260 + width / 6)];
    const largest = Math.min(46, width / 14);
    const [west, east] = bounds(all.map((row) => row.avg_polarity), 0.12);
    const [south, north] = bounds(all.map(reach), 0.45);
    const x = scale(west, east, left, right);
    const y = scale(south, north, low, top);
    const at = [x(audience.avg_polarity), y(reach(audience))];
    const digits = north - south > 3 ? [1] : [1, 2, 5];
    const steps = [1, 2, 3, 4, 5, 6, 7].flatMap((power) => digits.map((n) => n * 10 ** power))
      .filter((v) => Math.log10(v) > south && Math.log10(v) < north);
    const circles = segments.map((row) => ({ row, cx: x(row.avg_polarity), cy: y(reach(row)),
      r: Math.max(11, largest * Math.sqrt(row.customers / most)) }));
    return [low + 44,
      svg("rect",
        { class: "field", x: left, y: top, width: right - left, height: low - top, rx: 6 }),
      ticks(west, east, 5).filter((v) => v > west && v < east && v >= 0 && v <= 1).map((v) => [
        line(x(v), top, x(v), low, "grid"), words(x(v), low + 18, v, { "text-anchor": "middle" })]),
      steps.map((v) => [line(left, y(Math.log10(v)), right, y(Math.log10(v)), "grid"),
        words(left - 8, y(Math.log10(v)) + 4, short(v), { "text-anchor": "end" })]),
      line(at[0], top, at[0], low, "even"), line(left, at[1], right, at[1], "even"),
      words(Math.max(at[0], left + 190), 14, "whole audience", { "text-anchor": "middle" }),
      words(left, 14, "followers, on average"),
      words(left, low + 38, "← speak ill of the brand"),
      words(right, low + 38, "speak well of it →", { "text-anchor": "end" }),
      circles.map(({ row, cx, cy, r }) => svg("g", { class: "bubble" },
        svg("title", {}, `${row.name}: ${number(row.customers)} authors, average polarity ` +
          `${row.avg_polarity}, about ${number(row.avg_followers)} followers`),
        svg("circle", { cx, cy, r }),
        words(cx, cy + 4.5, row.id + 1, { class: "count", "text-anchor": "middle" }))),
      // On a phone the numbers have to do.
      width > 560 && labels(circles, [left, right, top, low])];
  };
  return chart("Mood and reach",
    "A circle is the centre of a segment, never a person, and its area the number of authors. To the " +
    "right they speak better of the brand, higher up they have more followers.", draw,
    table("Segments by mood and reach",
      ["segment", "authors", "average polarity", "followers, about"],
      segments.map((row) => [`${row.id + 1} ${row.name}`, number(row.customers),
        number(row.avg_polarity), number(row.avg_followers)])));
}

// One criterion over k; `best` is the k it prefers; `error`, `bound` and `chance` are optional.
function curve({ title, hint, rows, key, chosen, best, error, bound, chance }) {
  const value = (row, side = 0) => row[key] + side * (error ? row[error] : 0);
  const draw = (width) => {
    const [left, right, top, low] = [44, width - 10, 14, 142];
    const all = rows.flatMap((row) => [value(row, -1), value(row, 1), row[chance] ?? value(row)])
      .concat(bound ?? []);
    const path = (at) => `M${rows.map((row) => `${x(row.k)} ${y(at(row))}`).join("L")}`;
    const marks = ticks(Math.min(...all), Math.max(...all), 3);
    const x = scale(rows[0].k, rows.at(-1).k, left + 8, right - 8);
    const y = scale(marks[0], marks.at(-1), low, top);
    const step = Math.ceil((24 * rows.length) / (right - left));
    return [low + 36,
      marks.map((at) => [line(left, y(at), right, y(at), "grid"),
        words(left - 8, y(at) + 4, short(at), { "text-anchor": "end" })]),
      bound && [line(left, y(bound), right, y(bound), "bound"),
        words(right, y(bound) - 5, `stable from ${bound}`, { "text-anchor": "end" })],
      rows.some((row) => row.k === chosen) && line(x(chosen), top - 8, x(chosen), low, "even"),
      chance && svg("path", { class: "line chance", d: path((row) => row[chance]) }),
      svg("path", { class: "line", d: path(value) }),
      rows.map((row) => svg("g", { class: row.k === chosen ? "point chosen" : "point" },
        svg("title", {}, `k = ${row.k}: ${number(value(row))}`),
        error && line(x(row.k), y(value(row, -1)), x(row.k), y(value(row, 1)), "error"),
        row.k === best && svg("circle", { class: "best", cx: x(row.k), cy: y(value(row)), r: 8 }),
        svg("circle", { cx: x(row.k), cy: y(value(row)), r: row.k === chosen ? 4.5 : 3 }))),
      rows.filter((row, place) => place % step === 0).map((row) =>
        words(x(row.k), low + 18, row.k, { "text-anchor": "middle" })),
      words(right, low + 33, "segments k", { "text-anchor": "end" })];
  };
  return chart(title, hint, draw);
}

// How often an attack succeeds, against the bound.
function success({ success: found, bound }) {
  const x = scale(0, Math.max(found, bound) * 1.15, 0, 120);
  return svg("svg", { class: found > bound ? "attack over" : "attack", viewBox: "0 0 120 14",
    "aria-hidden": "true" },
    svg("rect", { class: "rail", y: 4, width: 120, height: 6, rx: 3 }),
    svg("rect", { class: "found", y: 4, width: Math.max(x(found), 1.5), height: 6, rx: 3 }),
    line(x(bound), 0, x(bound), 14, "limit"));
}
