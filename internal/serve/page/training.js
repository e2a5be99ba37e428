// The training run of what writes here: losses, people, samples.

import { byId, el, person, table } from "./dom.js";
import { get } from "./api.js";
import { lineChart } from "./chart.js";

const loss = (x) => (x === null || x === undefined ? "–" : x.toFixed(4));

export async function showTraining(available) {
  const place = byId("training");
  if (!available) return place.replaceChildren(el("p", {}, "This server does not show the training run."));
  const { runs } = await get("/archive/runs"); // again each time: it may train now
  place.replaceChildren(...(runs.length > 0 ? runs.flatMap(content) : [el("p", {}, "No log of a training run is next to the adapter.")]));
}

function content(run) {
  const step = (n) => (n === 0 ? "base model" : "step " + n.toLocaleString("en-US"));
  const parts = [el("h2", {}, el("bdi", {}, run.title)),
    el("p", { class: "soft" }, `${run.state}, step ${run.step.toLocaleString("en-US")}` + (run.total_steps > 0 ? ` of ${run.total_steps.toLocaleString("en-US")}` : ""))];
  const heldOut = run.evaluations.map((e) => [e.step, e.loss]);
  parts.push(el("div", { class: "card" }, lineChart("Held-out loss", heldOut, loss, "step"), lineChart("Training loss", run.losses, loss, "step"),
    table("Held-out loss", ["After", "Loss", "Perplexity"], run.evaluations.map((e) => [step(e.step), loss(e.loss), Math.exp(e.loss).toFixed(3)]))));
  if (run.people.length > 0) {
    parts.push(el("div", { class: "card" }, el("h3", {}, "Held-out loss per person"),
      table("Held-out loss per person", ["Name", "Base model", "Latest"], run.people.map((p) => [p.name, loss(p.base), loss(p.latest)]))));
  }
  if (run.samples.length > 0) parts.push(el("h3", {}, "Samples: held-out messages, written again"));
  for (const s of run.samples) {
    const line = (m) => el("li", { class: "message" }, person(m.name), el("bdi", { class: "text" }, m.text));
    parts.push(el("article", { class: "card", "aria-label": "Sample " + s.number }, el("ol", {}, ...s.context.map(line)),
      el("p", {}, person(s.real.name), "really wrote: ", el("bdi", {}, s.real.text)),
      table("What the model wrote", ["After", "Text"], s.written.map((w) => [step(w.step), el("bdi", {}, w.text)]), true)));
  }
  return parts;
}
