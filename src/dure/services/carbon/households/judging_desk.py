"""Where half-years that are over are judged, claimed and awarded. Each household and utility is one transaction. Blocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from sqlalchemy import Connection

from dure.core.time import Interval, day_interval, day_of
from dure.engines.records.audit import SYSTEM
from dure.services.carbon.claiming import claim_desk
from dure.services.carbon.claiming.assessing import excluded
from dure.services.carbon.claiming.factor_reading import GramsPer
from dure.services.carbon.claiming.judging import NOTHING_SHOWN
from dure.services.carbon.households import household_records, judgement_records, judging_words
from dure.services.carbon.households.degree_days import StationWeather
from dure.services.carbon.households.energy_rules import JudgingRules, Utility, choice, judging_rules, trusted_sources
from dure.services.carbon.households.home_claim import PROGRAMME, Rest, home_claim, readings_digest
from dure.services.carbon.households.home_factor import home_factor
from dure.services.carbon.households.household_records import Kept, Meter
from dure.services.carbon.households.judgement_records import Basis, KeptJudgement
from dure.services.carbon.households.judging import Asked, judge
from dure.services.carbon.households.model import Bill, Judgement
from dure.services.carbon.households.periods import HALF, Month, Period, month_at, period_of
from dure.services.carbon.households.placebo import times_of
from dure.services.carbon.model import Claim, Refused
from dure.services.carbon.practising import elsewhere_records
from dure.services.carbon.practising.catalogue import catalogue
from dure.services.carbon.programmes import programme

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from dure.spine.house import House

HOMES_AT_ONCE = 500
DEED = "home-"  # with a utility behind it: what rows of [[elsewhere]] call the saving of a home
SLIP_MONTHS = 2  # days of a bill may lie so far outside of its month


class _Case(NamedTuple):
    kept: Kept
    meter: Meter
    period: Period
    rules: JudgingRules


def judge_home(house: House, connection: Connection, household: str, utility: Utility, period: Period) -> KeptJudgement | None:
    """Judge a half-year, claim what was saved, and award what needs no officer; None when the household is no longer there."""
    now = house.clock.now()
    household_records.lock(connection, household)
    kept = household_records.get(connection, household)
    meters = household_records.meters_of(connection, household) if kept is not None else []
    meter = next((one for one in meters if one.utility == utility), None)
    if kept is None or meter is None or kept.ended_at is not None:
        return None
    before = judgement_records.find(connection, household, str(period), utility)
    if before is not None and before.judgement.code in judging_words.FINAL:
        return before
    rules = judging_rules(utility, last_day(period), house.city.folder)
    case = _Case(kept, meter, period, rules)
    basis = basis_of(connection, kept, rules, period)
    told = judged_again(connection, basis, rules, period)
    told, claim = _claimed(house, connection, case, (basis, told), now)
    found = KeptJudgement(household=household, judgement=told, basis=basis, claim=claim, judged_at=now)
    judgement_records.put(connection, found)
    return found


def basis_of(connection: Connection, kept: Kept, rules: JudgingRules, period: Period) -> Basis:
    """What a household is judged by: its bills of the past and of the half-year."""
    first = period.first.place - rules.history_months
    bills = household_records.bills_of(connection, kept.household.id, rules.utility)
    return Basis(
        home=kept.household.home,
        station=kept.household.station,
        bills=tuple(one for one in bills if first <= one.month < period.first.place + HALF),
        times=judgement_records.times_of(connection, str(period), rules.utility),
    )


def judged_again(connection: Connection, basis: Basis, rules: JudgingRules, period: Period) -> Judgement:
    """The judgement of a basis: the same one whenever it is asked for."""
    days = weather_of(connection, basis, rules, period)
    weather = StationWeather({day: mean_c for day, (mean_c, _) in days.items()}, rules.bases, rules.weather_share_least)
    return judge(Asked(basis.home, basis.bills, weather), period, rules, basis.times)


def weather_of(connection: Connection, basis: Basis, rules: JudgingRules, period: Period) -> dict[date, tuple[float, str]]:
    """Weather days a judgement rests on."""
    first = Month(period.first.place - rules.history_months - SLIP_MONTHS).first
    end = Month(period.first.place + HALF + SLIP_MONTHS).first
    return judgement_records.weather_days(connection, basis.station, first, end)


def claim_parts(house: House, connection: Connection, kept: Kept, told: tuple[Basis, Judgement], at: datetime) -> Rest | Refused:
    """What a claim of a judgement needs beside it; `at` is when it is claimed."""
    basis, judgement = told
    period, on = _period(judgement), last_day(_period(judgement))
    zone = house.city.zone
    today = day_of(at, zone)
    row = programme(PROGRAMME, today, house.city.folder)
    factor = home_factor((judgement.utility, judgement.unit, row.factor_programme), on, today, house.city.folder)
    if not isinstance(factor, GramsPer):
        return factor
    span = Interval(day_interval(period.start, zone).start, day_interval(period.end, zone).start)
    rules = judging_rules(judgement.utility, on, house.city.folder)
    digest = readings_digest(basis, weather_of(connection, basis, rules, period), kept.household.id)
    return Rest(kept.household.ref, span, factor, digest, on, today, at)


def _claimed(
    house: House, connection: Connection, case: _Case, told: tuple[Basis, Judgement], now: datetime
) -> tuple[Judgement, str]:
    """The judgement and the id of its claim, empty when nothing was surely saved."""
    basis, judgement = told
    if judgement.sure_milli == 0 and not judgement.won:
        return judgement, ""
    rest = claim_parts(house, connection, case.kept, told, now)
    made = rest if isinstance(rest, Refused) else home_claim(judgement, rest)
    if isinstance(made, Refused):
        return instead(judgement, "household.factor_missing"), ""
    claim, working = made
    if not claim.grams and not claim.won:
        return judgement, ""
    code = _paid_before(house, connection, case, claim)
    if code:
        return instead(judgement, code), ""
    kept = claim_desk.make(
        connection,
        claim,
        programme(PROGRAMME, day_of(now, house.city.zone), house.city.folder),
        now,
        working=working,
        against=None if claim.grams or claim.won else NOTHING_SHOWN,
    )
    if kept.state == "reserved" and _trusted(house, basis.bills, case):
        claim_desk.award(connection, kept.id, SYSTEM, now)
    return judgement, kept.id


def _paid_before(house: House, connection: Connection, case: _Case, claim: Claim) -> str:
    """Why the saving is not to be paid (again), as a code; empty when it is, and then it is noted that it was."""
    if _counted_elsewhere(house, connection, case, claim):
        return "household.elsewhere"
    if claim.won and _beyond_year(house, connection, claim):
        return "household.year_limit"
    new = not claim.won or household_records.spend(connection, case.meter.digest, str(case.period), claim.made_at)
    return "" if new else "household.spent"


def _counted_elsewhere(house: House, connection: Connection, case: _Case, claim: Claim) -> bool:
    """Whether another scheme has the saving: by a row of the city, or because it paid this person, who agreed to be compared."""
    on, folder = last_day(case.period), house.city.folder
    if excluded(claim.stretches, on, folder) is not None:
        return True
    span = Interval(claim.stretches[0].start, claim.stretches[0].end)
    deed, rules = f"{DEED}{case.rules.utility}", catalogue(day_of(claim.made_at, house.city.zone), folder)
    return elsewhere_records.paid_within(connection, case.kept.household.person, deed, rules, span)


def _beyond_year(house: House, connection: Connection, claim: Claim) -> bool:
    """Whether the person would get more in a calendar year than the programme gives one person."""
    zone = house.city.zone
    most = programme(PROGRAMME, day_of(claim.made_at, zone), house.city.folder).person_year_won
    year = claim.stretches[0].start.astimezone(zone).year
    start, end = (day_interval(date(one, 1, 1), zone).start for one in (year, year + 1))
    got = claim_desk.claims(
        connection, programme=PROGRAMME, holder=claim.holder, start=start, end=end, states=("reserved", "awarded")
    )
    return bool(most) and sum(one.won for one in got) + claim.won > most


def _trusted(house: House, bills: Sequence[Bill], case: _Case) -> bool:
    """Whether all bills came from who measures."""
    good = trusted_sources(last_day(case.period), house.city.folder)
    return all(one.source in good for one in bills)


def instead(judgement: Judgement, code: str) -> Judgement:
    """The judgement that pays nothing, for a reason beside its arithmetic."""
    return msgspec.structs.replace(judgement, code=code, reason=judging_words.REASONS[code], won=0, band="")


def measure_times(house: House, period: Period, utility: Utility) -> tuple[float | None, int]:
    """How many spreads homes that changed nothing pass, by half-years that lie wholly before their consent; and how many homes.

    Each home counts once in each of the two half-years before.
    """
    rules = judging_rules(utility, last_day(period), house.city.folder)
    seasons: list[list[float]] = [[], []]
    scoring = _Scoring(period, rules, house.city.zone, {})
    after = ""
    while True:
        with house.records.read() as connection:
            found = household_records.page_of(connection, after, HOMES_AT_ONCE)
            for kept in found:
                _score(connection, kept, scoring, seasons)
        if len(found) < HOMES_AT_ONCE:
            break
        after = found[-1].household.id
    times = times_of(seasons, rules.confidence, rules.placebo_homes_least, rules.placebo_certainty)
    return times, min(map(len, seasons))


class _Scoring(NamedTuple):
    """By what homes are scored before a half-year; weather is read once for each station."""

    period: Period
    rules: JudgingRules
    zone: ZoneInfo
    stations: dict[str, StationWeather]


def _score(connection: Connection, kept: Kept, how: _Scoring, seasons: list[list[float]]) -> None:
    period, rules, zone, stations = how
    household = kept.household
    bills = household_records.bills_of(connection, household.id, rules.utility)
    for scores, past in zip(seasons, (period.before, period.before.before), strict=True):
        if past.end > day_of(kept.consented_at, zone) or not bills:
            continue
        if household.station not in stations:
            first = Month(past.first.place - rules.history_months - HALF - SLIP_MONTHS).first
            days = judgement_records.weather_days(connection, household.station, first, period.end)
            means = {day: mean_c for day, (mean_c, _) in days.items()}
            stations[household.station] = StationWeather(means, rules.bases, rules.weather_share_least)
        held = [one for one in bills if one.month < past.first.place + HALF]
        found = judge(Asked(household.home, held, stations[household.station]), past, rules)
        if found.judged:
            scores.append(found.score)


def period_over(house: House, now: datetime) -> Period | None:
    """The last half-year whose bills should be there; None while they are awaited."""
    today = day_of(now, house.city.zone)
    month = month_at(today)
    last = Period(Month(month.place - (month.of_year - 1) % HALF)).before
    wait = timedelta(choice("wait_d", last.end, house.city.folder))
    return last if today >= last.end + wait else None


def _period(judgement: Judgement) -> Period:
    return period_of(judgement.period)


def last_day(period: Period) -> date:
    """Rules and factors are those of this day."""
    return period.end - timedelta(1)
