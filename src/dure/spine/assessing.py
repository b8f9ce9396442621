"""Asking the services' assessors: what they make of judged rows, and what becomes of one that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import structlog

from dure.core.quality import assessed
from dure.spine import flags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.core.observations import Batch, Revisions
    from dure.engines.telemetry.port import Telemetry
    from dure.spine.house import Assessor
    from dure.spine.judge import Judged

log = structlog.get_logger("dure.recorder")


class Assessors:
    """All assessors of a house as one. One that fails is said once, and again when it is back; recording goes on.

    Whatever an assessor raises is caught and logged with its trace: a fault of a service must not stop what is measured.
    """

    def __init__(self, assessors: Sequence[Assessor] = ()) -> None:
        self._assessors = list(assessors)
        self._failing: set[int] = set()

    def __len__(self) -> int:
        return len(self._assessors)

    def warm(self, telemetry: Telemetry, now_us: int) -> None:
        """Let each take up its state from what is kept."""
        for number, one in enumerate(self._assessors):
            try:
                one.warm(telemetry, now_us)
            except Exception:
                if self._is_news(number):
                    log.exception("assessor.failed", assessor=type(one).__name__, step="warm")

    def assess(self, judged: Judged) -> Judged:
        """The same rows with flags that may be worse, and with revisions of theirs before those that came by message.

        Each is shown the flags of those before it.
        """
        batch, revised = judged.batch, []
        if not len(batch):
            return judged
        for number, one in enumerate(self._assessors):
            try:
                batch, new = _asked(one, batch)
            except Exception:
                if self._is_news(number):
                    log.exception("assessor.failed", assessor=type(one).__name__, step="assess")
                continue
            revised.append(new)
            if number in self._failing:
                self._failing.discard(number)
                log.info("assessor.works_again", assessor=type(one).__name__)
        if judged.revised is not None:
            revised.append(judged.revised)
        return msgspec.structs.replace(judged, batch=batch, revised=flags.joined(revised))

    def _is_news(self, number: int) -> bool:
        """Whether an assessor begins to fail."""
        is_news = number not in self._failing
        self._failing.add(number)
        return is_news


def _asked(one: Assessor, batch: Batch) -> tuple[Batch, Revisions]:
    answer = one.assess(batch)
    if not len(batch) == len(answer.flag) == len(answer.check):
        raise ValueError(f"{len(batch)} rows were to be assessed, not {len(answer.flag)}")
    flag, check = assessed(batch.flag, batch.check, answer.flag, answer.check)
    return msgspec.structs.replace(batch, flag=flag, check=check), flags.checked(answer.revised)
