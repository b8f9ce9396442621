"""Accounts on real SQLite records, with a clock that moves when told and a password hash that is quick."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from dure.engines.clock import FixedClock
from dure.engines.identity.passwords import Passwords
from dure.engines.identity.people import People
from dure.engines.records.audit import By
from dure.engines.records.store import Records


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 24, 3, 0, tzinfo=UTC))


@pytest.fixture
def by(clock: FixedClock) -> By:
    return By("person-0", clock.now())


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    store = Records(f"sqlite:///{tmp_path}/records.db")
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def quick() -> Passwords:
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def people(records: Records, clock: FixedClock, quick: Passwords) -> People:
    return People(records, clock, passwords=quick)
