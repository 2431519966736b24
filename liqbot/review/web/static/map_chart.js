// The map of one moment: price upward, USD to the right; shorts above the mark, longs below it.

import { Chart } from "./chart.js";
import { css, step } from "./colours.js";
import { element, fill, price, signed, usd } from "./legible.js";

const APART = 10;
const LABELS = 3;

export class MapChart {
  // `places`: elements for the chart, for what is read off it and for its key.
  constructor(places) {
    this.record = null;
    this.places = places;
    this.chart = new Chart(places.chart, {
      across: "usd", ticks: usd, under: (brush) => this.zones(brush), over: (brush) => this.paint(brush),
      read: (at) => this.read(at),
    });
  }

  say(text) { this.record = null; this.chart.say(text); }

  // `lines`: [{name, price, colour}]; `by`: "", by_leverage or by_venue.
  show(record, { by, reachPct, lines }) {
    this.record = record;
    this.lines = lines.filter((one) => one.price > 0);
    this.parts = parts(record, by);
    const mark = record.mark_price;
    const near = this.lines.map((one) => Math.abs(one.price / mark - 1) * 105).filter((pct) => pct <= 2 * reachPct);
    const reach = Math.max(reachPct, ...near) / 100;
    const [low, high] = [mark * (1 - reach), mark * (1 + reach)];
    this.stacks = stacked(this.parts);
    const seen = this.stacks.filter((one) => one.high > low && one.low < high).map((one) => one.usd);
    this.chart.draw([0, Math.max(1, ...seen) * 1.3], [low, high]);
    this.key();
  }

  zones(brush) {
    if (!this.record) return;
    brush.ctx.globalAlpha = 0.16;
    for (const zone of this.record.thin_zones ?? []) {
      brush.rect(this.chart.x[0], this.chart.x[1], zone.price_low, zone.price_high, css("--good"));
    }
    brush.ctx.globalAlpha = 1;
  }

  paint(brush) {
    if (!this.record) return;
    for (const one of this.stacks) {
      let from = 0;
      for (const [part, amount] of one.parts) {
        brush.rect(from, from + amount, one.low, one.high, part.colour());
        from += amount;
      }
    }
    const taken = [];
    const mark = this.record.mark_price;
    brush.level(mark, css("--mark"), false);
    for (const line of this.lines) brush.level(line.price, css(line.colour), true);
    for (const line of [{ name: "mark", price: mark, colour: "--mark" }, ...this.lines]) {
      label(brush, taken, line.price, `${line.name} ${price(line.price)}`, css(line.colour));
    }
    for (const side of ["short", "long"]) {
      const ours = (this.record.clusters ?? []).filter((one) => one.side === side).sort((a, b) => b.usd - a.usd);
      for (const one of ours.slice(0, LABELS)) {
        const away = signed((one.peak_price / mark - 1) * 100, 1);
        label(brush, taken, one.peak_price, `${usd(one.usd)} cluster ${away} %`, css(side === "long" ? "--long" : "--short"));
      }
    }
  }

  read(at) {
    const found = at && this.record && this.stacks.find((one) => one.low <= at.y && at.y < one.high);
    if (!found) { fill(this.places.read, "move over the map to read it"); return; }
    const away = signed((at.y / this.record.mark_price - 1) * 100);
    const told = found.parts.map(([part, amount]) => `${part.name} ${usd(amount)}`).join(", ") || "nothing";
    fill(this.places.read, `${price(found.low)} to ${price(found.high)} (${away} % from the mark): ${told}`);
  }

  key() {
    const swatch = (colour, name) => {
      const box = element("i");
      box.style.background = colour;
      return element("span", {}, box, name);
    };
    fill(this.places.key, ...this.parts.map((part) => swatch(part.colour(), part.name)), swatch(css("--good"), "thin zone"));
  }
}

function label(brush, taken, value, text, colour) {
  const [y, least] = [brush.y(value), 16 * brush.ratio];
  if (y < brush.box.top + 8 || y > brush.box.top + brush.box.height - 8) return;
  if (taken.some((other) => Math.abs(other - y) < least)) return;
  taken.push(y);
  brush.label(text, y, colour);
}

// What is stacked: the sides, or the parts of a split map, of many the largest and the rest.
function parts(record, by) {
  const split = by && record[by];
  if (!split) {
    const of = (side) => ({ name: side + "s", colour: () => css("--" + side), edges: record.bins.edges, usd: record.bins[side + "_usd"] });
    return [of("long"), of("short")];
  }
  const all = Object.entries(split).map(([name, bins]) => {
    const both = bins.long_usd.map((amount, n) => amount + bins.short_usd[n]);
    return { name: by === "by_leverage" ? name + "x" : name, edges: bins.edges, usd: both, sum: both.reduce((a, b) => a + b, 0) };
  }).filter((one) => one.sum > 0);
  const largest = new Set([...all].sort((a, b) => b.sum - a.sum).slice(0, APART));
  const shown = all.filter((one) => largest.has(one));
  const rest = all.filter((one) => !largest.has(one));
  shown.forEach((one, n) => { one.colour = () => step(0.05 + (0.93 * n) / Math.max(1, shown.length - 1)); });
  if (rest.length) {
    const sum = rest[0].usd.map((_, n) => rest.reduce((all, one) => all + one.usd[n], 0));
    shown.push({ name: "others", colour: () => "#999", edges: rest[0].edges, usd: sum });
  }
  return shown;
}

function stacked(all) {
  if (!all.length) return [];
  const { edges } = all[0];
  return edges.slice(0, -1).map((low, n) => {
    const here = all.map((part) => [part, part.usd[n]]).filter(([, amount]) => amount > 0);
    return { low, high: edges[n + 1], parts: here, usd: here.reduce((sum, [, amount]) => sum + amount, 0) };
  });
}
