// Figures about the real messages.

import { byId, el, table } from "./dom.js";
import { get } from "./api.js";
import { barChart } from "./chart.js";

const count = (n) => n.toLocaleString("en-US");
const percent = (part, whole) => (whole > 0 ? Math.round((100 * part) / whole) + "%" : "–");

function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 90) return Math.round(seconds) + " s";
  if (seconds < 5400) return Math.round(seconds / 60) + " min";
  return (seconds / 3600).toFixed(1) + " h";
}

export async function showStatistics(available) {
  const place = byId("statistics");
  if (place.childElementCount > 0) return;
  if (!available) return place.replaceChildren(el("p", {}, "This server does not show the real messages."));
  place.replaceChildren(el("p", { role: "status" }, "Reading all messages…"));
  try {
    place.replaceChildren(...content(await get("/archive/statistics")));
  } catch (e) {
    place.replaceChildren(); // so that it is tried again
    throw e;
  }
}

const likely = (usages) => (usages ?? []).slice(0, 8).map((u) => u.word).join(", ");

function content(r) {
  if (r.messages === 0) return [el("p", {}, "There are no messages.")];
  const dates = r.months.length > 0 ? `, ${r.from.slice(0, 10)} to ${r.to.slice(0, 10)}` : "";
  const people = r.people.map((p) => [p.name + (p.owner ? " (you)" : ""), count(p.messages), p.words_per_message.toFixed(1), duration(p.reply.median_seconds),
    duration(p.owner_reply.median_seconds), percent(p.started, p.sessions), Math.round(100 * p.reaction_share) + "%"]);
  const words = r.people.map((p) => [p.name, likely(p.words_beyond_the_usual), (p.emoji ?? []).slice(0, 6).map((e) => e.name).join(" ")]).filter((row) => row[1] || row[2]);
  const parts = [el("h2", {}, "Statistics"), el("p", { class: "soft" }, `${count(r.messages)} messages${dates}, ${r.people.length} people, ${r.groups.length} groups. `,
    "The page of ", el("code", {}, "vqctl stats --html FILE"), " has more.")];
  if (r.months.length > 0) {
    const months = r.months.map((m) => [m.month, m.messages]);
    parts.push(el("div", { class: "card" }, barChart("Messages per month", months, count),
      el("details", {}, el("summary", {}, "Show as a table"), table("Messages per month", ["Month", "Messages"], months.map(([m, n]) => [m, count(n)])))));
  }
  parts.push(el("div", { class: "card" }, el("h3", {}, "People"),
    table("People", ["Name", "Messages", "Words per message", "Reply time", "Your reply time", "Starts", "Reactions"], people)));
  if (words.length > 0) parts.push(el("div", { class: "card" }, el("h3", {}, "Characteristic words and emoji"), table("Characteristic words and emoji", ["Name", "Words", "Emoji"], words, true)));
  if (r.groups.length > 0) {
    parts.push(el("div", { class: "card" }, el("h3", {}, "Groups"), table("Groups", ["Group", "Messages", "Words per message", "Reply time"],
      r.groups.map((g) => [g.name || g.members.join(", "), count(g.messages), g.words_per_message.toFixed(1), duration(g.reply.median_seconds)]))));
  }
  return parts;
}
