"""A client of an ASGI app without a socket, for plain tests."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest


class Client:
    """Asks an app; `cookies` are sent with every request."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.cookies: dict[str, str] = {}

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("POST", path, **more)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://testserver", cookies=self.cookies) as client:
                return await client.request(method, path, **more)

        return asyncio.run(asked())


@pytest.fixture
def client_of():
    """Makes a client."""
    return Client
