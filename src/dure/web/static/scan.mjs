// Enrolment: a chosen file goes into the list's text box, a camera reads a label, a phone tells where it is, a sheet prints.
// Every page works without this: the list is pasted, the label typed, the place entered, the browser prints.

const list = document.querySelector("[data-enrolment]");
if (list) {
  const box = list.querySelector("[data-file]");
  const input = box.querySelector("input");
  const tooLarge = box.querySelector("[data-too-large]");
  box.hidden = false;
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file) return;
    const text = textOf(await file.arrayBuffer());
    const sent = new URLSearchParams({ csv: text }).toString().length; // Korean letters are nine bytes in a form
    tooLarge.hidden = sent < Number(list.dataset.bytesMax) - 2_000;
    if (!tooLarge.hidden) return;
    list.elements.csv.value = text;
    list.requestSubmit();
  });
}

/** The text of a file as a spreadsheet saved it: UTF-8 or UTF-16 with their marks, UTF-8 without, else CP949. */
function textOf(bytes) {
  const [first, second] = new Uint8Array(bytes, 0, Math.min(2, bytes.byteLength));
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("euc-kr").decode(bytes);
  }
}

const scan = document.querySelector("[data-scan]");
if (scan && "BarcodeDetector" in window && navigator.mediaDevices) {
  const box = scan.querySelector("[data-camera]");
  const button = box.querySelector("button");
  const video = box.querySelector("video");
  const told = box.querySelector("[data-camera-told]");
  box.hidden = false;
  button.addEventListener("click", async () => {
    button.hidden = true;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      video.srcObject = stream;
      video.hidden = false;
      await video.play();
      told.textContent = box.querySelector("[data-camera-look]").textContent;
      const text = await firstCode(video);
      for (const track of stream.getTracks()) track.stop();
      scan.elements.label.value = text;
      navigator.vibrate?.(80);
      video.hidden = true;
      button.hidden = false;
      told.textContent = "";
      scan.elements.name.focus();
    } catch {
      video.hidden = true;
      told.textContent = box.querySelector("[data-camera-refused]").textContent;
      scan.elements.label.focus();
    }
  });
}

async function firstCode(video) {
  const detector = new BarcodeDetector({ formats: ["qr_code", "data_matrix", "code_128"] });
  for (;;) {
    const [found] = await detector.detect(video);
    if (found?.rawValue) return found.rawValue;
    await new Promise((next) => { setTimeout(next, 150); });
  }
}

const here = document.querySelector("[data-here]");
if (here && navigator.geolocation) {
  const form = here.closest("form");
  const told = form.querySelector("[data-here-told]");
  here.hidden = false;
  here.addEventListener("click", () => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        form.elements.lat.value = coords.latitude.toFixed(6);
        form.elements.lon.value = coords.longitude.toFixed(6);
        told.textContent = `${form.querySelector("[data-here-accuracy]").textContent} ${Math.round(coords.accuracy)} m`;
      },
      () => { told.textContent = form.querySelector("[data-here-refused]").textContent; },
      { enableHighAccuracy: true, timeout: 20_000, maximumAge: 5_000 },
    );
  });
}

// Box after box: what was scanned waits in a list on this phone until it is sent together.
// Keys that some makers print on a label stay on it: only what names the device is kept and sent, see `withoutKeys`.

const KEPT_AS = "dure-scanned";
const LAST_AS = "dure-scanned-last";
const LIST_MAX = 500;
const AT_ONCE = 50;
const FIELDS = ["name", "kind", "codec", "lat", "lon", "site", "height_m", "photo", "installer", "network"];
const SAME_AGAIN = ["kind", "codec", "site", "height_m", "installer", "network"];

