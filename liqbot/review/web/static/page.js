// The page: what is asked how often, what is shown of it, and how old that is.

import { ask, every } from "./api.js";
import { CoinView } from "./coin_view.js";
import { byId, element, fill, lasting, minute, second, show } from "./legible.js";
import * as lists from "./lists.js";

const STALE_MS = 10_000;
const BEHIND_MS = 60_000;
const PLAY_MS = 350;
const MODES = {
  paper: ["paper: trades are simulated", ""], testnet: ["test network: no real money", ""],
  demo: ["demo account: no real money", ""], observe: ["recording: no orders", ""], live: ["LIVE: real money", "money"],
};

const views = [CoinView.first()]; // of each chosen coin, in the order they were chosen
const state = { status: null, statusAt: 0, trouble: "", report: null, pnl: null, coverage: null, open: [],
  decisions: [], heat: null, whole: false, seen: false, none: false, replay: null, playing: null, venues: new Set(), leverages: new Set() };

const moment = () => (state.replay === null ? null : state.heat.maps[state.replay][0]);

// --- how old ---------------------------------------------------------------------------------------------------------

function age() {
  const { status, trouble } = state;
  let [text, stale, ended] = ["asking the bot…", false, false];
  if (status) {
    const tick = Math.max(0, ...status.coins.map((one) => one.tick_age_ms));
    const old = Date.now() - state.statusAt + tick;
    stale = old > STALE_MS || Boolean(trouble);
    text = `${trouble ? trouble + ": " : ""}data ${lasting(old)} old, bot's clock ${second(status.time_ms)} UTC`;
  } else if (trouble) {
    [stale, ended] = [state.seen || !state.none, state.none && !state.seen];
    const until = state.report?.told.last_ms;
    text = until ? `${trouble}: this is what the books say, up to ${minute(until)} UTC` : trouble;
  }
  show("age", text);
  document.body.classList.toggle("stale", stale);
  document.body.classList.toggle("ended", ended);
  const runs = state.report?.runs ?? [];
  const [said, kind] = MODES[status?.mode ?? runs.at(-1)?.mode] ?? [status?.mode ?? "no run yet", ""];
  show("mode", said);
  byId("mode").className = `badge ${kind}`;
}

function overview() {
  lists.tiles(state.status, state.report, state.pnl);
  lists.notices(state.status);
  lists.positions(state.status, state.open);
  if (state.coverage) lists.feeds(state.status, state.coverage);
  age();
}

// --- what is asked ---------------------------------------------------------------------------------------------------

async function status() {
  try {
    state.status = await ask("status");
    [state.seen, state.none] = [true, false];
    [state.statusAt, state.trouble, state.whole] = [Date.now(), "", false];
    offer(state.status.coins.map((one) => one.coin));
  } catch (error) {
    state.none = error.status === 404;
    if (state.none) state.status = null;
    state.trouble = state.none ? "no bot is running here" : error.message;
  }
  overview();
}

async function books() {
  const asked = ["report", "pnl", "feeds", "trades"].map((name) => ask(name, name === "trades" ? { limit: 30 } : {}));
  const [report, pnl, coverage, trades] = await Promise.allSettled(asked);
  for (const [name, found] of Object.entries({ report, pnl, coverage })) if (found.value) state[name] = found.value;
  if (trades.value) {
    state.open = trades.value.filter((one) => one.status === "open");
    lists.trades(trades.value);
  } else {
    show("trades", element("p", { class: "hint" }, trades.reason.message));
  }
  offer((state.report?.map.coins ?? []).map((one) => one.coin));
  overview();
}

async function decisions() {
  try {
    state.decisions = await ask("decisions", { limit: 100, until: moment() === null ? null : moment() + 1 });
    lists.decisions(state.decisions, byId("which").value);
  } catch (error) {
    show("decisions", element("p", { class: "hint" }, error.message));
  }
  show("decisions-when", moment() === null ? "" : `until ${minute(moment())}`);
}

