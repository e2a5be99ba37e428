// Elements. Texts of people only ever become text nodes: no function here takes markup.

export const byId = (id) => document.getElementById(id);

// el makes an element. Properties that are functions are listeners, others attributes.
export function el(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((c) => c !== null && c !== undefined));
  return element;
}

// person shows a name that cannot change the direction of what stands around it.
export const person = (name) => el("bdi", { class: "who" }, name);

// options fills a list to choose from, and keeps what was chosen if it is still there.
export function options(select, values, preferred) {
  const chosen = values.includes(select.value) ? select.value : preferred;
  select.replaceChildren(...values.map((v) => el("option", { value: v }, v)));
  if (values.includes(chosen)) select.value = chosen;
}

// table makes a table of figures, or of words; the first cell of a row is its heading.
export function table(caption, columns, rows, words = false) {
  const head = columns.map((c, i) => el("th", { scope: "col", class: i === 0 || words ? "left" : null }, c));
  const body = rows.map((row) => el("tr", {}, ...row.map((cell, i) => (i === 0 ? el("th", { scope: "row" }, el("bdi", {}, cell)) : el("td", {}, cell)))));
  return el("div", { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" },
    el("table", { class: words ? "words" : null }, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body)));
}

// say tells a screen reader something.
export function say(text) { byId("status").textContent = text; }

// problem shows an error until the next one, or none.
export function problem(text) {
  byId("problem").textContent = text;
  byId("problem").hidden = text === "";
}
