"""Energy outside any session is found by the registers sessions end and begin with, and is never made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dure.services.charging.sessions.between import Between, between_sessions
from dure.services.charging.sessions.model import Session

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def session(name: str, hour: int, begin_wh: int | None, end_wh: int | None, **more: Any) -> Session:
    at = NOW + timedelta(hours=hour)
    usual: dict[str, Any] = {
        "id": name, "charger": "c", "site": "s", "transaction": name, "state": "ended", "evse": "e", "started_at": at,
        "ended_at": at + timedelta(minutes=30), "begin_wh": begin_wh, "end_wh": end_wh,
    }  # fmt: skip
    return Session(**(usual | more))


def test_what_passed_between_two_sessions_is_told() -> None:
    found = between_sessions([session("b", 2, 6_500, 9_000), session("a", 0, 1_000, 5_000)], 10)
    assert found == [Between(evse="e", start=NOW + timedelta(minutes=30), end=NOW + timedelta(hours=2), wh=1_500)]


@pytest.mark.parametrize(
    "second",
    [
        session("b", 2, 5_000, 9_000),
        session("b", 2, 5_010, 9_000),
        session("b", 2, 0, 900),
        session("b", 2, None, 9_000),
        session("b", 2, 6_500, 9_000, evse="other"),
        session("b", 2, 6_500, 9_000, evse=""),
        session("b", 2, 6_500, 9_000, trust="disputed"),
    ],
    ids=["goes-on", "rounding", "began-again", "not-read", "another-evse", "no-evse", "disputed"],
)
def test_what_registers_do_not_say_is_not_told(second: Session) -> None:
    assert between_sessions([session("a", 0, 1_000, 5_000), second], 10) == []


def test_a_session_without_an_end_breaks_the_line() -> None:
    running = session("b", 2, 5_000, None, state="running", ended_at=None)
    assert between_sessions([session("a", 0, 1_000, 5_000), running, session("c", 4, 9_000, 9_500)], 10) == []
