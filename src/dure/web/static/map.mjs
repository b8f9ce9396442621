// The live map: zones and assets on a plain ground, no tiles and no glyph server needed. A city may add its own PMTiles.
// The table beside it holds the same content; the map is never the only way.

import * as maplibre from "./vendor/maplibre-gl.mjs";
import { formatNumber } from "./dure.mjs";

maplibre.setWorkerUrl(new URL("./vendor/maplibre-gl-worker.mjs", import.meta.url).href);

const FONT = ["Pretendard GOV"];
// Status -> colour (tone 60 of KRDS) and a shape of its own: colour is never alone.
const SHAPES = {
  live: ["#267337", (c) => c.arc(16, 16, 11, 0, 7)],
  suspect: ["#8a5c00", (c) => { c.moveTo(16, 3); c.lineTo(30, 28); c.lineTo(2, 28); c.closePath(); }],
  failing: ["#bd2c0f", (c) => { c.rect(5, 5, 22, 22); }],
  silent: ["#1c589c", (c) => { c.arc(16, 16, 11, 0, 7); }],
  quarantined: ["#096ab3", (c) => { c.moveTo(16, 2); c.lineTo(30, 16); c.lineTo(16, 30); c.lineTo(2, 16); c.closePath(); }],
  dump: ["#33363d", (c) => { c.moveTo(2, 4); c.lineTo(30, 4); c.lineTo(16, 29); c.closePath(); }],
  depot: ["#33363d", (c) => { c.moveTo(16, 2); c.lineTo(29, 13); c.lineTo(29, 29); c.lineTo(3, 29); c.lineTo(3, 13); c.closePath(); }],
  retired: ["#58616a", (c) => { c.rect(5, 12, 22, 8); }],
};

function icon(status) {
  const [colour, draw] = SHAPES[status];
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 32;
  const c = canvas.getContext("2d");
  c.beginPath();
  draw(c);
  c.lineWidth = 3;
  c.strokeStyle = "#fff";
  c.fillStyle = colour;
  if (status === "silent") { // a ring
    c.lineWidth = 8; c.stroke();
    c.lineWidth = 5; c.strokeStyle = colour; c.stroke();
  } else {
    c.stroke(); c.fill();
  }
  if (status === "failing") { // a cross in a square
    c.beginPath(); c.moveTo(10, 10); c.lineTo(22, 22); c.moveTo(22, 10); c.lineTo(10, 22);
    c.lineWidth = 3.4; c.strokeStyle = "#fff"; c.stroke();
  }
  return c.getImageData(0, 0, 32, 32);
}

/** One place for a zone's name: the middle of the ring with the largest box, so that islets stay without. */
function namePoint(zone) {
  const polygons = zone.geometry.type === "Polygon" ? [zone.geometry.coordinates] : zone.geometry.coordinates;
  let best = { area: -1, middle: [0, 0] };
  for (const [ring] of polygons) {
    const lons = ring.map((p) => p[0]), lats = ring.map((p) => p[1]);
    const [west, east, south, north] = [Math.min(...lons), Math.max(...lons), Math.min(...lats), Math.max(...lats)];
    const area = (east - west) * (north - south);
    if (area > best.area) best = { area, middle: [(west + east) / 2, (south + north) / 2] };
  }
  return { type: "Feature", properties: zone.properties, geometry: { type: "Point", coordinates: best.middle } };
}

function style(box, zones) {
  const name = box.dataset.lang === "en" ? ["coalesce", ["get", "name_en"], ["get", "name_ko"]] : ["get", "name_ko"];
  return {
    version: 8,
    sources: {
      zones: { type: "geojson", data: zones },
      names: { type: "geojson", data: { type: "FeatureCollection", features: zones.features.map(namePoint) } },
      assets: { type: "geojson", data: { type: "FeatureCollection", features: [] }, promoteId: "id" },
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": "#e6e8ea" } },
      { id: "zones", type: "fill", source: "zones", paint: { "fill-color": "#ffffff" } },
      { id: "borders", type: "line", source: "zones", paint: { "line-color": "#b1b8be", "line-width": 1 } },
      { id: "names", type: "symbol", source: "names", minzoom: 9, layout: { "text-field": name, "text-font": FONT, "text-size": 12, "text-max-width": 6 }, paint: { "text-color": "#58616a", "text-halo-color": "#fff", "text-halo-width": 1.5 } },
      { id: "assets", type: "symbol", source: "assets", layout: { "icon-image": ["get", "status"], "icon-size": 0.62, "icon-allow-overlap": true, "text-field": ["coalesce", ["get", "label"], ""], "text-font": FONT, "text-size": 13, "text-anchor": "top", "text-offset": [0, 0.75], "text-optional": true, "symbol-sort-key": ["get", "order"] }, paint: { "text-color": "#1e2124", "text-halo-color": "#fff", "text-halo-width": 2 } },
    ],
  };
}

class CityMap {
  constructor(box) {
    this.box = box;
    this.words = JSON.parse(box.dataset.words);
    this.features = new Map();
    this.select = document.querySelector("[data-map-property]");
    this.dirty = false;
  }

