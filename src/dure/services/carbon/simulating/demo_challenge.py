"""The demo's challenge: two groups of its citizens bring their own cups and bags together. Blocks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import day_interval, day_of
from dure.engines.records.audit import By
from dure.services.carbon.practising import challenge_desk, group_records
from dure.services.carbon.practising.group_records import Challenge
from dure.services.carbon.practising.practice_desk import Setting
from dure.services.carbon.simulating.demo_company import OFFICER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

CHALLENGE = "demo-own-cup"
PRACTICES = ("tumbler", "cup-return", "own-bag")
GROUPS = ("동탄 텀블러 모임(시연)", "남양 이웃 모임(시연)")
GOAL = 300
LASTS = timedelta(days=40)


def begin(connection: Connection, people: Sequence[str], since: datetime, by: Setting) -> bool:
    """Make the challenge and its groups, once: people join by turns, from the day of `since` on; whether it was done now."""
    try:
        group_records.challenge(connection, CHALLENGE)
    except NotFound:
        pass
    else:
        return False
    title = Text("내 컵과 장바구니로 300번(시연)", "300 times with our own cups and bags (demo)")
    start, end = (day_interval(day_of(at, by.zone), by.zone).start for at in (since, by.at + LASTS))
    one = Challenge(id=CHALLENGE, title=title, practices=PRACTICES, start_at=start, end_at=end, goal=GOAL)
    challenge_desk.make(connection, one, by, By(OFFICER, by.at))
    for number, name in enumerate(GROUPS):
        members = people[number :: len(GROUPS)]
        group = group_records.make_group(connection, members[0], name, start)
        for person in members[1:]:
            group_records.join(connection, person, group.code, start)
        challenge_desk.enter(connection, members[0], CHALLENGE, group.id, by)
    return True
