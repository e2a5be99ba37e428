// The conversation: who takes part, who writes next, candidates beside each other.

import { byId, el, options, person, problem, say } from "./dom.js";
import { chat } from "./api.js";
import { add, canWrite, modelsOf, requestMessages, sinceLast, state } from "./state.js";

let working = null; // AbortController of the answer in progress

export function beginTalk(found) {
  byId("temperature").value = found.defaults.temperature;
  byId("top-p").value = found.defaults.top_p;
  byId("max-tokens").value = found.defaults.max_tokens;
  byId("candidates").max = Math.min(8, found.most_candidates);
  byId("adapters").hidden = state.adapters.length < 2;
  byId("adapter-list").replaceChildren(...state.adapters.map((a, i) =>
    el("label", {}, el("input", { type: "checkbox", value: a, checked: i === 0 }), " ", el("bdi", {}, a))));
  byId("filter").hidden = state.people.length < 12;
  const first = state.models.find((m) => m.name !== state.owner);
  setMembers([state.owner, first ? first.name : ""].filter((name) => name !== ""));
  showConversation();
}

// setMembers sets who takes part.
export function setMembers(names) {
  state.members = [...new Set(names)].sort();
  for (const name of names) if (!state.people.includes(name)) state.people.push(name);
  byId("members").replaceChildren(...state.people.map((name) =>
    el("label", { "data-name": name.toLowerCase() },
      el("input", { type: "checkbox", value: name, checked: state.members.includes(name), change: membersChanged }), " ", el("bdi", {}, name))));
  filterPeople();
  showChoices();
}

function membersChanged() {
  state.members = [...byId("members").querySelectorAll("input:checked")].map((box) => box.value).sort();
  showChoices();
}

function filterPeople() {
  const wanted = byId("filter").value.toLowerCase();
  for (const label of byId("members").children) label.hidden = !label.dataset.name.includes(wanted);
}

// showChoices offers who may write.
function showChoices() {
  const owner = state.members.includes(state.owner) ? state.owner : state.members[0];
  options(byId("author"), state.members, owner);
  const writers = state.members.filter(canWrite);
  options(byId("answerer"), writers, writers.find((name) => name !== owner) ?? writers[0]);
  byId("answer").disabled = byId("let-talk").disabled = writers.length === 0;
}

const bubble = (m) => el("li", { class: "message " + (m.origin ?? "") }, person(m.name),
  el("span", { class: "when" }, [m.delta, m.content_type === "text" ? "" : m.content_type].filter(Boolean).join(" ")),
  m.reply_to ? el("span", { class: "quote" }, "to: ", el("bdi", {}, m.reply_to)) : null, el("bdi", { class: "text" }, m.text));

export function showConversation() {
  byId("log").replaceChildren(...state.messages.map(bubble));
  byId("empty").hidden = state.messages.length > 0;
  byId("undo").disabled = byId("clear").disabled = byId("retry").disabled = state.messages.length === 0;
  byId("log").scrollTop = byId("log").scrollHeight;
}

// take makes a message the next one of the conversation.
function take(message) {
  add(message);
  closeOffers();
  showConversation();
  nextInTurn(message.name);
}

// nextInTurn chooses who writes after a person.
function nextInTurn(name) {
  const writers = state.members.filter(canWrite);
  if (byId("answerer").value === name && writers.length > 1) byId("answerer").value = writers[(writers.indexOf(name) + 1) % writers.length];
}

function closeOffers() {
  byId("offers").hidden = true;
  byId("offers").replaceChildren();
}

const number = (id) => (byId(id).value === "" ? undefined : byId(id).valueAsNumber);

// write lets models write the next message as a person, count times each; show gets each piece of an answer.
async function write(models, count, signal, show) {
  const lines = models.map(() => Array.from({ length: count }, () => ({ text: "" })));
  const settings = { messages: requestMessages(), n: count, temperature: number("temperature"), top_p: number("top-p"), max_tokens: number("max-tokens"), seed: number("seed") };
  await Promise.all(models.map((m, i) => chat({ ...settings, model: m.id }, signal, (choice, delta) => {
    const line = lines[i][choice];
    if (delta.delta) Object.assign(line, { delta: delta.delta, content_type: delta.content_type, reply_to: delta.reply_to });
    line.text += delta.content ?? "";
    show(i, choice, line);
  })));
  return lines;
}

const finished = (name, line) => ({ name, delta: "<1m", content_type: "text", reply_to: null, ...line, origin: "model" });

// chosenModels returns a person's models of the chosen adapters, or the first that there is.
function chosenModels(name) {
  const chosen = [...byId("adapter-list").querySelectorAll("input:checked")].map((box) => box.value);
  const found = modelsOf(name, chosen);
  return found.length > 0 ? found : modelsOf(name, state.adapters).slice(0, 1);
}

