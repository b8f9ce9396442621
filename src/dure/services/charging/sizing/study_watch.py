"""Studies that wait are worked out one after the other, and their answers kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from dure.core.errors import DureError, InputError, Unavailable
from dure.engines.jobs.port import Job, decode_result, encode_job, perform
from dure.services.charging.planning.forecast_rules import forecast_rules
from dure.services.charging.planning.rehearsing.world_packing import packed
from dure.services.charging.sites import registered
from dure.services.charging.sizing import study_records
from dure.services.charging.sizing.model import Answer, Study
from dure.services.charging.sizing.study_world import study_of

if TYPE_CHECKING:
    from dure.spine.house import House

log = structlog.get_logger("dure.charging")
JOB = "dure.services.charging.sizing.grid.study_job"
LASTS_S_MAX = 3_600.0


class StudyWatch:
    """Studies of one house."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> int:
        """One round; how many studies were answered."""
        waiting = await asyncio.to_thread(self._waiting)
        for one in waiting:
            await self._answer(one)
        return len(waiting)

    def _waiting(self) -> list[Study]:
        with self._house.records.read() as connection:
            return study_records.running(connection)

    async def _answer(self, study: Study) -> None:
        try:
            words, notes = await asyncio.to_thread(self._words, study)
            found = await self._worked_out(study.id, words)
        except DureError as error:
            log.warning("study.failed", id=study.id, code=error.code)
            await asyncio.to_thread(self._fail, study.id, error.code)
            return
        answer = msgspec.structs.replace(msgspec.convert(found, Answer), notes=notes)
        await asyncio.to_thread(self._finish, study.id, answer)
        log.info("study.done", id=study.id, points=len(answer.points))

    def _words(self, study: Study) -> tuple[dict[str, Any], tuple[str, ...]]:
        house = self._house
        with house.records.read() as connection:
            site = registered(connection).sites.get(study.site)
        if site is None:
            raise InputError("charging.study_site", f"There is no charging site {study.site!r} any more.")
        found = study_of(house, site, study.asked)
        if not len(found.world.served()):
            raise InputError("charging.study_empty", "No session lies in the days that are rehearsed.")
        today = house.clock.now().astimezone(house.city.zone).date()
        recipe = next(one for one in forecast_rules(today, house.city.folder).recipes if one.arrivals)
        words = {"world": packed(found.world), "sizes": msgspec.to_builtins(found.sizes), "recipe": msgspec.to_builtins(recipe)}
        return words, found.notes

    async def _worked_out(self, ident: str, words: dict[str, Any]) -> Any:
        jobs = self._house.jobs
        if jobs is None:
            data = encode_job(Job(f"study-{ident}", JOB, {"words": words}))
            result = decode_result(await asyncio.to_thread(perform, data))
        else:
            job_id = await jobs.submit(JOB, {"words": words}, job_id=f"study-{ident}", lasts_s_max=LASTS_S_MAX)
            result = await jobs.result(job_id, timeout_s=LASTS_S_MAX)
        if not result.done:
            raise Unavailable(result.code, result.message)
        return result.value

    def _finish(self, ident: str, answer: Answer) -> None:
        with self._house.records.begin() as connection:
            study_records.finish(connection, ident, answer, self._house.clock.now())

    def _fail(self, ident: str, code: str) -> None:
        with self._house.records.begin() as connection:
            study_records.fail(connection, ident, code, self._house.clock.now())
