// Makes the pages live. Without it they work as they are: it fetches the page one is looking at anew when
// something has happened, and puts what has changed into the places marked data-live. It never touches a form
// one is filling in, takes no focus, and keeps what one points at where it is.
"use strict";

const KINDS = ["block_connected", "block_disconnected", "sync_progress", "transaction_opened",
  "transaction_closed", "send_changed", "message_received", "messages_read", "peer_came", "peer_gone",
  "members_changed", "tracker_changed", "mining_begun", "mining_ended", "mining_rate", "block_found",
  "race_lost", "reset"];
// What a tab that nobody looks at is woken for: its title counts what was not read.
const WAKE = new Set(["message_received", "messages_read", "reset"]);
const SETTLE = 400, SOON = 250, SELDOM = 1000, HIDDEN = 5000;
const OFTEN = 3000, BEAT = 2000, STALE = 5000, PATIENCE = 3000, IDLE = 30000, READ = 5000;

const $ = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/* Moments. */

function span(s) {
  if (s < 120) return `${Math.floor(s)} s`;
  if (s < 7200) return `${Math.floor(s / 60)} minutes`;
  if (s < 172800) return `${Math.floor(s / 3600)} hours`;
  return `${Math.floor(s / 86400)} days`;
}

function words(ms) {
  if (ms < 0) return `in ${span(-ms / 1000)}`;
  return ms < 10000 ? "just now" : `${span(ms / 1000)} ago`;
}

// Made once: it costs more than all that it writes.
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const date = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function moments(root) {
  for (const time of all("time[datetime]", root)) {
    const at = Date.parse(time.getAttribute("datetime"));
    if (Number.isNaN(at)) continue;
    time.textContent = "date" in time.dataset ? date.format(at) : words(Date.now() - at);
    time.title = exact.format(at);
  }
  // What shows when one points at a bar of a chart.
  for (const tip of all("title[data-at]", root)) {
    const at = Date.parse(tip.dataset.at);
    if (!Number.isNaN(at)) tip.textContent = `${exact.format(at)}: ${tip.dataset.words}`;
  }
}

/* Putting what is new in place of what was: nodes that are the same stay, with focus and all. */

const key = (node) => (node.nodeType === 1 ? node.id || node.dataset.key || "" : "");

