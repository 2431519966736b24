// What is drawn of one coin: its map and its heatmap, in elements of the page or in some of its own.

import { HeatChart } from "./heat_chart.js";
import { byId, element } from "./legible.js";
import { MapChart } from "./map_chart.js";

export class CoinView {
  constructor(coin, map, heat) {
    Object.assign(this, { coin, asked: 0, shown: null, when: map.when, clusters: map.clusters });
    this.map = new MapChart(map);
    this.heat = new HeatChart(heat);
  }

  // Of the first coin: its elements are in the page.
  static first() {
    return new CoinView(null,
      { chart: byId("map-chart"), read: byId("map-read"), key: byId("map-key"), when: byId("map-when"), clusters: byId("clusters") },
      { chart: byId("heat-chart"), read: byId("heat-read"), key: byId("heat-key") });
  }

  // Of one more, below the first.
  static more(coin) {
    const [map, heat] = ["map", "heat"].map((kind) => ({
      when: element("p", { class: "when" }, coin), chart: element("div", { class: `chart ${kind}` }),
      read: element("p", { class: "read" }), key: element("p", { class: "key" }),
    }));
    const parts = ({ when, chart, read, key }) => [when, chart, read, key];
    const places = [element("div", { class: "also" }, ...parts(map)), element("div", { class: "also" }, ...parts(heat))];
    byId("also-maps").append(places[0]);
    byId("also-heat").append(places[1]);
    return Object.assign(new CoinView(coin, map, heat), { places });
  }

  remove() {
    this.asked += 1; // an answer that is still on its way finds nobody
    this.places.forEach((one) => one.remove());
  }
}
