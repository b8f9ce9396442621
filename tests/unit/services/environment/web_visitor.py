"""Somebody who visits the web face of a test house, without a server."""

import asyncio
import re

import httpx


class Visitor:
    """Asks as a person, or as nobody; keeps cookies as a browser does."""

    def __init__(self, app, token=""):
        self.app, self.cookies = app, {"dure_session": token} if token else {}

    def ask(self, method, path, **more):
        async def asked():
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://testserver", cookies=self.cookies) as client:
                answer = await client.request(method, path, **more)
                self.cookies |= dict(client.cookies)
                return answer

        return asyncio.run(asked())

    def get(self, path):
        return self.ask("GET", path)

    def post(self, path, json=None):
        return self.ask("POST", path, json=json or {})

    def form(self, page, path, **fields):
        """Send a form of a page."""
        token = re.search(r'name="csrf" value="([^"]+)"', self.get(page).text)
        return self.ask("POST", path, data={"csrf": token[1], **fields})
