"""The desk of enrolment: a batch is looked at or kept, chunk by chunk, and uplinks that waited for its devices are read again."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import structlog

from dure.core.errors import DureError, EngineError, InputError
from dure.core.text import Text
from dure.services.environment.enrolling import enrolment_records
from dure.services.environment.enrolling.enrolment_plan import Outcome, plan, refused
from dure.services.environment.enrolling.enrolment_rows import Ground
from dure.services.environment.enrolling.enrolment_zones import ZoneFinder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.engines.records.audit import By
    from dure.engines.records.parked import Parked
    from dure.services.environment.enrolling.enrolment import Batch
    from dure.services.environment.enrolling.enrolment_plan import Known, Planned
    from dure.services.environment.enrolling.enrolment_rows import Enrolment
    from dure.spine.house import House

log = structlog.get_logger("dure.environment")

REPLAYS_AT_ONCE = 16  # devices whose uplinks are read again at the same time; each device's own stay in order


class Uplinks(msgspec.Struct, frozen=True):
    """Readings that waited for these devices: how many there were, how many are in now, how many still wait and why."""

    waiting: int = 0
    replayed: int = 0
    still_waiting: int = 0
    codes: dict[str, int] = {}


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch, or with `check` what would: every row of it is in `items`, in order of the file."""

    check: bool
    rows: int
    new: int
    unchanged: int
    changed: int
    differs: int
    refused: int
    uplinks: Uplinks
    encoding: str
    columns: dict[str, str]
    items: list[Outcome]


class Kept(NamedTuple):
    """What became of the rows that could be read, what waited for their devices, and the code of why that is not known."""

    outcomes: list[Outcome]
    waiting: list[Parked]
    trouble: str = ""


