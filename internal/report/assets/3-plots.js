"use strict";
// xy draws lines, points or both of any series of pairs as SVG.
function xy(series, o) {
  const W = 460, H = o.height || 270, L = 58, R = 12, T = 8, B = 40;
  const xs = series.flatMap(s => s.x), categories = xs.some(v => typeof v !== "number");
  const names = categories ? [...new Set(xs.map(String))] : null;
  // parameters that span two decades, as learning rates do, get a log axis
  const positive = xs.filter(v => v > 0), log = o.autoLog && !categories && positive.length === xs.length && Math.max(...xs) / Math.min(...xs) >= 100;
  const X = v => categories ? names.indexOf(String(v)) : log ? Math.log10(v) : v;
  const finite = series.flatMap(s => s.x.map((x, i) => [X(x), s.y[i]])).filter(p => Number.isFinite(p[0]) && Number.isFinite(p[1]));
  if (!finite.length) return h("div", { class: "empty" }, "no data");
  const bounds = k => {
    let lo = Infinity, hi = -Infinity;
    for (const p of finite) { lo = Math.min(lo, p[k]); hi = Math.max(hi, p[k]); }
    const pad = (hi - lo || Math.abs(hi) || 1) * (k || o.points ? 0.05 : 0.01);
    return [lo - pad, hi + pad];
  };
  const [x0, x1] = bounds(0), [y0, y1] = bounds(1);
  const px = v => L + (W - L - R) * (v - x0) / (x1 - x0), py = v => H - B - (H - T - B) * (v - y0) / (y1 - y0);
  const svg = h("svg", { viewBox: `0 0 ${W} ${H}`, role: "img" });
  for (const v of ticks(y0, y1, 5)) svg.append(h("line", { class: "grid", x1: L, x2: W - R, y1: py(v), y2: py(v) }), h("text", { x: L - 7, y: py(v) + 4, "text-anchor": "end" }, number(v)));
  const xt = categories ? names.map((_, i) => i).filter(i => i % Math.ceil(names.length / 8) === 0) : ticks(x0, x1, 6).filter(v => !log || Number.isInteger(v));
  for (const v of xt) svg.append(h("line", { class: "grid", x1: px(v), x2: px(v), y1: T, y2: H - B }), h("text", { x: px(v), y: H - B + 15, "text-anchor": "middle" }, categories ? short(names[v], 12) : number(log ? Math.pow(10, v) : v)));
  svg.append(h("text", { class: "label", x: (L + W - R) / 2, y: H - 6, "text-anchor": "middle" }, short((o.xLabel || "") + (log ? " (log)" : ""), 60)));
  svg.append(h("text", { class: "label", transform: `translate(11 ${(T + H - B) / 2}) rotate(-90)`, "text-anchor": "middle" }, short(o.yLabel || "", 40)));
  series.forEach((s, k) => {
    const pts = s.x.map((x, i) => [px(X(x)), py(s.y[i]), i]).filter(p => Number.isFinite(p[0]) && Number.isFinite(p[1]));
    if (!o.points) svg.append(h("polyline", { fill: "none", stroke: color(k), "stroke-width": 1.8, "stroke-linejoin": "round", points: pts.map(p => p[0].toFixed(1) + "," + p[1].toFixed(1)).join(" ") }));
    else for (const p of pts) svg.append(h("circle", { cx: p[0].toFixed(1), cy: p[1].toFixed(1), r: s.on && s.on[p[2]] ? 6 : 4, fill: color(k), "fill-opacity": 0.65, stroke: s.on && s.on[p[2]] ? css("--ink") : "none" }));
    s.at = pts;
  });
  const dot = h("circle", { r: 5, fill: "none", stroke: css("--ink"), "stroke-width": 1.5, visibility: "hidden" });
  svg.append(dot);
  svg.addEventListener("mousemove", e => {
    const m = svg.getScreenCTM(), x = (e.clientX - m.e) / m.a, y = (e.clientY - m.f) / m.d;
    let best = null, least = 900;
    for (const s of series) for (const p of s.at) {
      const d = (p[0] - x) ** 2 + (p[1] - y) ** 2;
      if (d < least) { least = d; best = [s, p]; }
    }
    if (!best) { dot.setAttribute("visibility", "hidden"); hideTip(); return; }
    const [s, p] = best;
    dot.setAttribute("cx", p[0]); dot.setAttribute("cy", p[1]); dot.setAttribute("visibility", "visible");
    showTip(e, (s.names ? s.names[p[2]] : s.l || "") + `\n${o.xLabel || "x"}: ${number(s.x[p[2]])}\n${o.yLabel || "y"}: ${number(s.y[p[2]])}`);
  });
  svg.addEventListener("mouseleave", () => { dot.setAttribute("visibility", "hidden"); hideTip(); });
  const legend = series.length > 1 ? h("div", { class: "legend" }, series.map((s, k) => h("span", {}, h("i", { style: "background:" + color(k) }), s.l))) : null;
  return h("div", {}, svg, legend);
}
function short(s, n) { const c = [...s]; return c.length > n ? c.slice(0, n - 1).join("") + "…" : s; }

