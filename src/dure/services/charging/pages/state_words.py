"""Words for the state of a place to charge, its connector, sources and uses of energy: rows of data, Korean and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dure.core.text import Text
from dure.web.sankey import End, Link, Sankey
from dure.web.words import Word

if TYPE_CHECKING:
    from dure.services.charging.publishing.flows import Flows, Sink, Source
    from dure.services.charging.publishing.standing import State
    from dure.web.i18n import Speech

STATE_WORDS: Mapping[State, Word] = {
    "free": Word(Text("비어 있음", "Free"), "success", "check", Text("지금 충전할 수 있습니다.", "You can charge now.")),
    "charging": Word(
        Text("충전 중", "Charging"), "information", "circle", Text("다른 차가 충전하고 있습니다.", "A vehicle is charging.")
    ),
    "held": Word(
        Text("차가 꽂혀 있음", "Plugged in"),
        "warning",
        "triangle",
        Text("차가 꽂혀 있지만 충전하지 않습니다.", "A vehicle is plugged in and takes no power."),
    ),
    "reserved": Word(
        Text("예약됨", "Reserved"), "secondary", "clock", Text("다른 사람이 예약했습니다.", "Somebody reserved it.")
    ),
    "off": Word(
        Text("운영하지 않음", "Out of service"), "gray", "dash", Text("지금은 쓸 수 없습니다.", "It cannot be used now.")
    ),
    "faulted": Word(
        Text("고장", "Faulted"),
        "danger",
        "cross",
        Text("고장으로 쓸 수 없습니다. 운영자가 알고 있습니다.", "Faulted; the operator knows."),
    ),
    "unknown": Word(
        Text("알 수 없음", "Not known"),
        "gray",
        "ring",
        Text("충전기와 연결이 끊겨 상태를 모릅니다.", "The charger is not connected, so its state is not known."),
    ),
}
# The map's own shapes: a state is never told by colour alone.
MAP_STATUS: Mapping[State, str] = {
    "free": "live",
    "charging": "quarantined",
    "held": "suspect",
    "reserved": "suspect",
    "off": "retired",
    "faulted": "failing",
    "unknown": "silent",
}
LEGEND: tuple[tuple[str, Text, str, str], ...] = (
    ("live", Text("빈자리 있음", "A place is free"), "success", "circle"),
    ("quarantined", Text("모두 충전 중", "All charging"), "information", "diamond"),
    ("suspect", Text("모두 차 있음", "All taken"), "warning", "triangle"),
    ("failing", Text("고장", "Faulted"), "danger", "cross"),
    ("silent", Text("알 수 없음", "Not known"), "secondary", "ring"),
    ("retired", Text("운영하지 않음", "Out of service"), "gray", "dash"),
)
CONNECTOR_NAMES: Mapping[str, Text] = {
    "type1": Text("AC 단상 (5핀)", "AC Type 1"),
    "type2": Text("AC 3상 (7핀)", "AC Type 2"),
    "ccs1": Text("DC 콤보", "CCS Combo 1"),
    "ccs2": Text("DC 콤보 2", "CCS Combo 2"),
    "chademo": Text("차데모", "CHAdeMO"),
    "nacs": Text("NACS", "NACS"),
}
SOURCE_NAMES: Mapping[Source, Text] = {
    "pv": Text("태양광", "Solar"),
    "ess": Text("저장 전력, 출처 미정", "Stored, origin not known"),
    "ess_pv": Text("저장된 태양광", "Stored solar"),
    "ess_grid": Text("저장된 계통 전력", "Stored grid energy"),
    "vehicle": Text("전기차에서", "From vehicles"),
    "grid": Text("계통", "Grid"),
    "unknown": Text("계량되지 않음", "Not metered"),
}
ORIGIN_NAMES: Mapping[str, Text] = {
    "pv": Text("태양광에서 바로", "Solar, directly"),
    "ess_pv": Text("저장된 태양광", "Stored solar"),
    "ess_grid": Text("저장된 계통 전력", "Stored grid energy"),
    "grid": Text("계통", "Grid"),
}
BAND_NAMES: Mapping[str, Text] = {
    "off": Text("경부하", "Off-peak"),
    "mid": Text("중간부하", "Mid-peak"),
    "peak": Text("최대부하", "Peak"),
}
SINK_NAMES: Mapping[Sink, Text] = {
    "ev": Text("전기차", "Vehicles"),
    "ess": Text("저장장치로", "Into storage"),
    "load": Text("부지의 다른 부하", "Other load"),
    "loss": Text("손실과 미계량", "Losses, unmetered"),
    "export": Text("계통으로 보냄", "Export"),
}


def connector_name(connector: str) -> Text:
    """Name of a kind of connector; a code nobody translated stays as it is."""
    return CONNECTOR_NAMES.get(connector, Text(connector, connector))


def flow_diagram(links: Flows, say: Speech, *, title: str, unit: str, per: float, decimals: int = 1) -> Sankey:
    """Flows as a diagram; `per` is how many W or Wh one unit has. What would be told as 0 is left out."""
    return Sankey(
        title=title,
        unit=unit,
        decimals=decimals,
        sources=[End(one, say.text(name)) for one, name in SOURCE_NAMES.items()],
        sinks=[End(f"to-{one}", say.text(name)) for one, name in SINK_NAMES.items()],
        links=[
            Link(source, f"to-{sink}", value / per) for (source, sink), value in links.items() if round(value / per, decimals) > 0
        ],
    )
