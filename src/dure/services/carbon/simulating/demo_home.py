"""The demo citizen's home: joined with consent, its bills entered as soon as the weather of their months is known. Blocks.

Like the meters of the demo's buildings it has a past: it joined when the half-year began that is judged first. The judging is
the house's own.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from dure.core.time import day_interval, day_of
from dure.engines.records.audit import By
from dure.services.carbon.households import household_records, judgement_records, judging_desk
from dure.services.carbon.households.household_desk import HouseholdDesk, Joining
from dure.services.carbon.households.model import Home, People
from dure.services.carbon.households.periods import month_at
from dure.services.carbon.practising import practice_desk
from dure.services.carbon.simulating.demo_people import CITIZEN, account
from dure.services.carbon.simulating.virtual_home import HABITS, bills_of, first_day, last_months

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.spine.house import House

SINCE = date(2019, 3, 1)
BEFORE_MONTHS, BEFORE_MONTHS_LEAST = 24, 13  # of bills before the half-year that is judged
SCHEME = "green-life"


def join(house: House) -> bool:
    """Let the citizen's account take part and their home join, once; whether it was done now."""
    person, now = account(house, CITIZEN), house.clock.now()
    period = judging_desk.period_over(house, now)
    if person is None or period is None:
        return False
    today = day_of(now, house.city.zone)
    months = last_months(today, month_at(today).place - period.first.place + BEFORE_MONTHS)
    with house.records.read() as connection:
        if household_records.of_person(connection, person.id) is not None:
            return False
        station, weather = _station(connection, first_day(months), today)
    bills = {one.utility: bills_of(house.city.seed, one, weather, months, period.start) for one in HABITS}
    before = [one for one in bills["gas"] if one.month < period.first.place]
    if len(before) < BEFORE_MONTHS_LEAST:
        return False  # the weather of enough months is not told yet
    joined = By(person.id, day_interval(period.start, house.city.zone).start)
    asked = Joining(station=station, home=Home(since=SINCE, people=(People(SINCE, 3),)), place="동탄", area_m2=84.0, consent=True)
    desk = HouseholdDesk(house)
    with house.records.begin() as connection:
        desk.join(connection, asked, joined)
        for habit in HABITS:
            desk.bind(connection, habit.utility, habit.number, habit.unit, joined)
            desk.enter(connection, bills[habit.utility], By(person.id, now))
        practice_desk.join(connection, person.id, SCHEME, practice_desk.setting_of(house))
    return True


def _station(connection: Connection, first: date, end: date) -> tuple[str, dict[date, float]]:
    """The station whose weather is known longest."""
    best: tuple[str, dict[date, float]] = ("", {})
    for station in judgement_records.stations(connection):
        days = judgement_records.weather_days(connection, station, first, end)
        if len(days) > len(best[1]):
            best = (station, {day: mean_c for day, (mean_c, _) in days.items()})
    return best
