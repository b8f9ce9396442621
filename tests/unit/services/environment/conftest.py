"""A real nats-server with users, and a real HTTP server that notes what it is sent: what virtual devices talk to."""

import asyncio
import json
import socket
import subprocess
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import nats
import pytest
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from dure.engines.bus.server import find_binary

LISTENER = ("listener", "listener-secret")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


class DeviceBus:
    """nats-server with an MQTT listener; every device may publish its own topic only."""

    def __init__(self, folder: Path, city: str, secrets: dict[str, str]) -> None:
        self.port, self.mqtt_port, self._folder = free_port(), free_port(), folder
        devices = [
            {
                "user": one,
                "password": secret,
                "permissions": {"publish": [f"up.{city}.{one}"], "subscribe": [f"cmd.{city}.{one}"]},
            }
            for one, secret in secrets.items()
        ]
        config = {
            "server_name": "devices",
            "listen": f"127.0.0.1:{self.port}",
            "jetstream": {"store_dir": str(folder / "store")},
            "mqtt": {"listen": f"127.0.0.1:{self.mqtt_port}"},
            "authorization": {"users": [{"user": LISTENER[0], "password": LISTENER[1]}, *devices]},
        }
        (folder / "nats.conf").write_text(json.dumps(config), "utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        command = [find_binary(), "-c", self._folder / "nats.conf"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    async def start(self) -> None:
        self.launch()
        async with asyncio.timeout(20):
            while True:
                with suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.mqtt_port)
                    writer.close()
                    return
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @asynccontextmanager
    async def heard(self):
        """A queue of (subject, payload) of what devices publish."""
        queue: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

        async def hear(message):
            queue.put_nowait((message.subject, message.data))

        client = await nats.connect(f"nats://127.0.0.1:{self.port}", user=LISTENER[0], password=LISTENER[1])
        await client.subscribe("up.>", cb=hear)
        # The client library writes its first ping before the subscription: only a second one comes behind it.
        await client.flush()
        await client.flush()
        try:
            yield queue
        finally:
            await client.close()


@pytest.fixture
def bus_for(tmp_path):
    """Makes a device bus that the test starts, kills and starts again."""
    made = []

    def make(city: str, secrets: dict[str, str]) -> DeviceBus:
        made.append(DeviceBus(tmp_path, city, secrets))
        return made[-1]

    yield make
    for bus in made:
        bus.kill()


class Told:
    """The lines logged, which a test can wait for."""

    def __init__(self) -> None:
        self.lines: list[dict] = []
        self._more = asyncio.Event()

    def __call__(self, _logger, level, line):
        self.lines.append({**line, "level": level})
        self._more.set()
        raise structlog.DropEvent

    @property
    def events(self) -> list[str]:
        return [line["event"] for line in self.lines]

    async def until(self, event: str) -> None:
        async with asyncio.timeout(15):
            while event not in self.events:
                self._more.clear()
                await self._more.wait()


@pytest.fixture
def told():
    """What is logged from now on."""
    processors = structlog.get_config()["processors"]
    before = processors.copy()
    listening = Told()
    processors[:] = [listening]
    yield listening
    processors[:] = before


class Post:
    """What a device posted."""

    def __init__(self, path: str, authorization: str, body: bytes) -> None:
        self.path, self.authorization, self.body = path, authorization, body


class House:
    """An HTTP server at the addresses of the API; `answers` are its next status codes, then 202."""

    def __init__(self) -> None:
        self.posts: asyncio.Queue[Post] = asyncio.Queue()
        self.answers: list[int] = []
        self.url = ""

    async def take(self, request):
        body = await request.body()
        status = self.answers.pop(0) if self.answers else 202
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if status == 202:
            self.posts.put_nowait(Post(path, request.headers["authorization"], body))
        rows = json.loads(body).get("readings", [None])
        return JSONResponse({"accepted": sum(len(row["values"]) if row else 1 for row in rows)}, status)


@pytest.fixture
async def http_house():
    house = House()
    app = Starlette(
        routes=[
            Route("/api/v1/readings", house.take, methods=["POST"]),
            Route("/api/v1/hooks/chirpstack", house.take, methods=["POST"]),
        ]
    )
    listening = socket.create_server(("127.0.0.1", 0))
    house.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve([listening]))
    yield house
    server.should_exit = True
    await serving
    listening.close()
