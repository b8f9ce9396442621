// Live values: one stream per page; every cell that names an asset and a property follows it.
// Without script the tables show the values of the moment the page was made.

const language = document.documentElement.lang;
const zone = document.body.dataset.zone;
const numbers = new Map();
const locale = language === "ko" ? "ko-KR" : "en-GB";
const day = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric", timeZone: zone });
const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone });

/** A number as the server writes it. */
export function formatNumber(value, decimals) {
  if (value === null || value === undefined) return "–";
  if (!numbers.has(decimals)) {
    numbers.set(decimals, new Intl.NumberFormat(language, { minimumFractionDigits: decimals, maximumFractionDigits: decimals }));
  }
  return numbers.get(decimals).format(value).replace("-", "−");
}

/** Flags 1 (good) and 3 (suspect) may be shown as numbers to everyone. */
const usable = (one) => one.flag === 1 || one.flag === 3;

function cells(kind, one) {
  return document.querySelectorAll(`[data-${kind}="${CSS.escape(one.asset)}"][data-property="${CSS.escape(one.property)}"]`);
}

function show(one) {
  for (const cell of cells("asset", one)) {
    const text = formatNumber(usable(one) ? one.value : null, Number(cell.dataset.decimals));
    if (cell.textContent !== text) {
      cell.textContent = text;
      const box = cell.closest("td") ?? cell;
      box.classList.remove("changed");
      void box.offsetWidth; // restart the animation
      box.classList.add("changed");
    }
  }
  const badge = document.querySelector(`template[data-flag="${one.flag}"]`);
  if (badge) for (const cell of cells("flag-of", one)) cell.replaceChildren(badge.content.cloneNode(true));
  for (const cell of cells("time-of", one)) {
    const at = new Date(one.time);
    const time = document.createElement("time");
    time.dateTime = one.time;
    time.textContent = `${day.format(at)} ${clock.format(at)}`;
    cell.replaceChildren(time);
  }
}

function sign(state) {
  const line = document.querySelector("[data-live-sign]");
  if (!line || line.dataset.state === state) return;
  line.dataset.state = state;
  for (const words of line.querySelectorAll("[data-when]")) words.hidden = words.dataset.when !== state;
}

function follow() {
  const seen = document.body.dataset.seq; // what changed since this page was made comes first
  const stream = new EventSource(seen > 0 ? `/api/v1/stream?after=${seen}` : "/api/v1/stream");
  stream.addEventListener("ready", () => { document.body.dataset.stream = "on"; });
  stream.addEventListener("open", () => sign("on"));
  stream.addEventListener("error", () => sign("lost"));
  stream.addEventListener("values", (event) => {
    const values = JSON.parse(event.data);
    values.forEach(show);
    document.dispatchEvent(new CustomEvent("dure:values", { detail: values }));
  });
  addEventListener("pagehide", () => stream.close());
}

// What the stream does not carry (counters, states, charts) is taken from a fresh copy of this page now and then.
const REFRESH_MS = 15_000;

async function refresh() {
  const parts = [...document.querySelectorAll("[data-refresh]")];
  if (document.hidden || !parts.length) return;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) {
    const busy = part.contains(document.activeElement) || part.querySelector("details[open]");
    const next = fresh.getElementById(part.id);
    if (next && !busy) part.replaceWith(next);
  }
}

if (document.querySelector("[data-live]")) {
  follow();
  setInterval(() => refresh().catch(() => sign("lost")), REFRESH_MS);
}