// matrix draws a confusion matrix as a heat map.
function matrix(p) {
  const n = p.labels.length, m = p.columns.length, cell = Math.max(20, Math.min(44, 420 / Math.max(m, 1))), L = 108, T = 8;
  const W = Math.max(L + m * cell + 10, 240), H = T + n * cell + 84;
  const svg = h("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", style: `min-width:${0.72 * W}px;max-width:${W * 1.3}px` });
  const sums = p.cells.map(row => row.reduce((a, b) => a + b, 0));
  const value = (i, j) => p.normalized ? (sums[i] ? p.cells[i][j] / sums[i] : 0) : p.cells[i][j];
  let top = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) top = Math.max(top, value(i, j));
  const hue = isDark() ? [143, 143, 245] : [91, 91, 214];
  for (let i = 0; i < n; i++) {
    svg.append(h("text", { x: L - 6, y: T + (i + 0.5) * cell + 4, "text-anchor": "end" }, short(p.labels[i], 13)));
    for (let j = 0; j < m; j++) {
      const v = value(i, j), a = top ? v / top : 0;
      const text = p.normalized ? (v ? v.toFixed(2).replace(/^0/, "") : "0") : String(v);
      const say = `${p.yLabel || "actual"}: ${p.labels[i]}\n${p.xLabel || "predicted"}: ${p.columns[j]}\n${p.cells[i][j]} of ${sums[i]}` + (sums[i] ? ` (${(100 * p.cells[i][j] / sums[i]).toFixed(1)} %)` : "");
      svg.append(h("rect", { x: L + j * cell, y: T + i * cell, width: cell - 1, height: cell - 1, rx: 2, fill: `rgba(${hue},${0.06 + 0.94 * a})`, onmousemove: e => showTip(e, say), onmouseleave: hideTip }));
      if (cell >= 24 && v) svg.append(h("text", { x: L + (j + 0.5) * cell, y: T + (i + 0.5) * cell + 4, "text-anchor": "middle", style: `pointer-events:none;fill:${a > 0.5 ? (isDark() ? "#12151b" : "#fff") : css("--ink")};font-size:${cell < 32 ? 9 : 11}px` }, text));
    }
  }
  for (let j = 0; j < m; j++) svg.append(h("text", { transform: `translate(${L + (j + 0.5) * cell + 3} ${T + n * cell + 8}) rotate(-40)`, "text-anchor": "end" }, short(p.columns[j], 14)));
  svg.append(h("text", { class: "label", transform: `translate(11 ${T + n * cell / 2}) rotate(-90)`, "text-anchor": "middle" }, p.yLabel || "actual"));
  svg.append(h("text", { class: "label", x: L + m * cell / 2, y: H - 4, "text-anchor": "middle" }, p.xLabel || "predicted"));
  return h("div", { class: "scroll" }, svg);
}
// bars draws horizontal bars. What else is known of each stands behind it, in
// columns.
function bars(p) {
  const names = p.series[0].y.map(String), values = p.series[0].x, more = p.more || [], column = 52;
  const W = 460, bar = 20, L = 120, R = 46 + column * more.length, T = more.length ? 20 : 0, H = T + names.length * bar + 30;
  const top = Math.max(0, ...values.filter(Number.isFinite)), low = Math.min(0, ...values.filter(Number.isFinite)), span = top - low || 1;
  const px = v => L + (W - L - R) * (v - low) / span, py = i => T + i * bar + 14, edge = k => W - column * (more.length - 1 - k) - 2;
  const svg = h("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", style: `min-width:${0.85 * W}px` });
  names.forEach((name, i) => svg.append(h("text", { x: L - 6, y: py(i), "text-anchor": "end" }, short(name, 18)),
    h("rect", { x: Math.min(px(0), px(values[i])), y: py(i) - 12, width: Math.abs(px(values[i]) - px(0)) || 1, height: bar - 5, rx: 2, fill: color(0) }),
    h("text", { x: px(Math.max(values[i], 0)) + 5, y: py(i) }, number(values[i])),
    ...more.map((m, k) => h("text", { x: edge(k), y: py(i), "text-anchor": "end" }, number(m.v[i] === null ? null : Number(m.v[i].toPrecision(3)))))));
  svg.append(...more.map((m, k) => h("text", { class: "label", x: edge(k), y: 12, "text-anchor": "end" }, short(m.n, 9))));
  svg.append(h("text", { class: "label", x: (L + W - R) / 2, y: H - 8, "text-anchor": "middle" }, p.xLabel || ""));
  return h("div", { class: "scroll" }, svg);
}
function plotCard(p) {
  let body;
  if (p.kind === "matrix") body = matrix(p);
  else if (p.kind === "bar") body = bars(p);
  else body = xy(p.series, { points: p.kind === "scatter", xLabel: p.xLabel, yLabel: p.yLabel });
  const note = p.note ? h("div", { class: "legend" }, p.note) : null;
  return h("div", { class: "card" }, h("h3", {}, h("span", {}, p.title)), body, note);
}
// galleries puts the images of a folder side by side; the others, and those
// with a slider, have a card each.
function galleries(images) {
  const folder = g => g.step ? "" : g.n.slice(0, Math.max(0, g.n.lastIndexOf("/")));
  const out = [], groups = new Map();
  for (const g of images) {
    const name = folder(g);
    if (!name || images.filter(o => folder(o) === name).length < 3) { out.push(imageCard(g)); continue; }
    if (!groups.has(name)) {
      groups.set(name, h("div", { class: "gallery" }));
      out.push(h("div", { class: "card wide" }, h("h3", {}, h("span", {}, name)), groups.get(name)));
    }
    const label = g.n.slice(name.length + 1).replace(/\.[a-z]+$/, "");
    groups.get(name).append(h("img", { class: "pic", src: g.i[0].u, alt: label, title: label, loading: "lazy" }));
  }
  return out;
}
// imageCard shows one image, or those of several steps with a slider.
function imageCard(g) {
  const pic = h("img", { class: "pic", alt: g.n }), at = h("span", {});
  pic.addEventListener("load", () => pic.classList.toggle("small", pic.naturalWidth < 120));
  const show = i => { pic.src = g.i[i].u; at.textContent = (g.step ? "step " : "") + g.i[i].l; };
  const saved = state.slide[g.n], last = g.i.length - 1;
  const start = saved === undefined ? last : Math.min(saved, last);
  show(start);
  const slider = g.i.length > 1 ? h("input", { type: "range", min: 0, max: last, value: start, "aria-label": "step of " + g.n, oninput: e => {
    const i = Number(e.target.value);
    if (i === last) delete state.slide[g.n]; else state.slide[g.n] = i;
    keep(); show(i);
  } }) : null;
  return h("div", { class: "card" }, h("h3", {}, h("span", {}, g.n)), pic, slider ? h("div", { class: "slide" }, slider, at) : null);
}
