"""A meter's month, unfolded: `months_made` run again with the entries and bills that were known when it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import to_us
from dure.services.buildings.explaining.explanation import Document, Readings, Step, readings_of
from dure.services.buildings.explaining.figures import Figure
from dure.services.buildings.explaining.sources import MeterBooks, Reading, known, meter_books, within
from dure.services.buildings.intervals import interval_books
from dure.services.buildings.months import month_records
from dure.services.buildings.months.derived_months import physical_of, virtual_month
from dure.services.buildings.months.month_filling import kept_gaps
from dure.services.buildings.months.month_making import DISPUTED, Grounds, midnight_us, month_span, months_made

if TYPE_CHECKING:
    from dure.services.buildings.model import Meter
    from dure.services.buildings.months.bill_records import KeptBill
    from dure.services.buildings.months.month_use import MonthUse

PARTS = ("amount", "measured", "estimated", "substituted", "filled", "won")
MADE: Mapping[str, Text] = {
    "intervals": Text("그 달 시간별 사용량의 합", "The sum of the hours of that month"),
    "bills": Text("고지서 금액을 날짜로 나눈 그 달의 몫", "The month's share, by days, of what bills say"),
    "both": Text(
        "시간별 사용량의 합과, 그것이 없는 시간에 대한 고지서의 몫",
        "The sum of the hours, and the bills' share for the time that has none",
    ),
    "formula": Text("다른 계량기의 합과 차 (가상 계량기)", "Sums and differences of other meters (a virtual meter)"),
    "parcel": Text("필지 사용량을 연면적으로 나눈 몫 (추정)", "A share, by floor area, of what the parcel used (an estimate)"),
    "none": Text("아는 것이 없음", "Nothing is known"),
}
QUALITY = {
    "measured": Text("계량", "measured"),
    "estimated": Text("추정", "estimated"),
    "substituted": Text("대체", "substituted"),
    "filled": Text("모델로 채움", "filled by model"),
}


def explain_month(reading: Reading, asked: Figure) -> Step:
    """A meter's month; raises NotFound ``figure.unknown`` when none is kept."""
    rows = month_records.find(reading.connection, asked.first, asked.first, meters=[asked.id], as_of=asked.as_of)
    if not rows:
        raise NotFound("figure.unknown", f"Nothing is known of {asked.id[:80]!r} in {asked.first}.")
    return month_steps(reading, rows, asked)[0]


def month_steps(reading: Reading, rows: Sequence[MonthUse], asked: Figure) -> list[Step]:
    """Months of one meter, in their order, each run again and held against what is kept."""
    if any(row.source == "parcel" for row in rows):
        return [_parcel_step(row, asked) for row in rows]
    meter = reading.meter(rows[0].meter)
    if meter.formula:
        return [_virtual_step(reading, meter, row, asked) for row in rows]
    books = meter_books(reading, meter, rows)
    made = _remade(reading, books, rows)
    return [_step(reading, books, row, made[row.month], asked) for row in rows]


def _remade(reading: Reading, books: MeterBooks, rows: Sequence[MonthUse]) -> dict[str, MonthUse]:
    """Months made anew as they were: those of one instant together."""
    zone = reading.books.zone
    found: dict[str, MonthUse] = {}
    for at, bills in books.bills.items():
        grounds = Grounds(
            meter=books.meter,
            zone=zone,
            known_at=at,
            known_until_us=midnight_us(at.astimezone(zone).date(), zone),
            hours=books.hours(at),
            bills=bills,
            filled=kept_gaps(row for row in rows if row.known_at == at),
        )
        months = [row.month for row in rows if row.known_at == at]
        found |= {one.month: one for one in months_made(grounds, months)}
    return found


def _step(reading: Reading, books: MeterBooks, row: MonthUse, made: MonthUse, asked: Figure) -> Step:
    differs = [name for name in PARTS if getattr(row, name) != getattr(made, name)]
    told = set(row.facts.get("bills", ()))
    bills = [one for one in books.bills[row.known_at] if one.id in told]
    return Step(
        name=Text(f"{books.meter.id} {row.month}", f"{books.meter.id} {row.month}"),
        figure=figure_of(row, asked),
        value=made.amount,
        unit=row.book,
        formula=MADE[made.source],
        stored=row.amount,
        agrees=not differs and row.sha256 == made.sha256,
        readings=_readings(reading, books, row),
        documents=tuple(_document(one) for one in bills),
        notes=(*_shares(made), *_known(row), *_differences(row, made, differs)),
    )


def figure_of(row: MonthUse, asked: Figure) -> str:
    """The id of a meter's month, as of the same instant."""
    return str(Figure(subject="meter", what="month", id=row.meter, first=row.month, last=row.month, as_of=asked.as_of))


