"""`explain(figure)`: any split of a session or interval of the books, unfolded to register reads, lots, rules and versions.

The reads are taken from telemetry again and all pure functions are run again; what they say is held against what is kept:
`agrees` is false, with both values, wherever the two differ. Only what the figure rests on is read. Blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dure import __version__
from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import day_interval, day_of, from_us, to_us
from dure.services.charging.origin import day_telling, origin_records, origin_view
from dure.services.charging.origin.balancing import Balance, balance
from dure.services.charging.origin.explanation import Explanation, LotTold, ReadTold, RegisterTold, RowTold, Step
from dure.services.charging.origin.figure_ids import Figure, interval_figure, parse, session_figure
from dure.services.charging.origin.ledger import again
from dure.services.charging.origin.model import ORIGINS
from dure.services.charging.origin.origin_desk import STEP
from dure.services.charging.origin.origin_rules import FACTORS, PACK, factors_version, origin_rules, pack_version
from dure.services.charging.origin.registers import STEP_US, Grid, Reads, passed
from dure.services.charging.origin.site_reading import SessionSource, digest_of, site_reads
from dure.services.charging.origin.split import booked

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.charging.model import Site
    from dure.services.charging.origin.balancing import SiteReads
    from dure.services.charging.origin.chain import Row
    from dure.services.charging.origin.ledger import Content
    from dure.spine.house import House

NAMES = {
    "pv": Text("태양광에서 바로", "Solar, directly"),
    "ess_pv": Text("저장된 태양광", "Stored solar"),
    "ess_grid": Text("저장된 계통 전력", "Stored grid energy"),
    "grid": Text("계통", "Grid"),
}
SESSION = Text("충전이 받은 전력량", "What the session got")
INTERVAL = Text("15분 동안 차량이 받은 전력량", "What vehicles got in a quarter of an hour")
DAY = Text("하루 동안 차량이 받은 재생에너지", "Renewable energy that vehicles got in a day")
BY_RULE = Text(
    "원천과 사용처의 지침에서 규칙에 따라 배분하고, 같은 구간의 충전은 받은 양에 비례해 나눕니다.",
    "Allocated by the rule from registers of sources and uses; sessions of an interval share in proportion to what they took.",
)
SUM = Text("구간의 합", "Sum of its intervals")
LATER = Text(
    "기장한 뒤에 지침이 더 왔습니다. 다음 차례에 정정됩니다.", "Reads came after it was booked; the next round corrects it."
)
RULE_DIFFERS = Text("규칙을 다시 돌리면 다른 항목이 나옵니다.", "The rule, run again, gives other entries.")
SILENT = Text("지침이 없는 계량기가 있어 그 몫은 계통으로 칩니다.", "A meter was not read; its part counts as grid.")


class _Again(NamedTuple):
    """A site's reads and balance over some intervals, taken anew."""

    site: Site
    reads: SiteReads
    grid: Grid
    balance: Balance
    held: dict[datetime, Row]
    rows: list[Row]


def explain(house: House, figure_id: str, sessions: SessionSource) -> Explanation:
    """Where a figure comes from.

    Raises
    ------
    NotFound : ``figure.unknown``: it names no figure, or nothing is booked of it
    """
    asked = parse(figure_id)
    with house.records.read() as connection:
        if asked.at is not None:
            step = _interval_step(_taken_again(house, connection, (asked.id, asked.at, asked.at + STEP), sessions), asked.at)
        elif asked.day is not None:
            step = _day_step(house, connection, asked)
        else:
            step = _session_step(house, connection, asked, sessions)
    folder = house.city.folder
    versions = {"dure": __version__, PACK: pack_version(PACK, folder), FACTORS: factors_version(folder)}
    return Explanation(figure=str(asked), agrees=step.whole, step=step, versions=versions)