function morph(now, next) {
  const keyed = new Map();
  for (const child of now.childNodes) if (key(child)) keyed.set(key(child), child);
  let at = now.firstChild;
  for (const wanted of [...next.childNodes]) {
    let found = key(wanted) ? keyed.get(key(wanted)) : at;
    if (found && (found.nodeName !== wanted.nodeName || key(found) !== key(wanted))) found = null;
    if (!found) {
      now.insertBefore(document.importNode(wanted, true), at);
      continue;
    }
    if (found === at) at = at.nextSibling;
    else now.insertBefore(found, at);
    if (found.isEqualNode(wanted)) continue;
    if (found.nodeType !== 1) found.nodeValue = wanted.nodeValue;
    else {
      attributes(found, wanted);
      // What one is choosing from stays as it is while one chooses.
      const typed = found.nodeName === "SELECT" ? found === document.activeElement : ["INPUT", "TEXTAREA"].includes(found.nodeName);
      if (!typed) morph(found, wanted);
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function attributes(now, next) {
  const own = (name) => (now.nodeName === "DETAILS" && name === "open") || name === "aria-disabled" || name === "data-sent";
  for (const { name } of [...now.attributes]) if (!next.hasAttribute(name) && !own(name)) now.removeAttribute(name);
  for (const { name, value } of [...next.attributes]) if (now.getAttribute(name) !== value && !own(name)) now.setAttribute(name, value);
}

/* What one is about to press stays where it is. */

let pointed = null, pressed = false;
addEventListener("pointerover", (event) => { pointed = event.target.closest?.("a, button, summary, input, textarea, select, label") ?? null; });
addEventListener("pointerdown", () => { pressed = true; }, true);
for (const end of ["pointerup", "pointercancel", "blur"]) addEventListener(end, () => { pressed = false; }, true);

function holdStill(change) {
  const focused = document.activeElement === document.body ? null : document.activeElement;
  const anchor = [pointed, focused].find((one) => one?.isConnected && !one.closest(".top, .bar"));
  const before = anchor?.getBoundingClientRect().top;
  change();
  if (anchor?.isConnected) {
    const moved = anchor.getBoundingClientRect().top - before;
    if (Math.abs(moved) >= 1) scrollBy(0, moved);
  }
}

/* Looking anew. */

const live = document.body.dataset.cursor !== undefined;
const loaded = Date.now();
let cursor = document.body.dataset.cursor ?? "", timer = 0, looking = false, again = false, last = 0, dirty = false;

function soon(urgent) {
  if (document.hidden && !urgent) { dirty = true; return; }
  if (timer) return;
  const pause = document.hidden ? HIDDEN : SELDOM;
  timer = setTimeout(look, Math.max(SOON, last + pause - Date.now()));
}

async function look() {
  timer = 0;
  if (looking || pressed) { again = true; if (pressed) { again = false; timer = setTimeout(look, SOON); } return; }
  looking = true;
  last = Date.now();
  try {
    const answer = await fetch(location.href, { credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout(15000) });
    if (answer.status === 401) return signedOut();
    if (!answer.ok) return;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (next.body.dataset.cursor === undefined) return waitsForWallet();
    if (answer.redirected) return;
    alive();
    dirty = false;
    cursor = newer(next.body.dataset.cursor, cursor) ? next.body.dataset.cursor : cursor;
    moments(next);
    const before = told();
    holdStill(() => {
      for (const place of all("[data-live]")) {
        const found = place.id && next.getElementById(place.id);
        if (!found || place.isEqualNode(found)) continue;
        attributes(place, found);
        morph(place, found);
      }
    });
    drafts();
    if (told() !== before) outlived = true;
    unread(next.title);
    marking();
  } catch {
    // The beat says whether the node is gone.
  } finally {
    looking = false;
    if (again) { again = false; soon(true); }
  }
}

// That an act was taken is said until one can see what came of it, and long enough to be read.
let outlived = false;
const told = () => all("main .standing, main .refused").map((one) => one.textContent).join();
setInterval(() => { if (outlived && Date.now() - loaded > READ) $(".notice")?.remove(); }, 500);

function unread(title) {
  const count = (text) => Number(/^\((\d+)\)/.exec(text)?.[1] ?? 0);
  const more = count(title) - count(document.title);
  if (document.title !== title) document.title = title;
  if (more > 0) say(more === 1 ? "A message came." : `${more} messages came.`);
}

function say(text) { $("#said").textContent = text; }

/* The stream: one a browser. Whoever leads tells the other tabs. */

function newer(one, other) {
  if (!one) return false;
  if (!other) return true;
  const [[start, at], [was, before]] = [one.split("."), other.split(".")];
  return start !== was || BigInt(at) > BigInt(before);
}

const channel = "BroadcastChannel" in window ? new BroadcastChannel("raclette") : null;
const tell = (what) => channel?.postMessage(what);
let leading = false, heard = cursor;

function happened(id, kind) {
  if (id) heard = id;
  soon(WAKE.has(kind));
}

async function lead() {
  leading = true;
  // Who only passes through needs no stream; nothing is lost, for it begins where the page was made.
  await new Promise((go) => setTimeout(go, SETTLE));
  const source = new EventSource(`/live?after=${encodeURIComponent(heard)}`);
  source.onopen = () => { alive(); tell({ beat: true }); };
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => {
      alive();
      happened(event.lastEventId, kind);
      tell({ id: event.lastEventId, kind });
    });
  }
  source.onerror = () => {
    // It comes back by itself, unless it was refused: then a little later, and the page itself says more.
    if (source.readyState === EventSource.CLOSED) { setTimeout(() => { source.close(); if (!out) lead(); }, BEAT); soon(true); }
  };
  addEventListener("pagehide", () => source.close(), { once: true });
}

function follow() {
  if (!live) return;
  channel?.addEventListener("message", ({ data }) => {
    if (data.beat) alive();
    if (data.kind) { alive(); happened(data.id, data.kind); }
    // A tab that has just come may have missed what came between its page and now.
    if (data.where && leading) tell({ at: heard });
    if (data.at && newer(data.at, cursor)) { heard = data.at; soon(true); }
  });
  // A tracker tells nothing as it happens: its pages have no cursor, and look often.
  if (document.body.dataset.cursor) {
    tell({ where: true });
    if (navigator.locks) navigator.locks.request("raclette-stream", () => new Promise(() => { lead(); }));
    else lead();
  }
  setInterval(beat, 500);
  // What changes without an event: the log, and all that a tracker shows.
  if ($("[data-often]")) setInterval(() => { if (!document.hidden) soon(false); }, OFTEN);
  // And what comes of nothing happening: that nobody mines.
  setInterval(() => { if (!document.hidden && Date.now() - Math.max(last, loaded) > IDLE) soon(false); }, BEAT);
  addEventListener("visibilitychange", () => { if (!document.hidden) { beat(); if (dirty) soon(true); } });
}

/* Whether the node is there. */

let seen = Date.now(), asked = 0, stale = false, out = false;

function alive() {
  seen = Date.now();
  if (!stale || out) return;
  stale = false;
  document.body.classList.remove("stale");
  $("#stale").hidden = true;
  say("Live again.");
  soon(true);
}

async function beat() {
  const now = Date.now();
  if (document.hidden || out) return;
  if (now - seen > STALE && !stale) {
    stale = true;
    document.body.classList.add("stale");
    const sign = $("#stale");
    sign.textContent = `▲ Not live since ${new Date(seen).toLocaleTimeString()}: the node does not answer. If it has ended, this starts it: ${document.body.dataset.start}`;
    sign.hidden = false;
  }
  if (now - Math.max(seen, asked) < BEAT) return;
  asked = now;
  try {
    const answer = await fetch("/beat", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    if (answer.status === 401) return signedOut();
    if (answer.ok) { alive(); tell({ beat: true }); }
  } catch {
    // Asked again in a moment.
  }
}

// What is pressed while nobody answers is not sent into nothing: what was typed stays.
function held() {
  if (out) return say($("#stale").textContent);
  $("#stale").textContent = "▲ Nothing was sent: the node does not answer. What you typed stays; press again once it is live";
  say("Nothing was sent: the node does not answer.");
}

function signedOut() {
  ends(`▲ This browser is not known any more: type ${document.body.dataset.wayIn} in a terminal`);
}

// Started anew, the node has no wallet yet. What was typed is kept.
function waitsForWallet() {
  ends("▲ Not live: the node was started again and waits for its wallet. Load this page again");
}

function ends(why) {
  out = stale = true;
  document.body.classList.add("stale");
  const sign = $("#stale");
  sign.textContent = why;
  sign.hidden = false;
}

/* Forms: sent once, drafts kept, what it costs said. */

function forms() {
  addEventListener("submit", (event) => {
    const form = event.target;
    if ("check" in form.dataset) return check(form, event);
    if (form.dataset.sent) return event.preventDefault();
    if (stale) { event.preventDefault(); return held(); }
    form.dataset.sent = "yes";
    all("button", form).forEach((button) => button.setAttribute("aria-disabled", "true"));
    if (form.dataset.draft) sessionStorage.setItem("sending", form.dataset.draft);
  });
  const was = new URL(location.href);
  if (["sent", "opened", "recorded"].includes(was.searchParams.get("done"))) {
    localStorage.removeItem(`draft ${sessionStorage.getItem("sending")}`);
    sessionStorage.removeItem("sending");
  }
  if (was.searchParams.has("done")) {
    // Told once: loading again does not say it again.
    was.searchParams.delete("done");
    history.replaceState(null, "", was);
  }
  drafts();
  for (const button of all("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      say("Copied.");
      button.textContent = "✓ Copied";
    });
  }
}

// What a browser kept while one was elsewhere is old: forms that were sent, lists, what makes a form known. It is
// loaded anew, but for what stands on this one page alone and for what was typed in vain: there the forms work again.
function back() {
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    if (!$("[data-shown-once], .refused:not([hidden])")) return location.reload();
    for (const form of all("form[data-sent]")) {
      delete form.dataset.sent;
      all("button", form).forEach((button) => button.removeAttribute("aria-disabled"));
    }
  });
}

