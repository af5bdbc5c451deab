"use strict";
// A table that sorts and filters; one of experiments also has plots.
const asNumber = s => s.trim() !== "" && Number.isFinite(Number(s)) ? Number(s) : NaN;
// A cell may be empty because nothing is known, or hold the mark of a value
// that could not be had: neither is plotted.
const blank = (t, cell) => (cell || "").trim() === "" || cell === t.missing || cell === t.failed;
const valuesOf = (t, rows, j) => rows.map(r => r.cells[j] || "").filter(c => !blank(t, c));
function compareCells(a, b) {
  const x = asNumber(a), y = asNumber(b);
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
  if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
  return naturally(a, b);
}
function tableCard(t, index) {
  const id = index + ":" + (t.title || ""), rows = t.rows.map((cells, i) => ({ cells, i }));
  const chosen = new Set(state.pick[id] || []), counter = h("span", {});
  const columns = t.header.map((_, j) => valuesOf(t, rows, j));
  const numeric = columns.map(cells => cells.length > 0 && cells.every(c => !Number.isNaN(asNumber(c))));
  const constant = columns.map((cells, j) => Boolean(t.kinds && t.kinds[j]) && cells.length > 1 && new Set(cells).size === 1);
  // What is the same in all rows comes last, out of the way.
  const order = t.header.map((_, j) => j).sort((a, b) => constant[a] - constant[b] || a - b);
  const body = h("tbody"), extra = h("div", {});
  const query = h("input", { type: "search", placeholder: "filter rows, e.g. lr<0.1 net", value: state.query[id] || "", size: 30, oninput: () => { state.query[id] = query.value; keep(); fill(); } });
  // A condition is a text that occurs in a row, or column<number and the like.
  function matches(cells) {
    return query.value.trim().split(/\s+/).every(word => {
      const m = /^(.+?)(<=|>=|!=|=|<|>)(.*)$/.exec(word);
      if (m) {
        const j = t.header.findIndex(n => n === m[1] || n.endsWith(":" + m[1]) || n.endsWith("." + m[1]));
        if (j >= 0) {
          const cell = (cells[j] || "").trim(), a = asNumber(cell), b = asNumber(m[3]);
          if (m[2] === "=") return cell === m[3] || a === b;
          if (m[2] === "!=") return cell !== m[3] && a !== b;
          return { "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b }[m[2]];
        }
      }
      return cells.some(c => c.toLowerCase().includes(word.toLowerCase()));
    });
  }
  function cell(text, k) {
    const classes = [numeric[k] ? "num" : "", constant[k] ? "const" : ""].join(" ").trim() || null;
    if (t.failed && text === t.failed) return h("td", { class: classes, title: "The value could not be read or computed." }, h("span", { class: "failed" }, "failed"));
    return h("td", { class: blank(t, text) ? (classes || "") + " none" : classes }, text);
  }
  let shown = [];
  function fill() {
    const [j, down] = state.sort[id] || [-1, false];
    shown = rows.filter(r => matches(r.cells));
    const gap = r => blank(t, r.cells[j]); // last, whichever way the others go
    if (j >= 0) shown.sort((a, b) => gap(a) - gap(b) || compareCells(a.cells[j] || "", b.cells[j] || "") * (down ? -1 : 1) || a.i - b.i);
    body.replaceChildren(...shown.map(r => h("tr", { class: chosen.has(r.i) ? "on" : null, onclick: () => {
      chosen.has(r.i) ? chosen.delete(r.i) : chosen.add(r.i);
      state.pick[id] = [...chosen]; keep(); fill();
    } }, order.map(k => cell(r.cells[k] || "", k)))));
    heads.forEach((el, at) => el.querySelector("b").textContent = order[at] === j ? (down ? " ↓" : " ↑") : "");
    counter.textContent = shown.length === rows.length ? rows.length + " rows" : shown.length + " of " + rows.length + " rows";
    if (t.kinds) extra.replaceChildren(...experimentPlots(t, id, shown, chosen, numeric));
  }
  const heads = order.map(j => h("th", { class: (numeric[j] ? "sort num" : "sort") + (constant[j] ? " const" : ""), title: constant[j] ? "the same in all rows" : null, onclick: () => {
    const [k, down] = state.sort[id] || [-1, false];
    if (k === j && down) delete state.sort[id]; else state.sort[id] = [j, k === j];
    keep(); fill();
  } }, t.header[j], h("b", {}), t.kinds && t.kinds[j] ? h("span", { class: "kind" }, constant[j] ? t.kinds[j] + " · constant" : t.kinds[j]) : null));
  fill();
  return [h("div", { class: "card wide" }, h("div", { class: "row" }, query, counter), h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, heads)), body))), extra];
}
// experimentPlots draws parallel coordinates, and a metric over a parameter.
function experimentPlots(t, id, rows, chosen, numeric) {
  const axes = t.header.map((name, j) => ({ name, j, kind: t.kinds[j] })).filter(a => a.kind && new Set(valuesOf(t, rows, a.j)).size > 1);
  if (axes.length < 2 || rows.length < 2) return [];
  const whole = rows.filter(r => axes.every(a => !blank(t, r.cells[a.j]))), left = rows.filter(r => !whole.includes(r));
  axes.sort((a, b) => (a.kind === "metric") - (b.kind === "metric"));
  const numbers = axes.filter(a => numeric[a.j]), metrics = numbers.filter(a => a.kind === "metric");
  const by = (metrics[metrics.length - 1] || numbers[numbers.length - 1] || axes[axes.length - 1]).j;
  const colored = state.query["by:" + id] === undefined ? by : state.query["by:" + id];
  const select = (value, list, set) => h("select", { onchange: e => { set(Number(e.target.value)); keep(); renderTables(); } }, list.map(a => h("option", { value: a.j, selected: a.j === value }, a.name)));
  const lines = h("div", { class: "card wide" }, h("h3", {}, h("span", {}, "Parallel coordinates")),
    h("div", { class: "row" }, "colour by ", select(colored, axes, j => state.query["by:" + id] = j)), parallel(axes, whole, colored, chosen, t),
    left.length ? h("div", { class: "legend" }, "not drawn, since a value is missing or failed: " + short(left.map(r => r.cells[0]).join(", "), 200)) : null);
  const out = [lines];
  if (numbers.length > 1) {
    const x = state.query["x:" + id] === undefined ? (numbers.find(a => a.kind !== "metric") || numbers[0]).j : state.query["x:" + id];
    const y = state.query["y:" + id] === undefined ? (metrics[metrics.length - 1] || numbers[numbers.length - 1]).j : state.query["y:" + id];
    const pts = rows.filter(r => !Number.isNaN(asNumber(r.cells[x] || "")) && !Number.isNaN(asNumber(r.cells[y] || "")));
    const series = [{ l: "", x: pts.map(r => asNumber(r.cells[x])), y: pts.map(r => asNumber(r.cells[y])), names: pts.map(r => r.cells[0]), on: pts.map(r => chosen.has(r.i)) }];
    out.push(h("div", { class: "card" }, h("h3", {}, h("span", {}, "Metric over parameter")),
      h("div", { class: "row" }, "x ", select(x, numbers, j => state.query["x:" + id] = j), "y ", select(y, numbers, j => state.query["y:" + id] = j)),
      xy(series, { points: true, autoLog: true, xLabel: t.header[x], yLabel: t.header[y] })));
  }
  return [h("div", { class: "grid", style: "margin-top:14px" }, out)];
}
function parallel(axes, rows, colored, chosen, t) {
  const W = Math.max(1080, axes.length * 150), H = 300, T = 34, B = 20, M = 60;
  const svg = h("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", style: `min-width:${Math.max(480, axes.length * 135)}px` });
  const scale = axes.map(a => {
    const cells = valuesOf(t, rows, a.j), nums = cells.map(asNumber);
    if (nums.length && nums.every(v => !Number.isNaN(v))) {
      const lo = Math.min(...nums), hi = Math.max(...nums), log = lo > 0 && hi / lo >= 100;
      const f = v => log ? Math.log(v / lo) / Math.log(hi / lo) : (v - lo) / (hi - lo || 1);
      return { at: c => Number.isNaN(asNumber(c)) ? null : f(asNumber(c)), ends: [number(lo), number(hi)], log };
    }
    const names = [...new Set(cells)].sort(naturally);
    return { at: c => names.length < 2 ? 0.5 : names.indexOf(c) / (names.length - 1), names };
  });
  const px = k => M + (W - 2 * M) * k / (axes.length - 1), py = f => H - B - (H - T - B) * f;
  const c = scale[axes.findIndex(a => a.j === colored)];
  const shade = f => f === null ? css("--soft") : `hsl(${Math.round(260 - 240 * f)} 75% ${isDark() ? 62 : 48}%)`;
  for (const r of rows) {
    const pts = axes.map((a, k) => [px(k), scale[k].at(r.cells[a.j] || "")]).filter(p => p[1] !== null).map(p => [p[0], py(p[1])]);
    const path = pts.map((p, i) => i ? `C${(p[0] + pts[i - 1][0]) / 2} ${pts[i - 1][1]} ${(p[0] + pts[i - 1][0]) / 2} ${p[1]} ${p[0]} ${p[1]}` : `M${p[0]} ${p[1]}`).join("");
    const on = chosen.has(r.i), faint = chosen.size > 0 && !on;
    const line = h("path", { d: path, fill: "none", stroke: shade(c ? c.at(r.cells[colored] || "") : null), "stroke-width": on ? 3 : 1.6, "stroke-opacity": faint ? 0.15 : 0.75 });
    const text = r.cells[0] + "\n" + axes.map(a => t.header[a.j] + ": " + (r.cells[a.j] || "–")).join("\n");
    line.addEventListener("mousemove", e => { line.setAttribute("stroke-width", 4); showTip(e, text); });
    line.addEventListener("mouseleave", () => { line.setAttribute("stroke-width", on ? 3 : 1.6); hideTip(); });
    svg.append(line);
  }
  axes.forEach((a, k) => {
    svg.append(h("line", { class: "axis", x1: px(k), x2: px(k), y1: T, y2: H - B, style: "stroke-width:1.5" }),
      h("text", { class: "label", x: px(k), y: 12, "text-anchor": "middle" }, short(a.name, 20)));
    const s = scale[k];
    if (s.ends) svg.append(h("text", { x: px(k), y: T - 6, "text-anchor": "middle" }, s.ends[1] + (s.log ? " (log)" : "")), h("text", { x: px(k), y: H - 5, "text-anchor": "middle" }, s.ends[0]));
    else s.names.slice(0, 12).forEach(n => svg.append(h("text", { x: px(k) + (k === axes.length - 1 ? -7 : 7), y: py(s.at(n)) + 4, "text-anchor": k === axes.length - 1 ? "end" : "start" }, short(n, 14))));
  });
  return h("div", { class: "scroll" }, svg);
}
