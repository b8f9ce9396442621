"""The last messages of a station for who looks from another process: asked over the bus of whoever talks with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dure.core.errors import Unavailable
from dure.core.identifiers import identifier
from dure.services.charging.central.message_log import SHOWN_MAX, Shown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dure.engines.bus.client import Received
    from dure.services.charging.central.central import Central
    from dure.spine.house import House

WAIT_S = 1.0
_shown = msgspec.json.Decoder(list[Shown])


class _Wanted(msgspec.Struct, frozen=True):
    identity: str
    limit: int = SHOWN_MAX


_wanted = msgspec.json.Decoder(_Wanted)


def _subject(city: str) -> str:
    return f"ocpp-log.{identifier(city, 'city')}"


async def serve_messages(house: House, central: Central) -> Callable[[], Awaitable[None]]:
    """Answer for the stations that are connected here; call the result to stop. Others' questions are left to them."""

    async def hear(received: Received) -> None:
        try:
            wanted = _wanted.decode(received.payload)
        except msgspec.MsgspecError:
            return
        if received.reply and wanted.identity in central.desk.links:
            found = central.messages(wanted.identity, min(wanted.limit, SHOWN_MAX))
            await house.bus.send(received.reply, msgspec.json.encode(found))

    return await house.bus.subscribe(_subject(house.city.id), hear)


async def messages_of(house: House, here: Central | None, identity: str, limit: int = SHOWN_MAX) -> list[Shown] | None:
    """A station's last messages without secrets, newest first; None when no process says that it talks with it."""
    if here is not None and (found := here.messages(identity, limit)):
        return found
    try:
        answer = await house.bus.request(_subject(house.city.id), msgspec.json.encode(_Wanted(identity, limit)), timeout_s=WAIT_S)
    except Unavailable:
        return [] if here is not None else None
    return _shown.decode(answer)
