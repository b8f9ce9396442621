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
      scan.requestSubmit();
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

const print = document.querySelector("[data-print]");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => { window.print(); });
}
