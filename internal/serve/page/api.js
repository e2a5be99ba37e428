// Requests to the server.

const key = "vqctl-token";

export class NeedsToken extends Error {}

export function keepToken(token) { sessionStorage.setItem(key, token); }

// takeTokenOfAddress keeps the token of an address such as http://…/#token=…, and takes it out of the address.
export function takeTokenOfAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given === null) return;
  keepToken(given);
  history.replaceState(null, "", location.pathname);
}

async function request(path, more = {}) {
  const token = sessionStorage.getItem(key);
  const headers = { ...(token ? { Authorization: "Bearer " + token } : {}), ...(more.body ? { "Content-Type": "application/json" } : {}) };
  let answer;
  try {
    answer = await fetch(path, { ...more, headers });
  } catch (e) {
    if (e.name === "AbortError") throw e;
    throw new Error("the server does not answer: is vqctl serve running?");
  }
  if (answer.status === 401) throw new NeedsToken(token ? "the token is wrong" : "");
  if (answer.ok) return answer;
  let message = answer.statusText;
  try { message = (await answer.json()).error.message; } catch { /* no answer of ours */ }
  throw new Error(message);
}

export async function get(path) { return (await request(path)).json(); }

// chat streams the continuations of a conversation: use(choice, delta) gets each piece.
export async function chat(body, signal, use) {
  const answer = await request("/v1/chat/completions", { method: "POST", body: JSON.stringify({ ...body, stream: true }), signal });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the connection to the server was lost");
    const events = (held + value).split("\n\n");
    held = events.pop();
    for (const event of events) {
      const data = event.replace(/^data: /, "");
      if (data === "[DONE]") return;
      const piece = JSON.parse(data);
      if (piece.error) throw new Error(piece.error.message);
      for (const c of piece.choices) use(c.index, c.delta);
    }
  }
}