  async start() {
    const [zones] = await Promise.all([fetchJson(this.box.dataset.zones), this.load()]);
    const [west, south, east, north] = this.box.dataset.bounds.split(",").map(Number);
    this.box.querySelector("[data-map-note]")?.remove();
    this.map = new maplibre.Map({
      container: this.box, style: style(this.box, zones), bounds: [[west, south], [east, north]], fitBoundsOptions: { padding: 24 },
      attributionControl: false, dragRotate: false, pitchWithRotate: false, touchPitch: false, maxZoom: 17, fadeDuration: 0, cooperativeGestures: false,
      locale: { "NavigationControl.ZoomIn": this.words.in, "NavigationControl.ZoomOut": this.words.out, "Map.Title": this.words.map, "Popup.Close": this.words.close },
    });
    this.map.addControl(new maplibre.NavigationControl({ showCompass: false }), "top-right");
    this.map.scrollZoom.disable(); // the wheel scrolls the page; buttons and keys zoom
    this.map.once("load", () => this.ready());
    this.map.on("click", "assets", (event) => this.open(event.features[0].properties.id));
    this.map.on("mouseenter", "assets", () => { this.map.getCanvas().style.cursor = "pointer"; });
    this.map.on("mouseleave", "assets", () => { this.map.getCanvas().style.cursor = ""; });
  }

  ready() {
    for (const status of Object.keys(SHAPES)) this.map.addImage(status, icon(status), { pixelRatio: 1 });
    this.draw();
    this.box.dataset.ready = "true";
    document.dispatchEvent(new CustomEvent("dure:map", { detail: { map: this.map, box: this.box } })); // for layers of other files
    this.select?.addEventListener("change", () => this.load().then(() => this.draw()));
    document.addEventListener("dure:values", (event) => this.take(event.detail));
    document.addEventListener("focusin", (event) => this.point(event.target.closest?.("[data-row]")?.dataset.row));
    setInterval(() => { if (!document.hidden) this.load().then(() => this.draw()); }, 60_000); // silence shows without any event
  }

  get property() { return this.select?.value ?? ""; }

  async load() {
    const found = await fetchJson(`${this.box.dataset.map}${this.box.dataset.map.includes("?") ? "&" : "?"}property=${encodeURIComponent(this.property)}`);
    this.features = new Map(found.features.filter((one) => one.geometry.type === "Point").map((one) => [one.id, one]));
  }

  take(values) {
    for (const one of values) {
      const feature = this.features.get(one.asset);
      if (!feature || one.property !== this.property) continue;
      feature.properties.value = one.flag === 1 || one.flag === 3 ? one.value : null;
      this.dirty = true;
    }
    if (!this.dirty || this.pending) return;
    this.pending = requestAnimationFrame(() => { this.pending = 0; this.dirty = false; this.draw(); });
  }

  draw() {
    const option = this.select?.selectedOptions[0];
    const decimals = Number(option?.dataset.decimals ?? this.box.dataset.decimals ?? 1);
    const order = ["retired", "live", "quarantined", "suspect", "silent", "failing"];
    for (const { properties } of this.features.values()) {
      properties.label = properties.value === null ? "" : formatNumber(properties.value, decimals);
      properties.order = -order.indexOf(properties.status);
    }
    this.map.getSource("assets").setData({ type: "FeatureCollection", features: [...this.features.values()] });
  }

  point(id) {
    const feature = id && this.features.get(id);
    if (feature) this.show(feature, false);
  }

  open(id) {
    const feature = this.features.get(id);
    if (feature) this.show(feature, true);
  }

  show(feature, focus) {
    const { name, status, value, href, told } = feature.properties;
    const option = this.select?.selectedOptions[0];
    const body = document.createElement("div");
    const title = document.createElement("strong");
    title.textContent = name;
    const text = document.createElement("p");
    const number = value === null ? this.words.none : `${formatNumber(value, Number(option?.dataset.decimals ?? this.box.dataset.decimals ?? 1))} ${option?.dataset.unit ?? this.box.dataset.unit ?? ""}`;
    text.textContent = told ?? `${option?.textContent ?? ""} ${number} · ${this.words.statuses[status]}`;
    const link = document.createElement("a");
    link.href = href;
    link.textContent = this.words.open;
    body.append(title, text, link);
    this.popup?.remove();
    this.popup = new maplibre.Popup({ focusAfterOpen: focus, maxWidth: "280px", offset: 12 }).setLngLat(feature.geometry.coordinates).setDOMContent(body).addTo(this.map);
    if (!this.map.getBounds().contains(feature.geometry.coordinates)) this.map.panTo(feature.geometry.coordinates);
  }
}

async function fetchJson(address) {
  const answer = await fetch(address, { headers: { accept: "application/json, application/geo+json" } });
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.json();
}

const box = document.getElementById("map");
if (box) {
  new CityMap(box).start().catch((error) => {
    box.dataset.failed = String(error); // the note stays; the table below holds everything
  });
}
