"use strict";
let data;
// section is a heading that folds what is below it.
function section(id, title, count, fill) {
  const box = h("details", { open: !state.closed[id], "data-id": id }, h("summary", {}, h("h2", {}, title), count > 1 ? h("span", { class: "count" }, String(count)) : null), fill());
  box.addEventListener("toggle", () => { if (box.open) delete state.closed[id]; else state.closed[id] = true; keep(); });
  return box;
}
function pairs(list) { return h("div", { class: "card scroll" }, h("table", { class: "wrap" }, h("tbody", {}, list.map(([k, v]) => h("tr", {}, h("td", {}, k), h("td", {}, v)))))); }
function tiles(list) { return h("div", { class: "tiles" }, list.map(([k, v]) => h("div", { class: "tile", title: k + " = " + v }, h("b", {}, v !== "" && Number.isFinite(Number(v)) ? number(Number(v)) : v), h("span", {}, k)))); }
let tableBox;
function renderTables() {
  if (!tableBox) return;
  tableBox.replaceChildren(...data.tables.map((t, i) => section("table:" + i + t.title, t.title || "Table", t.rows.length, () => h("div", {}, tableCard(t, i)))));
}
// render shows the data; the parts that hold charts are reused.
function render(next) {
  data = next;
  document.title = data.title;
  document.getElementById("title").textContent = data.title;
  const step = document.getElementById("step"), when = document.getElementById("when");
  step.hidden = !data.curves.length || !(data.step > 0);
  step.textContent = "step " + data.step;
  when.hidden = !data.updated;
  when.className = data.reload ? "badge live" : "badge";
  when.textContent = (data.reload ? "running · " : "") + new Date(data.updated).toLocaleTimeString();
  when.title = "made " + new Date(data.updated).toLocaleString();
  document.getElementById("curvetools").hidden = !data.curves.length;
  const at = scrollY, parts = [];
  if (data.summary.length) parts.push(section("summary", "Summary", 0, () => tiles(data.summary)));
  parts.push(...curveSections(data.curves));
  if (data.plots.length) parts.push(section("plots", "Plots", data.plots.length, () => h("div", { class: "grid" }, data.plots.map(plotCard))));
  if (data.images.length) parts.push(section("images", "Images", data.images.length, () => h("div", { class: "grid" }, galleries(data.images))));
  tableBox = h("div", {});
  if (data.tables.length) { parts.push(tableBox); renderTables(); }
  if (data.params.length) parts.push(section("params", "Parameters", data.params.length, () => h("div", { class: "grid" }, pairs(data.params))));
  if (!parts.length) parts.push(h("div", { class: "empty" }, data.reload ? "nothing logged yet" : "nothing to show"));
  document.getElementById("main").replaceChildren(...parts);
  filterCurves();
  scrollTo(0, at);
}
function theme(name) {
  document.documentElement.dataset.theme = name || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}
function tools() {
  const smooth = document.getElementById("smooth"), log = document.getElementById("log"), filter = document.getElementById("filter");
  smooth.value = state.smooth * 100;
  smooth.addEventListener("input", () => { state.smooth = Math.min(0.99, Number(smooth.value) / 100); keep(); redraw(); });
  log.setAttribute("aria-pressed", state.log);
  log.addEventListener("click", () => { state.log = !state.log; log.setAttribute("aria-pressed", state.log); keep(); redraw(); });
  filter.value = state.filter;
  filter.addEventListener("input", () => { state.filter = filter.value; keep(); filterCurves(); });
  document.getElementById("theme").addEventListener("click", () => { state.theme = isDark() ? "light" : "dark"; theme(state.theme); keep(); render(data); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (!state.theme) { theme(); render(data); } });
}
// While a run goes on, the page loads its successor in a frame that nobody
// sees. A page from a file may not read the frame, so the successor, finding
// itself in a frame of that name, only posts its data to the page around it.
const frameName = "reprodl-update";
function follow() {
  let frame, pause = data.reload, count = 0;
  addEventListener("message", e => {
    if (!frame || e.source !== frame.contentWindow || !e.data || e.data.reprodl !== frameName) return;
    const next = JSON.parse(e.data.text);
    frame.remove();
    frame = null;
    if (next.updated !== data.updated) render(next);
    pause = next.reload;
    document.documentElement.dataset.updates = ++count;
    if (pause) setTimeout(ask, pause);
  });
  function ask() {
    if (document.hidden) { document.addEventListener("visibilitychange", ask, { once: true }); return; }
    if (frame) frame.remove();
    frame = h("iframe", { hidden: true, name: frameName, src: location.href.split(/[?#]/)[0] + "?update=" + Date.now() });
    document.body.append(frame);
    const asked = frame;
    setTimeout(() => { if (frame === asked) ask(); }, Math.max(10000, 5 * pause)); // the file was away for a moment
  }
  if (pause) setTimeout(ask, pause);
}
const text = document.getElementById("data").textContent;
if (window !== window.top && window.name === frameName) {
  parent.postMessage({ reprodl: frameName, text }, "*");
} else {
  theme(state.theme);
  document.body.append(tip);
  tools();
  render(JSON.parse(text));
  follow();
  document.documentElement.dataset.ready = "1";
}
