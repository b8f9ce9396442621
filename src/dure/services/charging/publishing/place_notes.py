"""The rules of a place in words for its drivers, from the dated rows of rules/place.toml. Pure."""

from __future__ import annotations

from typing import NamedTuple

from dure.core.text import Text
from dure.services.charging.model import Evse, Site
from dure.services.charging.sessions.place_rules import PlaceRules, StayRow, StopRow


class Note(NamedTuple):
    """A rule in words, and whether it is to be confirmed."""

    text: Text
    provisional: bool = False


def notes_of(site: Site, evse: Evse, rules: PlaceRules) -> list[Note]:
    """What a driver should know before charging there."""
    power_kw = evse.power_w / 1_000
    notes = [Note(_stop(row), row.provisional) for row in rules.stops if _holds(row, site, power_kw)]
    longest = max((row for row in rules.stays if power_kw >= row.power_kw_from), key=lambda row: row.power_kw_from, default=None)
    return notes if longest is None else [*notes, Note(_stay(longest), longest.provisional)]


def _holds(row: StopRow, site: Site, power_kw: float) -> bool:
    return row.holds_at(site) and power_kw >= row.power_kw_from


def _stop(row: StopRow) -> Text:
    if row.soc is not None and row.minutes is not None:
        return Text(
            f"충전율 {row.soc:.0%}가 되거나 {row.minutes:.0f}분이 지나면 멈춥니다.",
            f"Charging stops at {row.soc:.0%} or after {row.minutes:.0f} minutes.",
        )
    if row.soc is not None:
        return Text(f"충전율 {row.soc:.0%}에서 멈춥니다.", f"Charging stops at {row.soc:.0%}.")
    return Text(f"{row.minutes or 0:.0f}분이 지나면 멈춥니다.", f"Charging stops after {row.minutes or 0:.0f} minutes.")


def _stay(row: StayRow) -> Text:
    if row.minutes >= 120 and row.minutes % 60 == 0:
        return Text(
            f"{row.minutes / 60:.0f}시간 안에 차를 옮겨 주세요.", f"Please move your car within {row.minutes / 60:.0f} hours."
        )
    return Text(f"{row.minutes:.0f}분 안에 차를 옮겨 주세요.", f"Please move your car within {row.minutes:.0f} minutes.")
