// The page: signing in, and the views.

import { byId, problem } from "./dom.js";
import { get, keepToken, NeedsToken, takeTokenOfAddress } from "./api.js";
import { state } from "./state.js";
import { beginTalk } from "./talk.js";
import { beginHistory } from "./history.js";
import { showStatistics } from "./statistics.js";
import { showTraining } from "./training.js";

const tabs = [...document.querySelectorAll("[role=tab]")];
const shows = { statistics: showStatistics, training: showTraining };

// attempt runs what may fail, and shows the error.
async function attempt(run) {
  try {
    problem("");
    await run();
  } catch (e) {
    if (!(e instanceof NeedsToken)) return problem(e.message);
    byId("views").hidden = true;
    byId("sign-in").hidden = false;
    byId("token").focus();
    problem(e.message);
  }
}

function choose(tab, focus) {
  for (const t of tabs) {
    const chosen = t === tab;
    t.setAttribute("aria-selected", chosen);
    t.tabIndex = chosen ? 0 : -1;
    byId(t.getAttribute("aria-controls")).hidden = !chosen;
  }
  if (focus) tab.focus();
  const show = shows[tab.getAttribute("aria-controls")];
  if (show) attempt(() => show(state.archive));
}

for (const [i, tab] of tabs.entries()) {
  tab.addEventListener("click", () => choose(tab, false));
  tab.addEventListener("keydown", (e) => {
    const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: tabs.length - 1 }[e.key];
    if (to === undefined) return;
    e.preventDefault();
    choose(tabs[(to + tabs.length) % tabs.length], true);
  });
}

async function begin() {
  const found = await get("/archive");
  state.owner = found.owner;
  state.models = found.models;
  state.archive = found.archive;
  state.adapters = [...new Set(found.models.map((m) => m.adapter))];
  state.people = [...new Set([...found.models.map((m) => m.name), ...(found.owner ? [found.owner] : [])])];
  byId("sign-in").hidden = true;
  byId("views").hidden = false;
  beginTalk(found);
  await beginHistory(found.archive);
}

byId("sign-in").addEventListener("submit", (e) => {
  e.preventDefault();
  keepToken(byId("token").value.trim());
  attempt(begin);
});

if (matchMedia("(max-width: 640px)").matches) byId("setup").open = byId("history").open = false;
takeTokenOfAddress();
attempt(begin);
