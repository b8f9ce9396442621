"""The web face's own server: one uvicorn in the house's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import uvicorn

from dure.core.errors import ConfigError
from dure.web.app import create_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from dure.spine.house import House

GRACE_S = 2
BACKLOG = 2048


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the house, which closes its server with the rest."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; a taken port is said with the setting that changes it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named, so that asyncio sets TCP_NODELAY
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise ConfigError(
            "web.port_taken", f"The web face cannot listen on {host}:{port}: {error.strerror}. Set DURE_HTTP_PORT to another."
        ) from error
    found.listen(BACKLOG)
    found.setblocking(False)  # noqa: FBT003  # a socket's own word
    return found


@contextlib.asynccontextmanager
async def served(house: House) -> AsyncIterator[str]:
    """The web face, reachable while the block runs; its address."""
    door = listen(house.settings.http_host, house.settings.http_port)
    config = uvicorn.Config(
        create_app(house),
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
        h11_max_incomplete_event_size=65_536,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[door]), name="web")
    try:
        while not server.started:
            if task.done():
                task.result()
            await asyncio.sleep(0.01)  # uvicorn tells its start in no other way
        host, port = door.getsockname()[:2]
        yield f"http://{'127.0.0.1' if host in {'0.0.0.0', '::'} else host}:{port}"
    finally:
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)
        door.close()
