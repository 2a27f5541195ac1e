"use strict";
// The overview: asks the API every two seconds. Everything that came from outside is written as text, never as markup.

const PARTS = ["category", "action", "label", "value"];
const EVERY_MS = 2000;
const SVG = "http://www.w3.org/2000/svg";
const at = (id) => document.getElementById(id);
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumSignificantDigits: 3 });
const exact = new Intl.NumberFormat();
let days = 7;
let zone = "UTC";
let points = [];

function number(value) {
  return Math.abs(value) < 100000 ? exact.format(value) : compact.format(value);
}

function make(name, attributes, text) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

function draw(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

function figure(id, value, note) {
  const element = at(id);
  element.textContent = value === null ? "—" : number(value);
  element.title = value === null ? "" : exact.format(value);
  if (note !== undefined) at(`${id}-note`).textContent = note;
}

// The prefix of the key is in the address: #h5.pv — so that back works and every view is a link.
function prefix() {
  let text = location.hash.slice(1);
  try { text = decodeURIComponent(text); } catch { text = ""; }
  return text ? text.split(".").slice(0, 4).map((part) => part.replaceAll("%2E", ".").replaceAll("%25", "%")) : [];
}

function keyText(parts) {
  return parts.map((part) => part.replaceAll("%", "%25").replaceAll(".", "%2E")).join(".");
}

function range() {
  const day = (back) => {
    // Swedish writes dates as the API does; the zone is the server's, whose days are counted beforehand.
    const today = new Date(new Intl.DateTimeFormat("sv-SE", { timeZone: zone }).format(Date.now()));
    return new Date(today.getTime() - back * 86400000).toISOString().slice(0, 10);
  };
  const given = { from: day(days - 1), to: day(0), tz: zone };
  prefix().forEach((part, place) => { if (part) given[PARTS[place]] = part; });
  return given;
}

async function ask(route, parameters) {
  const answer = await fetch(`/api/v1/${route}?${new URLSearchParams(parameters)}`);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail || body.title || `${answer.status}`);
  return body;
}

function showFigures(total, ledger, lag) {
  const data = total.data.length ? total.data[0].eventData : { pv: 0, uv: 0 };
  figure("visitors", data.uv, "estimated within 1 %");
  figure("views", data.pv, prefix().length ? `of ${keyText(prefix())}` : "all keys");
  at("ratio").textContent = data.uv ? (data.pv / data.uv).toFixed(1) : "—";
  const drain = lag.drain.seconds;
  figure("waiting", lag.events, lag.events ? (drain === null ? "standing still" : `empty in ${drain} s`) : "all stored");
  figure("rejected", ledger.total.rejected, `of ${number(ledger.total.received)} received`);
  const sum = ledger.total;
  const badge = at("badge");
  badge.className = `badge ${ledger.balanced ? (lag.seconds > 60 ? "warn" : "good") : "bad"}`;
  badge.textContent = ledger.balanced
    ? `✓ nothing lost · lag ${lag.seconds.toFixed(1)} s`
    : "✗ the ledger does not balance: eventmill doctor";
  badge.title = `${exact.format(sum.received)} received = ${exact.format(sum.stored)} stored + `
    + `${exact.format(sum.duplicate)} duplicate + ${exact.format(sum.rejected)} rejected + `
    + `${exact.format(sum.queued)} queued`;
}

