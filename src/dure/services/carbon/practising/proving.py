"""Whether a proof holds: a pure judgement from the proof, the rules and what is known of the person; a code says why."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from dure.core.geo import Point, distance_m
from dure.core.time import US_PER_S, Interval, day_interval, day_of
from dure.services.carbon.model import Stretch
from dure.services.carbon.practising.acts import Proof
from dure.services.carbon.practising.catalogue import Catalogue, Limits, Practice, won_for
from dure.services.carbon.practising.reasons import REASONS

INSTANT_LONG = timedelta(seconds=1)  # an instant has to have a length to be taken
HOUR = timedelta(hours=1)
QUANTITY_MAX = 10**12
SHARE_STEPS = 1_000_000


class Sum(NamedTuple):
    """What a person has done of something so far: base units, won, times."""

    quantity: int = 0
    won: int = 0
    times: int = 0


class Been(NamedTuple):
    """Where a person proved something, and when."""

    at: datetime
    lat: float
    lon: float


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a person when a proof is judged; reserved and paid alike.

    Attributes
    ----------
    hour, day, year : of the practice, around when it was done
    week, month, scheme_year, programme_year : of the scheme and of the programme, in its local week, month, year
    begun_at : when the person began it
    last_place : where they were before
    elsewhere : whether another scheme pays for the deed
    """

    hour: Sum = Sum()
    day: Sum = Sum()
    year: Sum = Sum()
    week: Sum = Sum()
    month: Sum = Sum()
    scheme_year: Sum = Sum()
    programme_year: Sum = Sum()
    begun_at: datetime | None = None
    last_place: Been | None = None
    elsewhere: bool = False


class Judged(msgspec.Struct, frozen=True):
    """A code of `REASONS`, and what is paid [KRW]; 0 when it is refused."""

    code: str
    won: int = 0

    @property
    def outcome(self) -> str:
        """awarded, doubtful or refused."""
        return REASONS[self.code].outcome


class Spans(NamedTuple):
    """The local spans a deed lies in, which limits are counted over."""

    hour: Interval
    day: Interval
    week: Interval
    month: Interval
    year: Interval


