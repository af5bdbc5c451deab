"use strict";
// h makes an element; text is only ever set as text.
function h(tag, attrs, ...children) {
  const svg = ["svg", "g", "path", "circle", "rect", "line", "text", "title", "polyline"].includes(tag);
  const el = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [k, v] of Object.entries(attrs || {})) {
    if (k.startsWith("on")) el.addEventListener(k.slice(2), v);
    else if (v !== undefined && v !== false && v !== null) el.setAttribute(k, v === true ? "" : v);
  }
  for (const c of children.flat()) if (c !== undefined && c !== null) el.append(c);
  return el;
}
const palette = ["#5b5bd6", "#e8590c", "#2b8a3e", "#d6336c", "#1098ad", "#f08c00", "#7048e8", "#66a80f", "#c2255c", "#495057"];
const dark = ["#8f8ff5", "#ffa94d", "#69db7c", "#f783ac", "#3bc9db", "#ffd43b", "#b197fc", "#a9e34b", "#faa2c1", "#adb5bd"];
const isDark = () => document.documentElement.dataset.theme === "dark";
const color = i => (isDark() ? dark : palette)[i % palette.length];
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// number writes a value for people: six digits, no noise.
function number(v) {
  if (v === null || v === undefined) return "–";
  if (typeof v !== "number") return String(v);
  if (Number.isInteger(v) && Math.abs(v) < 1e15) return String(v);
  const a = Math.abs(v);
  if (a !== 0 && (a < 1e-4 || a >= 1e7)) return v.toExponential(4).replace(/\.?0+e/, "e");
  return String(Number(v.toPrecision(6)));
}
// State outlives updates of the page, and in this window also reloads.
const state = { theme: "", smooth: 0, log: false, filter: "", closed: {}, zoom: {}, slide: {}, sort: {}, pick: {}, query: {} };
const key = "reprodl:" + location.pathname;
try { Object.assign(state, JSON.parse(sessionStorage.getItem(key) || "{}")); } catch (e) { /* private mode */ }
function keep() { try { sessionStorage.setItem(key, JSON.stringify(state)); } catch (e) { /* private mode */ } }

const tip = h("div", { class: "tip", hidden: true });
function showTip(event, text) {
  tip.textContent = text;
  tip.hidden = false;
  const r = tip.getBoundingClientRect();
  tip.style.left = Math.max(4, Math.min(event.clientX + 14, innerWidth - r.width - 8)) + "px";
  tip.style.top = Math.max(4, Math.min(event.clientY + 14, innerHeight - r.height - 8)) + "px";
}
function hideTip() { tip.hidden = true; }

// ticks chooses about n round values between two bounds.
function ticks(lo, hi, n) {
  if (!(hi > lo)) return [lo];
  const raw = (hi - lo) / n, mag = Math.pow(10, Math.floor(Math.log10(raw)));
  const step = [1, 2, 2.5, 5, 10].map(m => m * mag).find(s => s >= raw * 0.999) || raw;
  const out = [];
  for (let v = Math.ceil(lo / step - 1e-9) * step; v <= hi + step * 1e-9 && out.length < 50; v += step) out.push(Number(v.toPrecision(12)));
  return out;
}
// naturally orders names the way people do: a2 before a10.
const naturally = new Intl.Collator("en", { numeric: true }).compare;
