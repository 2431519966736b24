// The map over time, with candles of the mark, observed forced orders and our own fills.

import { Chart } from "./chart.js";
import { css, step } from "./colours.js";
import { element, fill, minute, price, second, usd } from "./legible.js";

const FAINTEST = 1e-2;
const CANDLE_PX = 7;

export class HeatChart {
  // `places`: elements for the chart, for what is read off it and for its key.
  constructor(places) {
    this.heat = null;
    this.at = null;
    this.places = places;
    this.chart = new Chart(places.chart, {
      across: "time", ticks: (s) => this.tick(s), under: (brush) => this.cells(brush), over: (brush) => this.marks(brush), read: (at) => this.read(at),
    });
  }

  say(text) { this.heat = null; this.chart.say(text); fill(this.places.key); }

  show(heat) {
    this.heat = heat;
    this.strongest = heat.cells_usd.reduce((most, row) => row.reduce((a, b) => Math.max(a, b ?? 0), most), 1);
    const { starts_ms: starts, edges } = heat;
    this.chart.draw([starts[0] / 1000, starts.at(-1) / 1000], [edges[0], edges.at(-1)]);
    this.key();
  }

  // Of a short time with seconds; the day where it begins.
  tick(s) {
    const short = this.chart.x[1] - this.chart.x[0] < 1_200;
    return short ? second(s * 1000).slice(6) : minute(s * 1000).slice(s % 86_400 ? 6 : 0);
  }

  mark(ms) { this.at = ms; if (this.heat) this.chart.plot.redraw(false); }

  cells(brush) {
    if (!this.heat) return;
    const { starts_ms: starts, edges, cells_usd: cells } = this.heat;
    const [top, span] = [Math.log(this.strongest), -Math.log(FAINTEST)];
    const rows = edges.map((edge) => Math.round(brush.y(edge)));
    cells.forEach((row, n) => {
      const [left, right] = [Math.round(brush.x(starts[n] / 1000)), Math.round(brush.x(starts[n + 1] / 1000))];
      row.forEach((amount, m) => {
        if (amount === null || amount < this.strongest * FAINTEST) return;
        brush.ctx.fillStyle = step(1 - (top - Math.log(amount)) / span);
        brush.ctx.fillRect(left, rows[m + 1], Math.max(right - left, 1), rows[m] - rows[m + 1]);
      });
    });
  }

  marks(brush) {
    if (!this.heat) return;
    const { minutes, maps, forced_orders: forced, fills } = this.heat;
    const told = minutes.length > 1 ? minutes : maps.map(([ms, mark]) => [ms, mark, mark, mark]);
    const candles = candlesOf(told, this.chart.x[0] * 1000, this.chart.x[1] * 1000, brush.box.width / (CANDLE_PX * brush.ratio));
    for (const one of forced) dot(brush, one);
    candles.forEach((one) => candle(brush, one));
    for (const one of fills) triangle(brush, one);
    if (this.at !== null) {
      const x = brush.x(this.at / 1000);
      brush.path([[x, brush.box.top], [x, brush.box.top + brush.box.height]], css("--long"), 2);
    }
  }

  read(at) {
    if (!at || !this.heat) { fill(this.places.read, "move over the heatmap to read it"); return; }
    const { starts_ms: starts, edges, cells_usd: cells } = this.heat;
    const column = starts.findLastIndex((ms) => ms <= at.x * 1000);
    const row = edges.findLastIndex((edge) => edge <= at.y);
    const amount = cells[column]?.[row];
    fill(this.places.read, `${minute(at.x * 1000)}, ${price(at.y)}: ${amount === null || amount === undefined ? "no map was kept" : usd(amount)}`);
  }

