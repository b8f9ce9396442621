// The driver's page. Everything a driver taps is first written down on the phone, then sent when there is a network.
// Without script the buttons are those of a form and need the network.

const TAPS = "/api/v1/waste/taps";
const PHOTOS = "/api/v1/waste/photos";
const AGAIN_MS = 20_000;
const KEPT_MS = 3 * 86_400_000;
const PHOTO_PIXELS = 1600;
const BATCH = 200;

/** The phone's own book of taps: IndexedDB, one row per tap, in the order they were made. */
class Book {
  static open() {
    return new Promise((resolve, reject) => {
      const asked = indexedDB.open("dure-field", 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("taps", { keyPath: "n", autoIncrement: true }).createIndex("id", "id", { unique: true });
      asked.onsuccess = () => resolve(new Book(asked.result));
      asked.onerror = () => reject(asked.error);
    });
  }

  constructor(base) { this.base = base; }

  run(mode, work) {
    return new Promise((resolve, reject) => {
      const transaction = this.base.transaction("taps", mode, { durability: "strict" });
      const asked = work(transaction.objectStore("taps"));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  }

  all() { return this.run("readonly", (store) => store.getAll()); }
  put(row) { return this.run("readwrite", (store) => store.put(row)); }
  remove(n) { return this.run("readwrite", (store) => store.delete(n)); }
}

/** A smaller copy of a photo, turned upright; what the camera wrote about place and phone is not in it. */
async function smaller(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, PHOTO_PIXELS / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/jpeg", 0.8));
}

class Shift {
  constructor(main, book) {
    this.main = main;
    this.book = book;
    this.words = JSON.parse(main.dataset.words);
    this.plan = main.dataset.plan;
    this.truck = main.dataset.truck;
    this.rows = [...main.querySelectorAll("[data-bin]")];
    this.here = null;
    this.photo = null;
    this.last = null;
    this.sending = null;
    this.trouble = "";
    this.form = main.querySelector("[data-tap-form]");
    this.part = (name) => main.querySelector(`[data-${name}]`);
  }

  async start() {
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.tap(event.submitter); });
    this.part("photo").closest("label").hidden = false;
    this.part("photo").addEventListener("change", () => this.take().catch(() => this.say("trouble", this.words.no_photo)));
    this.part("undo").addEventListener("click", () => this.undo());
    for (const row of this.rows) row.querySelector("[data-go]")?.addEventListener("click", () => { this.here = row.dataset.bin; this.show(); this.form.scrollIntoView({ block: "center" }); });
    addEventListener("online", () => this.send());
    addEventListener("offline", () => this.state());
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.send(); });
    setInterval(() => this.send(), AGAIN_MS);
    await this.forget();
    await this.lay();
    this.main.dataset.ready = "true";
    await this.send();
  }

  /** What was tapped here, laid over what the server knew when the page was made. */
  async lay() {
    const taps = await this.book.all();
    const undone = new Set(taps.map((one) => one.tap.undoes).filter(Boolean));
    this.waiting = taps.filter((one) => one.state === "waiting").length;
    this.parked = taps.filter((one) => one.state === "parked").length;
    for (const row of this.rows) {
      const own = taps.findLast((one) => one.tap.bin === row.dataset.bin && one.tap.seen_at >= this.main.dataset.since && !undone.has(one.id));
      const state = own?.tap.kind ?? (undone.has(row.dataset.sighting) ? "waiting" : row.dataset.served);
      row.dataset.state = state;
      const done = row.querySelector("[data-done]");
      const level = own ? own.tap.level : row.dataset.level === "" ? null : Number(row.dataset.level);
      if (done && state !== "waiting") done.textContent = this.spoken(state, level ?? null);
    }
    this.show();
  }

  spoken(kind, level) {
    if (kind !== "emptied") return this.words[kind];
    if (level === null || level === undefined) return this.words.emptied;
    return level > 1 ? this.words.over : `${Math.round(level * 100)}%`;
  }

  show() {
    const open = this.rows.filter((row) => row.dataset.state === "waiting");
    const row = open.find((one) => one.dataset.bin === this.here) ?? open[0];
    this.here = row?.dataset.bin ?? null;
    for (const one of this.rows) one.toggleAttribute("data-here", one === row);
    const done = this.rows.length - open.length;
    const bar = this.part("progress");
    bar.value = done;
    this.part("progress-text").textContent = `${done} / ${this.rows.length}`;
    this.part("next").hidden = !row;
    this.part("over").hidden = Boolean(row);
    if (row) {
      this.form.elements.bin.value = row.dataset.bin;
      for (const name of ["number", "name", "due", "address", "told", "before"]) {
        const box = this.part(`next-${name}`);
        box.textContent = row.dataset[name] ?? "";
        box.hidden = !box.textContent;
      }
    }
    const has = this.part("photo").closest("label");
    has.toggleAttribute("data-has", Boolean(this.photo));
    this.part("photo-text").textContent = this.photo ? this.words.photo_taken : this.words.photo;
    this.part("undo-bar").hidden = !this.last;
    if (this.last) this.part("undo-text").textContent = `${this.last.name}: ${this.spoken(this.last.kind, this.last.level)}`;
    this.state();
  }

  async take() {
    const [file] = this.part("photo").files;
    if (!file) return;
    this.photo = await smaller(file);
    this.part("photo").value = "";
    this.show();
  }

  async tap(button) {
    const row = this.rows.find((one) => one.dataset.bin === this.form.elements.bin.value);
    if (!row || row.dataset.state !== "waiting") return;
    const kind = button?.name === "kind" ? button.value : "emptied";
    const level = button?.name === "level" ? Number(button.value) : null;
    const tap = { id: crypto.randomUUID(), bin: row.dataset.bin, kind, level, seen_at: new Date().toISOString(), truck: this.truck, plan: this.plan, wet: this.form.elements.wet.checked };
    this.form.elements.wet.checked = false;
    row.dataset.state = kind; // at once: a second touch of the same thumb finds the next bin, or none
    const photo = this.photo;
    this.photo = null;
    await this.book.put({ id: tap.id, tap, photo, state: "waiting", at: Date.now() });
    this.last = { id: tap.id, name: row.dataset.name, kind, level };
    this.here = null;
    navigator.vibrate?.(40);
    await this.lay();
    await this.send();
  }

  async undo() {
    const { id } = this.last ?? {};
    if (!id) return;
    this.last = null;
    if (this.sending) await this.sending;
    const row = (await this.book.all()).find((one) => one.id === id);
    if (row?.state === "waiting") await this.book.remove(row.n);
    else if (row?.state === "sent") {
      const undo = { id: crypto.randomUUID(), undoes: id };
      await this.book.put({ id: undo.id, tap: undo, photo: null, state: "waiting", at: Date.now() });
    }
    this.here = row?.tap.bin ?? null;
    await this.lay();
    await this.send();
  }

  send() {
    this.sending ??= this.pass().finally(() => { this.sending = null; });
    return this.sending;
  }

  async pass() {
    try {
      for (let more = true; more && navigator.onLine;) more = await this.batch();
    } catch (error) {
      if (!(error instanceof TypeError)) this.trouble = this.words.later; // a TypeError of fetch: no network
    }
    await this.lay();
  }

  /** Send the oldest taps; whether there may be more. What is not answered stays in the book. */
  async batch() {
    const waiting = (await this.book.all()).filter((one) => one.state === "waiting").slice(0, BATCH);
    if (!waiting.length) { this.trouble = ""; return false; }
    for (const row of waiting) await this.upload(row);
    const answer = await fetch(TAPS, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ taps: waiting.map((one) => one.tap) }) });
    if (answer.status === 401 || answer.status === 403) { this.trouble = this.words.sign_in; return false; }
    if (!answer.ok) { this.trouble = this.words.later; return false; }
    const { answers } = await answer.json();
    for (const [index, told] of answers.entries()) {
      const row = waiting[index];
      await this.book.put({ ...row, photo: null, state: told.state === "parked" ? "parked" : "sent", code: told.code });
      if (told.code === "plan.stale") this.part("stale").hidden = false;
    }
    this.trouble = "";
    return waiting.length === BATCH;
  }

  async upload(row) {
    if (!row.photo || row.tap.photo) return;
    const answer = await fetch(PHOTOS, { method: "POST", headers: { "content-type": row.photo.type || "image/jpeg" }, body: row.photo });
    if (answer.ok) row.tap = { ...row.tap, photo: (await answer.json()).photo };
    else if (answer.status === 413 || answer.status === 422) row.photo = null; // the tap goes without it
    else throw new Error(String(answer.status));
    await this.book.put(row);
  }

  async forget() {
    for (const row of await this.book.all()) if (row.state !== "waiting" && row.at < Date.now() - KEPT_MS) await this.book.remove(row.n);
  }

  state() {
    if (this.trouble) return this.say("trouble", this.trouble);
    if (!navigator.onLine) return this.say("offline", this.waiting ? this.words.offline_n.replace("{n}", this.waiting) : this.words.offline);
    if (this.waiting) return this.say("waiting", this.words.waiting.replace("{n}", this.waiting));
    return this.say("on", this.words.on);
  }

  say(state, text) {
    const sign = document.querySelector("[data-net]");
    if (sign.dataset.state === state && sign.lastElementChild.textContent === text) return;
    sign.dataset.state = state;
    sign.lastElementChild.textContent = text;
  }
}

/** The worker keeps this page, its neighbours and all their files. */
async function settle(main) {
  if (!("serviceWorker" in navigator)) return;
  const worker = await navigator.serviceWorker.register(main.dataset.worker);
  const ready = await navigator.serviceWorker.ready;
  navigator.serviceWorker.addEventListener("message", (event) => { if (event.data?.kept) main.dataset.kept = "true"; });
  const loaded = performance.getEntriesByType("resource").map((one) => one.name).filter((one) => new URL(one).pathname.startsWith("/static/"));
  const pages = JSON.parse(main.dataset.keep).map((one) => new URL(one, location.href).href);
  (ready.active ?? worker.active).postMessage({ keep: [...new Set([location.href, ...pages, ...loaded])] });
  await navigator.storage?.persist?.();
}

const main = document.querySelector("main[data-truck]");
if (main) {
  Book.open().then((book) => new Shift(main, book).start()).catch((error) => { main.dataset.failed = String(error); });
  if (document.readyState === "complete") settle(main).catch(() => {});
  else addEventListener("load", () => settle(main).catch(() => {}));
}