const basket = document.querySelector("[data-basket]");
if (scan && basket) {
  const say = (name) => basket.querySelector(`[data-say-${name}]`).textContent;
  const item = scan.querySelector("[data-item]");
  const put = scan.querySelector("[data-put]");
  const putTold = scan.querySelector("[data-put-told]");
  const send = basket.querySelector("[data-send]");
  const sent = basket.querySelector("[data-sent]");
  let waiting = kept(KEPT_AS, []);

  for (const hidden of scan.querySelectorAll("[data-remembered]")) hidden.remove(); // the fields below say the same
  scan.querySelector("[data-read]").classList.add("button-plain");
  item.disabled = false;
  item.hidden = put.hidden = basket.hidden = false;
  fill(kept(LAST_AS, {}));
  show();

  put.addEventListener("click", () => {
    const label = withoutKeys(scan.elements.label.value.trim());
    if (!label) return tell("empty", scan.elements.label);
    if (waiting.some((one) => one.label === label)) return tell("twice", scan.elements.label);
    if (waiting.length >= LIST_MAX) return tell("full", send);
    const one = { label };
    for (const name of FIELDS) if (scan.elements[name].value.trim()) one[name] = scan.elements[name].value.trim();
    waiting.push(one);
    const safe = keep();
    const last = Object.fromEntries(SAME_AGAIN.map((name) => [name, one[name] ?? ""]));
    last.name = next(one.name ?? "");
    write(LAST_AS, last);
    for (const name of ["lat", "lon", "photo"]) scan.elements[name].value = "";
    scan.elements.label.value = "";
    fill(last);
    show();
    tell(safe ? "put" : "unkept", scan.querySelector("[data-camera]:not([hidden]) button") ?? scan.elements.label);
  });

  send.addEventListener("click", async () => {
    send.disabled = true;
    sent.textContent = say("sending");
    const update = basket.querySelector("[data-update]").checked;
    let done = 0;
    let trouble = "";
    const asked = [...waiting];
    for (let start = 0; start < asked.length && !trouble; start += AT_ONCE) {
      const part = asked.slice(start, start + AT_ONCE);
      try {
        const answer = await fetch(`${basket.dataset.to}?update=${update}`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ devices: part.map(({ why, ...said }) => said) }),
        });
        const told = await answer.json();
        if (!told.items) trouble = answer.status === 401 ? say("signed-out") : `${told.detail ?? ""} [${told.code ?? answer.status}]`;
        else done += take(part, told.items);
      } catch {
        trouble = say("offline");
      }
    }
    sent.textContent = `${say("sent")} ${done} · ${say("left")} ${waiting.length}. ${trouble}`;
    send.disabled = !waiting.length;
  });

  /** What was enrolled leaves the list; what was not stays with its reason. Row n is the n-th that was sent. */
  function take(part, items) {
    const language = document.documentElement.lang === "en" ? "en" : "ko";
    let done = 0;
    for (const told of items) {
      const one = part[told.row - 1];
      if (told.state === "refused" || told.state === "differs") {
        one.why = `${told.why?.[language] || told.why?.ko || ""} [${told.code}]`;
      } else {
        waiting = waiting.filter((other) => other !== one);
        done += 1;
        if (told.secret) showSecret(told);
      }
    }
    keep();
    show();
    return done;
  }

  function showSecret({ device, secret }) {
    const name = document.createElement("dt");
    const value = document.createElement("dd");
    const code = document.createElement("code");
    name.textContent = device;
    code.textContent = secret;
    code.className = "secret";
    value.append(code);
    basket.querySelector("[data-secret-rows]").append(name, value);
    basket.querySelector("[data-secrets]").hidden = false;
  }

  function show() {
    const rows = basket.querySelector("[data-rows]");
    const row = basket.querySelector("[data-row]");
    basket.querySelector("[data-n]").textContent = waiting.length;
    send.disabled = !waiting.length;
    rows.replaceChildren(...waiting.map((one) => {
      const li = row.content.cloneNode(true);
      li.querySelector("[data-name]").textContent = one.name ?? "–";
      li.querySelector("[data-label]").textContent = one.label;
      li.querySelector("[data-why]").textContent = one.why ?? "";
      const remove = li.querySelector("[data-remove]");
      remove.setAttribute("aria-label", `${remove.textContent}: ${one.name ?? one.label}`);
      remove.addEventListener("click", () => {
        waiting = waiting.filter((other) => other !== one);
        keep();
        show();
        send.focus();
      });
      return li;
    }));
  }

  function fill(values) {
    for (const [name, value] of Object.entries(values)) if (value && scan.elements[name]) scan.elements[name].value = value;
  }

  function tell(what, focus) {
    putTold.textContent = say(what);
    focus?.focus();
  }

  function keep() {
    return write(KEPT_AS, waiting);
  }
}

/** What a phone keeps under a name; `usual` where there is nothing or it may not keep. */
function kept(name, usual) {
  try {
    return JSON.parse(localStorage.getItem(name)) ?? usual;
  } catch {
    return usual;
  }
}

function write(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** A label of JSON or an address without what is named a key: it would lie on the phone for days. */
function withoutKeys(label) {
  if (!label.startsWith("{")) return label.replace(/([?&])[^?&=]*key=[^&]*/gi, "$1");
  try {
    return JSON.stringify(JSON.parse(label), (name, value) => (/key/i.test(name) ? undefined : value));
  } catch {
    return label;
  }
}

/** The name of the next place: 동탄 1호 is followed by 동탄 2호, what holds no number by nothing. */
function next(name) {
  const found = name.match(/^(.*?)(\d+)(\D*)$/s);
  return found ? found[1] + String(Number(found[2]) + 1).padStart(found[2].length, "0") + found[3] : "";
}

const print = document.querySelector("[data-print]");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => { window.print(); });
}
