"""From a reading's acceptance to an open page: ``make bench NAME=latency``.

A whole city (`dure up`) in one process; 1,000 readings a second from another, half by MQTT QoS 1 and half by HTTP in requests
of ten; pages held open by server-sent events. Accepted is when the sender had the answer (PUBACK, 202); a page may have the value
before that. Where Chromium is installed, a real page is watched too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from program import CITY, GATEWAY, Program, cpu_s, register
from report import Row, tell, write
from senders import LONE, STATIONS, Door

PROPERTY = "air_temperature"
PER_S = 1_000
HTTP_ROWS = 10
PAGES = 5
WARM_S = 2.0
WAVE = 20  # turns; neighbouring turns always differ by 0.1
Marks = dict[tuple[str, int], tuple[float, float]]  # (asset, time in ms) -> when sent, when accepted


def reading(asset: str, at_ms: int, turn: int) -> dict[str, Any]:
    """The reading of an asset's n-th turn: a slow wave, since a leap would be held back by the judgement and never shown."""
    at = datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(timespec="milliseconds")
    return {"asset": asset, "property": PROPERTY, "time": at, "value": 15 + abs(turn % WAVE - WAVE // 2) / 10}


# The senders, in a process of their own


def send(web: Door, broker: Door, seconds: float, answer: Any) -> None:
    """Half by each way, paced; then tell when each reading was sent and accepted."""
    answer.send(asyncio.run(_send(web, broker, seconds)))


async def _send(web: Door, broker: Door, seconds: float) -> Marks:
    marks: Marks = {}
    await asyncio.gather(_by_mqtt(broker, seconds, marks), _by_http(web, seconds, marks))
    return marks


async def _by_mqtt(door: Door, seconds: float, marks: Marks) -> None:
    waiting: dict[int, tuple[tuple[str, int], float]] = {}

    def acknowledged(_client: mqtt.Client, _data: Any, mid: int, _reason: Any, _properties: Any) -> None:
        key, sent = waiting.pop(mid)
        marks[key] = (sent, time.time())

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="latency", protocol=mqtt.MQTTv311)
    client.username_pw_set(door.user, door.password)
    client.max_inflight_messages_set(1_000)
    client.on_publish = acknowledged
    client.connect(door.host, door.port)
    client.loop_start()
    began, n = time.time(), int(seconds * PER_S / 2)
    for number in range(n):
        await asyncio.sleep(max(0.0, began + number / (PER_S / 2) - time.time()))
        now = time.time()
        asset, at_ms = LONE[number % len(LONE)], int(now * 1_000)
        body = reading(asset, at_ms, number // len(LONE))
        body.pop("asset")
        info = client.publish(f"up/{CITY}/{asset}", json.dumps(body).encode(), 1)
        waiting[info.mid] = ((asset, at_ms), now)
    until = time.time() + 10
    while waiting and time.time() < until:  # noqa: ASYNC110  # the client's own thread empties it
        await asyncio.sleep(0.05)
    client.disconnect()
    client.loop_stop()


async def _by_http(door: Door, seconds: float, marks: Marks) -> None:
    async with httpx.AsyncClient(
        trust_env=False, base_url=f"http://{door.host}:{door.port}", auth=(door.user, door.password)
    ) as web:
        began, n = time.time(), int(seconds * PER_S / 2 / HTTP_ROWS)
        under_way = []
        for number in range(n):
            await asyncio.sleep(max(0.0, began + number * HTTP_ROWS / (PER_S / 2) - time.time()))
            under_way.append(asyncio.create_task(_post(web, number, marks)))
        await asyncio.gather(*under_way)


async def _post(web: httpx.AsyncClient, number: int, marks: Marks) -> None:
    sent = time.time()
    at_ms = int(sent * 1_000)
    numbers = [number * HTTP_ROWS + i for i in range(HTTP_ROWS)]
    rows = [reading(STATIONS[k % len(STATIONS)], at_ms, k // len(STATIONS)) for k in numbers]
    answer = await web.post("/api/v1/readings", json={"readings": rows})
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    for row in rows:
        marks[row["asset"], at_ms] = (sent, time.time())


# The open pages


async def page(url: str, seen: dict[tuple[str, int], float]) -> None:
    """An open page: note when each value came."""
    async with (
        httpx.AsyncClient(trust_env=False, timeout=None) as web,  # noqa: S113  # a stream has no end
        web.stream("GET", f"{url}/api/v1/stream") as stream,
    ):
        async for line in stream.aiter_lines():
            if line.startswith("data: ["):
                now = time.time()
                for one in json.loads(line[6:]):
                    at = round(datetime.fromisoformat(one["time"]).timestamp() * 1_000)
                    seen.setdefault((one["asset"], at), now)


async def in_chromium(url: str, asset: str, login: tuple[str, str], turns: int) -> list[float]:
    """Seconds from the acceptance of a reading until its number stands on the station's page in a real browser."""
    from playwright.async_api import async_playwright

    path = shutil.which("chromium")
    if path is None:
        return []
    took = []
    async with async_playwright() as playwright, httpx.AsyncClient(trust_env=False, base_url=url, auth=login) as web:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        shown = await browser.new_page()
        await web.post("/api/v1/readings", json={"readings": [reading(asset, int(time.time() * 1_000), 0)]})
        await asyncio.sleep(1)
        await shown.goto(f"{url}/en/environment/stations/{asset}")
        cell = f'[data-asset="{asset}"][data-property="{PROPERTY}"]'
        for turn in range(1, turns + 1):
            row = reading(asset, int(time.time() * 1_000), turn)
            (await web.post("/api/v1/readings", json={"readings": [row]})).raise_for_status()
            accepted = time.time()
            await shown.wait_for_function(
                "([cell, text]) => [...document.querySelectorAll(cell)].some(one => one.textContent.trim() === text)",
                arg=[cell, f"{row['value']:.1f}"],
                polling=10,
            )
            took.append(time.time() - accepted)
        await browser.close()
    return took


# The figures


async def measure(seconds: float) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="dure-latency-") as name:
        program = Program(Path(name))
        secret = register(program.data, STATIONS, LONE)
        try:
            await program.start_web("program")
            web = Door("127.0.0.1", program.http_port, GATEWAY, secret)
            broker = Door("127.0.0.1", program.mqtt_port, *program.bus_login())
            return [*await under_load(program, web, broker, seconds), *await on_screen(program, secret)]
        finally:
            program.stop()


async def under_load(program: Program, web: Door, broker: Door, seconds: float) -> list[Row]:
    """Ages of what the open pages received while 1,000 readings a second came."""
    seen: list[dict[tuple[str, int], float]] = [{} for _ in range(PAGES)]
    pages = [asyncio.create_task(page(program.url, one)) for one in seen]
    context = multiprocessing.get_context("spawn")
    answers, answer = context.Pipe(duplex=False)
    sender = context.Process(target=send, args=(web, broker, seconds, answer))
    before, began = cpu_s(program.pid("program")), time.monotonic()
    sender.start()
    marks: Marks = await asyncio.to_thread(answers.recv)
    cores = (cpu_s(program.pid("program")) - before) / (time.monotonic() - began)
    await asyncio.sleep(2)
    for one in pages:
        one.cancel()
    await asyncio.gather(*pages, return_exceptions=True)
    return [*ages(marks, seen), Row(figure="cores of the whole program meanwhile", ours=cores, unit="cores", better="lower")]


def ages(marks: Marks, seen: Sequence[dict[tuple[str, int], float]]) -> list[Row]:
    """Percentiles over all readings and pages, by way in; what a newer value replaced before it was sent is counted apart."""
    first = min(sent for sent, _ in marks.values()) + WARM_S
    measured = {key: at for key, at in marks.items() if at[0] >= first}
    rate = len(measured) / (max(at for at, _ in measured.values()) - first)
    of = f"{PER_S:,} readings/s, {len(seen)} pages"
    rows = [Row(figure=f"{of}: readings accepted", ours=rate, unit="/s", better="higher")]
    for way, assets in (("MQTT QoS 1", set(LONE)), ("HTTP", set(STATIONS))):
        own = {key: at for key, at in measured.items() if key[0] in assets}
        arrived, sent, accepted = np.array([(page[key], *at) for page in seen for key, at in own.items() if key in page]).T
        for name, p, took, bar in (
            ("accepted -> on the page", 50, arrived - accepted, None),
            ("accepted -> on the page", 99, arrived - accepted, 1.0),
            ("sent -> on the page", 99, arrived - sent, 1.0),
        ):
            figure = f"{of}, {way}: {name}, p{p}"
            rows.append(Row(figure=figure, ours=float(np.percentile(took, p)), unit="s", better="lower", bar=bar))
        unseen = 100 * (1 - len(arrived) / (len(own) * len(seen)))
        rows.append(Row(figure=f"{of}, {way}: values a newer one replaced", ours=unseen, unit="%", better="lower"))
    return rows


async def on_screen(program: Program, secret: str) -> list[Row]:
    took = await in_chromium(program.url, STATIONS[0], (GATEWAY, secret), 40)
    if not took:
        return []
    return [
        Row(
            figure=f"Chromium: accepted -> number on the page, p{p}",
            ours=float(np.percentile(took, p)),
            unit="s",
            better="lower",
            bar=b,
        )
        for p, b in ((50, None), (99, 1.0))
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="ten seconds, nothing kept")
    options = parser.parse_args()
    rows = asyncio.run(measure(10 if options.quick else 60))
    (tell if options.quick else write)("latency", rows)


if __name__ == "__main__":
    main()
