// What the views share: the people, the settings, the conversation.

export const state = {
  owner: "",
  models: [], // {id, name, adapter}
  people: [], // names that can be chosen
  members: [], // who takes part
  adapters: [], // labels; [""] if there is one
  messages: [], // {name, text, delta, content_type, reply_to, origin}
  start: "", // date of the header, "" for today
  real: null, // the message that really followed, until the conversation goes another way
};

// modelsOf returns the models that write as a person, one for each of some adapters.
export const modelsOf = (name, adapters) => state.models.filter((m) => m.name === name && adapters.includes(m.adapter));

export const canWrite = (name) => state.models.some((m) => m.name === name);

const labels = [[60, "<1m"], [300, "<5m"], [3600, "<1h"], [43200, "<12h"], [86400, "<1d"], [Infinity, "1d+"]];
let lastTime = 0;

// sinceLast returns the label of the time since the last message was added here.
export function sinceLast() {
  const seconds = lastTime ? (Date.now() - lastTime) / 1000 : 0;
  return labels.find(([most]) => seconds < most)[1];
}

export function add(message) {
  state.messages.push(message);
  state.real = null;
  lastTime = Date.now();
}

// requestMessages returns the conversation as the server takes it.
export function requestMessages() {
  const header = { type: state.members.length > 2 ? "group" : "dm", members: state.members, start: state.start || new Date().toISOString().slice(0, 10) };
  return [{ role: "system", content: JSON.stringify(header) },
    ...state.messages.slice(-100).map((m) => ({ role: "user", name: m.name, content: m.text, delta: m.delta, content_type: m.content_type, reply_to: m.reply_to }))];
}
