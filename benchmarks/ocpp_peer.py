"""The peer: a central system as the documentation of `ocpp` shows it, on `websockets`: ``python ocpp_peer.py FOLDER STATIONS``.

It validates (the library's default) and keeps the last register of each station in memory: it persists nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import websockets
from ocpp.routing import on
from ocpp.v201 import ChargePoint, call_result

LAST: dict[str, float] = {}


class Station(ChargePoint):
    @on("Heartbeat")
    async def on_heartbeat(self, **_):
        return call_result.Heartbeat(current_time=datetime.now(UTC).isoformat())

    @on("TransactionEvent")
    async def on_event(self, **payload):
        values = payload.get("meter_value") or []
        if values:
            LAST[self.id] = values[-1]["sampled_value"][0]["value"]
        return call_result.TransactionEvent()


async def serve(socket) -> None:
    await Station(socket.request.path.rsplit("/", 1)[-1], socket).start()


async def main(folder: Path, stations: int) -> None:
    async with websockets.serve(serve, "127.0.0.1", 0, subprotocols=["ocpp2.0.1"], compression=None, backlog=4096) as server:
        secrets = {f"cp-{number}": "x" for number in range(stations)}
        said = {"port": server.sockets[0].getsockname()[1], "pid": os.getpid(), "secrets": secrets}
        (folder / "part.json").write_text(json.dumps(said))
        (folder / "part.json").replace(folder / "said.json")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