// Whether the two words are right is asked before the page that shows them is left.
async function check(form, event) {
  event.preventDefault();
  const data = new URLSearchParams(new FormData(form));
  data.append("quietly", "1");
  const answer = await fetch(form.action, { method: "POST", body: data, redirect: "manual" }).catch(() => null);
  const wrong = answer?.status === 422;
  $(".refused", form).hidden = !wrong;
  if (wrong) return $("#first").focus();
  // The node may be starting just now: the page waits for it rather than be lost.
  if (answer?.status !== 204) return setTimeout(() => form.requestSubmit(), BEAT);
  form.removeAttribute("data-check");
  form.removeAttribute("target");
  form.requestSubmit();
}

// What a name may be is said in words, and what was typed stays. The rule is that of `MemberName`.
const NAME = /^[a-z][a-z0-9-]*$/, LONGEST = 32;

// A name like what was typed, if there is one.
function nameLike(typed) {
  const plain = typed.toLowerCase().replace(/ß/g, "ss").replace(/ä/g, "ae").replace(/ö/g, "oe").replace(/ü/g, "ue").normalize("NFD").replace(/\p{M}/gu, "");
  return plain.replace(/[^a-z0-9]+/g, "-").replace(/^[0-9-]+/, "").slice(0, LONGEST).replace(/-+$/, "");
}

