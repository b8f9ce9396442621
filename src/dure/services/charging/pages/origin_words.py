"""Words for the accounts of the origin ledger, its origins and what the check of a chain finds: rows of data, two languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dure.core.text import Text
from dure.web.words import Word

ORIGIN_NAMES: Mapping[str, Text] = {
    "pv": Text("태양광에서 바로", "Solar, directly"),
    "ess_pv": Text("저장된 태양광", "Stored solar"),
    "ess_grid": Text("저장된 계통 전력", "Stored grid energy"),
    "grid": Text("계통", "Grid"),
}
ORIGIN_PATTERNS: Mapping[str, str] = {"pv": "plain", "ess_pv": "hatch", "ess_grid": "dots", "grid": "rows"}
SOURCES: Mapping[str, Text] = {
    "pv": Text("태양광", "Solar"),
    "untimed": Text("태양광 (때를 모름)", "Solar, time not known"),
    "ess_pv": Text("저장된 태양광", "Stored solar"),
    "ess_grid": Text("저장된 계통 전력", "Stored grid energy"),
    "vehicle": Text("차량이 되돌린 것", "Given back by vehicles"),
    "grid": Text("계통", "Grid"),
    "unmetered": Text("계량되지 않은 공급", "Supply no meter shows"),
}
SINKS: Mapping[str, Text] = {
    "ev": Text("전기차", "Vehicles"),
    "ess": Text("저장장치", "Storage"),
    "load": Text("부지의 다른 부하", "Other load"),
    "export": Text("계통으로 보냄", "Exported"),
    "unmetered": Text("계량되지 않은 사용", "Use no meter shows"),
    "loss": Text("저장 손실", "Lost in storage"),
    "ess_grid": Text("출처가 불확실해짐", "Became doubtful"),
}


class Account(NamedTuple):
    """A register of the site and the account of the books it must equal: words of `Measured`, sources or sinks."""

    name: Text
    measured: tuple[str, ...]
    sources: tuple[str, ...]
    sinks: tuple[str, ...]


ACCOUNTS: tuple[Account, ...] = (
    Account(Text("발전", "Generated"), ("pv", "untimed"), ("pv", "untimed"), ()),
    Account(Text("수전", "Imported"), ("grid",), ("grid",), ()),
    Account(Text("저장장치에서 나옴", "Given out by storage"), ("discharge",), ("ess_pv", "ess_grid"), ()),
    Account(Text("차량이 되돌린 것", "Given back by vehicles"), ("vehicle",), ("vehicle",), ()),
    Account(Text("차량이 받은 것", "Delivered to vehicles"), ("ev",), (), ("ev",)),
    Account(Text("저장장치에 들어감", "Taken in by storage"), ("charge",), (), ("ess",)),
    Account(Text("부지의 다른 부하", "Other load"), ("load",), (), ("load",)),
    Account(Text("계통으로 보냄", "Exported"), ("export",), (), ("export",)),
)
SOUND = Word(
    Text("온전함", "Sound"), "success", "check", Text("모든 줄이 봉인된 그대로입니다.", "Every row is as it was sealed.")
)
BROKEN = Word(Text("깨짐", "Broken"), "danger", "cross", Text("봉인과 다른 줄이 있습니다.", "A row is not as it was sealed."))
ESTIMATED = Word(
    Text("추정", "Estimated"),
    "warning",
    "triangle",
    Text("긴 간격에서 나누었거나 설명이 필요한 지침입니다.", "Cut out of a long step, or a register that had to be explained."),
)
CORRECTED = Word(
    Text("정정됨", "Corrected"),
    "information",
    "diamond",
    Text("늦게 온 지침으로 바로잡았습니다.", "Corrected by reads that came late."),
)
SILENT = Word(
    Text("계량기 조용함", "Meter silent"),
    "danger",
    "cross",
    Text("지침이 없는 계량기가 있어 그 몫은 계통으로 칩니다.", "A meter was not read; its part counts as grid."),
)
WHY_BROKEN: Mapping[str, Text] = {
    "chain.missing": Text("빠졌거나 두 번 있는 줄", "A row is missing, or stands twice"),
    "chain.link": Text("앞 줄에서 이어지지 않는 줄", "A row does not follow from the one before"),
    "chain.digest": Text("봉인과 다른 줄", "A row is not as it was sealed"),
    "chain.rule": Text("규칙을 다시 돌리면 다른 줄", "The rule, run again, gives another row"),
}
PARTIES: tuple[tuple[Text, tuple[tuple[Text, str], ...]], ...] = (
    (
        Text("발전사업자", "Generator"),
        (
            (Text("발전량", "Generated"), "generated_wh"),
            (Text("충전소에 직접 공급 (차량)", "Supplied directly, to vehicles"), "direct_wh"),
            (Text("저장장치를 거쳐 공급 (차량)", "Supplied through storage, to vehicles"), "through_storage_wh"),
            (Text("저장장치에 넣음", "Put into storage"), "stored_wh"),
            (Text("저장 손실", "Lost in storage"), "lost_wh"),
            (Text("부지의 다른 부하", "Other load of the site"), "other_use_wh"),
            (Text("계통으로 보냄", "Exported to the grid"), "exported_wh"),
            (Text("때를 몰라 주장하지 않음", "Not claimed: time not known"), "unmatched_wh"),
            (Text("계량되지 않은 사용", "Use no meter shows"), "unexplained_wh"),
            (Text("저장된 뒤 주장을 거둠", "Claim given up while in storage"), "given_up_wh"),
            (Text("달 사이 저장량의 증감", "Change of what is in storage"), "stock_change_wh"),
        ),
    ),
    (
        Text("충전사업자", "Charging station"),
        (
            (Text("차량에 충전", "Delivered to vehicles"), "charged_wh"),
            (Text("직접 공급받음", "Received directly"), "direct_wh"),
            (Text("저장장치를 거쳐 받음", "Received through storage"), "through_storage_wh"),
            (Text("계통에서 (주장하지 않는 것 포함)", "From the grid, and not claimed"), "grid_wh"),
        ),
    ),
    (
        Text("도시", "City"),
        (
            (Text("재생에너지로 인정할 수 있는 충전", "Charging that counts as renewable"), "supplied_wh"),
            (Text("그 밖의 충전", "Other charging"), "grid_wh"),
        ),
    ),
)
