"""A household as its person says it, checked. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from dure.core.text import Text
from dure.services.carbon.households.model import Home, People
from dure.services.carbon.model import Refused

PEOPLE_MAX, AREA_MAX_M2, PLACE_CHARS_MAX, CHANGES_MAX = 30, 2_000.0, 80, 40
FIRST = date(1950, 1, 1)


class Household(msgspec.Struct, frozen=True, kw_only=True):
    """A household.

    Attributes
    ----------
    id : random, so that it says nothing of anybody; person : whose it is; ref : their commitment
    station : weather station its energy is judged by
    place : part of the city, in words; area_m2 : floor area, if they say it
    """

    id: str
    person: str
    ref: str
    station: str
    home: Home
    place: str = ""
    area_m2: float | None = None


def checked(asked: Household, stations: Sequence[str], today: date) -> Household | Refused:
    """The household, or why it cannot be.

    Parameters
    ----------
    stations : weather stations there are
    """
    home = asked.home
    counts = [one.count for one in home.people]
    days = [home.since, *(one.since for one in home.people), *(one for one in (home.until, home.solar_since) if one)]
    wrong = [
        (asked.station not in stations, "household.station"),
        (not counts or not all(1 <= one <= PEOPLE_MAX for one in counts), "household.people"),
        (len(counts) > CHANGES_MAX or list(home.people) != sorted(home.people, key=lambda one: one.since), "household.people"),
        (asked.area_m2 is not None and not 0 < asked.area_m2 <= AREA_MAX_M2, "household.area"),
        (len(asked.place) > PLACE_CHARS_MAX, "household.place"),
        (not all(FIRST <= one <= today for one in days) or (home.until or today) < home.since, "household.days"),
    ]
    code = next((code for is_wrong, code in wrong if is_wrong), "")
    return Refused(code, WRONG[code]) if code else asked


def with_people(home: Home, count: int, since: date) -> Home:
    """The home with so many people from a day on; a day said again is said anew."""
    kept = [one for one in home.people if one.since < since]
    if kept and kept[-1].count == count:
        return msgspec.structs.replace(home, people=tuple(kept))
    return msgspec.structs.replace(home, people=(*kept, People(since, count)))


WRONG: dict[str, Text] = {
    "household.station": Text("목록에 있는 기상 관측소를 골라 주세요.", "Choose a weather station of the list."),
    "household.people": Text("함께 사는 사람 수는 1에서 30까지입니다.", "Between 1 and 30 people live in a household."),
    "household.area": Text("면적은 0보다 크고 2,000 m² 이하입니다.", "A floor area is above 0 and at most 2,000 m2."),
    "household.place": Text("동네 이름은 80자까지입니다.", "The place has at most 80 characters."),
    "household.days": Text(
        "날짜가 미래이거나, 너무 오래전이거나, 앞뒤가 바뀌었습니다.",
        "A day lies ahead, too long ago, or before another it follows.",
    ),
}