function naming() {
  const field = $("[data-name]");
  field?.addEventListener("input", () => {
    const typed = field.value.trim(), like = nameLike(typed);
    const wrong = typed && !(NAME.test(typed) && typed.length <= LONGEST);
    const why = typed.length > LONGEST ? `A name has at most ${LONGEST} letters; this one has ${typed.length}.` : "A name has small letters, digits and -, and begins with a letter.";
    field.setCustomValidity(wrong ? `${why}${like ? ` “${like}” could be one.` : ""}` : "");
  });
}

// Forms can come while one looks: they keep drafts, too.
const drafted = new WeakSet();
function drafts() {
  for (const form of all("form[data-draft]")) if (!drafted.has(form)) { drafted.add(form); draft(form); }
}

function draft(form) {
  const name = `draft ${form.dataset.draft}`;
  const fields = () => all("input:not([type=hidden]):not([type=checkbox]), textarea", form);
  const kept = JSON.parse(localStorage.getItem(name) ?? "{}");
  if (!$(".refused", form)) for (const field of fields()) if (!field.value && kept[field.name]) field.value = kept[field.name];
  const costs = $("#costs", form), usual = costs?.textContent;
  const cost = () => {
    if (!costs) return;
    const digits = (id) => { const typed = ($(id, form)?.value ?? "").trim(); return /^\d{1,3}(\s\d{3})+$/.test(typed) ? typed.replace(/\s/g, "") : typed; };
    const [amount, fee] = [digits("#amount"), digits("#fee")];
    if (!/^\d{0,20}$/.test(amount) || !/^\d{0,20}$/.test(fee)) { costs.textContent = "Coins are whole numbers."; return; }
    const sum = BigInt(amount || 0) + BigInt(fee || 0);
    costs.textContent = sum > 0n ? `Costs ${String(sum).replace(/\B(?=(\d{3})+$)/g, "\u202f")} ${sum === 1n ? "coin" : "coins"}. ${usual}` : usual;
  };
  form.addEventListener("input", () => {
    const typed = Object.fromEntries(fields().filter((field) => field.value).map((field) => [field.name, field.value]));
    if (Object.keys(typed).length) localStorage.setItem(name, JSON.stringify(typed));
    else localStorage.removeItem(name);
    cost();
  });
  cost();
}

/* Names, as one types. */

function offering() {
  const field = $("#to[list]"), list = $("#names");
  if (!field || !list) return;
  let wait = 0, latest = "";
  field.addEventListener("input", () => {
    clearTimeout(wait);
    const typed = latest = field.value.trim();
    if (!typed || typed.startsWith("rac1")) return;
    wait = setTimeout(async () => {
      try {
        const answer = await fetch(`/pay/names?typed=${encodeURIComponent(typed)}`, { signal: AbortSignal.timeout(PATIENCE) });
        const names = answer.ok ? await answer.json() : [];
        if (typed !== latest) return;
        list.replaceChildren(...names.map((name) => Object.assign(document.createElement("option"), { value: name })));
      } catch {
        // What was offered stays.
      }
    }, SETTLE / 2);
  });
}

/* What was looked at for a moment was read. */

let marked = 0;
function marking() {
  const form = $("form[data-mark]");
  if (!form || marked) return;
  marked = setTimeout(async () => {
    marked = 0;
    if (document.hidden || !form.isConnected) return;
    const data = new URLSearchParams(new FormData(form));
    data.append("quietly", "1");
    await fetch(form.action, { method: "POST", body: data }).catch(() => {});
    soon(true);
  }, 2000);
}

/* The node starts: on to it once it answers, which for a moment nobody does. */

async function goesOn() {
  const link = $("a[data-goes-on]");
  if (!link) return;
  link.addEventListener("click", (event) => event.preventDefault());
  for (;;) {
    await new Promise((then) => setTimeout(then, SETTLE));
    const answer = await fetch(link.href).catch(() => null);
    const found = new DOMParser().parseFromString(await answer?.text() ?? "", "text/html");
    // Until it stops, the one that waited for the wallet answers.
    if (answer?.ok && !found.querySelector("form[action^='/start/']")) return location.replace(link.href);
  }
}

// What a link leads to is open.
const aimed = /^#[a-z-]+$/.test(location.hash) && $(location.hash);
if (aimed?.nodeName === "DETAILS") aimed.open = true;
moments(document);
setInterval(() => moments(document), 10000);
goesOn();
forms();
back();
offering();
naming();
follow();
marking();
addEventListener("visibilitychange", marking);
