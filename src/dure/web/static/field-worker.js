// Keeps the driver's pages on the phone for a whole shift. It keeps what the page names, and only that.
// Pages: the network first, but no longer than a few seconds; then the copy. Files: the copy first, their address changes with them.

const SHELF = "dure-field-1";
const PATIENCE_MS = 4000;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

/** Keep these addresses; files of an older release go. Says to the page how many are there. */
async function keep(addresses) {
  const shelf = await caches.open(SHELF);
  const files = new Set(addresses.filter((one) => new URL(one).pathname.startsWith("/static/")));
  for (const request of await shelf.keys()) {
    if (files.size && new URL(request.url).pathname.startsWith("/static/") && !files.has(request.url)) await shelf.delete(request);
  }
  const there = await Promise.all(addresses.map(async (address) => {
    if (files.has(address) && await shelf.match(address)) return true;
    const answer = await fetch(address, { credentials: "same-origin" }).catch(() => null);
    if (!answer?.ok || answer.redirected) return Boolean(await shelf.match(address));
    await shelf.put(address, answer);
    return true;
  }));
  return there.every(Boolean);
}

self.addEventListener("message", (event) => {
  if (!event.data?.keep) return;
  const own = event.data.keep.filter((one) => new URL(one).origin === self.location.origin);
  event.waitUntil(keep(own).then((whole) => event.source.postMessage({ kept: whole })));
});

async function file(request) {
  const copy = await caches.match(request);
  return copy ?? fetch(request);
}

async function page(request) {
  const shelf = await caches.open(SHELF);
  const copy = await shelf.match(request, { ignoreVary: true });
  const asked = fetch(request).then(async (answer) => {
    if (copy && answer.ok && answer.type === "basic") await shelf.put(request.url, answer.clone());
    return answer;
  });
  if (!copy) return asked;
  const late = new Promise((resolve) => { setTimeout(() => resolve(copy), PATIENCE_MS); });
  return Promise.race([asked.catch(() => copy), late]);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (pathname.startsWith("/static/")) event.respondWith(file(request));
  else if (/^\/(ko|en)\/field\/waste/.test(pathname) || pathname === "/api/v1/zones") event.respondWith(page(request));
});