function showChart() {
  const chart = at("chart");
  const width = chart.clientWidth || 600, height = 280, left = 48, right = 8, top = 8, bottom = 24;
  const highest = Math.max(1, ...points.map((point) => point.pv));
  const step = 10 ** Math.floor(Math.log10(highest));
  const unit = [0.2, 0.5, 1, 2, 5].map((n) => n * step).find((n) => highest / n <= 5) || step;
  const most = Math.max(1, Math.ceil(highest / unit) * unit);
  const x = (n) => left + (points.length < 2 ? 0.5 : n / (points.length - 1)) * (width - left - right);
  const y = (value) => top + (1 - value / most) * (height - top - bottom);
  const parts = [draw("title", { id: "chart-summary" },
    `${points.length} intervals, ${exact.format(points.reduce((sum, point) => sum + point.pv, 0))} views`)];
  for (let value = 0; value <= most + unit / 2; value += Math.max(unit, most / 5)) {
    parts.push(draw("line", { class: "grid", x1: left, x2: width - right, y1: y(value), y2: y(value) }));
    parts.push(draw("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, number(Math.round(value * 10) / 10)));
  }
  const every = Math.ceil(points.length / Math.max(2, Math.floor(width / 110)));
  points.forEach((point, n) => {
    if (n % every === 0) parts.push(draw("text", { x: x(n), y: height - 6, "text-anchor": n === 0 ? "start" : n === points.length - 1 ? "end" : "middle" }, label(point.time)));
  });
  const line = (name) => points.map((point, n) => `${n ? "L" : "M"}${x(n).toFixed(1)} ${y(point[name]).toFixed(1)}`).join("");
  if (points.length) {
    parts.push(draw("path", { class: "area", d: `${line("pv")}L${x(points.length - 1)} ${y(0)}L${x(0)} ${y(0)}Z` }));
    parts.push(draw("path", { class: "line visitors", d: line("uv") }));
    parts.push(draw("path", { class: "line views", d: line("pv") }));
  }
  chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
  chart.replaceChildren(...parts);
  chart.onpointermove = (event) => {
    const share = (event.clientX - chart.getBoundingClientRect().left - left) / (width - left - right);
    const n = Math.max(0, Math.min(points.length - 1, Math.round(share * (points.length - 1))));
    if (!points[n]) return;
    const tip = at("tip");
    tip.textContent = `${label(points[n].time)}\n${exact.format(points[n].pv)} views\n${exact.format(points[n].uv)} visitors`;
    tip.hidden = false;
    tip.style.left = `${Math.min(x(n) + 24, width - 120)}px`;
    tip.style.top = "64px";
    chart.querySelector(".cursor")?.remove();
    chart.append(draw("line", { class: "cursor", x1: x(n), x2: x(n), y1: top, y2: height - bottom }));
  };
  chart.onpointerleave = () => { at("tip").hidden = true; chart.querySelector(".cursor")?.remove(); };
}

function label(time) {
  return time.length > 10 ? time.slice(11, 16) : time.slice(5);
}

function showTable(id, rows, link) {
  const body = at(id).tBodies[0];
  const lines = rows.map((row) => {
    const line = make("tr");
    const name = make("td", { title: row.name });
    const bar = draw("svg", { "aria-hidden": "true", preserveAspectRatio: "none", viewBox: "0 0 100 1" });
    bar.append(draw("rect", { width: Math.min(100, row.share * 100).toFixed(2), height: 1 }));
    const target = link && link(row);
    name.append(bar, target ? make("a", { href: target }, row.name) : make("span", {}, row.name));
    line.append(name, make("td", { title: exact.format(row.pv) }, number(row.pv)), make("td", {}, number(row.uv)),
      make("td", {}, `${(row.share * 100).toFixed(1)} %`));
    return line;
  });
  if (!lines.length) {
    const line = make("tr");
    line.append(make("td", { class: "none", colspan: 4 }, "No events in these days"));
    lines.push(line);
  }
  body.replaceChildren(...lines);
}

function showKeys(keys, total) {
  const sum = total.data.length ? total.data[0].eventData.pv : 0;
  const rows = keys.data.map((row) => ({ name: row.eventKey, ...row.eventData, share: sum ? row.eventData.pv / sum : 0 }));
  rows.sort((a, b) => b.pv - a.pv);
  const deep = prefix().length >= 3;
  showTable("keys", rows.slice(0, 10), (row) => (deep ? null : `#${encodeURIComponent(row.name)}`));
  const crumbs = [make("a", { href: "#" }, "all")];
  prefix().forEach((part, n, parts) => {
    crumbs.push(document.createTextNode(" › "),
      make("a", { href: `#${encodeURIComponent(keyText(parts.slice(0, n + 1)))}` }, part || "(empty)"));
  });
  at("crumbs").replaceChildren(...crumbs);
}

async function refresh() {
  const given = range();
  const below = PARTS[Math.min(prefix().length, 3)];
  const dimension = at("dimension").value;
  try {
    const [total, keys, line, top, ledger, lag] = await Promise.all([
      ask("counts", { ...given, interval: "total" }),
      ask("counts", { ...given, interval: "total", by: below }),
      ask("series", { ...given, interval: days === 1 ? "hour" : "day" }),
      ask("top", { ...given, dimension, limit: 10 }),
      ask("ledger", { from: given.from, to: given.to, tz: given.tz, limit: 0 }),
      ask("lag", {}),
    ]);
    points = line.data;
    showFigures(total, ledger, lag);
    showChart();
    showKeys(keys, total);
    showTable("top", top.data.map((row) => ({ ...row, name: row.value || "(none)" })));
    at("empty").hidden = total.data.length > 0;
    at("notice").hidden = true;
    document.querySelector("main").classList.remove("stale");
  } catch (error) {
    at("notice").textContent = `The figures could not be read: ${error.message}. Trying again.`;
    at("notice").hidden = false;
    document.querySelector("main").classList.add("stale");
  }
}

// Where answers take long, the page asks less often: it never keeps a server busy.
async function loop() {
  const began = performance.now();
  if (!document.hidden) await refresh();
  setTimeout(loop, Math.max(EVERY_MS, 4 * (performance.now() - began)));
}

function theme(name) {
  document.documentElement.dataset.theme = name;
  try { localStorage.setItem("theme", name); } catch { /* a private window keeps nothing */ }
}

function start() {
  let kept = null;
  try { kept = localStorage.getItem("theme"); } catch { /* as above */ }
  document.documentElement.dataset.theme = kept || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  at("theme").onclick = () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  const buttons = [...document.querySelectorAll("[data-days]")];
  const press = () => buttons.forEach((b) => b.setAttribute("aria-pressed", String(Number(b.dataset.days) === days)));
  for (const button of buttons) {
    button.onclick = () => { days = Number(button.dataset.days); press(); refresh(); };
  }
  press();
  at("dimension").onchange = refresh;
  ask("about", {}).then((about) => {
    zone = about.timezone;
    const port = about.collect.length ? about.collect[0].split(":").pop() : "8080";
    at("snippet").textContent =
      `<img src="http://${location.hostname}:${port}/event.png?category=web&action=view" alt="" width="1" height="1">`;
  }, () => {}).then(loop);
  addEventListener("hashchange", refresh);
  addEventListener("resize", showChart);
}

start();
