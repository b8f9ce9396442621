// The field between stations under the live map: colours by class, a hatch where it is not to be believed.
// The tables beside it hold the same; the legend has numbers, so that colour is never alone.

import * as maplibre from "./vendor/maplibre-gl.mjs";
import { formatNumber } from "./dure.mjs";

const COLOURS = 7; // as map_pages.py
const EVERY_MS = 60_000;
const AFTER_VALUES_MS = 6_000; // the server makes no new map sooner than every 5 s
const NS = "http://www.w3.org/2000/svg";

const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const bit = (mask, i) => (mask[i >> 3] >> (7 - (i & 7))) & 1;
const colourOf = (number, classes) => (classes < 2 ? COLOURS >> 1 : Math.floor((number * (COLOURS - 1)) / (classes - 1) + 0.5));

/** Numbers of the covered cells as they were packed. */
function unpack({ step, values }) {
  const view = new DataView(bytes(values).buffer);
  return Float64Array.from({ length: view.byteLength / 2 }, (_, i) => view.getInt16(2 * i, true) * step);
}

function classOf(value, bands) {
  const found = bands.findIndex((band) => band.until === null || value < band.until);
  return found < 0 ? bands.length - 1 : found;
}

/** The hatch: dark strokes with a pale rim, seen on every colour. */
function hatch() {
  const size = 16;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const c = canvas.getContext("2d");
  for (const [width, colour] of [[4, "rgba(255,255,255,.75)"], [1.6, "rgba(30,33,36,.8)"]]) {
    c.lineWidth = width;
    c.strokeStyle = colour;
    c.beginPath();
    for (const shift of [-size, 0, size]) { c.moveTo(shift - 2, size + 2); c.lineTo(shift + size + 2, -2); }
    c.stroke();
  }
  return c.getImageData(0, 0, size, size);
}

class SurfaceLayer {
  constructor(legend, map, box) {
    this.legend = legend;
    this.map = map;
    this.box = box;
    this.words = JSON.parse(legend.dataset.surfaceWords);
    this.select = document.querySelector("[data-map-property]");
    this.layers = document.querySelector("[data-surface-layers]");
    this.canvas = document.createElement("canvas");
    this.layer = "estimate";
    this.asked = 0;
  }

  start() {
    this.map.addImage("unreliable", hatch(), { pixelRatio: 2 });
    this.layers.hidden = false;
    this.layers.addEventListener("change", (event) => { this.layer = event.target.value; this.draw(); });
    this.select.addEventListener("change", () => this.load());
    document.addEventListener("dure:values", (event) => this.hear(event.detail));
    this.map.on("click", (event) => this.open(event));
    setInterval(() => { if (!document.hidden) this.load(); }, EVERY_MS);
    this.load();
  }

  get option() { return this.select.selectedOptions[0]; }

  hear(values) {
    if (this.waiting || !values.some((one) => one.property === this.select.value)) return;
    this.waiting = setTimeout(() => { this.waiting = 0; if (!document.hidden) this.load(); }, AFTER_VALUES_MS);
  }

  async load() {
    const turn = ++this.asked;
    try {
      const answer = await fetch(`${this.legend.dataset.surface}?property=${encodeURIComponent(this.select.value)}`);
      if (!answer.ok) throw new Error(`${answer.status}`);
      const tag = answer.headers.get("etag");
      if (turn !== this.asked || (tag && tag === this.tag)) return;
      this.take(await answer.json());
      this.tag = tag;
      this.draw();
      this.box.dataset.surface = "ready";
    } catch (error) {
      this.box.dataset.surface = "failed"; // the last map stays; the tables hold the same
    }
  }

  take(form) {
    this.form = form;
    this.cells = null;
    if (!form.map) return;
    const [rows, columns] = form.map.shape;
    const covered = bytes(form.map.covered), reliable = bytes(form.map.reliable);
    const cell = new Int32Array(rows * columns).fill(-1);
    let n = 0;
    for (let i = 0; i < cell.length; i++) if (bit(covered, i)) cell[i] = n++;
    this.cells = { rows, columns, cell, reliable, estimate: unpack(form.map.estimate), sd: unpack(form.map.sd) };
  }

  draw() {
    const shown = this.layer === "off" || !this.cells ? null : this.layer;
    this.tell(shown ?? "estimate");
    if (!shown) {
      for (const id of ["surface", "unreliable"]) if (this.map.getLayer(id)) this.map.setLayoutProperty(id, "visibility", "none");
      return;
    }
    this.paint(this.cells[shown], shown === "sd" ? this.form.sd_classes : this.form.classes, shown);
    this.place();
    for (const id of ["surface", "unreliable"]) this.map.setLayoutProperty(id, "visibility", "visible");
  }

