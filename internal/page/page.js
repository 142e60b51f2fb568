"use strict";
// The page's behaviour: views, search, a ticket's panel, keys, and the live connection. All that is shown comes from the server
// (or from the file) as markup that is already clean; what is made here is made as text.
(() => {
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const live = document.body.hasAttribute("data-live");
const content = $("#content"), panel = $("#panel"), search = $("#search"), results = $("#results");
const quiet = matchMedia("(prefers-reduced-motion: reduce)");
const names = {ready: "Ready", progress: "In progress", waiting: "Waiting", hold: "On hold", today: "Done today", done: "Done"};
const maxFound = 100, smallest = 0.6;
const title = document.title;
let view = "board", fit = true, index = null, indexOf = "", opener = null;

const parse = html => document.adoptNode(new DOMParser().parseFromString(html, "text/html").body);

async function get(path) {
  const response = await fetch(path, {cache: "no-store"});
  if (!response.ok) throw new Error(response.status);
  return response;
}

// --- times

function age(seconds) {
  const s = Math.max(0, Math.floor(seconds)), m = Math.floor(s / 60), h = Math.floor(m / 60);
  if (s < 60) return s + " s";
  if (m < 60) return m + " min";
  if (h < 48) return h + " h" + (h < 10 && m % 60 ? " " + m % 60 + " min" : "");
  return Math.floor(h / 24) + " days";
}

function times(root = document) {
  for (const t of $$("time[datetime]", root)) {
    const at = new Date(t.dateTime);
    if (isNaN(at)) continue;
    if ("clock" in t.dataset) t.textContent = at.toLocaleTimeString([], {hour12: false});
    else if (!("abs" in t.dataset) && live) t.textContent = age((Date.now() - at) / 1000) + ("ago" in t.dataset ? " ago" : "");
    t.title = at.toLocaleString();
  }
}

// --- views

function show(name) {
  view = $("#view-" + name) ? name : "board";
  for (const v of $$("[data-view]")) v.hidden = v.dataset.view !== view || !results.hidden;
  for (const a of $$("nav a")) {
    if (a.hash === "#" + view) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  }
  if (live && view === "report") report();
  $("#view-graph .canvas")?.classList.toggle("fit", fit);
  $("#fit")?.setAttribute("aria-pressed", fit);
  const svg = $("#view-graph svg.graph"); // fitted, but never so small that it cannot be read
  if (svg) svg.style.minWidth = fit ? svg.getAttribute("width") * smallest + "px" : "";
}

// report gets the report when somebody looks at it, and again after changes, but not more often than it is worth.
let reported = 0;
async function report() {
  if (Date.now() - reported < 3000) return;
  reported = Date.now();
  try { $("#view-report > div").replaceChildren(...parse(await (await get("report")).text()).childNodes); } catch { reported = 0; }
}

async function route() {
  const at = decodeURIComponent(location.hash.slice(1));
  if (at.startsWith("t/")) return open(at.slice(2));
  if (panel.open) panel.close();
  if (at.startsWith("find/")) { search.value = at.slice(5); await find(); scrollTo(0, 0); return; }
  if (names[at] === undefined && ["board", "graph", "history", "report"].includes(at)) { search.value = ""; results.hidden = true; show(at); scrollTo(0, 0); }
}

// --- a ticket

async function markup(id) {
  if (live) return parse(await (await get("ticket/" + encodeURIComponent(id))).text());
  const kept = $$("template[data-id]").find(t => t.dataset.id === id);
  if (kept) return kept.content.cloneNode(true);
  const row = (await rows()).find(r => r[0] === id);
  const box = document.createElement("article"), p = document.createElement("p");
  const title = Object.assign(document.createElement("h2"), {id: "panel-title", tabIndex: -1, textContent: row ? row[1] : id});
  p.textContent = row ? names[row[2]] + ". The text of this ticket is not in this file: ticket-mcp show " + id : "There is no ticket " + id + ".";
  box.append(title, p);
  return box;
}

let opening = 0;
async function open(id, refresh) {
  let made;
  const turn = refresh ? opening : ++opening;
  try { made = await markup(id); } catch { made = document.createElement("article"); made.innerText = "There is no ticket " + id + ", or the server has stopped."; }
  if (turn !== opening || refresh && !panel.open) return; // another one was opened meanwhile
  const top = panel.scrollTop;
  panel.replaceChildren(...made.childNodes.length && made.nodeName === "BODY" ? made.childNodes : [made]);
  times(panel);
  light(panel);
  if (refresh) { panel.scrollTop = top; return; }
  panel.dataset.id = id;
  if (!panel.open) { opener = document.activeElement?.dataset?.id ?? null; panel.showModal(); }
  panel.scrollTop = 0;
  $("#panel-title", panel)?.focus();
}

panel.addEventListener("click", e => { if (e.target === panel || e.target.closest("[data-close]")) panel.close(); });
panel.addEventListener("close", () => {
  if (location.hash.startsWith("#t/")) history.replaceState(null, "", results.hidden ? "#" + view : "#find/" + encodeURIComponent(search.value));
  if (opener && document.activeElement === document.body) $$("[data-id]", content).find(a => a.dataset.id === opener)?.focus(); // this event comes late
});

// --- search

const fold = text => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function rows() {
  const version = $("#state").dataset.version;
  if (index && indexOf === version) return index;
  indexOf = version;
  index = (async () => {
    const list = live ? await (await get("index.json")).json() : JSON.parse($("#index").textContent);
    for (const r of list) r.text = fold([r[0], r[1], r[4], "p" + r[3], "column:" + r[2]].join(" "));
    return list;
  })();
  index.catch(() => { index = null; });
  return index;
}

let asked = 0;
const retry = ask => setTimeout(() => { if (ask === asked) find(); }, 2000); // an answer did not come
async function find() {
  const words = fold(search.value).split(/\s+/).filter(Boolean), ask = ++asked;
  results.hidden = words.length === 0;
  show(view);
  $(".needs")?.toggleAttribute("hidden", words.length > 0);
  if (!words.length) return;
  let all;
  try { all = await rows(); } catch { retry(ask); return; }
  if (ask !== asked) return;
  const hits = all.filter(r => words.every(w => r.text.includes(w)));
  const rank = r => (r[0] === words[0] ? 0 : 1) + (fold(r[1]).includes(words.join(" ")) ? 0 : 2) + (r[2] === "done" ? 4 : 0);
  hits.sort((a, b) => rank(a) - rank(b) || a[3] - b[3]);
  list(hits);
  if (!live || hits.length > maxFound || words.some(w => w.startsWith("column:"))) return;
  await new Promise(done => setTimeout(done, 200)); // another key may follow
  if (ask !== asked) return;
  let ids;
  try { ids = await (await get("find?q=" + encodeURIComponent(search.value.slice(0, 60)))).json(); } catch { retry(ask); return; }
  if (ask !== asked) return;
  const known = new Set(hits.map(r => r[0])), byID = new Map(all.map(r => [r[0], r]));
  const more = ids.filter(id => !known.has(id) && byID.has(id)).map(id => byID.get(id));
  if (more.length) list(hits.concat(more));
}

// list shows what was found.
function list(hits) {
  $("#found").textContent = hits.length === 0 ? "Nothing found." : hits.length === 1 ? "1 ticket" :
    hits.length.toLocaleString("en") + " tickets" + (hits.length > maxFound ? ", the first " + maxFound + " are shown; more words find fewer" : "");
  const at = results.contains(document.activeElement) ? document.activeElement.dataset.id : null;
  $("ul", results).replaceChildren(...hits.slice(0, maxFound).map(r => {
    const li = document.createElement("li"), a = document.createElement("a");
    a.href = "#t/" + encodeURIComponent(r[0]);
    a.dataset.id = r[0];
    for (const [name, text] of [["id", r[0]], ["title", r[1]], ["prio p" + r[3], "P" + r[3]], ["state " + r[2], names[r[2]]]]) {
      a.append(Object.assign(document.createElement("span"), {className: name, textContent: text}));
    }
    li.append(a);
    return li;
  }));
  if (at) $$("a", results).find(a => a.dataset.id === at)?.focus();
}

search.addEventListener("input", find);
search.addEventListener("keydown", e => {
  if (e.key === "Escape") { search.value = ""; find(); search.blur(); if (location.hash.startsWith("#find/")) history.replaceState(null, "", "#" + view); e.stopPropagation(); }
  if (e.key === "ArrowDown" || e.key === "Enter") { const first = $("a", results); if (first && !results.hidden) { first.focus(); if (e.key === "Enter") first.click(); e.preventDefault(); } }
});

// --- keys

function move(key) {
  const at = document.activeElement;
  if (!results.hidden) {
    const list = $$("a", results), i = list.indexOf(at);
    if (key === "ArrowUp" && i === 0) return search.focus(), true;
    return !!list[key === "ArrowDown" ? i + 1 : i - 1]?.focus() || i >= 0;
  }
  if (view !== "board") return false;
  const columns = $$(".column").map(c => $$(".card", c)).filter(c => c.length);
  const x = columns.findIndex(c => c.includes(at));
  if (x < 0) { columns[0]?.[0]?.focus(); return columns.length > 0; }
  const y = columns[x].indexOf(at);
  const to = {ArrowDown: [x, y + 1], ArrowUp: [x, y - 1], ArrowRight: [x + 1, y], ArrowLeft: [x - 1, y]}[key];
  const column = columns[to[0]];
  column?.[Math.min(to[1], column.length - 1)]?.focus();
  return true;
}

addEventListener("keydown", e => {
  if (e.ctrlKey || e.metaKey || e.altKey || panel.open || e.target.closest("input, .canvas")) return;
  if (e.key === "/") { search.focus(); search.select(); e.preventDefault(); }
  else if (e.key === "b" || e.key === "g") { location.hash = e.key === "b" ? "#board" : "#graph"; }
  else if (e.key === "Escape" && !results.hidden) { search.value = ""; find(); }
  else if (e.key.startsWith("Arrow") && move(e.key)) e.preventDefault();
});

document.addEventListener("click", e => {
  if (e.target.closest("#fit")) { fit = !fit; show(view); }
});

// --- the graph: what belongs to the ticket under the pointer, or in focus

function light(root) {
  for (const svg of $$("svg.graph", root)) {
    const set = id => {
      svg.classList.toggle("lit", id !== null);
      const near = new Set([id]);
      for (const e of $$(".e", svg)) {
        const hot = id !== null && (e.dataset.from === id || e.dataset.to === id);
        e.classList.toggle("hot", hot);
        if (hot) near.add(e.dataset.from).add(e.dataset.to);
      }
      for (const n of $$(".n", svg)) n.classList.toggle("near", id !== null && near.has(n.dataset.id));
    };
    svg.addEventListener("pointerover", e => set(e.target.closest(".n")?.dataset.id ?? null));
    svg.addEventListener("pointerleave", () => set(null));
    svg.addEventListener("focusin", e => { if (e.target.matches(":focus-visible")) set(e.target.closest(".n")?.dataset.id ?? null); });
    svg.addEventListener("focusout", () => set(null));
  }
}

// --- live

// swap puts the new state in the place of the old one and shows what moved; focus and scrolling stay.
function swap(html) {
  const before = new Map($$(".card", content).map(c => [c.dataset.id, {column: c.closest(".column").classList[1], box: c.getBoundingClientRect()}]));
  const focused = content.contains(document.activeElement) ? document.activeElement.dataset.id : null;
  const canvas = $("#view-graph .canvas"), at = canvas && [canvas.scrollLeft, canvas.scrollTop], words = $("#view-graph details")?.open, x = $("#view-board").scrollLeft;
  content.replaceChildren(...parse(html).childNodes);
  times(content);
  light(content);
  show(view);
  $("#view-board").scrollLeft = x;
  const now = $("#view-graph .canvas");
  if (at && now) { now.scrollLeft = at[0]; now.scrollTop = at[1]; }
  if (words && $("#view-graph details")) $("#view-graph details").open = true;
  $(".needs")?.toggleAttribute("hidden", !results.hidden);
  if (focused) $$("[data-id]", content).find(a => a.dataset.id === focused)?.focus({preventScroll: true});
  const news = [];
  for (const card of $$(".card", content)) {
    const old = before.get(card.dataset.id), column = card.closest(".column").classList[1];
    if (old?.column === column) continue;
    card.classList.add("moved");
    news.push($("h3", card).textContent + ": " + names[column]);
    if (old && !quiet.matches && old.box.width && view === "board") {
      const box = card.getBoundingClientRect();
      card.animate([{transform: `translate(${old.box.x - box.x}px, ${old.box.y - box.y}px)`, zIndex: 3, position: "relative"}, {transform: "none", zIndex: 3, position: "relative"}], {duration: 420, easing: "cubic-bezier(.2,.8,.2,1)"});
    }
  }
  if (news.length) $("#news").textContent = news.length > 3 ? news.slice(0, 3).join("; ") + "; and " + (news.length - 3) + " more" : news.join("; ");
  if (!results.hidden) find();
  if (panel.open) open(panel.dataset.id, true);
}

// status says whether the page is live, and in the tab's name how many questions wait for a person.
function status(name, text) {
  const needs = $("#state").dataset.needs;
  document.title = (needs > 0 ? "(" + needs + ") " : "") + title;
  const el = $("#live");
  el.className = "live " + name;
  if (el.textContent !== text) el.textContent = text;
}

let loading = false, again = false;
async function load() {
  if (loading) { again = true; return; }
  loading = true;
  try {
    do { again = false; swap(await (await get("board")).text()); } while (again);
    status("on", "live · " + $("#state").dataset.summary);
  } catch { status("off", "the server has stopped"); }
  loading = false;
}

function connect() {
  const events = new EventSource("events");
  events.addEventListener("board", e => { if (e.data !== $("#state").dataset.version) load(); else status("on", "live · " + $("#state").dataset.summary); });
  events.addEventListener("fault", e => status("off", e.data));
  events.onerror = () => status("off", "the server has stopped");
  setInterval(() => times(), 10000);
}

addEventListener("hashchange", route);
times();
light(document);
show("board");
if (live) connect();
if (location.hash) route();
})();
