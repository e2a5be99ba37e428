// The real messages, in pages, and continuing from one of them.

import { byId, el, person, problem, say } from "./dom.js";
import { get } from "./api.js";
import { state } from "./state.js";
import { setMembers, showConversation } from "./talk.js";

const pageSize = 50;
let conversations = [];
let shown = []; // messages, in order
let current = 0; // number of the conversation

export async function beginHistory(available) {
  byId("past").hidden = byId("history").hidden = !available;
  if (!available) return;
  try {
    ({ conversations } = await get("/archive/conversations"));
  } catch (e) {
    byId("history-note").textContent = e.message;
    byId("past").hidden = true;
    return;
  }
  byId("history-note").textContent = conversations.length > 0 ? "Choose a conversation, or who takes part." : "There are no messages yet: vqctl preprocess prepares them.";
  byId("conversation").append(...conversations.map((c) =>
    el("option", { value: c.id }, c.members.join(", ") + " (" + c.messages.toLocaleString("en-US") + ")")));
  byId("conversation").addEventListener("change", chosen);
  byId("members").addEventListener("change", findByMembers);
  byId("earlier").addEventListener("click", () => load(shown[0]?.id ?? 0));
  findByMembers();
}

function chosen() {
  const found = conversations.find((c) => String(c.id) === byId("conversation").value);
  if (!found) return;
  setMembers(found.members);
  open(found.id);
}

// findByMembers shows the conversation of those who take part, if there is one.
function findByMembers() {
  const key = JSON.stringify([...state.members].sort());
  const found = conversations.find((c) => JSON.stringify([...c.members].sort()) === key);
  byId("conversation").value = found ? found.id : "";
  if (found) return open(found.id);
  current = 0;
  shown = [];
  byId("history-list").replaceChildren();
  byId("earlier").hidden = true;
  byId("history-note").textContent = "These people have no conversation of their own.";
}

function open(id) {
  current = id;
  shown = [];
  byId("history-list").replaceChildren();
  return load(0);
}

async function load(before) {
  const wanted = current;
  byId("earlier").disabled = true;
  try {
    const page = await get(`/archive/conversations/${wanted}?limit=${pageSize}&before=${before}`);
    if (wanted !== current) return; // another was chosen meanwhile
    shown = [...page.messages, ...shown];
    byId("history-note").textContent = "Choose a message to continue the conversation after it.";
    byId("earlier").hidden = !page.more;
    const list = byId("history-list"), height = list.scrollHeight;
    list.replaceChildren(...items());
    list.scrollTop = before ? list.scrollHeight - height : list.scrollHeight;
    if (before) say(page.messages.length + " earlier messages");
  } catch (e) {
    byId("history-note").textContent = e.message;
  } finally {
    byId("earlier").disabled = false;
  }
}

const day = (date) => new Date(date).toLocaleDateString("en-US", { year: "numeric", month: "short", day: "numeric" });
const time = (date) => new Date(date).toLocaleTimeString("en-US", { hour: "2-digit", minute: "2-digit", hour12: false });

// items lists the messages. One of them takes part in the tab order; arrow keys move between them.
function items() {
  const list = [];
  shown.forEach((m, i) => {
    if (i === 0 || day(m.date) !== day(shown[i - 1].date)) list.push(el("li", { class: "day" }, day(m.date)));
    list.push(el("li", {}, el("button", { type: "button", tabindex: i === shown.length - 1 ? "0" : "-1", click: () => continueFrom(i), keydown: move },
      person(m.name), el("span", { class: "soft small" }, [time(m.date), m.content_type === "text" ? "" : m.content_type].filter(Boolean).join(" ")),
      m.reply_to ? el("span", { class: "quote" }, "to: ", el("bdi", {}, m.reply_to)) : null, el("br"), el("bdi", {}, m.text))));
  });
  return list;
}

function move(e) {
  const buttons = [...byId("history-list").querySelectorAll("button")], at = buttons.indexOf(e.currentTarget);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[e.key];
  if (to === undefined) return;
  e.preventDefault();
  if (!buttons[to]) return;
  buttons[at].tabIndex = -1;
  buttons[to].tabIndex = 0;
  buttons[to].focus();
}

// continueFrom makes the real messages up to one the conversation.
function continueFrom(i) {
  if (byId("stop").hidden === false) return problem("stop the answer first");
  state.messages = shown.slice(Math.max(0, i - 99), i + 1).map((m) => ({ ...m, origin: "real" }));
  state.messages[0].delta = "<1m";
  state.start = state.messages[0].date.slice(0, 10);
  state.real = shown[i + 1] ?? null;
  if (state.real && [...byId("answerer").options].some((o) => o.value === state.real.name)) byId("answerer").value = state.real.name;
  byId("offers").hidden = true;
  showConversation();
  byId("write").focus();
  say(state.messages.length + " real messages are the conversation so far");
}