  paint(values, bands, layer) {
    const { rows, columns, cell } = this.cells;
    const style = getComputedStyle(document.documentElement);
    const colours = bands.map((_, number) => {
      const text = style.getPropertyValue(`--${layer === "sd" ? "doubt" : "surface"}-${colourOf(number, bands.length)}`).trim();
      return [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
    });
    this.canvas.width = columns;
    this.canvas.height = rows;
    const c = this.canvas.getContext("2d");
    const image = c.createImageData(columns, rows);
    for (let i = 0; i < cell.length; i++) {
      if (cell[i] < 0) continue;
      const [r, g, b] = colours[classOf(values[cell[i]], bands)];
      image.data.set([r, g, b, 255], 4 * i);
    }
    c.putImageData(image, 0, 0);
  }

  place() {
    const [west, south, east, north] = this.form.map.bounds;
    const coordinates = [[west, north], [east, north], [east, south], [west, south]];
    const source = this.map.getSource("surface");
    const doubtful = { type: "FeatureCollection", features: this.doubtful() };
    if (!source) {
      this.map.addSource("surface", { type: "canvas", canvas: this.canvas, coordinates, animate: false });
      this.map.addLayer({ id: "surface", type: "raster", source: "surface", paint: { "raster-resampling": "nearest", "raster-fade-duration": 0 } }, "borders");
      this.map.addSource("unreliable", { type: "geojson", data: doubtful });
      this.map.addLayer({ id: "unreliable", type: "fill", source: "unreliable", paint: { "fill-pattern": "unreliable", "fill-antialias": false } }, "borders");
      return;
    }
    source.setCoordinates(coordinates);
    source.play(); // takes the canvas as it is now
    source.pause();
    this.map.triggerRepaint();
    this.map.getSource("unreliable").setData(doubtful);
  }

  /** Unreliable cells, joined along their row. */
  doubtful() {
    const { rows, columns, cell, reliable } = this.cells;
    const [west, south, east, north] = this.form.map.bounds;
    const wide = (east - west) / columns, high = (north - south) / rows;
    const found = [];
    for (let row = 0; row < rows; row++) {
      let from = -1;
      for (let column = 0; column <= columns; column++) {
        const at = column < columns ? cell[row * columns + column] : -1;
        const doubt = at >= 0 && !bit(reliable, at);
        if (doubt && from < 0) from = column;
        if (!doubt && from >= 0) {
          const [w, e, n, s] = [west + from * wide, west + column * wide, north - row * high, north - (row + 1) * high];
          found.push({ type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [[[w, s], [e, s], [e, n], [w, n], [w, s]]] } });
          from = -1;
        }
      }
    }
    return found;
  }

  /** The legend says what is drawn. */
  tell(layer) {
    const title = this.legend.querySelector("[data-surface-title]");
    title.textContent = layer === "sd" ? title.dataset.sd : title.dataset.estimate;
    this.legend.querySelector("[data-surface-unit]").textContent = this.option.dataset.unit;
    const bands = (layer === "sd" ? this.form.sd_classes : this.form.classes) ?? [];
    const decimals = Number(this.option.dataset.decimals) + (layer === "sd" ? 1 : 0);
    const items = bands.map((band, number) => {
      const item = document.createElement("li"), numbers = document.createElement("span");
      numbers.className = "num";
      numbers.textContent = this.numbers(band, decimals);
      item.append(swatch(`${layer === "sd" ? "doubt" : "surface"}-${colourOf(number, bands.length)}`), numbers);
      const grade = band.grade && ((document.documentElement.lang === "en" && band.grade.en) || band.grade.ko);
      if (grade) item.append(` ${grade}`);
      return item;
    });
    this.legend.querySelector("[data-surface-classes]").replaceChildren(...items);
  }

  numbers({ low, high }, decimals) {
    if (low === null && high === null) return this.words.same;
    if (low === null) return this.words.below.replace("{n}", formatNumber(high, decimals));
    if (high === null) return this.words.from.replace("{n}", formatNumber(low, decimals));
    return this.words.between.replace("{low}", formatNumber(low, decimals)).replace("{high}", formatNumber(high, decimals));
  }

  /** A click between the stations tells the estimate there. */
  open({ point, lngLat }) {
    this.popup?.remove();
    if (!this.cells || this.layer === "off" || this.map.queryRenderedFeatures(point, { layers: ["assets"] }).length) return;
    const { rows, columns, cell, reliable, estimate, sd } = this.cells;
    const [west, south, east, north] = this.form.map.bounds;
    const column = Math.floor(((lngLat.lng - west) / (east - west)) * columns), row = Math.floor(((north - lngLat.lat) / (north - south)) * rows);
    const at = column < 0 || row < 0 || column >= columns || row >= rows ? -1 : cell[row * columns + column];
    if (at < 0) return;
    const decimals = Number(this.option.dataset.decimals);
    const body = document.createElement("div"), title = document.createElement("strong"), text = document.createElement("p");
    title.textContent = this.words.here;
    text.textContent = `${this.option.textContent} ${formatNumber(estimate[at], decimals)} ±${formatNumber(sd[at], decimals + 1)} ${this.option.dataset.unit}`;
    body.append(title, text);
    if (!bit(reliable, at)) {
      const doubt = document.createElement("p");
      doubt.className = "soft";
      doubt.textContent = this.words.doubtful;
      body.append(doubt);
    }
    this.popup = new maplibre.Popup({ focusAfterOpen: false, maxWidth: "280px" }).setLngLat(lngLat).setDOMContent(body).addTo(this.map);
  }
}

function swatch(colour) {
  const svg = document.createElementNS(NS, "svg"), rect = document.createElementNS(NS, "rect");
  svg.setAttribute("class", "swatch");
  svg.setAttribute("viewBox", "0 0 22 14");
  svg.setAttribute("aria-hidden", "true");
  rect.setAttribute("class", colour);
  rect.setAttribute("width", "22");
  rect.setAttribute("height", "14");
  svg.append(rect);
  return svg;
}

const legend = document.querySelector("[data-surface]");
if (legend) document.addEventListener("dure:map", ({ detail }) => new SurfaceLayer(legend, detail.map, detail.box).start(), { once: true });