def _readings(reading: Reading, books: MeterBooks, row: MonthUse) -> tuple[Readings, ...]:
    if row.source not in {"intervals", "both"}:
        return ()
    span = month_span(row.month, reading.books.zone)
    rows = within(known(books.rows, to_us(row.known_at)), *span)
    usable = int((interval_books.of_columns(rows).quality != DISPUTED).sum())
    return (readings_of(row.meter, books.meter.supply.use, span, rows, usable),)


def _document(one: KeptBill) -> Document:
    says = Text(
        f"{one.start_day}~{one.end_day} 전날: {one.amount:,} {one.book}" + (f", {one.won:,}원" if one.won is not None else ""),
        f"{one.start_day} to the day before {one.end_day}: {one.amount:,} {one.book}"
        + (f", {one.won:,} won" if one.won is not None else ""),
    )
    return Document(name=one.import_id, row=one.row, says=says, id=one.id)


def _shares(made: MonthUse) -> list[Text]:
    """What it rests on, by quality."""
    listed = [(words, getattr(made, name)) for name, words in QUALITY.items() if getattr(made, name)]
    found = []
    if listed and made.amount:
        ko = ", ".join(f"{words.ko} {amount / made.amount:.1%}" for words, amount in listed)
        en = ", ".join(f"{words.en} {amount / made.amount:.1%}" for words, amount in listed)
        found.append(
            Text(f"구성: {ko}. 기간의 {made.coverage:.1%}를 압니다.", f"Made of: {en}. {made.coverage:.1%} of the time is known.")
        )
    if made.filled:
        found.append(
            Text(
                f"모델로 채운 {made.filled:,} {made.book}의 90% 구간은 ±{made.half_width:,}입니다.",
                f"Of the {made.filled:,} {made.book} a model filled in, the 90 % interval is ±{made.half_width:,}.",
            )
        )
    return found


def _known(row: MonthUse) -> list[Text]:
    at = row.known_at.isoformat(timespec="seconds")
    found = [Text(f"{at}에 만든 값입니다.", f"Made at {at}.")]
    if row.replaced_at is not None:
        until = row.replaced_at.isoformat(timespec="seconds")
        found.append(Text(f"{until}에 새 값으로 바뀌었습니다.", f"Replaced by a newer one at {until}."))
    if row.facts.get("running"):
        found.append(Text("아직 끝나지 않은 달입니다.", "The month is not over."))
    return found


def _differences(row: MonthUse, made: MonthUse, differs: Sequence[str]) -> list[Text]:
    return [
        Text(
            f"저장된 {name} {getattr(row, name)!r}, 다시 계산한 값 {getattr(made, name)!r}",
            f"{name}: kept {getattr(row, name)!r}, run again {getattr(made, name)!r}",
        )
        for name in differs
    ]


def _virtual_step(reading: Reading, meter: Meter, row: MonthUse, asked: Figure) -> Step:
    counts, _ = physical_of(reading.sites.meters)
    terms = counts.get(meter.id, {})
    held = month_records.find(reading.connection, row.month, row.month, meters=terms, as_of=row.known_at)
    made = virtual_month(meter, terms, {one.meter: one for one in held}, row.month, row.known_at)
    parts: list[Step] = []
    for one in held:
        parts += month_steps(reading, [one], asked)
    signs = " ".join(f"{count:+d}×{name}" for name, count in sorted(terms.items()))
    return Step(
        name=Text(f"{meter.id} {row.month}", f"{meter.id} {row.month}"),
        figure=figure_of(row, asked),
        value=None if made is None else made.amount,
        unit=row.book,
        formula=Text(f"{MADE['formula'].ko}: {signs}", f"{MADE['formula'].en}: {signs}"),
        stored=row.amount,
        agrees=made is not None and made.amount == row.amount and made.sha256 == row.sha256,
        parts=tuple(parts),
        notes=tuple(_known(row)),
    )


def _parcel_step(row: MonthUse, asked: Figure) -> Step:
    facts = row.facts
    exact = Fraction(str(facts.get("share", "0"))) * int(facts.get("parcel_amount", 0))
    agrees = abs(exact - row.amount) < 1  # shares are rounded so that they sum to the parcel
    return Step(
        name=Text(f"{row.meter} {row.month}", f"{row.meter} {row.month}"),
        figure=figure_of(row, asked),
        value=row.amount if agrees else round(exact),
        unit=row.book,
        formula=MADE["parcel"],
        stored=row.amount,
        agrees=agrees,
        notes=(
            Text(
                f"필지 {facts.get('parcel')}의 {facts.get('parcel_amount'):,} {row.book} 가운데 {facts.get('share')}",
                f"{facts.get('share')} of the {facts.get('parcel_amount'):,} {row.book} of parcel {facts.get('parcel')}",
            ),
            *_known(row),
        ),
    )