def _taken_again(house: House, connection: Connection, span: tuple[str, datetime, datetime], sessions: SessionSource) -> _Again:
    """Read what the intervals of a span rest on."""
    site = origin_view.site_named(connection, span[0])
    rows = origin_records.rows_of(connection, *span)
    if not rows:
        raise NotFound("figure.unknown", f"Nothing is booked of {span[0][:80]!r} at that time.")
    rules = origin_rules(day_of(rows[-1].booked_at, house.city.zone), house.city.folder)
    start_us, end_us = to_us(rows[0].start_at), to_us(rows[-1].start_at) + STEP_US
    grid = Grid(start_us, (end_us - start_us) // STEP_US)
    found = sessions(connection, site.id, from_us(start_us), from_us(end_us))
    lead_us = round(rules.lead_h * 3_600_000_000)
    reads = site_reads(house, site, found, (start_us - lead_us, end_us + lead_us), rules)
    return _Again(site, reads, grid, balance(reads, grid, rules.claim_us), origin_records.newest(rows), rows)


def _interval_step(told: _Again, at: datetime, session: str = "") -> Step:
    """One interval: of all vehicles, or of one session."""
    row = told.held.get(at)
    if row is None:
        raise NotFound("figure.unknown", f"The interval {at.isoformat()} of {told.site.id} is not booked.")
    place = (to_us(at) - told.grid.start_us) // STEP_US
    made = again(row.content, to_us(at))
    value = sum(one.wh for one in made.entries if one.sink == "ev" and session in {"", one.session})
    now_taken = _taken_now(told, place)
    fresh = _fresh(told, row.content, place)
    wanted = sum(wh for one, wh in now_taken.items() if session in {"", one})
    return Step(
        name=INTERVAL,
        value=wanted,
        stored=value,
        figure=interval_figure(told.site.id, at),
        formula=BY_RULE,
        agrees=made == row.content and fresh,
        parts=tuple(_origin_parts(made, row.content, session)),
        registers=tuple(_registers(told, place, session)),
        lots=tuple(_lots(told.site.id, row.content)) if _from_storage(made, session) else (),
        rows=tuple(_row(one) for one in told.rows if one.start_at == at),
        readings_sha256=digest_of(told.reads, to_us(at), to_us(at) + STEP_US),
        notes=(
            *(() if made == row.content else (RULE_DIFFERS,)),
            *(() if fresh else (LATER,)),
            *((SILENT,) if row.content.silent else ()),
        ),
    )


def _taken_now(told: _Again, place: int) -> dict[str, int]:
    uses = told.balance.uses
    mine = uses.interval == place
    columns = (uses.session[mine].tolist(), uses.wh[mine].tolist())
    return {told.reads.session_ids[one]: wh for one, wh in zip(*columns, strict=True)}


def _fresh(told: _Again, content: Content, place: int) -> bool:
    """Whether the reads, taken anew, say what was booked."""
    measured = told.balance.measured
    names = ("pv", "untimed", "charge", "discharge", "grid", "export", "load", "vehicle")
    same = all(int(getattr(measured, name)[place]) == content.measured.get(name, 0) for name in names)
    return same and _taken_now(told, place) == {one: wh for one, wh, _ in content.taken}


def _origin_parts(made: Content, kept: Content, session: str) -> list[Step]:
    found = []
    for origin in ORIGINS:
        now, then = (
            sum(one.wh for one in content.entries if one.sink == "ev" and one.origin == origin and session in {"", one.session})
            for content in (made, kept)
        )
        if now or then:
            found.append(Step(name=NAMES[origin], value=now, stored=then, agrees=now == then))
    return found


def _from_storage(made: Content, session: str) -> bool:
    return any(one.source in {"ess_pv", "ess_grid"} and one.sink == "ev" and session in {"", one.session} for one in made.entries)


def _registers(told: _Again, place: int, session: str) -> list[RegisterTold]:
    """Registers of the site in an interval, and of the sessions in it."""
    grid = Grid(told.grid.start_us + place * STEP_US, 1)
    found = []
    for meter in told.reads.meters:
        one = passed(meter.reads, meter.counting, grid, meter.exchanges)
        found.append(
            RegisterTold(
                role=meter.role,
                asset=meter.asset,
                property=meter.property,
                passed_wh=int(one.wh[0] - one.back[0]),
                known=bool(one.known[0]),
                estimated=bool(one.estimated[0]),
                reads=tuple(_around(meter.reads, grid)),
                notes=tuple(note.why for note in one.notes if grid.start_us <= note.at_us <= grid.end_us),
            )
        )
    taken = _taken_now(told, place)
    reads = told.reads.sessions
    for number, ident in enumerate(told.reads.session_ids):
        if ident in taken and session in {"", ident}:
            mine = reads.session == number
            around = _around(Reads(reads.time_us[mine], reads.wh[mine]), grid)
            found.append(
                RegisterTold(
                    role="ev", asset=ident, property="evse_register", passed_wh=taken[ident], known=True,
                    estimated=False, reads=tuple(around),
                )
            )  # fmt: skip
    return found


def _around(reads: Reads, grid: Grid) -> list[ReadTold]:
    """Reads from the last before an interval to the first after it, in time."""
    order = np.argsort(reads.time_us, kind="stable")
    times, wh = reads.time_us[order], reads.wh[order]
    first = max(int(np.searchsorted(times, grid.start_us, side="right")) - 1, 0)
    last = int(np.searchsorted(times, grid.end_us)) + 1
    return [ReadTold(from_us(at), value) for at, value in zip(times[first:last].tolist(), wh[first:last].tolist(), strict=True)]


def _lots(site: str, content: Content) -> list[LotTold]:
    return [
        LotTold(
            put_in_at=from_us(one.start_us) if one.start_us else None,
            pv=one.pv,
            wh=one.wh,
            figure=interval_figure(site, from_us(one.start_us)) if one.start_us else "",
        )
        for one in content.drawn
    ]


def _row(one: Row) -> RowTold:
    return RowTold(
        seq=one.seq, n=one.n, booked_at=one.booked_at, rule=one.rule, factors=one.factors, sha256=one.sha256,
        readings_sha256=one.readings_sha256,
    )  # fmt: skip


def _session_step(house: House, connection: Connection, asked: Figure, sessions: SessionSource) -> Step:
    kept = booked(connection, asked.id)
    lines = origin_records.entries_of(connection, asked.id)
    if kept is None or not lines:
        raise NotFound("figure.unknown", f"Nothing is booked of the session {asked.id[:80]!r}.")
    starts = sorted({at for _, at, _, _ in lines})
    told = _taken_again(house, connection, (kept.site, starts[0], starts[-1] + STEP), sessions)
    parts = [_interval_step(told, at, asked.id) for at in starts]
    stored = {"pv": kept.pv_wh, "ess_pv": kept.ess_pv_wh, "ess_grid": kept.ess_grid_wh, "grid": kept.grid_wh}
    value = sum(part.value or 0 for part in parts)
    return Step(
        name=SESSION,
        value=value,
        stored=kept.energy_wh,
        figure=session_figure(asked.id),
        formula=SUM,
        agrees=value == kept.energy_wh,
        parts=(*_summed(parts, stored), *parts),
    )


def _summed(parts: Sequence[Step], stored: dict[str, int]) -> list[Step]:
    """What a session got by origin, summed over its intervals and beside its split."""
    found = []
    for origin, name in NAMES.items():
        value = sum(one.value or 0 for part in parts for one in part.parts if one.name == name)
        found.append(Step(name=name, value=value, stored=stored[origin], formula=SUM, agrees=value == stored[origin]))
    return found


def _day_step(house: House, connection: Connection, asked: Figure) -> Step:
    """A day: its intervals allocated again, beside what was told to the carbon ledger."""
    assert asked.day is not None  # noqa: S101  # our own parser says so
    origin_view.site_named(connection, asked.id)
    span = day_interval(asked.day, house.city.zone)
    rows = origin_records.newest(origin_records.rows_of(connection, asked.id, span.start, span.end))
    if not rows:
        raise NotFound("figure.unknown", f"Nothing is booked of {asked.id[:80]!r} on {asked.day}.")
    told = day_telling.told_of(connection, asked.id, asked.day)
    parts = []
    for at, row in sorted(rows.items()):
        made = again(row.content, to_us(at))
        value, stored = (_renewable(one) for one in (made, row.content))
        if value or stored or made != row.content:
            parts.append(
                Step(
                    name=INTERVAL, value=value, stored=stored, figure=interval_figure(asked.id, at), agrees=made == row.content,
                    rows=(_row(row),),
                )
            )  # fmt: skip
    value = sum(part.value or 0 for part in parts)
    claimed = None if told is None else told.renewable_wh
    return Step(
        name=DAY, value=value, stored=claimed, figure=str(asked), formula=SUM, agrees=claimed in {None, value}, parts=tuple(parts)
    )


def _renewable(content: Content) -> int:
    return sum(one.wh for one in content.entries if one.sink == "ev" and one.origin in {"pv", "ess_pv"})