// answerOnce shows one answer while it is written, and adds it.
async function answerOnce(name, model, signal) {
  const item = bubble(finished(name, { text: "" }));
  item.setAttribute("aria-busy", "true");
  byId("log").append(item);
  byId("empty").hidden = true;
  try {
    const [[line]] = await write([model], 1, signal, (_i, _choice, line) => {
      item.querySelector(".text").textContent = line.text;
      byId("log").scrollTop = byId("log").scrollHeight;
    });
    take(finished(name, line));
    say(name + ": " + line.text);
  } finally {
    showConversation();
  }
}

// compare shows candidates of one or several adapters beside each other, and what was really written.
async function compare(name, models, count, signal) {
  const place = byId("offers");
  const cards = models.map((m) => Array.from({ length: count }, (_, k) => {
    const use = el("button", { type: "button", disabled: true }, "Use this one");
    const card = el("article", { class: "offer", "aria-busy": "true" },
      el("h3", {}, person(name), [m.adapter, count > 1 ? k + 1 : ""].filter((part) => part !== "").join(" · ")), el("p", {}, el("bdi", {})), use);
    return { card, use };
  }));
  place.replaceChildren(...cards.flat().map((c) => c.card));
  if (state.real) place.append(el("article", { class: "offer really" }, el("h3", {}, person(state.real.name), "really wrote"), el("p", {}, el("bdi", {}, state.real.text))));
  place.hidden = false;
  const lines = await write(models, count, signal, (i, k, line) => { cards[i][k].card.querySelector("p bdi").textContent = line.text; });
  lines.forEach((row, i) => row.forEach((line, k) => {
    const { card, use } = cards[i][k];
    card.removeAttribute("aria-busy");
    use.disabled = false;
    use.addEventListener("click", () => { take(finished(name, line)); byId("write").focus(); });
  }));
  say(lines.flat().length + " candidates: " + lines.flat().map((l) => l.text).join("; "));
}

// busy runs an answer that Stop can end.
async function busy(run) {
  if (working) return;
  working = new AbortController();
  byId("stop").hidden = false;
  for (const id of ["answer", "let-talk", "retry", "undo", "clear"]) byId(id).disabled = true;
  problem("");
  try {
    await run(working.signal);
  } catch (e) {
    if (e.name === "AbortError") say("stopped");
    else problem(e.message);
    closeOffers();
  } finally {
    working = null;
    byId("stop").hidden = true;
    showConversation();
    showChoices();
  }
}

function answer(name) {
  if (!name) return problem("choose someone whom the model can write as");
  return busy((signal) => {
    const models = chosenModels(name), count = number("candidates") || 1;
    say(name + " is writing");
    closeOffers();
    if (models.length === 1 && count === 1 && !state.real) return answerOnce(name, models[0], signal);
    return compare(name, models, count, signal);
  });
}

function letTalk() {
  const names = state.members.filter(canWrite);
  return busy(async (signal) => {
    closeOffers();
    let at = names.indexOf(state.messages.at(-1)?.name);
    for (let turn = number("turn-count") || 1; turn > 0; turn--) {
      at = (at + 1) % names.length;
      await answerOnce(names[at], chosenModels(names[at])[0], signal);
    }
  });
}

function send() {
  const text = byId("write").value.trim(), author = byId("author").value;
  if (working) return;
  if (text !== "" && !author) return problem("choose who takes part");
  if (text !== "") {
    byId("write").value = "";
    let delta = sinceLast();
    for (const line of text.split(/[\r\n]+/).map((l) => l.trim()).filter(Boolean)) {
      take({ name: author, text: line, delta, content_type: "text", reply_to: null, origin: "typed" });
      delta = "<1m";
    }
  }
  const next = byId("answerer").value;
  if (text === "" || next !== author) answer(next);
}

function undo() {
  const last = state.messages.pop();
  while (last?.origin === "model" && state.messages.at(-1)?.origin === "typed") state.messages.pop();
  closeOffers();
  showConversation();
}

function retry() {
  const last = state.messages.at(-1);
  if (last?.origin !== "model") return answer(byId("answerer").value);
  state.messages.pop();
  showConversation();
  answer(last.name);
}

export function stop() { working?.abort(); }

byId("write-form").addEventListener("submit", (e) => { e.preventDefault(); send(); });
byId("write").addEventListener("keydown", (e) => {
  if (e.key === "Enter" && !e.shiftKey && !e.isComposing) { e.preventDefault(); send(); }
});
document.addEventListener("keydown", (e) => { if (e.key === "Escape") stop(); });
byId("stop").addEventListener("click", stop);
byId("answer").addEventListener("click", () => answer(byId("answerer").value));
byId("let-talk").addEventListener("click", letTalk);
byId("undo").addEventListener("click", undo);
byId("retry").addEventListener("click", retry);
byId("clear").addEventListener("click", () => { state.messages = []; state.start = ""; state.real = null; closeOffers(); showConversation(); });
byId("filter").addEventListener("input", filterPeople);
byId("add-member").addEventListener("click", () => {
  const name = byId("new-member").value.trim();
  if (name !== "") setMembers([...state.members, name]);
  byId("new-member").value = "";
});
byId("new-member").addEventListener("keydown", (e) => { if (e.key === "Enter") { e.preventDefault(); byId("add-member").click(); } });
