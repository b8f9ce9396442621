"""How long it takes to bring a thousand devices into a running city: ``make bench NAME=onboarding``.

A whole city (nats-server, SQLite with synchronous=FULL, DuckDB, recorder, web face), asked over HTTP as a person's browser asks;
the same list again on PostgreSQL where one is installed. What is bad in a list must be named, what waited must not get lost.
No peer: ChirpStack and The Things Stack register devices too, but neither runs beside this benchmark.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import random
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import structlog
from report import Row, tell, write
from sqlalchemy import event

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "flows" / "city"))

from city_running import CityRunning, settings_of, write_city  # noqa: E402  # the city of the flow tests is a whole one

from dure.engines.records import parked  # noqa: E402
from dure.protocols.bytemap import decode  # noqa: E402
from dure.protocols.codecs import shipped, shipped_names  # noqa: E402
from dure.protocols.lorawan import Uplink  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = "장치 이름,DevEUI,코덱,설치 지점 이름,위도,경도,설치 높이(m),설치일,측정 항목"
VECTORS = ROOT.parent / "shared" / "data" / "environment" / "lorawan_uplink_vectors.json"
BAR_S = 10.0
LABEL_BAR_MS = 8.0
QUIET_CPU_S = 0.1  # a second of a city to which nobody speaks
BATCH = 50  # labels that a phone sends at once, see AT_ONCE in scan.mjs
WAITING_EACH = 2
MAKER_FAULTS = ("rn320pmt",)  # see tests/unit/protocols/test_shipped_codecs.py


def eui(kind: int, number: int) -> str:
    return f"24e124{kind:02x}{number:08x}"


def lines(n: int, kind: int) -> list[str]:
    """Half of them LoRaWAN, all at places of their own."""
    chance = random.Random(kind)  # noqa: S311  # a seeded list, no secret
    rows = []
    for i in range(n):
        lora = f"{eui(kind, i)},milesight-am308" if i % 2 else ","
        place = f"{37.1 + chance.random() * 0.2:.6f},{126.8 + chance.random() * 0.2:.6f}"
        rows.append(f"dev-{kind}-{i},{lora},동탄 {kind} {i}호 측정점,{place},3,2026-11-24,pm10 기온")
    return rows


def post(operator: httpx.Client, rows: list[str]) -> tuple[float, dict[str, Any]]:
    body = "\n".join([HEAD, *rows]).encode("cp949")
    began = time.perf_counter()
    answer = operator.post("/environment/enrolments", content=body, headers={"Content-Type": "text/csv"})
    return time.perf_counter() - began, answer.json()


class Cost(NamedTuple):
    """What the labels took: seconds by the clock, CPU of the whole city without its client, commits that wait for the disk."""

    wall_s: float
    cpu_s: float
    commits: int


def scanned(kind: int, i: int) -> dict[str, Any]:
    label = f"LW:D0:1122334455667788:{eui(kind, i).upper()}:AABB1122"
    return {"label": label, "name": f"라벨 {kind} {i}호", "codec": "milesight-am308", "lon": 126.8 + i / 10_000, "lat": 37.15}


def by_label(city: CityRunning, operator: httpx.Client, n: int) -> Cost:
    """n labels, one request each, as one phone after the other sends them."""

    def send() -> None:
        for i in range(n):
            answer = operator.post("/environment/enrolments/label", json=scanned(9, i))
            assert answer.status_code == httpx.codes.OK, answer.text

    return cost_of(city, send)


def by_labels(city: CityRunning, operator: httpx.Client, n: int) -> Cost:
    """n labels in batches, as a phone sends those that it collected."""

    def send() -> None:
        for start in range(0, n, BATCH):
            devices = [scanned(8, i) for i in range(start, min(n, start + BATCH))]
            answer = operator.post("/environment/enrolments", json={"devices": devices}).json()
            assert answer["new"] == len(devices), answer

    return cost_of(city, send)


def settle() -> None:
    """Wait until the city has started whole: the compiled kernel of quality control is loaded behind the first answers."""
    for _ in range(60):
        before = time.process_time()
        time.sleep(1)  # the second whose CPU is looked at
        if time.process_time() - before < QUIET_CPU_S:
            return


def cost_of(city: CityRunning, send: Callable[[], None]) -> Cost:
    commits = [0]
    writer = city.house.records._writer  # noqa: SLF001  # each of its commits is one fsync of the write-ahead log

    def count(_: Any) -> None:
        commits[0] += 1

    event.listen(writer, "commit", count)
    wall, cpu, own = time.perf_counter(), time.process_time(), time.thread_time()
    send()
    took = Cost(time.perf_counter() - wall, time.process_time() - cpu - (time.thread_time() - own), commits[0])
    event.remove(writer, "commit", count)
    return took


def spoilt(n: int) -> tuple[list[str], list[str]]:
    """Rows each of which is wrong in one known way, and the code that must name it; good rows between them."""
    faults = (
        ("Bad Id,,,가 {i},37.2,126.9,3,,", "id.malformed"),
        ("x-{i},12345,milesight-am308,나 {i},37.2,126.9,3,,", "device.dev_eui"),
        ("x-{i},7.01E+15,milesight-am308,다 {i},37.2,126.9,3,,", "device.dev_eui"),
        ("x-{i},24e1240a{i:08x},no-such,라 {i},37.2,126.9,3,,", "codec.unknown"),
        ("x-{i},24e1240a{i:08x},,마 {i},37.2,126.9,3,,", "enrolment.codec_missing"),
        ("x-{i},,,바 {i},37.2,,3,,", "enrolment.position"),
        ("x-{i},,,사 {i},37.2,126.9,높음,,", "enrolment.number"),
        ("x-{i},,,아 {i},37.2,126.9,3,어제,", "enrolment.date"),
        ("x-{i},,,자 {i},37.2,126.9,3,,행복", "property.unknown"),
        ("x-{i},,,,37.2,126.9,3,,", "enrolment.name_missing"),
        ("dev-1-0,24e1240000000001,milesight-am308,차 {i},37.2,126.9,3,,", "enrolment.device_twice"),
        ("x-{i},{taken},milesight-am308,카 {i},37.2,126.9,3,,", "enrolment.dev_eui_taken"),
        ("x-{i},짧은 줄", "table.row_width"),
    )
    rows, codes = ["dev-1-0,,,동탄 1 0호 측정점,,,,,"], []
    for i in range(n):
        line, code = faults[i % len(faults)]
        rows.append(line.format(i=i, taken=eui(1, 2 * (i // len(faults)) + 1)))
        codes.append(code)
    return rows, codes


def named_share(operator: httpx.Client, n: int) -> float:
    """Of rows that are wrong, the share that is refused with the right code in both languages."""
    rows, codes = spoilt(n)
    _, answer = post(operator, rows)
    found = {one["row"]: one for one in answer["items"] if one["state"] == "refused" and one["why"]["ko"] and one["why"]["en"]}
    return sum(found.get(row, {}).get("code") == code for row, code in enumerate(codes, 3)) / n


def lost(city: CityRunning, operator: httpx.Client, n: int) -> int:
    """Uplinks that came before their devices (each twice, as copies) and are neither in nor waiting after enrolment."""
    rows = lines(2 * n, 3)
    for i in range(1, 2 * n, 2):
        for count in range(WAITING_EACH):
            for _copy in range(2):
                city.call(city.house.intake.accept_uplink(_uplink(eui(3, i), count)))
    _, answer = post(operator, rows)
    told = answer["uplinks"]
    assert told["waiting"] == n * WAITING_EACH == told["replayed"] + told["still_waiting"], told
    city.recorded()
    stored = sum(len(city.rows(one["asset"])) for one in answer["items"] if one.get("dev_eui"))
    with city.house.records.read() as connection:
        still = parked.counts(connection).get("device.unknown", 0)
    return abs(n * WAITING_EACH - stored) + still


def _uplink(dev_eui: str, count: int) -> Uplink:
    now = datetime.now(UTC)
    return Uplink(
        network="chirpstack", dev_eui=dev_eui, device_name="x", f_port=85, f_cnt=count, payload=bytes.fromhex("03671101046858"),
        decoded=None, received_at=now, dedup_key=f"{dev_eui}-{count}",
    )  # fmt: skip


def vectors_row() -> list[Row]:
    """The uplinks of real sensors that the shipped codecs decode exactly, of those that have a codec."""
    if not VECTORS.exists():
        return []
    codecs = {device: shipped(name) for name in shipped_names() for device in shipped(name).about.devices}
    exact = examples = 0
    for sensor in json.loads(VECTORS.read_text("utf-8"))["devices"]:
        codec = codecs.get(f"{sensor['vendor']}/{sensor['device']}")
        for case in sensor["examples"] if codec else ():
            if codec and sensor["device"] not in MAKER_FAULTS:
                examples += 1
                exact += decode(codec, case["f_port"], bytes.fromhex(case["payload_hex"])) == case["decoded"]
    figure = f"LoRaWAN vectors decoded exactly, of {examples} whose maker's decoder is right"
    return [Row(figure=figure, ours=exact, unit="vectors", better="higher", bar=examples)]


def postgres_row(folder: Path, n: int) -> list[Row]:
    """The same list on PostgreSQL, where the server of the contract tests can be started."""
    place = ROOT / "tests" / "contracts" / "records" / "conftest.py"
    spec = importlib.util.spec_from_file_location("records_conftest", place)
    assert spec is not None
    assert spec.loader is not None
    contract = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(contract)
    with contract._server() as server:  # noqa: SLF001  # the fixture's own way to start one
        own = folder / "postgres"
        write_city(own / "city", ["st-01"])
        city = CityRunning(settings_of(own, records_url=server.new_database())).start()
        try:
            with city.operator() as operator:
                seconds, answer = post(operator, lines(n, 1))
        finally:
            city.stop()
    assert answer["new"] == n, answer
    return [Row(figure=f"{n:,} devices by CSV, PostgreSQL", ours=seconds, unit="s", better="lower")]


def measure(folder: Path, n: int) -> list[Row]:
    own = folder / "sqlite"
    write_city(own / "city", ["st-01"])
    city = CityRunning(settings_of(own, log_level="error")).start()
    try:
        with city.operator() as operator:
            seconds, answer = post(operator, lines(n, 1))
            assert answer["new"] == n, answer
            assert len({one["secret"] for one in answer["items"] if one.get("secret")}) == n // 2
            again, same = post(operator, lines(n, 1))
            assert same["unchanged"] == n, same
            settle()
            labels = by_label(city, operator, n)
            batches = by_labels(city, operator, n)
            share = named_share(operator, max(13, n // 4))
            gone = lost(city, operator, max(10, n // 4))
    finally:
        city.stop()
    return [
        Row(figure=f"{n:,} devices by CSV, secrets included", ours=seconds, unit="s", better="lower", bar=BAR_S),
        Row(figure=f"{n:,} devices by QR label, one request each", ours=labels.wall_s, unit="s", better="lower", bar=BAR_S),
        Row(figure=f"{n:,} devices by QR label, batches of {BATCH}", ours=batches.wall_s, unit="s", better="lower", bar=BAR_S),
        Row(
            figure="one label: CPU of the whole city", ours=labels.cpu_s / n * 1_000, unit="ms", better="lower", bar=LABEL_BAR_MS
        ),
        Row(figure="one label: commits to the disk", ours=labels.commits / n, unit="fsync", better="lower"),
        Row(figure=f"one label of {BATCH}: CPU of the city", ours=batches.cpu_s / n * 1_000, unit="ms", better="lower"),
        Row(figure="the same list again: nothing changes", ours=again, unit="s", better="lower"),
        Row(figure="bad rows named with the right code", ours=share, unit="share", better="higher", bar=1.0),
        Row(figure="uplinks before their device, copies too: lost or doubled", ours=gone, unit="uplinks", better="lower", bar=0),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100 devices, nothing kept")
    options = parser.parse_args()
    n = 100 if options.quick else 1_000
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as name:
        rows = [*measure(Path(name), n), *postgres_row(Path(name), n), *vectors_row()]
    (tell if options.quick else write)("onboarding", rows)


if __name__ == "__main__":
    main()
