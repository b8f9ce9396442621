"""Server-sent events: each change is encoded once for all pages that ask for the same, and a slow page catches up."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from dure.core.access import may
from dure.core.errors import RateLimited
from dure.web.api.sight import in_box
from dure.web.api.values import PUBLIC_FLAGS, value_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from dure.core.access import Actor
    from dure.core.assets import Asset
    from dure.spine.live import Live, LiveValue
    from dure.web.api.sight import Sight

HEARTBEAT_S = 15.0
PAGES_MAX = 2_000
BACKLOG_MAX = 64
_encode = msgspec.json.Encoder().encode


class Filter(NamedTuple):
    """What a page wants to see; empty sets stand for everything. `everything` also shows what the public may not see."""

    properties: frozenset[str]
    assets: frozenset[str]
    bbox: tuple[float, float, float, float] | None
    everything: bool


def filter_for(
    actor: Actor, properties: Iterable[str], assets: Iterable[str], bbox: tuple[float, float, float, float] | None
) -> Filter:
    """The filter of a caller."""
    return Filter(frozenset(properties), frozenset(assets), bbox, may(actor, "read", "city_data"))


class Frame(NamedTuple):
    """One event as bytes, and the sequence it brings a page up to."""

    seq: int
    data: bytes


class Page:
    """One open page: frames it has not yet been sent."""

    def __init__(self, seq: int) -> None:
        self.sent = seq
        self.missed = False
        self._frames: deque[Frame] = deque()
        self._ready = asyncio.Event()

    def give(self, frame: Frame) -> None:
        """Queue a frame; a page too slow for its backlog is caught up from the newest values instead."""
        if len(self._frames) >= BACKLOG_MAX:
            self._frames.clear()
            self.missed = True
        if not self.missed:
            self._frames.append(frame)
        self._ready.set()

    def take(self) -> list[Frame]:
        """The frames waiting."""
        frames = list(self._frames)
        self._frames.clear()
        self._ready.clear()
        return frames

    async def wait(self, seconds: float) -> bool:
        """Whether something is to be sent before the time is up."""
        try:
            async with asyncio.timeout(seconds):
                await self._ready.wait()
        except TimeoutError:
            return False
        return True


class Broadcast:
    """Follows the live values once and feeds every open page. Lives in the event loop that updates them."""

    def __init__(self, live: Live, sight: Sight, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._live = live
        self._sight = sight
        self._heartbeat_s = heartbeat_s
        self._seq = 0
        self._pages: dict[Filter, set[Page]] = {}
        self._follower: asyncio.Task[None] | None = None
        self.encoded = 0

    @property
    def pages(self) -> int:
        """Pages open now."""
        return sum(len(pages) for pages in self._pages.values())

    def following(self, wanted: Filter) -> list[Page]:
        """The open pages that ask for this."""
        return list(self._pages.get(wanted, ()))

    def check_room(self) -> None:
        """Refuse a page too many."""
        if self.pages >= PAGES_MAX:
            raise RateLimited("stream.full", f"{PAGES_MAX:,} pages are open. Try again in a minute.", retry_after_s=60)

    async def events(self, wanted: Filter, after: int | None) -> AsyncIterator[bytes]:
        """The events of one page: first what changed after a sequence (if it names one), then every change."""
        self._follow()
        page = Page(self._seq)
        pages = self._pages.setdefault(wanted, set())
        pages.add(page)
        try:
            yield b"retry: 2000\nevent: ready\nid: %d\ndata: {}\n\n" % (self._newest() if after is None else after)
            if after is not None:
                async for frame in self._snapshot(page, wanted, after):
                    yield frame
            while True:
                if not await page.wait(self._heartbeat_s):
                    self._follow()
                    yield b": still here\n\n"
                    continue
                frames = page.take()
                if page.missed:
                    page.missed = False
                    async for frame in self._snapshot(page, wanted, page.sent):
                        yield frame
                    continue
                page.sent = frames[-1].seq if frames else page.sent
                yield b"".join(frame.data for frame in frames)
        finally:
            pages.discard(page)
            if not pages:
                self._pages.pop(wanted, None)
            self._rest()

    def _newest(self) -> int:
        return max(self._seq, max((one.seq for one in self._live.all()), default=0))

    async def _snapshot(self, page: Page, wanted: Filter, after: int) -> AsyncIterator[bytes]:
        """The newest values that changed after a sequence; all when the sequence is of another stream."""
        newest = self._newest()
        since = after if after <= newest else 0
        changed = [one for one in self._live.all() if one.seq > since or since == 0]
        frame = _frame(changed, wanted, await self._sight.of_filter(wanted.everything), newest)
        page.sent = newest
        if frame is not None:
            yield frame.data

    def _follow(self) -> None:
        if self._follower is None or self._follower.done():
            self._follower = asyncio.get_running_loop().create_task(self._feed())

    def _rest(self) -> None:
        if not self._pages and self._follower is not None:
            self._follower.cancel()
            self._follower = None

    async def _feed(self) -> None:
        following = self._live.follow()
        with suppress(asyncio.CancelledError):
            async for changed in following:
                self._seq = max(self._seq, *(one.seq for one in changed))
                for wanted in list(self._pages):
                    frame = _frame(changed, wanted, await self._sight.of_filter(wanted.everything), self._seq)
                    if frame is None:
                        continue
                    self.encoded += 1
                    for page in self.following(wanted):
                        page.give(frame)
        await following.aclose()  # type: ignore[attr-defined]  # it is a generator


def _frame(changed: Iterable[LiveValue], wanted: Filter, assets: Mapping[str, Asset], seq: int) -> Frame | None:
    """The event of some changes for one filter; None when nothing passes."""
    values = [value_of(_shown(one, wanted)) for one in changed if _passes(one, wanted, assets)]
    if not values:
        return None
    return Frame(seq, b"event: values\nid: %d\ndata: %b\n\n" % (seq, _encode(values)))


def _shown(one: LiveValue, wanted: Filter) -> LiveValue:
    """The change as this page may see it: a value that lost its good flag is taken from the public's screens."""
    return one if wanted.everything or one.flag in PUBLIC_FLAGS else msgspec.structs.replace(one, value=None)


def _passes(one: LiveValue, wanted: Filter, assets: Mapping[str, Asset]) -> bool:
    if wanted.properties and one.property not in wanted.properties:
        return False
    if wanted.assets and one.asset not in wanted.assets:
        return False
    if not (wanted.everything or one.flag in PUBLIC_FLAGS or one.revised):
        return False
    asset = assets.get(one.asset)
    return asset is not None and (wanted.bbox is None or in_box(asset, wanted.bbox))
