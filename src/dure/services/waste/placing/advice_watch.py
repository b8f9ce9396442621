"""Every night, once rates are learnt anew: advice on where bins and sensors should be, worked out in another process and kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from sqlalchemy import select

from dure.core.errors import Unavailable
from dure.core.time import day_of
from dure.engines.jobs.port import Job, decode_result, encode_job, perform
from dure.engines.records.tables_waste import waste_models
from dure.services.waste.belief.belief_records import LEARNED
from dure.services.waste.placing import advice_desk, advice_records
from dure.services.waste.placing.advice import Advice
from dure.services.waste.placing.advice_jobs import ADVISE, Question
from dure.services.waste.placing.advice_records import Placement, Standing
from dure.services.waste.planning import plan_source

if TYPE_CHECKING:
    from dure.services.waste.placing.advice_desk import Asked
    from dure.spine.house import House

log = structlog.get_logger("dure.waste")
ANSWER_S = 1_800.0
ADVICE_MAX = 2_000
"""The best that are kept; nobody reads further."""


class AdviceWatch:
    """Nobody waits for advice: it is there in the morning."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> int:
        """One round; how much advice was kept. Nothing to do when it is as new as the rates it rests on."""
        asked = await asyncio.to_thread(self._asked)
        if not asked.questions:
            return 0
        answers = [await self._answer(one) for one in asked.questions]
        placement = await asyncio.to_thread(self._keep, asked, answers)
        log.info("advice.made", bins=placement.bins_n, advice=len(placement.advice))
        return len(placement.advice)

    def _asked(self) -> Asked:
        with self._house.records.read() as connection:
            made_at = advice_records.made_at(connection)
            query = select(waste_models.c.learnt_at).where(waste_models.c.kind == LEARNED)
            learnt_at = connection.execute(query.order_by(waste_models.c.learnt_at.desc()).limit(1)).scalar()
            if learnt_at is None or (made_at is not None and made_at >= learnt_at):
                return advice_desk.Asked((), 0)
            return advice_desk.asked(self._house, connection)

    async def _answer(self, question: Question) -> dict[str, Any]:
        ground = plan_source.ground_of(self._house, day_of(self._house.clock.now(), self._house.city.zone))
        words = {"question": msgspec.to_builtins(question), "ground": msgspec.to_builtins(ground)}
        jobs = self._house.jobs
        if jobs is None:
            data = encode_job(Job("placing", ADVISE, words))
            result = decode_result(await asyncio.to_thread(perform, data))
        else:
            result = await jobs.run(ADVISE, words, timeout_s=ANSWER_S, lasts_s_max=ANSWER_S)
        if not result.done:
            raise Unavailable("advice.failed", f"Advice could not be worked out: {result.message}")
        return dict(result.value)

    def _keep(self, asked: Asked, answers: list[dict[str, Any]]) -> Placement:
        """Advice of all parts together: what was tried out first, each by what it saves."""
        found = [msgspec.convert(one, Advice) for answer in answers for one in answer["advice"]]
        best = sorted(found, key=lambda one: (not one.tried, -one.km_year, one.bin, one.action))[:ADVICE_MAX]
        known = {id_: stand for question in asked.questions for id_, stand in _standing(question)}
        first = asked.questions[0]
        placement = Placement(
            made_at=self._house.clock.now(),
            advice=tuple(best),
            standing={one.bin: known[one.bin] for one in best},
            bins_n=len(known),
            days_n=asked.days_n,
            dial_m=first.rho_m,
            limits=first.limits,
            estimated=any(one["estimated"] for one in answers),
        )
        with self._house.records.begin() as connection:
            advice_records.add(connection, placement)
        return placement


def _standing(question: Question) -> list[tuple[str, Standing]]:
    columns = zip(question.bins, question.rate, question.detour_m, question.sensing, strict=True)
    return [(id_, Standing(rate, metres[len(metres) // 2], sensor)) for id_, rate, metres, sensor in columns]
