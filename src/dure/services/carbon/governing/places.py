"""Where in the city and by which service a claim was measured. Pure.

The source of a claim is a path: its first word says what was measured, the next ones which asset it was. What has no asset of its
own (a practice, a home, the rounds of a fleet) belongs to no district: nobody's place is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping

from dure.core.text import Text
from dure.services.carbon.model import Claim

NOWHERE = ""
OTHER = "other"
# First word of a source -> service, and its name.
SERVICES: Mapping[str, str] = {
    "building": "buildings",
    "charging": "charging",
    "waste": "waste",
    "recycled": "recycling",
    "practice": "practices",
    "home": "homes",
    "household": "homes",
}
NAMES: Mapping[str, Text] = {
    "buildings": Text("공공건물", "Public buildings"),
    "charging": Text("전기차 충전", "EV charging"),
    "waste": Text("쓰레기 수거", "Waste collection"),
    "recycling": Text("재활용", "Recycling"),
    "practices": Text("시민 실천", "Citizens' practices"),
    "homes": Text("가정 에너지", "Energy at home"),
    OTHER: Text("그 밖", "Other"),
}
PRIVATE = frozenset({"practices", "homes"})  # of persons: no district is kept of them


def service_of(claim: Claim) -> str:
    """The service that measured it."""
    return SERVICES.get(claim.stretches[0].source.partition("/")[0], OTHER)


def assets_of(claim: Claim) -> tuple[str, ...]:
    """What of its sources may be ids of assets, in order; a source reads ``kind/ASSET/…``."""
    if service_of(claim) in PRIVATE:
        return ()
    words = (one.source.split("/") for one in claim.stretches)
    return tuple(dict.fromkeys(each for parts in words for each in parts[1:]))
