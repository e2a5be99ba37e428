// Drawings, with the same figures in words for those who do not see them.

import { el, svg } from "./dom.js";

const width = 600, height = 160, edge = 6;

// lineChart draws points [x, y]; format writes a value.
export function lineChart(title, points, format, xName) {
  if (points.length < 2) return null;
  const xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const x = (v) => edge + ((v - x0) / (x1 - x0 || 1)) * (width - 2 * edge);
  const y = (v) => height - edge - ((v - y0) / (y1 - y0 || 1)) * (height - 2 * edge);
  const way = points.map(([a, b]) => x(a).toFixed(1) + "," + y(b).toFixed(1)).join(" ");
  const words = `${title}: ${format(ys[0])} at ${xName} ${x0}, ${format(ys.at(-1))} at ${xName} ${x1}, lowest ${format(y0)}, highest ${format(y1)}`;
  return el("figure", {}, el("figcaption", {}, `${title}, ${format(y0)} to ${format(y1)}`),
    svg("svg", { class: "drawing", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": words },
      svg("polyline", { class: "chart-line", points: way })),
    el("div", { class: "ends", "aria-hidden": "true" }, el("span", {}, `${xName} ${x0}`), el("span", {}, `${xName} ${x1}`)));
}

// barChart draws [name, value] as bars.
export function barChart(title, bars, format) {
  if (bars.length === 0) return null;
  const most = Math.max(...bars.map((b) => b[1]), 1), step = width / bars.length;
  const tallest = bars.find((b) => b[1] === most);
  return el("figure", {}, el("figcaption", {}, title),
    svg("svg", { class: "drawing", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img",
      "aria-label": `${title}, ${bars[0][0]} to ${bars.at(-1)[0]}; most: ${format(most)}${tallest ? " in " + tallest[0] : ""}` },
    ...bars.map(([, value], i) => svg("rect", { class: "bar1", x: (i * step).toFixed(2), width: Math.max(step * 0.85, 0.5).toFixed(2),
      y: (height - (value / most) * height).toFixed(2), height: ((value / most) * height).toFixed(2) }))),
    el("div", { class: "ends", "aria-hidden": "true" }, el("span", {}, bars[0][0]), el("span", {}, `most: ${format(most)}`), el("span", {}, bars.at(-1)[0])));
}
