"""The peer for memory: connections that `websockets` alone holds, answering nothing but the handshake's subprotocol."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import websockets


async def serve(socket) -> None:
    async for message in socket:
        await socket.send(json.dumps([3, json.loads(message)[1], {}]))


async def main(folder: Path, stations: int) -> None:
    async with websockets.serve(
        serve, "127.0.0.1", 0, subprotocols=["ocpp2.0.1"], compression=None, backlog=4096, open_timeout=120, ping_interval=None
    ) as server:
        secrets = {f"cp-{number}": "x" for number in range(stations)}
        said = {"port": server.sockets[0].getsockname()[1], "pid": os.getpid(), "secrets": secrets}
        (folder / "part.json").write_text(json.dumps(said))
        (folder / "part.json").replace(folder / "said.json")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
