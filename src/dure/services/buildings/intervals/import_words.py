"""Why an interval of a file is not taken, in words."""

from __future__ import annotations

from dure.core.text import Text
from dure.services.buildings.importing.bills import RefusedRow
from dure.services.buildings.reads.model import SetAside, Why

WORDS: dict[Why, Text] = {
    Why.DUPLICATE: Text("같은 구간이 두 번 있습니다.", "The interval is there twice."),
    Why.CORRECTED: Text("같은 구간의 나중 값으로 바뀌었습니다.", "A later row says another amount; that one counts."),
    Why.NEGATIVE: Text("0보다 작습니다.", "It is below 0."),
    Why.IMPOSSIBLE: Text(
        "이 연결로 지나갈 수 있는 양보다 많습니다. 단위나 계량기의 최대 용량을 확인해 주세요.",
        "It is more than the connection can pass. Check the unit, or the greatest rate of the meter.",
    ),
    Why.OVERLAP: Text("앞의 구간과 겹칩니다.", "It overlaps the interval before it."),
    Why.COVERED: Text("더 잘게 나눈 구간이 모두 있어 그것을 씁니다.", "Finer intervals cover it wholly; they count."),
    Why.EMPTY: Text("길이가 없는 구간입니다.", "It has no length."),
}
_OTHER = Text("믿을 수 없는 구간입니다.", "It cannot be believed.")


def set_aside_row(one: SetAside, meter: str) -> RefusedRow:
    """An interval that was set aside, as a rejected row: its place among the intervals of its meter, counted from 1."""
    return RefusedRow(one.index + 1, one.why.value, WORDS.get(one.why, _OTHER), f"{meter}, {one.at.isoformat()}, {one.value}")
