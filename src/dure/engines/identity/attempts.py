"""Failed sign-ins by login: after a few, each next try waits longer. Whether the login exists makes no difference."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from dure.core.errors import RateLimited
from dure.engines.records import dialect
from dure.engines.records.tables import sign_in_failures

FREE_N = 5  # wrong passwords before the first wait
WAIT_MIN = timedelta(seconds=30)
WAIT_MAX = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)


def take(connection: Connection, login: str, at: datetime) -> None:
    """Count a try as failed until `forget`; refuse it while the login waits."""
    key = _key(login)
    connection.execute(delete(sign_in_failures).where(sign_in_failures.c.failed_at < at - FORGOTTEN_AFTER))
    # The row first, then its lock: tries at the same time queue here on PostgreSQL; SQLite has one writer anyway.
    dialect.insert_new(
        connection, sign_in_failures, [{"login_sha256": key, "failed_n": 0, "failed_at": at, "locked_until": None}]
    )
    query = select(sign_in_failures).where(sign_in_failures.c.login_sha256 == key).with_for_update()
    row = connection.execute(query).one()
    if row.locked_until is not None and at < row.locked_until:
        wait_s = (row.locked_until - at).total_seconds()
        raise RateLimited("sign_in.locked", f"Too many wrong passwords. Try again in {wait_s:.0f} s.", retry_after_s=wait_s)
    failed_n = row.failed_n + 1
    until = None if failed_n < FREE_N else at + min(WAIT_MIN * 2 ** min(failed_n - FREE_N, 20), WAIT_MAX)
    dialect.upsert(
        connection, sign_in_failures, [{"login_sha256": key, "failed_n": failed_n, "failed_at": at, "locked_until": until}]
    )


def forget(connection: Connection, login: str) -> None:
    """The password was right, or is a new one."""
    connection.execute(delete(sign_in_failures).where(sign_in_failures.c.login_sha256 == _key(login)))


def _key(login: str) -> str:
    """What people type as a login is sometimes their password: only a hash of it is kept."""
    return hashlib.sha256(login.encode()).hexdigest()