const map = () => Promise.all(views.map(mapOf));

// As it is, or as it was at the time that is replayed: whole from the books, its parts folded from the journal, which
// takes a moment.
async function recordOf(coin, at) {
  const filter = { venue: [...state.venues].join(","), leverage: [...state.leverages].join(",") };
  if (at === null) return ask("map", { coin, split: state.whole ? null : 1, ...filter });
  if (!state.whole && (filter.venue || filter.leverage || byId("stack").value)) {
    try {
      return await ask("map", { coin, at, split: 1, ...filter });
    } catch (error) {
      if (!error.status) throw error; // else the journal does not reach back so far, or there is none
    }
  }
  return ask("map", { coin, at, stored: 1 });
}

// Answers may come in another order than they were asked for: only the newest question counts.
async function mapOf(view) {
  const mine = ++view.asked;
  const at = moment();
  try {
    const record = await recordOf(view.coin, at);
    const lines = await linesAt(record.coin, at);
    if (mine !== view.asked) return;
    offer([record.coin]);
    view.shown = { record, lines, then: at !== null };
    draw(view);
    if (view !== views[0]) return;
    if (at === null) filters(record);
    lists.clusters(view.clusters, record);
    if (at === null) lists.drift(record);
  } catch (error) {
    if (mine !== view.asked) return;
    if (error.status === 400 && at === null && !state.whole && !state.venues.size && !state.leverages.size) {
      state.whole = true; // a ledger alone: no part of its maps is kept
      for (const id of ["leverages", "venues"]) show(id, element("span", { class: "hint" }, "only a journal knows them apart"));
      await mapOf(view);
      return;
    }
    view.shown = null;
    view.map.say(error.message);
  }
}

// What was answered last, as it is wished to be seen.
function draw(view) {
  if (!view.shown) return;
  const { record, lines, then } = view.shown;
  const by = byId("stack").value;
  const filtered = Boolean(record.filter);
  view.map.show(record, { by: filtered ? "" : by, reachPct: Number(byId("reach").value), lines });
  const part = filtered ? `, a part of it${by ? ": coloured by side" : ""}` : "";
  const lacks = !filtered && (state.venues.size || state.leverages.size || (by && !record[by]));
  const whole = then && lacks ? ", whole: books keep no parts of a map" : "";
  const behind = state.status && !then ? state.status.time_ms - record.time_ms : 0;
  const late = behind > BEHIND_MS ? `, ${lasting(behind)} behind the bot's clock` : "";
  fill(view.when, `${then ? "REPLAY: " : ""}${record.coin} as of ${second(record.time_ms)} UTC${late}${part}${whole}`);
  view.when.classList.toggle("then", then || Boolean(late));
}

// Entry, stop and own liquidation in prices of the map; the stop of now where the bot runs.
async function linesAt(coin, at) {
  const colours = { "our entry": "--good", "first stop": "--own", "our liquidation": "--long" };
  let prices;
  try {
    prices = (await ask("lines", { coin, at })).in_map;
  } catch {
    return [];
  }
  const held = at === null && state.status?.positions.find((one) => one.coin === coin);
  const ratio = state.status?.coins.find((one) => one.coin === coin)?.mark?.ratio ?? 1;
  const lines = Object.entries(prices).map(([name, value]) => ({ name, price: value, colour: colours[name] }));
  if (!held || !held.stop_price) return lines;
  return [...lines.filter((one) => one.name !== "first stop"), { name: "our stop", price: held.stop_price / ratio, colour: "--own" }];
}

const heatmap = () => Promise.all(views.map(heatmapOf));

// The slider goes through the maps of the first coin.
async function heatmapOf(view) {
  const first = view === views[0];
  try {
    const found = await ask("heatmap", { coin: view.coin });
    if (state.replay !== null || !views.includes(view)) return; // what is replayed stands still
    view.heat.show(found);
    if (!first) return;
    state.heat = found;
    Object.assign(byId("slider"), { max: found.maps.length - 1, value: found.maps.length - 1, disabled: false });
  } catch (error) {
    if (state.replay !== null) return;
    view.heat.say(error.message);
    if (first) byId("slider").disabled = true;
  }
}

