"""Intervals of a meter as people and programs take them away: CSV, and Green Button XML. Pure."""

from __future__ import annotations

import csv
import io
from datetime import datetime

from dure.core.text import Text
from dure.core.time import format_instant, from_us
from dure.emissions.quantity import UNITS
from dure.protocols import green_button
from dure.services.buildings.intervals.interval_books import GRID_US, QUALITIES, Intervals
from dure.services.buildings.model import Meter
from dure.services.buildings.reads.model import Quality

ATOM = "application/atom+xml"
_OF_UNIT = {code: number for number, code in green_button.UNITS.items()}
_KINDS = {"electricity": 0, "pv": 0, "city_gas": 1, "water": 2, "heat": 6}  # ESPI ServiceKind; heat has code 6 (heat)
# ESPI QualityOfReading (NAESB REQ.21): valid, derived, manually edited, questionable.
_QUALITY = {Quality.MEASURED: 0, Quality.ESTIMATED: 11, Quality.SUBSTITUTED: 7, Quality.DISPUTED: 10}
_IN_JOULES = 1_000  # Green Button knows J, our books kJ


def csv_of(meter: Meter, rows: Intervals) -> bytes:
    """One row an hour: start, amount in the book's unit, quality, how many entries it is made of, when it became known."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(("meter", "start", f"amount_{meter.supply.book}", "quality", "entries", "known_at"))
    columns = (rows.start_us, rows.amount, rows.quality, rows.entries, rows.result_us)
    for start_us, amount, quality, entries, result_us in zip(*(one.tolist() for one in columns), strict=True):
        known_at = format_instant(from_us(result_us))
        writer.writerow((meter.id, format_instant(from_us(start_us)), amount, QUALITIES[quality].value, entries, known_at))
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def feed_of(meter: Meter, name: Text, rows: Intervals, updated: datetime) -> bytes:
    """The intervals as a Green Button feed, each with its quality; it comes back from the importer as the same amounts."""
    book, factor = (meter.supply.book, 1) if meter.supply.book != "kJ" else ("J", _IN_JOULES)
    readings = tuple(
        green_button.Reading(start_us, GRID_US // 1_000_000, amount * factor, (_QUALITY[QUALITIES[quality]],))
        for start_us, amount, quality in zip(rows.start_us.tolist(), rows.amount.tolist(), rows.quality.tolist(), strict=True)
    )
    begin = readings[0].start_us if readings else None
    length_s = None if begin is None else (readings[-1].start_us + GRID_US - begin) // 1_000_000
    series = green_button.Series(
        title=name.en or name.ko,
        usage_point=meter.number or meter.id,
        service_kind=_KINDS.get(meter.fuel, 0),
        reading_type={"accumulationBehaviour": 4, "intervalLength": 3_600, "powerOfTenMultiplier": 0}
        | ({"uom": _OF_UNIT[book]} if book in _OF_UNIT and book in UNITS else {}),
        blocks=(green_button.Block(begin, length_s, readings),),
    )
    return green_button.write_feed(green_button.Feed(title=name.en or name.ko, series=(series,)), format_instant(updated))
