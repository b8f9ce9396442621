"""A device that is revoked while it is connected is shown out, not only refused when it comes back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from dure.core.errors import DureError
from dure.engines.identity.callout import disconnect

if TYPE_CHECKING:
    from dure.engines.bus.client import Bus
    from dure.spine.directory import Directory

log = structlog.get_logger("dure.bouncer")


class Bouncer:
    """Compares the register after each change; `system` is a connection as the bus's system user."""

    def __init__(self, directory: Directory, system: Bus) -> None:
        self._directory, self._system = directory, system
        self._revoked = directory.revoked()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        directory.on_change(self._look)

    def _look(self) -> None:
        """The register changed; called in the thread that read it."""
        now = self._directory.revoked()
        new, self._revoked = now - self._revoked, now
        for device in new:
            self._loop.call_soon_threadsafe(self._start, device)

    def _start(self, device: str) -> None:
        task = asyncio.create_task(self._show_out(device))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _show_out(self, device: str) -> None:
        try:
            ended = await disconnect(self._system, device)
        except DureError as error:
            log.warning("device.not_disconnected", device=device, code=error.code)
        else:
            log.info("device.revoked", device=device, connections_ended=ended)

    async def close(self) -> None:
        """Wait for those under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
