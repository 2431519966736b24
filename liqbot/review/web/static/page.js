// The page: what is asked how often, what is shown of it, and how old that is.

import { ask, every } from "./api.js";
import { HeatChart } from "./heat_chart.js";
import { byId, element, lasting, minute, second, show } from "./legible.js";
import * as lists from "./lists.js";
import { MapChart } from "./map_chart.js";

const STALE_MS = 10_000;
const BEHIND_MS = 60_000;
const PLAY_MS = 350;
const MODES = {
  paper: ["paper: trades are simulated", ""], testnet: ["test network: no real money", ""],
  demo: ["demo account: no real money", ""], observe: ["recording: no orders", ""], live: ["LIVE: real money", "money"],
};

const maps = new MapChart();
const heat = new HeatChart();
const state = { coin: null, status: null, statusAt: 0, trouble: "", report: null, pnl: null, coverage: null, open: [],
  decisions: [], heat: null, shown: null, whole: false, seen: false, none: false, replay: null, playing: null, venues: new Set(), leverages: new Set() };

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

// Answers may come in another order than they were asked for: only the newest question counts.
let asked = 0;

async function map() {
  const mine = ++asked;
  const at = moment();
  const filter = { venue: [...state.venues].join(","), leverage: [...state.leverages].join(",") };
  try {
    const record = await ask("map", at === null ? { coin: state.coin, split: state.whole ? null : 1, ...filter } : { coin: state.coin, at, stored: 1 });
    const lines = await linesAt(record.coin, at);
    if (mine !== asked) return;
    offer([record.coin]);
    if (at === null) filters(record);
    state.shown = { record, lines, then: at !== null };
    draw();
    lists.clusters(record);
    if (at === null) lists.drift(record);
  } catch (error) {
    if (mine !== asked) return;
    if (error.status === 400 && at === null && !state.whole) {
      state.whole = true; // a ledger alone: no part of its maps is kept
      for (const id of ["leverages", "venues"]) show(id, element("span", { class: "hint" }, "only a journal knows them apart"));
      await map();
      return;
    }
    state.shown = null;
    maps.say(error.message);
  }
}

// What was answered last, as it is wished to be seen.
function draw() {
  if (!state.shown) return;
  const { record, lines, then } = state.shown;
  const by = byId("stack").value;
  const filtered = Boolean(record.filter);
  maps.show(record, { by: filtered ? "" : by, reachPct: Number(byId("reach").value), lines });
  const part = filtered && by ? ", a part of it: coloured by side" : "";
  const whole = then && (by || state.venues.size || state.leverages.size) ? ", whole: books keep no parts of a map" : "";
  const behind = state.status && !then ? state.status.time_ms - record.time_ms : 0;
  const late = behind > BEHIND_MS ? `, ${lasting(behind)} behind the bot's clock` : "";
  show("map-when", `${then ? "REPLAY: " : ""}${record.coin} as of ${second(record.time_ms)} UTC${late}${part}${whole}`);
  byId("map-when").classList.toggle("then", then || Boolean(late));
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

async function heatmap() {
  try {
    const found = await ask("heatmap", { coin: state.coin });
    if (state.replay !== null) return; // what is replayed stands still
    state.heat = found;
    heat.show(found);
    Object.assign(byId("slider"), { max: found.maps.length - 1, value: found.maps.length - 1, disabled: false });
  } catch (error) {
    if (state.replay !== null) return;
    heat.say(error.message);
    byId("slider").disabled = true;
  }
}

// --- what is chosen --------------------------------------------------------------------------------------------------

const known = new Set();

function offer(coins) {
  const more = coins.filter((one) => !known.has(one));
  if (!more.length) return;
  more.forEach((one) => known.add(one));
  state.coin ??= coins[0];
  const choose = (coin) => { [state.coin, state.venues, state.leverages] = [coin, new Set(), new Set()]; now(); tabs(); heatmap(); };
  const tabs = () => show("coins", ...[...known].map((one) => element("button", {
    type: "button", "aria-pressed": String(one === state.coin), onclick: () => choose(one),
  }, one)));
  tabs();
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
  heat.mark(moment());
  show("slider-time", moment() === null ? "" : `${minute(moment())} UTC`);
  map();
  decisions();
}

function pause() {
  clearInterval(state.playing);
  state.playing = null;
  show("play", "▶ replay");
}

function play() {
  if (state.playing) { pause(); return; }
  if (!state.heat) return;
  const slider = byId("slider");
  if (Number(slider.value) >= Number(slider.max)) slider.value = 0;
  replay(Number(slider.value));
  show("play", "❚❚ pause");
  state.playing = setInterval(() => {
    if (Number(slider.value) >= Number(slider.max)) { pause(); return; }
    slider.value = Number(slider.value) + 1;
    replay(Number(slider.value));
  }, PLAY_MS);
}

function now() {
  pause();
  byId("slider").value = byId("slider").max;
  replay(null);
}

byId("slider").addEventListener("input", (event) => { pause(); if (state.heat) replay(Number(event.target.value)); });
byId("play").addEventListener("click", play);
byId("live").addEventListener("click", now);
byId("stack").addEventListener("change", draw);
byId("reach").addEventListener("change", draw);
byId("which").addEventListener("change", () => lists.decisions(state.decisions, byId("which").value));

every(1_000, async () => age());
every(2_000, status);
every(3_000, async () => { if (state.replay === null) await map(); });
every(3_000, async () => { if (state.replay === null) await decisions(); });
every(10_000, books);
every(15_000, heatmap);
