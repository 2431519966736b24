// What both charts share: a uPlot whose marks are drawn by us, with price on the vertical axis.

import uPlot from "./uplot/uPlot.esm.js";
import { css, onThemeChange } from "./colours.js";
import { element, price } from "./legible.js";

// `across`: what the horizontal scale is, `ticks` its texts; `under` and `over` paint below and above the grid.
export class Chart {
  constructor(place, { across, ticks, under, over, read }) {
    this.place = place;
    this.x = [0, 1];
    this.y = [0, 1];
    const axis = { stroke: () => css("--ink"), ticks: { stroke: () => css("--line"), width: 1 }, font: "11px system-ui, sans-serif" };
    const grid = { stroke: () => css("--line"), width: 0.5 };
    this.plot = new uPlot({
      ...this.size(), tzDate: (s) => uPlot.tzDate(new Date(s * 1000), "Etc/UTC"),
      legend: { show: false }, series: [{}, { paths: () => null, points: { show: false } }],
      cursor: { drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { time: across === "time", range: () => this.x }, y: { range: () => this.y } },
      axes: [
        { ...axis, grid, size: 32, space: 70, values: (_, all) => all.map(ticks) },
        { ...axis, grid, size: 62, values: (_, all) => all.map(price) },
      ],
      hooks: {
        drawClear: [(u) => this.clipped(u, under)],
        draw: [(u) => this.clipped(u, over)],
        setCursor: [(u) => {
          const inside = u.cursor.left >= 0 && u.cursor.top >= 0;
          read(inside ? { x: u.posToVal(u.cursor.left, "x"), y: u.posToVal(u.cursor.top, "y") } : null);
        }],
      },
    }, [[0, 1], [0, 1]], place);
    this.say("reading…");
    new ResizeObserver(() => this.plot.setSize(this.size())).observe(place);
    onThemeChange(() => this.plot.redraw(false, true));
  }

  size() {
    return { width: Math.max(this.place.clientWidth, 120), height: Math.max(this.place.clientHeight, 120) };
  }

  clipped(u, paint) {
    const { left, top, width, height } = u.bbox;
    u.ctx.save();
    u.ctx.beginPath();
    u.ctx.rect(left, top, width, height);
    u.ctx.clip();
    paint(new Brush(u));
    u.ctx.restore();
  }

  draw(x, y) {
    [this.x, this.y] = [x, y];
    this.say("");
    this.plot.setData([[x[0], x[1]], [y[0], y[1]]]);
  }

  say(text) {
    this.place.querySelector(".empty")?.remove();
    if (text) this.place.append(element("p", { class: "empty" }, text));
    this.plot.root.style.visibility = text ? "hidden" : "visible";
  }
}

// Draws in values instead of pixels.
class Brush {
  constructor(u) {
    this.ctx = u.ctx;
    this.ratio = devicePixelRatio;
    this.box = u.bbox;
    this.x = (value) => u.valToPos(value, "x", true);
    this.y = (value) => u.valToPos(value, "y", true);
  }

  rect(x0, x1, y0, y1, colour) {
    const [left, right, top, bottom] = [this.x(x0), this.x(x1), this.y(y1), this.y(y0)].map(Math.round);
    this.ctx.fillStyle = colour;
    this.ctx.fillRect(left, top, Math.max(right - left, 1), Math.max(bottom - top, 1));
  }

  path(points, colour, width) {
    this.ctx.strokeStyle = colour;
    this.ctx.lineWidth = width * this.ratio;
    this.ctx.beginPath();
    points.forEach(([x, y], n) => (n ? this.ctx.lineTo(x, y) : this.ctx.moveTo(x, y)));
    this.ctx.stroke();
  }

  level(value, colour, dashed) {
    this.ctx.setLineDash(dashed ? [6 * this.ratio, 4 * this.ratio] : []);
    const y = this.y(value);
    this.path([[this.box.left, y], [this.box.left + this.box.width, y]], colour, 1.5);
    this.ctx.setLineDash([]);
  }

  // At the right end, on the paper's colour, so that bars do not cut it.
  label(text, y, colour) {
    const { ctx, ratio, box } = this;
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    [ctx.textBaseline, ctx.textAlign] = ["middle", "left"];
    const wide = ctx.measureText(text).width;
    const left = box.left + box.width - wide - 6 * ratio;
    ctx.globalAlpha = 0.85;
    ctx.fillStyle = css("--card");
    ctx.fillRect(left - 3 * ratio, y - 7.5 * ratio, wide + 6 * ratio, 15 * ratio);
    ctx.globalAlpha = 1;
    ctx.fillStyle = colour;
    ctx.fillText(text, left, y);
  }
}
