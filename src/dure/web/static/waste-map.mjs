// Routes on the map: a line for each truck below the marks. The table beside it says the same in order.

const COLOURS = ["#0b50d0", "#8a5c00", "#6a51a3", "#096ab3", "#9c2a6b", "#464c53"]; // red and green say how it stands with a bin

async function draw(map, box) {
  const answer = await fetch(box.dataset.lines ?? box.dataset.map);
  if (!answer.ok) return;
  const found = await answer.json();
  const lines = found.features.filter((one) => one.geometry.type === "LineString");
  lines.forEach((one, number) => {
    one.properties.colour = COLOURS[number % COLOURS.length];
    const key = document.getElementById(`way-${one.properties.truck}`);
    if (key) key.style.background = one.properties.colour;
  });
  map.addSource("ways", { type: "geojson", data: { type: "FeatureCollection", features: lines } });
  map.addLayer({ id: "ways-casing", type: "line", source: "ways", layout: { "line-join": "round" }, paint: { "line-color": "#fff", "line-width": 6 } }, "assets");
  map.addLayer({ id: "ways", type: "line", source: "ways", layout: { "line-join": "round" }, paint: { "line-color": ["get", "colour"], "line-width": 3 } }, "assets");
  const points = lines.flatMap((one) => one.geometry.coordinates);
  if (!points.length) return;
  const lons = points.map((one) => one[0]), lats = points.map((one) => one[1]);
  map.fitBounds([[Math.min(...lons), Math.min(...lats)], [Math.max(...lons), Math.max(...lats)]], { padding: 40, animate: false });
}

document.addEventListener("dure:map", ({ detail: { map, box } }) => draw(map, box).catch((error) => { box.dataset.failed = String(error); }));
