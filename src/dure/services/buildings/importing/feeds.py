"""Series of a Green Button feed to deltas, with the quality the feed states."""

from __future__ import annotations

from fractions import Fraction

from dure.core.text import Text
from dure.core.time import from_us
from dure.emissions.conversion import Refused
from dure.emissions.quantity import UNITS, Quantity
from dure.protocols.green_button import US_PER_S, Series
from dure.services.buildings.importing.interval_files import BOOKS
from dure.services.buildings.reads.model import Delta, Quality

_NO_DELTAS = frozenset({1, 2, 3, 12})  # ESPI AccumulationKind: bulk, continuous cumulative, cumulative, instantaneous

# ESPI QualityOfReading (NAESB REQ.21); what is not named here, or not stated, is taken as measured.
QUALITIES: dict[int, Quality] = {
    7: Quality.SUBSTITUTED,  # manually edited
    8: Quality.ESTIMATED,  # by a reference day
    9: Quality.ESTIMATED,  # by interpolation
    10: Quality.DISPUTED,  # questionable
    11: Quality.ESTIMATED,  # derived
    12: Quality.ESTIMATED,  # projected
    13: Quality.ESTIMATED,  # mixed
    15: Quality.SUBSTITUTED,  # normalised for weather
}


def deltas_of(series: Series) -> tuple[Delta, ...] | Refused:
    """Deltas of a series in the book of its unit, each rounded at the running total.

    Refused when its starts cannot be true, its unit is unknown, or its readings are no use of an interval (a register, a power).
    """
    if not series.starts_trusted:
        words = Text("시작 시각이 겹쳐 날짜를 알 수 없습니다.", "The starts repeat, so the dates of the readings are not known.")
        return Refused("green_button.start_repeated", words)
    if series.unit not in UNITS or not series.multiplier:
        return Refused(
            "green_button.unit", Text("값의 단위를 책에 옮길 수 없습니다.", "The unit of the readings cannot be booked.")
        )
    if series.reading_type.get("accumulationBehaviour", 4) in _NO_DELTAS:
        return Refused(
            "green_button.not_deltas",
            Text("사용량이 아니라 지침값입니다.", "The readings are a register, not use in an interval."),
        )
    book = BOOKS[UNITS[series.unit].dimension]
    running, booked = Fraction(0), 0
    found: list[Delta] = []
    for reading in series.readings:
        running += Quantity(reading.value * series.multiplier, series.unit).to(book).value
        amount = round(running) - booked
        booked += amount
        start = from_us(reading.start_us)
        end = from_us(reading.start_us + reading.duration_s * US_PER_S)
        quality = next((QUALITIES[code] for code in reading.qualities if code in QUALITIES), Quality.MEASURED)
        found.append(Delta(start, end, amount, quality))
    return tuple(found)