def spans_of(at: datetime, zone: ZoneInfo) -> Spans:
    """The hour up to and after an instant, and its local day, week (from Monday), month and year."""
    day = day_of(at, zone)
    monday = day - timedelta(days=day.weekday())
    first, following = day.replace(day=1), (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return Spans(
        Interval(at - HOUR, at + HOUR),
        day_interval(day, zone),
        _days(monday, monday + timedelta(days=7), zone),
        _days(first, following, zone),
        _days(date(day.year, 1, 1), date(day.year + 1, 1, 1), zone),
    )


def stretch_of(one: Practice, proof: Proof, ref: str, zone: ZoneInfo) -> Stretch:
    """What a claim of it takes: the deed of this person, over the span the practice says."""
    spans = spans_of(proof.done_at, zone)
    ride = Interval(proof.done_at, proof.until)
    second = Interval(proof.done_at, proof.done_at + INSTANT_LONG)
    span = {"instant": second, "ride": ride, "day": spans.day, "month": spans.month, "year": spans.year}[one.span]
    return Stretch(source=f"practice/{one.deed}/{ref}", attribute="practice", start=span.start, end=span.end)


def judged(one: Practice, proof: Proof, known: Known, rules: Catalogue, now: datetime) -> Judged:
    """Whether it holds.

    Returns
    -------
    ``practice.proved`` or ``practice.clipped`` with the reward; a doubtful code with the reward that is reserved meanwhile;
    a refusing code. Of several reasons the first of the weightiest kind is told: refused, doubtful, awarded.
    """
    code = _unfit(one, proof, rules, now) or _impossible(one, proof, known) or _over(one, proof, known, rules)
    if code:
        return Judged(code)
    full = won_for(one, proof.quantity)
    won = min(full, _left(one, known, rules))
    if full == 0 and one.won_per_unit:
        return Judged("practice.too_little")
    return Judged(_doubt(one, proof, known, rules) or ("practice.proved" if won == full else "practice.clipped"), won)


def _unfit(one: Practice, proof: Proof, rules: Catalogue, now: datetime) -> str:
    if proof.code and REASONS[proof.code].outcome == "refused":
        return proof.code
    if proof.kind not in one.proofs:
        return "practice.proof_kind"
    late = _untimely(one, proof, rules.limits, now)
    if late or proof.quantity > 0:
        return late or ("practice.absurd" if proof.quantity > (one.most_per_act or QUANTITY_MAX) else "")
    return "practice.amount"


def _untimely(one: Practice, proof: Proof, limits: Limits, now: datetime) -> str:
    if proof.until < proof.done_at or (one.span == "ride" and proof.until <= proof.done_at):
        return "practice.reversed"
    if proof.until > now + timedelta(seconds=limits.ahead_s):
        return "practice.future"
    if proof.done_at < now - timedelta(hours=limits.late_h):
        return "practice.too_old"
    return ""


def _impossible(one: Practice, proof: Proof, known: Known) -> str:
    if one.impossible_per_h and one.span != "ride" and known.hour.quantity + proof.quantity > one.impossible_per_h:
        return "practice.impossible_rate"
    return "practice.impossible_speed" if one.impossible_km_h and _km_h(proof) > one.impossible_km_h else ""


def _over(one: Practice, proof: Proof, known: Known, rules: Catalogue) -> str:
    scheme = rules.schemes[one.scheme]
    if known.elsewhere:
        return "practice.elsewhere"
    if one.most_per_day and known.day.quantity + proof.quantity > one.most_per_day:
        return "practice.cap_day"
    if one.most_per_year and known.year.quantity + proof.quantity > one.most_per_year:
        return "practice.cap_year"
    if scheme.person_week_times and known.week.times >= scheme.person_week_times:
        return "practice.cap_week"
    if scheme.person_month_won and known.month.won >= scheme.person_month_won:
        return "practice.cap_month"
    return "practice.cap_year" if one.won_per_unit and _left(one, known, rules) <= 0 else ""


def _left(one: Practice, known: Known, rules: Catalogue) -> int:
    """What a person may still get for it [KRW]."""
    scheme, programme = rules.schemes[one.scheme], rules.programmes[one.programme]
    limits = (
        (scheme.person_year_won, known.scheme_year.won),
        (scheme.person_month_won, known.month.won),
        (programme.person_year_won, known.programme_year.won),
    )
    return min([limit - so_far for limit, so_far in limits if limit], default=QUANTITY_MAX)


def _doubt(one: Practice, proof: Proof, known: Known, rules: Catalogue) -> str:
    if proof.code:
        return proof.code
    if one.unlikely_per_h and one.span != "ride" and known.hour.quantity + proof.quantity > one.unlikely_per_h:
        return "practice.unlikely_rate"
    if one.unlikely_km_h and _km_h(proof) > one.unlikely_km_h:
        return "practice.unlikely_speed"
    if _too_far(proof, known.last_place, rules.limits.travel_km_h):
        return "practice.far_apart"
    return _lot(one, proof, rules.limits.photo_sample_share) if proof.kind == "photo" else ""


def _lot(one: Practice, proof: Proof, share: float) -> str:
    if one.review:
        return "practice.review"
    return "practice.sampled" if drawn(proof.once, share) else ""


def drawn(word: str, share: float) -> bool:
    """Whether a word is drawn by lot: the same word always alike, this share of all words."""
    return int.from_bytes(hashlib.sha256(f"drawn\n{word}".encode()).digest()[:8]) % SHARE_STEPS < share * SHARE_STEPS


def _km_h(proof: Proof) -> float:
    """Speed of a ride [km/h]."""
    us = (proof.until - proof.done_at) // timedelta(microseconds=1)
    return proof.quantity / 1_000 / (us / US_PER_S / 3_600) if us > 0 else float("inf")


def _too_far(proof: Proof, last: Been | None, km_h: float) -> bool:
    if last is None or proof.lat is None or proof.lon is None:
        return False
    km = distance_m(Point(last.lon, last.lat), Point(proof.lon, proof.lat)) / 1_000
    hours = abs(proof.done_at - last.at) / HOUR
    return km > 1.0 and km > km_h * hours


def _days(first: date, end: date, zone: ZoneInfo) -> Interval:
    return Interval(day_interval(first, zone).start, day_interval(end, zone).start)
