"use strict";
// Curves of metrics: one uPlot chart a metric, made when it comes into view.
const charts = new Map(); // name → { card, plot, curve, now, legend }

// unpack turns the differences of steps back into steps.
function unpack(series) {
  if (series.steps) return series;
  let at = 0;
  series.steps = series.x.map(d => at += d);
  series.values = series.y;
  return series;
}
// smoothed is the exponential moving average without the bias of its start.
function smoothed(values, weight) {
  let sum = 0, norm = 0;
  return values.map(v => {
    if (v === null || v === undefined) return v;
    sum = sum * weight + (1 - weight) * v;
    norm = norm * weight + (1 - weight);
    return sum / norm;
  });
}
function chartData(curve) {
  const tables = curve.s.map(unpack).map(s => [s.steps, s.values]);
  const joined = tables.length === 1 ? tables[0] : uPlot.join(tables);
  const positive = v => state.log && v !== null && v !== undefined && !(v > 0) ? null : v;
  const raw = joined.slice(1).map(ys => ys.map(positive));
  if (!state.smooth) return [joined[0], ...raw];
  return [joined[0], ...raw, ...raw.map(ys => smoothed(ys, state.smooth))];
}
function chartOptions(curve, width) {
  const line = (i, faint) => ({
    label: curve.s[i].l || curve.n, stroke: color(i) + (faint ? "44" : ""), width: faint ? 1 : 1.8,
    spanGaps: curve.s.length > 1, points: { show: curve.s.every(s => s.x.length < 25) && !faint, size: 5 },
  });
  const axis = { stroke: css("--soft"), font: "11px system-ui, sans-serif", grid: { stroke: css("--grid"), width: 1 }, ticks: { stroke: css("--grid"), width: 1 } };
  const ids = curve.s.map((_, i) => i);
  return {
    width, height: 230, cursor: { sync: { key: "steps", setSeries: false }, drag: { x: true, y: false }, points: { size: 7 } },
    legend: { show: false }, padding: [8, 8, 0, 0],
    // A single point gets a step of room on either side.
    scales: { x: { time: false, range: (u, lo, hi) => u.data[0].length === 1 ? [u.data[0][0] - 1, u.data[0][0] + 1] : [lo, hi] }, y: state.log ? { distr: 3, log: 10 } : {} },
    axes: [{ ...axis, size: 28, values: (u, vs) => vs.map(v => Number.isInteger(v) ? (v >= 1e5 ? v / 1e3 + "k" : String(v)) : "") },
      { ...axis, size: 58, values: (u, vs) => vs.map(v => v === null ? "" : number(v)) }],
    series: [{}, ...(state.smooth ? [...ids.map(i => line(i, true)), ...ids.map(i => line(i))] : ids.map(i => line(i)))],
    hooks: {
      setCursor: [u => describe(curve.n, u.cursor.idx)],
      setSelect: [u => { if (u.select.width > 0) { state.zoom[curve.n] = [u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")]; keep(); } }],
    },
  };
}
// describe writes the values under the cursor, or the last ones.
function describe(name, at) {
  const c = charts.get(name);
  if (!c || !c.plot) return;
  const data = c.plot.data, n = c.curve.s.length;
  const i = at === null || at === undefined ? data[0].length - 1 : at;
  const items = c.curve.s.map((s, k) => {
    let j = i;
    if (at === null || at === undefined || n > 1) while (j > 0 && (data[1 + k][j] === null || data[1 + k][j] === undefined)) j--;
    return h("span", {}, h("i", { style: "background:" + color(k) }), (s.l ? s.l + " " : "") + number(data[1 + k][j]) +
      (state.smooth ? " (" + number(data[1 + n + k][j]) + ")" : ""));
  });
  c.legend.replaceChildren(h("span", {}, "step " + number(data[0][i])), ...items);
}
function draw(c) {
  const width = c.holder.clientWidth;
  if (!width) return;
  const zoom = state.zoom[c.curve.n], data = chartData(c.curve);
  const shape = [state.smooth > 0, state.log, c.curve.s.length, c.curve.s.every(s => s.x.length < 25), document.documentElement.dataset.theme].join();
  if (c.plot && c.shape === shape) {
    c.plot.batch(() => { c.plot.setData(data, !zoom); if (zoom) c.plot.setScale("x", { min: zoom[0], max: zoom[1] }); });
  } else {
    if (c.plot) c.plot.destroy();
    c.plot = new uPlot(chartOptions(c.curve, width), data, c.holder);
    c.shape = shape;
    c.plot.over.addEventListener("dblclick", () => { delete state.zoom[c.curve.n]; keep(); draw(c); });
    if (zoom) c.plot.setScale("x", { min: zoom[0], max: zoom[1] });
  }
  c.stale = false;
  describe(c.curve.n, c.plot.cursor.idx);
}
const sight = new IntersectionObserver(entries => {
  for (const e of entries) {
    const c = charts.get(e.target.dataset.name);
    if (!c) continue;
    c.visible = e.isIntersecting;
    if (c.visible && c.stale) draw(c);
  }
}, { rootMargin: "300px" });
const sizes = new ResizeObserver(entries => {
  for (const e of entries) {
    const c = charts.get(e.target.parentElement && e.target.parentElement.dataset.name);
    const width = Math.floor(e.contentRect.width);
    if (c && c.plot && width > 0 && c.plot.width !== width) c.plot.setSize({ width, height: 230 });
  }
});
function redraw() {
  for (const c of charts.values()) { c.stale = true; if (c.visible) draw(c); }
}
function curveCard(curve) {
  let c = charts.get(curve.n);
  if (!c) {
    const now = h("span", { class: "now" }), holder = h("div", { class: "plot" }), legend = h("div", { class: "legend" });
    const name = curve.n.slice(curve.n.indexOf("/") + 1) || curve.n;
    const card = h("div", { class: "card", "data-name": curve.n, title: "" }, h("h3", { title: curve.n }, h("span", {}, name), now), holder, legend);
    card.removeAttribute("title");
    c = { card, holder, now, legend };
    charts.set(curve.n, c);
    sight.observe(card);
    sizes.observe(holder);
  }
  c.curve = curve;
  const last = curve.s.map(s => s.y[s.y.length - 1]);
  c.now.textContent = curve.s.length === 1 ? number(last[0]) + "  ·  " + curve.s[0].c + (curve.s[0].c === 1 ? " point" : " points") : curve.s.length + " runs";
  c.stale = true;
  if (c.visible) draw(c);
  return c.card;
}
function curveSections(curves) {
  const groups = new Map();
  for (const c of curves) {
    const i = c.n.indexOf("/"), group = i > 0 ? c.n.slice(0, i) : "";
    if (!groups.has(group)) groups.set(group, []);
    groups.get(group).push(c);
  }
  const names = new Set(curves.map(c => c.n));
  for (const [name, c] of charts) if (!names.has(name)) { if (c.plot) c.plot.destroy(); charts.delete(name); }
  return [...groups].map(([group, list]) => section("curves:" + group, group || "Metrics", list.length,
    () => h("div", { class: "grid curves" }, list.map(curveCard))));
}
// filterCurves hides the metrics whose names lack the text.
function filterCurves() {
  const want = state.filter.toLowerCase();
  for (const [name, c] of charts) c.card.hidden = want !== "" && !name.toLowerCase().includes(want);
  for (const d of document.querySelectorAll("details")) {
    const cards = [...d.querySelectorAll(".curves > .card")];
    if (cards.length) d.hidden = cards.every(c => c.hidden);
  }
}
