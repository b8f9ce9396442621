"""What a measure saved, unfolded: told again from its frozen models with what was known when it was told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dure.core.errors import Conflict, InputError, NotFound
from dure.core.text import Text
from dure.emissions.emission import co2e_kg
from dure.engines.records import decisions
from dure.services.buildings.baselines import measure_records
from dure.services.buildings.baselines.saving_desk import saving_of
from dure.services.buildings.explaining.explanation import ModelTold, RuleRow, Step, factor_row
from dure.services.buildings.explaining.figures import Figure
from dure.services.buildings.explaining.sources import Reading
from dure.services.buildings.factors.carbon import carbon_book

if TYPE_CHECKING:
    from dure.services.buildings.baselines.assessing import Bounds, MeterSaving
    from dure.services.buildings.baselines.measure_saving import MeasureSaving
    from dure.services.buildings.baselines.measures import Measure, MeterBaseline

FORMULA = Text(
    "기준선이 이 날씨에서 썼을 양에서 쓴 양을 뺀 것, 계량기의 합",
    "What the baseline would have used in this weather, less what was used; the sum over its meters",
)


def explain_saving(reading: Reading, asked: Figure) -> Step:
    """The saving of a measure from its first day until a day; raises NotFound ``figure.unknown``."""
    house = reading.books.house
    if house is None or asked.until is None:
        raise NotFound("figure.unknown", f"Nothing is known of {asked}.")
    try:
        measure = measure_records.get(reading.connection, asked.id)
    except NotFound as error:
        raise NotFound("figure.unknown", error.message) from error
    told = {until: (saving, decision) for until, saving, decision in measure_records.savings_of(reading.connection, asked.id)}
    stored, decision = told.get(asked.until, (None, ""))
    at = asked.as_of or (decisions.get(reading.connection, decision).decided_at if decision else None)
    try:
        found = saving_of(house, reading.connection, measure, (measure.begins_on, asked.until), as_of=at)
    except (InputError, Conflict) as error:
        raise NotFound("figure.unknown", error.message) from error
    return _step(reading, asked, (measure, found), stored if asked.as_of is None else None, at)


def _step(
    reading: Reading, asked: Figure, pair: tuple[Measure, MeasureSaving], stored: dict[str, Any] | None, at: datetime | None
) -> Step:
    measure, found = pair
    kept = None if stored is None or stored.get("energy_wh") is None else round(stored["energy_wh"]["value"])
    value = None if found.energy_wh is None else round(found.energy_wh.value)
    baselines = {one.meter: one for one in measure.baselines}
    notes = [found.headline, *_interval(found), *_told_at(at)]
    if measure.retrospective:
        words = Text(
            "시작한 뒤에 얼린 기준선이라 어디에도 인정하지 않습니다.", "Its baseline was frozen after it began: credited nowhere."
        )
        notes.append(words)
    return Step(
        name=Text(f"{measure.name.ko}: {asked.until}까지의 절감", f"{measure.name('en')}: saved until {asked.until}"),
        figure=str(asked),
        value=value,
        unit="Wh",
        formula=FORMULA,
        stored=kept,
        agrees=stored is None or kept == value,
        parts=(*(_meter(one, baselines[one.meter]) for one in found.meters), *_carbon(found)),
        rows=_factors(reading, found, at),
        notes=tuple(notes),
    )


def _interval(found: MeasureSaving) -> list[Text]:
    if found.energy_wh is None:
        return []
    bounds, share = found.energy_wh, f"{found.confidence:.0%}"
    return [
        Text(
            f"{share} 구간 {bounds.low / 1000:,.0f}~{bounds.high / 1000:,.0f} kWh (모델이 본 적 없는 주에서). "
            f"ASHRAE Guideline 14는 ±{found.g14_half_width_wh / 1000:,.0f} kWh",
            f"{share} interval {bounds.low / 1000:,.0f} to {bounds.high / 1000:,.0f} kWh, from weeks no model had seen; "
            f"ASHRAE Guideline 14 says ±{found.g14_half_width_wh / 1000:,.0f} kWh",
        )
    ]


def _told_at(at: datetime | None) -> list[Text]:
    if at is None:
        return []
    when = at.astimezone(UTC).isoformat(timespec="seconds")
    return [Text(f"{when}에 알던 것으로 다시 계산했습니다.", f"Run again with what was known at {when}.")]


def _meter(one: MeterSaving, baseline: MeterBaseline) -> Step:
    """A meter: what its model expected, what was measured, and the model."""
    return Step(
        name=Text(one.meter, one.meter),
        value=round(one.avoided.value),
        unit=one.book,
        formula=Text(
            f"기대 {one.expected:,.0f} - 측정 {one.measured:,.0f} {one.book}",
            f"expected {one.expected:,.0f} - measured {one.measured:,.0f} {one.book}",
        ),
        parts=tuple(_month(one, month, expected, measured) for month, expected, measured in _months(one)),
        model=ModelTold(
            id=baseline.model,
            kind=baseline.kind,
            sha256=baseline.readings_sha256,
            start_day=baseline.start_day,
            end_day=baseline.end_day,
            statistics=dict(baseline.goodness),
        ),
        notes=(
            Text(f"견준 행의 비율 {one.coverage:.1%}", f"{one.coverage:.1%} of the rows could be compared"),
            Text(f"측정값의 지문 {one.readings_sha256}", f"digest of the readings {one.readings_sha256}"),
        ),
    )


def _months(one: MeterSaving) -> list[tuple[str, float, float]]:
    return [(each.month, each.expected, each.measured) for each in one.months]


def _month(one: MeterSaving, month: str, expected: float, measured: float) -> Step:
    return Step(
        name=Text(month, month),
        figure=f"meter/{one.meter}/month/{month}",
        value=round(expected - measured),
        unit=one.book,
        formula=Text(f"기대 {expected:,.0f} - 측정 {measured:,.0f}", f"expected {expected:,.0f} - measured {measured:,.0f}"),
    )


def _carbon(found: MeasureSaving) -> list[Step]:
    sums: list[tuple[Text, Bounds | None, str]] = [
        (Text("온실가스", "Greenhouse gas"), found.co2e_g, "gCO2e"),
        (Text("요금", "Money"), found.won, "won"),
    ]
    return [
        Step(
            name=name,
            value=round(bounds.value),
            unit=unit,
            formula=Text("절감 × 그 달의 계수 또는 평균 단가", "The saving by the month's factor, or by the average price"),
            notes=(Text(f"{bounds.low:,.0f}~{bounds.high:,.0f} {unit}", f"{bounds.low:,.0f} to {bounds.high:,.0f} {unit}"),),
        )
        for name, bounds, unit in sums
        if bounds is not None
    ]


def _factors(reading: Reading, found: MeasureSaving, at: datetime | None) -> tuple[RuleRow, ...]:
    day = (at or reading.books.now).astimezone(reading.books.zone).date()
    book = carbon_book(reading.books.folder, day)
    rows = [row for row in book.table.rows if row.id in set(found.factors)]
    return tuple(
        factor_row(row, float(co2e_kg(row, book.table.potentials.get(row.gwp) if row.total_kg is None else None))) for row in rows
    )
