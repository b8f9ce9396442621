"""A gap of a meter, unfolded: the hours that are not known, what the model puts in their place, and how sure that is."""

from __future__ import annotations

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import day_of, to_us
from dure.services.buildings.explaining.explanation import Step, readings_of
from dure.services.buildings.explaining.figures import Figure
from dure.services.buildings.explaining.sources import Reading
from dure.services.buildings.finding.finding_desk import gaps
from dure.services.buildings.intervals import interval_books
from dure.services.buildings.modelling.filling import DEFAULT

AROUND_US = 24 * interval_books.GRID_US
FORMULA = Text(
    "같은 요일·시각과 기온의 시간별 모델이 말하는 양의 합",
    "The sum of what the hourly model of time of week and temperature says of these hours",
)
NOT_FILLED = Text("채우지 않고 빈 채로 둡니다", "It stays a gap")


def explain_gap(reading: Reading, asked: Figure) -> Step:
    """The gap that begins at an instant, filled anew; raises NotFound ``figure.unknown``."""
    meter, house = reading.meter(asked.id), reading.books.house
    if house is None or asked.at is None:
        raise NotFound("figure.unknown", f"Nothing is known of {asked}.")
    zone = reading.books.zone
    days = (day_of(reading.books.now, zone) - day_of(asked.at, zone)).days + 1
    found = next((one for one in gaps(house, meter.id, max(days, 1)) if one.start == asked.at), None)
    if found is None:
        raise NotFound("figure.unknown", f"No gap of {meter.id} begins at {asked.at.isoformat()}.")
    span = (to_us(found.start) - AROUND_US, to_us(found.end) + AROUND_US)
    rows = reading.books.telemetry.series((meter.id, meter.supply.use), *span)
    share = f"{DEFAULT.confidence:.0%}"
    notes = [Text(f"모르는 시간 {found.hours}시간", f"{found.hours} hours are not known")]
    if found.amount is not None:
        notes.append(
            Text(
                f"{share} 구간 {found.low:,}~{found.high:,} {meter.supply.book}, 모델이 본 적 없는 주에서",
                f"{share} interval {found.low:,} to {found.high:,} {meter.supply.book}, from weeks the model had not seen",
            )
        )
    else:
        notes.append(Text(f"까닭: {found.why}", f"Why: {found.why}"))
    return Step(
        name=Text(f"{meter.id} 빈 시간", f"{meter.id}: a gap"),
        figure=str(asked),
        value=found.amount,
        unit=meter.supply.book,
        formula=FORMULA if found.amount is not None else NOT_FILLED,
        readings=(readings_of(meter.id, meter.supply.use, span, rows, len(interval_books.of_columns(rows))),),
        notes=tuple(notes),
    )