  key() {
    const ramp = element("i", { class: "ramp" });
    const sign = (shape, attributes, name) => {
      const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      svg.setAttribute("viewBox", "0 0 10 10");
      const drawn = document.createElementNS("http://www.w3.org/2000/svg", shape);
      for (const [key, value] of Object.entries(attributes)) drawn.setAttribute(key, value);
      svg.append(drawn);
      return element("span", {}, svg, name);
    };
    const circle = (colour) => ({ cx: 5, cy: 5, r: 4, fill: colour, stroke: "#fff" });
    fill(this.places.key,
      element("span", {}, usd(this.strongest * FAINTEST) + " ", ramp, usd(this.strongest)),
      sign("rect", { x: 3, y: 1, width: 4, height: 8, fill: "#fff", stroke: "#000" }, "mark rose"),
      sign("rect", { x: 3, y: 1, width: 4, height: 8, fill: "#000", stroke: "#fff" }, "mark fell"),
      sign("circle", circle(css("--long")), "longs liquidated (observed)"),
      sign("circle", circle(css("--short")), "shorts liquidated (observed)"),
      sign("path", { d: "M5 1 9 9H1Z", fill: "#fff", stroke: "#000" }, "we buy"),
      sign("path", { d: "M5 9 9 1H1Z", fill: "#fff", stroke: "#000" }, "we sell (grey: closes)"));
  }
}

// Of the minutes in each stretch: open is the close before.
function candlesOf(minutes, fromMs, toMs, count) {
  const stretch = Math.max((toMs - fromMs) / Math.max(count, 1), 60_000);
  const found = new Map();
  let before = minutes[0]?.[3];
  for (const [ms, low, high, close] of minutes) {
    const slot = Math.floor((ms - fromMs) / stretch);
    const one = found.get(slot) ?? { from: fromMs + slot * stretch, to: fromMs + (slot + 1) * stretch, open: before, low, high };
    found.set(slot, { ...one, low: Math.min(one.low, low), high: Math.max(one.high, high), close });
    before = close;
  }
  return [...found.values()];
}

function candle(brush, one) {
  const { ctx, ratio } = brush;
  const [left, right] = [brush.x(one.from / 1000), brush.x(one.to / 1000)];
  const middle = (left + right) / 2;
  const half = Math.max(Math.min((right - left) * 0.35, 4 * ratio), 0.75 * ratio);
  brush.path([[middle, brush.y(one.low)], [middle, brush.y(one.high)]], "#fff", 3);
  brush.path([[middle, brush.y(one.low)], [middle, brush.y(one.high)]], "#000", 1);
  const [top, bottom] = [brush.y(Math.max(one.open, one.close)), brush.y(Math.min(one.open, one.close))];
  const rose = one.close >= one.open;
  ctx.fillStyle = rose ? "#fff" : "#000";
  ctx.strokeStyle = rose ? "#000" : "#fff";
  ctx.lineWidth = ratio;
  ctx.beginPath();
  ctx.rect(middle - half, top, 2 * half, Math.max(bottom - top, ratio));
  ctx.fill();
  ctx.stroke();
}

function dot(brush, one) {
  const { ctx, ratio } = brush;
  ctx.beginPath();
  ctx.arc(brush.x(one.time_ms / 1000), brush.y(one.price), (1 + 0.8 * Math.log10(Math.max(one.usd, 1e3) / 1e3)) * ratio, 0, 7);
  ctx.fillStyle = css(one.side === "long" ? "--long" : "--short");
  ctx.fill();
  ctx.strokeStyle = "#fff";
  ctx.lineWidth = 0.5 * ratio;
  ctx.stroke();
}

// Points the way we trade; what closes is grey.
function triangle(brush, one) {
  const { ctx, ratio } = brush;
  const [x, y, size] = [brush.x(one.time_ms / 1000), brush.y(one.price), 6 * ratio];
  const up = (one.side === "long") !== Boolean(one.reduces) ? -1 : 1;
  ctx.beginPath();
  ctx.moveTo(x, y + up * size);
  ctx.lineTo(x - size, y - up * size);
  ctx.lineTo(x + size, y - up * size);
  ctx.closePath();
  ctx.fillStyle = one.reduces ? "#bbb" : "#fff";
  ctx.fill();
  ctx.strokeStyle = "#000";
  ctx.lineWidth = 1.5 * ratio;
  ctx.stroke();
}
