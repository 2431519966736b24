// Everything that is a table: positions, decisions, trades, clusters, feeds, drift, and the figures in short.

import { byId, element, fill, lasting, minute, number, ofIso, percent, price, show, signed, spelled, table, usd } from "./legible.js";
import { ask } from "./api.js";

const side = (row) => element("span", { class: row.side }, row.side);

export function tiles(status, report, pnl) {
  const told = [];
  const tile = (name, value) => told.push(element("div", {}, name, element("b", {}, value)));
  for (const one of status?.coins ?? []) tile(`${one.coin} mark`, price(one.mark_price));
  const equity = status?.equity_usd ?? pnl?.equity_usd;
  if (equity !== null && equity !== undefined) tile("equity USD", number(equity, 2));
  if (pnl) tile("net USD, all days", signed(pnl.total.net_usd));
  if (report?.equity) tile("last 24 h USD", signed(report.equity.change_usd));
  if (status) tile("below its highest", percent(status.drawdown_pct, 2));
  if (status?.coins.length) {
    const explained = Math.min(...status.coins.flatMap((one) => [one.warmth_long_pct, one.warmth_short_pct]).map((pct) => pct ?? 0));
    tile("open interest explained", percent(explained, 0));
    tile("venues live", String(Math.min(...status.coins.map((one) => one.live_venues))));
  }
  if (status?.naked.positions) tile("without a stop, at most", `${number(status.naked.max_ms, 0)} ms`);
  show("tiles", ...told);
}

// What somebody should know now.
export function notices(status) {
  const told = [];
  if (status) {
    if (status.halted || status.halt_code) told.push(`Halted: ${status.halted || status.halt_code}`);
    if (status.ladder?.missing) told.push(`Entries are refused: ${status.ladder.missing}`);
    for (const [name, why] of Object.entries(status.strategies_disabled)) told.push(`Strategy ${name} is disabled: ${why}`);
    if (status.journal_trouble) told.push(`Journal: ${status.journal_trouble}`);
    for (const [name, why] of Object.entries(status.observers?.trouble ?? {})) told.push(`Observer ${name}: ${why}`);
    for (const one of status.biases) told.push(`Bias: ${one.coin} ${one.side} until ${minute(one.until_ms)}, ${one.why}`);
    for (const held of status.positions) if (!held.protected) told.push(`Not protected: ${held.side} ${held.quantity_base} ${held.coin}`);
    for (const one of status.coins) {
      if (!one.reconciled && status.mode !== "observe") told.push(`${one.coin}: the account is not read`);
      if (one.foreign_base) told.push(`${one.coin}: ${one.foreign_base} is not ours`);
      if (one.core_venues_missing.length) told.push(`${one.coin}: nothing is entered while ${one.core_venues_missing.join(", ")} is silent`);
      if (one.caution) told.push(`${one.coin}: ${one.caution}`);
      if (one.blackout) told.push(`${one.coin}: blackout, ${one.blackout} UTC`);
      if (one.mark?.refusal) told.push(`${one.coin}: nothing is entered: ${one.mark.refusal}`);
    }
  }
  show("notices", ...told.map((text) => element("li", {}, text)));
}

export function positions(status, open) {
  if (status) {
    show("positions", table(status.positions, [
      ["coin", (row) => row.coin], ["side", side], ["size", (row) => row.quantity_base, "n"],
      ["entry", (row) => price(row.entry_price), "n"],
      ["stop", (row) => element("span", { class: row.protected ? "" : "bad" }, row.stop_price ? price(row.stop_price) : "none"), "n"],
      ["own liquidation", (row) => price(row.liquidation_price), "n"], ["leverage", (row) => `${row.leverage ?? "–"}x`, "n"],
    ], "no position is open"));
    return;
  }
  show("positions", table(open, [
    ["coin", (row) => row.coin], ["side", side], ["size", (row) => String(row.quantity_base), "n"],
    ["entry", (row) => price(row.entry_price), "n"], ["first stop", (row) => price(row.initial_stop_price), "n"],
    ["own liquidation", (row) => price(row.liquidation_price), "n"], ["leverage", (row) => `${row.leverage ?? "–"}x`, "n"],
  ], "no position was open when the books ended"));
}

const KINDS = {
  "": (row) => row.code !== "STOP_MOVED",
  approved: (row) => row.code === "APPROVED",
  refused: (row) => row.kind === "entry" && row.code !== "APPROVED",
  reduction: (row) => row.kind === "reduction",
  all: () => true,
};

