"""Weather days as the environment service tells them are kept, since events are not kept for ever. The first word stands."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime

from sqlalchemy import Connection

from dure.core.events import Event
from dure.engines.records import events
from dure.services.carbon.households import judgement_records

OBSERVED = "environment.weather.observed"
PAGE_ROWS = 500
COLDEST_C, HOTTEST_C = -60.0, 60.0


def keep_weather(connection: Connection, since: datetime | None) -> int:
    """Keep the days of events told since an instant, or of all there are; how many are new."""
    new, after = 0, ""
    while True:
        page = events.listing(connection, prefix=OBSERVED, since=since, after=after, limit=PAGE_ROWS)
        rows = {(station, day): (station, day, mean_c, digest) for station, day, mean_c, digest in _days(page.items)}
        new += judgement_records.put_weather(connection, rows.values())
        if not page.next:
            return new
        after = page.next


def _days(found: tuple[Event, ...] | list[Event]) -> Iterator[tuple[str, date, float, str]]:
    for event in found:
        data = event.data
        try:
            day, mean_c = date.fromisoformat(str(data.get("day"))), float(data.get("mean_c", math.nan))
        except (ValueError, TypeError):
            continue  # an event of another make; the next of that day may be sound
        if COLDEST_C <= mean_c <= HOTTEST_C:
            yield str(data.get("station") or event.subject), day, mean_c, str(data.get("readings_sha256", ""))
