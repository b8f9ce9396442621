"""From a claim to the readings: paths to the explanation the service itself gives of what it told. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from dure.core.text import Text
from dure.services.carbon.claiming.explanation import Link

if TYPE_CHECKING:
    from dure.core.events import Event
    from dure.services.carbon.model import Claim

DAYS_MAX = 40
DECISION = "/operations/explain?id="


def links_to(claim: Claim, event: Event | None) -> tuple[Link, ...]:
    """Where to look further; at least the claim's own decision."""
    found = [] if event is None else _OF_SERVICE.get(event.type, _of_decision)(event)
    return (*found, Link(name=Text("청구의 판단 기록", "Decision about the claim"), path=f"{DECISION}{quote(claim.id)}"))


def _of_building(event: Event) -> list[Link]:
    figure = f"saving/{event.data.get('measure', '')}/{event.data.get('until', '')}"
    name = Text("절감을 지침까지 펼치기", "The saving, down to the reads of its meters")
    return [Link(name=name, path=f"/operations/buildings/explain?figure={quote(figure, safe='')}")]


def _of_site(event: Event) -> list[Link]:
    figure = f"charging/site/{event.data.get('site', '')}/day/{event.data.get('day', '')}"
    name = Text("하루의 전력 출처를 지침까지 펼치기", "The day's origin, down to the reads of its registers")
    return [Link(name=name, path=f"/operations/charging/explain?figure={quote(figure, safe='')}")]


def _of_collection(event: Event) -> list[Link]:
    data = event.data
    found = [Link(name=Text("수거 절감", "Savings of collection"), path="/operations/waste/savings")]
    try:
        start, end = date.fromisoformat(data["start"]), date.fromisoformat(data["end"])
    except (KeyError, TypeError, ValueError):
        return found
    days = [start + timedelta(days=one) for one in range(min((end - start).days, DAYS_MAX))]
    ids = [f"account-{day.isoformat()}-{data.get('baseline', '')}" for day in days]
    told = [
        Link(name=Text(f"{day} 정산의 판단 기록", f"Account of {day}"), path=f"{DECISION}{quote(ident)}")
        for day, ident in zip(days, ids, strict=True)
    ]
    return [*found, *told]


def _of_weighing(event: Event) -> list[Link]:
    reading = f"{event.data.get('scale', '')}:weighed_mass:{event.data.get('weighed_at', '')}"
    return [Link(name=Text("저울의 값", "The reading of the scale"), path=f"{DECISION}{quote(reading, safe='')}")]


def _of_decision(event: Event) -> list[Link]:
    decision = event.data.get("decision")
    if not isinstance(decision, str) or not decision:
        return []
    return [Link(name=Text("서비스의 판단 기록", "Decision of the service"), path=f"{DECISION}{quote(decision)}")]


_OF_SERVICE: dict[str, Callable[[Event], list[Link]]] = {
    "buildings.saving.verified": _of_building,
    "charging.energy.renewable": _of_site,
    "charging.generation.measured": _of_site,
    "waste.saving.assessed": _of_collection,
    "carbon.weighing.recorded": _of_weighing,
}
