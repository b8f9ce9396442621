"""Streaming quality control for the recorder: the city's limits, and the series that open findings hold back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from dure.core.errors import EngineError
from dure.core.time import day_of
from dure.services.environment.checks.assessor import QualityAssessor
from dure.services.environment.checks.quality_rules import QualityRules, quality_rules
from dure.services.environment.faults import findings
from dure.services.environment.faults.diagnosis_rules import diagnosis_rules_on, held_by

if TYPE_CHECKING:
    from dure.core.observations import SeriesKey
    from dure.services.environment.checks.assessor import Holds
    from dure.spine.house import Assessor, House

log = structlog.get_logger("dure.environment")

HOLDS_S = 5.0  # so long after a finding is opened or closed the recorder may still judge by the old list


def rules_now(house: House) -> QualityRules:
    """The limits of quality control in force now, the city's own first."""
    now: datetime = house.clock.now()
    offset = now.astimezone(house.city.zone).utcoffset()
    seconds = 0 if offset is None else int(offset.total_seconds())
    return quality_rules(day_of(now, house.city.zone), house.city.folder, utc_offset_s=seconds)


def assessor_of(house: House) -> Assessor | None:
    """What judges values of this service before they are stored."""
    return QualityAssessor(rules_now(house).limits, HeldSeries(house))


class HeldSeries:
    """Series that an open finding holds back, read again every few seconds; while the records are away the last list stands."""

    def __init__(self, house: House, clock: Callable[[], float] = time.monotonic) -> None:
        self._house, self._clock = house, clock
        self._read_at = -HOLDS_S
        self._held: dict[SeriesKey, tuple[int, int]] = {}
        self._reading = threading.Lock()
        self._away = False

    def __call__(self) -> Holds:
        """(asset, property) -> the flag and check that new values get at least."""
        with self._reading:
            if self._clock() - self._read_at >= HOLDS_S:
                self._read_at = self._clock()
                self._read()
        return self._held

    def _read(self) -> None:
        house = self._house
        rules = diagnosis_rules_on(day_of(house.clock.now(), house.city.zone), house.city.folder)
        try:
            with house.records.read() as connection:
                self._held = findings.holds(connection, held_by(rules))
        except EngineError as error:
            if not self._away:
                log.warning("holds.records_away", city=house.city.id, code=error.code)
            self._away = True
        else:
            self._away = False