// --- what is chosen --------------------------------------------------------------------------------------------------

const known = new Set();

function offer(coins) {
  const more = coins.filter((one) => !known.has(one));
  if (!more.length) return;
  more.forEach((one) => known.add(one));
  views[0].coin ??= coins[0];
  tabs();
}

const chosen = (coin) => views.some((one) => one.coin === coin);
const tabs = () => show("coins", ...[...known].map((one) => element("button", {
  type: "button", "aria-pressed": String(chosen(one)), title: "chosen coins are drawn below each other", onclick: () => choose(one),
}, one)));

// One more, or one less: the last one stays. Without the first the next one takes its place.
function choose(coin) {
  const place = views.findIndex((one) => one.coin === coin);
  if (place < 0) views.push(CoinView.more(coin));
  else if (place > 0) views.splice(place, 1)[0].remove();
  else if (views.length > 1) {
    views[0].coin = views[1].coin;
    [views[0].shown, state.venues, state.leverages] = [null, new Set(), new Set()];
    views.splice(1, 1)[0].remove();
  }
  now();
  tabs();
  heatmap();
}

function filters(record) {
  if (record.filter) return;
  const chips = (id, names, chosen, text) => {
    const shown = names.map(String).join() + [...chosen].join();
    if (byId(id).dataset.shown === shown) return;
    byId(id).dataset.shown = shown;
    show(id, ...names.map((name) => element("button", { type: "button", class: "chip", "aria-pressed": String(chosen.has(name)), onclick: (event) => {
      if (chosen.has(name)) chosen.delete(name); else chosen.add(name);
      event.currentTarget.setAttribute("aria-pressed", String(chosen.has(name)));
      map();
    } }, text(name))));
  };
  if (!record.by_leverage) return;
  chips("leverages", Object.keys(record.by_leverage).sort((a, b) => a - b), state.leverages, (name) => `${name}x`);
  chips("venues", Object.keys(record.by_venue), state.venues, (name) => name);
}

function replay(index) {
  state.replay = index;
  views.forEach((one) => one.heat.mark(moment()));
  show("slider-time", moment() === null ? "" : `${minute(moment())} UTC`);
  return Promise.allSettled([map(), decisions()]);
}

function pause() {
  state.playing = null;
  show("play", "▶ replay");
}

// No step before the one before is drawn: what is folded from the journal takes longer than what the books keep.
async function play() {
  if (state.playing) { pause(); return; }
  if (!state.heat) return;
  const slider = byId("slider");
  if (Number(slider.value) >= Number(slider.max)) slider.value = 0;
  show("play", "❚❚ pause");
  const mine = state.playing = {};
  for (;;) {
    await Promise.all([replay(Number(slider.value)), new Promise((done) => { setTimeout(done, PLAY_MS); })]);
    if (state.playing !== mine) return;
    if (Number(slider.value) >= Number(slider.max)) { pause(); return; }
    slider.value = Number(slider.value) + 1;
  }
}

function now() {
  pause();
  byId("slider").value = byId("slider").max;
  replay(null);
}

byId("slider").addEventListener("input", (event) => { pause(); if (state.heat) replay(Number(event.target.value)); });
byId("play").addEventListener("click", play);
byId("live").addEventListener("click", now);
byId("stack").addEventListener("change", () => { if (moment() === null) views.forEach(draw); else map(); });
byId("reach").addEventListener("change", () => views.forEach(draw));
byId("which").addEventListener("change", () => lists.decisions(state.decisions, byId("which").value));

every(1_000, async () => age());
every(2_000, status);
every(3_000, async () => { if (state.replay === null) await map(); });
every(3_000, async () => { if (state.replay === null) await decisions(); });
every(10_000, books);
every(15_000, heatmap);