export function decisions(rows, which) {
  const said = (row) => element("span", {}, element("b", { class: row.code === "APPROVED" ? "good" : "" }, row.code), ` ${row.reason}`);
  show("decisions", table(rows.filter(KINDS[which]).reverse(), [
    ["time", (row) => ofIso(row.first_seen)], ["", side], ["what was said, and why", said, "words"],
    ["strategy", (row) => `${row.strategy} ${row.coin}`], ["ticks", (row) => number(row.count, 0), "n"],
  ], "no such decision yet", (row) => explain(row.decision)));
}

export function trades(rows) {
  const net = (row) => element("span", { class: row.net_usd < 0 ? "bad" : "good" }, signed(row.net_usd));
  show("trades", table([...rows].reverse(), [
    ["", (row) => `t${row.trade_id}`], ["opened", (row) => ofIso(row.opened)], ["side", side],
    ["strategy", (row) => `${row.strategy} ${row.coin}`], ["net USD", net, "n"], ["R", (row) => signed(row.r_multiple), "n"],
    ["ended because", (row) => row.closed_because || row.status, "words"],
  ], "no trade yet", (row) => explain(`t${row.trade_id}`)));
}

export function clusters(place, record) {
  const rows = [...(record.clusters ?? [])].sort((a, b) => b.peak_price - a.peak_price);
  const zones = [...(record.thin_zones ?? [])].sort((a, b) => b.price_low - a.price_low);
  const range = (row) => `${price(row.price_low)} to ${price(row.price_high)}`;
  fill(place,
    table(rows, [
      ["cluster of", (row) => element("span", { class: row.side }, row.side + "s")], ["price", range],
      ["estimate", (row) => usd(row.usd), "n"], ["away", (row) => signed((row.peak_price / record.mark_price - 1) * 100, 1) + " %", "n"],
      ["times the usual", (row) => number(row.ratio, 1), "n"],
    ], "no cluster is known of this map"),
    table(zones, [["thin zone", range], ["estimate", (row) => usd(row.usd), "n"]], "no thin zone is known of this map"));
}

export function feeds(status, coverage) {
  show("seen", coverage.seen_pct === null ? "No minute of the market is on record."
    : `The market was seen ${number(coverage.seen_pct, 2)} % of the last day of the books, with ${coverage.absences.length} absences.`);
  const rows = coverage.feeds.map((one) => ({ ...one, now: one.still_down ? "down" : "up" }));
  const apart = (status?.coins ?? []).flatMap((coin) => coin.apart.map((one) => ({ coin: coin.coin, ...one })));
  const live = Object.entries(status?.feeds ?? {}).map(([venue, stats]) => ({ venue, stats }));
  const counts = (stats) => Object.entries(stats).filter(([, value]) => typeof value === "number" && value)
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${number(value, Number.isInteger(value) ? 0 : 1)}`).join(", ");
  show("feeds",
    ...(live.length ? [table(live, [["venue", (row) => row.venue], ["since the start", (row) => counts(row.stats) || "nothing yet", "words"]], "")] : []),
    ...(apart.length ? [table(apart, [
      ["apart now", (row) => `${row.venue} ${row.coin}`], ["weight", (row) => number(row.trust_weight, 2), "n"],
      ["because", (row) => [...row.down.map((feed) => `${feed} is down`), ...row.reasons, row.accord].filter(Boolean).join("; "), "words"],
    ], "")] : []),
    table(rows, [
      ["feed", (row) => `${row.venue} ${row.coin} ${row.feed}`],
      ["now", (row) => element("span", { class: row.still_down ? "bad" : "good" }, row.now)],
      ["down for", (row) => lasting(row.down_ms), "n"], ["of the time", (row) => percent(row.down_pct, 2), "n"],
      ["times", (row) => number(row.times, 0), "n"], ["longest because", (row) => row.reason, "words"],
    ], "No feed was down."));
}

export function drift(record) {
  const told = [];
  if (record.skill !== null && record.skill !== undefined) told.push(`The map's own score: it explains ${number(record.skill * 100, 0)} % of the deviance of what was reported lately.`);
  if (record.printed_over_promised) told.push(`Reported over promised: ${number(record.printed_over_promised, 2)}.`);
  show("score", told.join(" "));
  if (!record.drift) { show("drift", element("p", { class: "hint" }, "only the newest map tells it")); return; }
  show("drift", table(record.drift, [
    ["", side], ["", (row) => row.change], ["price", (row) => `${price(row.price_low)} to ${price(row.price_high)}`],
    ["was", (row) => usd(row.before_usd), "n"], ["is (estimate)", (row) => usd(row.now_usd), "n"],
  ], "no cluster changed much"));
}

export async function explain(name) {
  show("explain-title", `Why: ${name}`);
  show("explain-text", "reading…");
  byId("explain").showModal();
  try {
    const { text } = await ask("explain", { id: name, text: 1 });
    byId("explain-text").textContent = text.split("\n").map(spelled).join("\n");
  } catch (error) {
    show("explain-text", error.message);
  }
}
