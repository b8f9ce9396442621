"""An hour of a meter, unfolded: its entries on the books, one after another, and the register reads they follow from."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import from_us, to_us
from dure.services.buildings.explaining.explanation import Readings, Step, readings_of
from dure.services.buildings.explaining.figures import Figure
from dure.services.buildings.explaining.sources import Reading
from dure.services.buildings.intervals import interval_books
from dure.services.buildings.intervals.interval_books import ENTRIES_MAX, GRID_US, QUALITIES
from dure.services.buildings.reads.model import Quality

AROUND = timedelta(hours=2)
QUALITY_WORDS = {
    Quality.MEASURED: Text("계량", "measured"),
    Quality.ESTIMATED: Text("추정", "estimated"),
    Quality.SUBSTITUTED: Text("대체", "substituted"),
    Quality.DISPUTED: Text("다툼이 있어 합에 넣지 않음", "disputed: not summed"),
}

FIRST = Text("처음 적은 값", "What was booked first")
CORRECTION = Text("나중에 고친 차이", "A later correction: the difference")


def explain_interval(reading: Reading, asked: Figure) -> Step:
    """The hour that begins at an instant; raises NotFound ``figure.unknown`` when nothing is booked of it."""
    meter = reading.meter(asked.id)
    begin = to_us(asked.at) // GRID_US * GRID_US if asked.at else 0
    as_of_us = None if asked.as_of is None else to_us(asked.as_of)
    telemetry, use = reading.books.telemetry, meter.supply.use
    rows = telemetry.series((meter.id, use), begin, begin + GRID_US, as_of_us=as_of_us)
    found = interval_books.of_columns(rows)
    if len(found) == 0:
        raise NotFound("figure.unknown", f"Nothing is booked of {meter.id} at {from_us(begin).isoformat()}.")
    quality = max((QUALITIES[int(one)] for one in found.quality), key=QUALITIES.index)
    entries = []
    for time_us, result_us, value in zip(rows.time_us.tolist(), rows.result_us.tolist(), rows.value.tolist(), strict=True):
        k = time_us % ENTRIES_MAX
        at = from_us(result_us).isoformat(timespec="seconds")
        words = CORRECTION if k else FIRST
        entries.append(
            Step(
                name=Text(f"기재 {k + 1}", f"Entry {k + 1}"),
                value=None if np.isnan(value) else round(value),
                unit=meter.supply.book,
                formula=Text(f"{words.ko}, {at}에 앎", f"{words.en}, known at {at}"),
            )
        )
    span_us = (begin, begin + GRID_US)
    return Step(
        name=Text(f"{meter.id} {from_us(begin).isoformat()}", f"{meter.id} {from_us(begin).isoformat()}"),
        figure=str(asked),
        value=int(found.amount.sum()),
        unit=meter.supply.book,
        formula=Text("기재의 합", "The sum of the entries"),
        parts=tuple(entries),
        readings=(
            readings_of(meter.id, use, span_us, rows, int((found.quality != QUALITIES.index(Quality.DISPUTED)).sum())),
            *_register(reading, asked, span_us, as_of_us),
        ),
        notes=(Text(f"품질: {QUALITY_WORDS[quality].ko}", f"Quality: {QUALITY_WORDS[quality].en}"),),
    )


def _register(reading: Reading, asked: Figure, span_us: tuple[int, int], as_of_us: int | None) -> tuple[Readings, ...]:
    meter = reading.meter(asked.id)
    if not meter.supply.register:
        return ()
    around = round(AROUND.total_seconds() * 1_000_000)
    span = (span_us[0] - around, span_us[1] + around)
    rows = reading.books.telemetry.series((meter.id, meter.supply.register), *span, as_of_us=as_of_us)
    if len(rows.time_us) == 0:
        return ()
    return (readings_of(meter.id, meter.supply.register, span, rows, int((~np.isnan(rows.value)).sum())),)
