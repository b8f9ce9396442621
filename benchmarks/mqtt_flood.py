"""A flood of MQTT 3.1.1 publishes over raw sockets: measures the bus, not a client library.

    python benchmarks/mqtt_flood.py HOST PORT USER PASSWORD --clients 4 --messages 100000 --qos 0 --city hwaseong

Without a server of yours: `python benchmarks/mqtt_flood.py` starts one, with the gateway, and prints both rates.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import socket
import struct
import tempfile
import time
from pathlib import Path

PAYLOAD = b'{"pm10":31.5,"pm25":14.2,"temperature":-3.4,"at":"2026-11-24T09:00:00+09:00","n":1234567}'


def _length(n: int) -> bytes:
    out = bytearray()
    while True:
        n, low = divmod(n, 128)
        out.append(low | (0x80 if n else 0))
        if not n:
            return bytes(out)


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack(">H", len(raw)) + raw


def connect(host: str, port: int, client: str, user: str, password: str) -> tuple[socket.socket, int]:
    """An MQTT session and the server's return code."""
    body = _text("MQTT") + b"\x04\xc2" + struct.pack(">H", 60) + _text(client) + _text(user) + _text(password)
    link = socket.create_connection((host, port), timeout=60)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.sendall(b"\x10" + _length(len(body)) + body)
    answer = _exactly(link, 4)
    return link, answer[3]


def _exactly(link: socket.socket, n: int) -> bytes:
    got = b""
    while len(got) < n:
        part = link.recv(n - len(got))
        if not part:
            raise ConnectionError("closed by the bus")
        got += part
    return got


def publish_packet(topic: str, payload: bytes, qos: int, packet_id: int) -> bytes:
    """One PUBLISH."""
    body = _text(topic) + (struct.pack(">H", packet_id) if qos else b"") + payload
    return bytes([0x30 | qos << 1]) + _length(len(body)) + body


def flood(link: socket.socket, topics: list[str], messages: int, qos: int, window: int = 1_000) -> None:
    """Send; at QoS 1 with at most `window` unacknowledged; returns when the server has taken all in."""
    chunk = 100
    sent = acked = 0
    while sent < messages:
        n = min(chunk, messages - sent)
        link.sendall(
            b"".join(publish_packet(topics[(sent + i) % len(topics)], PAYLOAD, qos, (sent + i) % 60_000 + 1) for i in range(n))
        )
        sent += n
        while qos and sent - acked > window - chunk:
            acked += len(_exactly(link, 4 * 50)) // 4
    if qos:
        _exactly(link, 4 * (messages - acked))
    link.sendall(b"\xc0\x00")
    _exactly(link, 2)
    link.sendall(b"\xe0\x00")
    link.close()


def _one(options: argparse.Namespace, number: int, gate: object) -> None:
    link, code = connect(options.host, options.port, f"flood-{number}", options.user, options.password)
    assert code == 0, f"refused with {code}"
    topics = [f"up/{options.city}/flood-{number}-{i}" for i in range(options.devices)]
    gate.wait()  # type: ignore[attr-defined]
    flood(link, topics, options.messages // options.clients, options.qos)


def run(options: argparse.Namespace) -> float:
    """Seconds until every client's messages were taken in."""
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(options.clients + 1)
    clients = [context.Process(target=_one, args=(options, number, gate)) for number in range(options.clients)]
    for each in clients:
        each.start()
    gate.wait()
    started = time.perf_counter()
    for each in clients:
        each.join()
        assert each.exitcode == 0
    return time.perf_counter() - started


async def own(options: argparse.Namespace) -> None:
    """Start a bus and a gateway here, flood it, say what was sent and what is on disk."""
    from dure.engines.bus.client import Bus, StreamPolicy
    from dure.engines.bus.gateway import Gateway
    from dure.engines.bus.server import NatsServer
    from dure.engines.bus.settings import BusSecrets, ServerOptions

    with tempfile.TemporaryDirectory() as folder:
        server = NatsServer(ServerOptions(data_dir=Path(folder)), BusSecrets.generate())
        await server.start()
        bus = await Bus.connect(server.url, server.secrets.user, server.secrets.password)
        try:
            await bus.ensure_streams(StreamPolicy())
            ears = await Bus.connect(server.url, server.secrets.user, server.secrets.password)
            gateway = Gateway(bus, ears)
            await gateway.start()
            options.host, options.port = "127.0.0.1", server.ports.mqtt
            options.user, options.password = server.secrets.user, server.secrets.password
            started = time.perf_counter()
            sent_s = await asyncio.to_thread(run, options)
            done = options.messages // options.clients * options.clients
            seen, still = -1, 0
            while seen < done and still < 300:  # until all is there, or nothing has come for three seconds
                await asyncio.sleep(0.01)
                now = (await bus.state()).messages if options.qos else gateway.counts.kept + ears.dropped
                seen, still = now, still + 1 if now == seen else 0
            all_s = time.perf_counter() - started - still * 0.01
            state = await bus.state()
            print(f"qos {options.qos}: {done} messages from {options.clients} clients; taken in {done / sent_s:,.0f}/s")
            print(f"on disk {done / all_s:,.0f}/s (with the clients' start); stream {state.messages} messages; {gateway.counts}")
            await gateway.stop()
            await ears.close()
        finally:
            await bus.close()
            await server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host", nargs="?", default="")
    parser.add_argument("port", nargs="?", type=int, default=1883)
    parser.add_argument("user", nargs="?", default="")
    parser.add_argument("password", nargs="?", default="")
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--devices", type=int, default=100, help="devices each client speaks for")
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--qos", type=int, choices=(0, 1), default=0)
    parser.add_argument("--city", default="hwaseong")
    options = parser.parse_args()
    if options.host:
        seconds = run(options)
        print(f"{options.messages / seconds:,.0f} messages/s")
    else:
        asyncio.run(own(options))


if __name__ == "__main__":
    main()