class EnrolmentDesk:
    """Enrols batches in one house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._zone_of = ZoneFinder((zone.id, zone.place) for zone in house.city.zones)
        self._ground: Ground | None = None

    def ground(self) -> Ground:
        """What a row is judged by, today; one and the same all day."""
        house = self._house
        today = house.clock.now().astimezone(house.city.zone).date()
        if self._ground is not None and self._ground.today == today:
            return self._ground
        self._ground = Ground(
            city=house.city.id,
            kinds=tuple(house.kinds),
            codecs=frozenset(house.codecs),
            properties=tuple(house.properties),
            bounds=house.city.bounds,
            today=today,
        )
        return self._ground

    async def enrol(self, batch: Batch, by: By, *, check: bool = False, update: bool = False) -> Enrolled:
        """Keep the batch, or with `check` only say what would become of it. Once kept, nothing takes the answer away.

        Raises
        ------
        Unavailable : the records do not answer and nothing was kept
        """
        if check:
            outcomes, uplinks = await asyncio.to_thread(self._look, batch.enrolments, update=update)
        else:
            loop = asyncio.get_running_loop()
            kept = await asyncio.to_thread(self._keep, batch.enrolments, by, loop, update=update)
            outcomes, uplinks = await self._replay(kept)
        items = sorted([*outcomes, *map(refused, batch.refused)], key=lambda one: one.row)
        n: Counter[str] = Counter(one.state for one in items)
        log.debug("enrolment.checked" if check else "enrolment.kept", city=self._house.city.id, rows=len(items), **n)
        return Enrolled(
            check=check,
            rows=len(items),
            new=n["new"],
            unchanged=n["unchanged"],
            changed=n["changed"],
            differs=n["differs"],
            refused=n["refused"],
            uplinks=uplinks,
            encoding=batch.encoding,
            columns=batch.columns,
            items=items,
        )

    def _look(self, items: Sequence[Enrolment], *, update: bool) -> tuple[list[Outcome], Uplinks]:
        with self._house.records.read() as connection:
            outcomes = [one.outcome for one in self._planned(items, enrolment_records.known_of(connection, items), update=update)]
            waiting = enrolment_records.waiting_n(connection, _names(outcomes))
        n = sum(waiting.values())
        return outcomes, Uplinks(waiting=n, still_waiting=n)

    def _planned(self, items: Sequence[Enrolment], known: Known, *, update: bool) -> list[Planned]:
        return plan(items, known, self._house.city.id, self._zone_of, update=update)

    def _keep(self, items: Sequence[Enrolment], by: By, loop: asyncio.AbstractEventLoop, *, update: bool) -> Kept:
        """Keep, make the devices known here and elsewhere, then see what waited for them: one visit to one thread.

        What waits is asked last: an uplink that comes in between finds its device or is seen here.
        """
        outcomes = self._keep_chunks(items, by, update=update)
        try:
            if any(one.state in ("new", "changed") for one in outcomes):
                if len(items) > enrolment_records.FEW:  # else each chunk was taken up as it was kept
                    self._house.directory.refresh()
                asyncio.run_coroutine_threadsafe(self._house.directory.tell(), loop)
            with self._house.records.read() as connection:
                return Kept(outcomes, enrolment_records.waiting(connection, _names(outcomes)))
        except EngineError as error:
            log.warning("enrolment.replay_later", city=self._house.city.id, code=error.code)
            return Kept(outcomes, [], error.code)

    def _keep_chunks(self, items: Sequence[Enrolment], by: By, *, update: bool) -> list[Outcome]:
        """The outcomes of all chunks; when the records go away in between, the rest is refused with their code."""
        outcomes: list[Outcome] = []
        for start in range(0, len(items), enrolment_records.CHUNK_ROWS):
            part = items[start : start + enrolment_records.CHUNK_ROWS]
            try:
                outcomes += self._keep_chunk(part, by, update=update)
            except DureError as error:
                if not outcomes:
                    raise
                why = Text(
                    f"여기서 멈췄습니다. 같은 파일을 다시 보내세요. {error.message}",
                    f"It stopped here. Send it again. {error.message}",
                )
                outcomes += [
                    Outcome(row=one.row, state="refused", device=one.device, code=error.code, why=why) for one in items[start:]
                ]
                break
        return outcomes

    def _keep_chunk(self, items: Sequence[Enrolment], by: By, *, update: bool) -> list[Outcome]:
        def planned(known: Known) -> list[Planned]:
            return self._planned(items, known, update=update)

        outcomes, few = enrolment_records.keep_chunk(self._house.records, items, planned, self._house.city.id, by)
        if few is not None and few.devices:
            self._house.directory.take(few)
        return outcomes

    async def _replay(self, kept: Kept) -> tuple[list[Outcome], Uplinks]:
        """Read again what waited for these devices; a failure here leaves it waiting and never spoils the answer."""
        outcomes, items = kept.outcomes, kept.waiting
        if not items:
            return outcomes, Uplinks(codes={kept.trouble: 1} if kept.trouble else {})
        by_device: dict[str, list[Parked]] = defaultdict(list)
        for item in items:
            by_device[item.device].append(item)
        gate = asyncio.Semaphore(REPLAYS_AT_ONCE)
        replayed: Counter[str] = Counter()
        codes: Counter[str] = Counter()

        async def of_device(waiting: list[Parked]) -> None:
            async with gate:
                for item in waiting:
                    code = await self._again(item)
                    replayed[item.device] += not code
                    if code:
                        codes[code] += 1

        await asyncio.gather(*map(of_device, by_device.values()))
        told = [
            msgspec.structs.replace(one, replayed=n) if (n := replayed[one.dev_eui] + replayed[one.device]) else one
            for one in outcomes
        ]
        done = sum(replayed.values())
        return told, Uplinks(len(items), done, len(items) - done, dict(codes))

    async def _again(self, item: Parked) -> str:
        """The code of why it still waits, "" when it is in."""
        try:
            kept = await self._house.intake.replay(item)
        except (InputError, EngineError) as error:
            return error.code
        return kept.rejected[0].code if kept.rejected else "" if kept.accepted else item.code


def _names(outcomes: Sequence[Outcome]) -> list[str]:
    """DevEUIs and ids of the devices that are or would be known now."""
    known = [one for one in outcomes if one.state in ("new", "changed", "unchanged")]
    return [name for one in known for name in (one.dev_eui, one.device) if name]
