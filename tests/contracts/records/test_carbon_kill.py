"""Writers of claims are killed with SIGKILL: every claim that was acknowledged is there once, and nothing else is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

from sqlalchemy import text

from dure.engines.records.store import Records
from dure.services.carbon.ledger.checking import check

# Claims of both writers overlap: of the hours that both want, one gets each. What is committed is said, never before.
_WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from dure.core.errors import Unavailable
from dure.engines.records.store import Records
from dure.services.carbon.ledger import accounts
from dure.services.carbon.ledger.model import Transfer
from dure.services.carbon.ledger.posting import named, post
from dure.services.carbon.ledger.taken import take
from dure.services.carbon.model import Stretch

url, writer, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
noon, hour = datetime(2026, 11, 24, 3, tzinfo=UTC), timedelta(hours=1)
world, held = accounts.world("p"), accounts.held("city")
records = Records(url)
n = first
while n < count:
    claim = f"clm-{writer}-{n:04}"
    stretch = Stretch(source=f"s/{n % 3}", attribute="practice", start=noon + n * hour, end=noon + (n + 1) * hour)
    award = Transfer(id=f"{claim}/award", debit=world.id, credit=held.id, amount=n + 1, unit="gCO2e", ref=claim)
    try:
        with records.begin() as connection:
            why = take(connection, claim, [stretch], noon)
            if why is None:
                assert post(connection, [[award]], noon, named(world, held)) == [None]
    except Unavailable:
        continue
    print(f"{n} {0 if why else 1}", flush=True)
    n += 1
"""
COUNT = 60


class _Writer:
    """One process, and what it has said."""

    def __init__(self, url: str, name: str) -> None:
        self.url, self.name, self.said = url, name, dict[int, bool]()

    def start(self) -> None:
        words = [sys.executable, "-c", _WRITER, self.url, self.name, str(len(self.said)), str(COUNT)]
        self.process: Any = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)

    def hear(self, lines: int = COUNT) -> None:
        for _ in range(lines):
            line = self.process.stdout.readline()
            if not line.endswith("\n"):
                return
            n, issued = line.split()
            self.said[int(n)] = issued == "1"

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.hear()
        self.process.stdout.close()
        self.process.wait()


def test_every_acknowledged_claim_is_there_once_after_kills(url: str) -> None:
    writers = [_Writer(url, "a"), _Writer(url, "b")]
    for one in writers:
        one.start()
    for lines in (7, 13):
        for one in writers:
            one.hear(lines)
        for one in writers:
            one.kill()
        for one in writers:
            one.start()
    for one in writers:
        one.hear()
        one.process.stdout.close()
        assert one.process.wait() == 0

    records = Records(url)
    with records.read() as connection:
        taken = connection.execute(text("SELECT claim FROM carbon_taken ORDER BY claim")).scalars().all()
        posted = connection.execute(text("SELECT ref FROM carbon_transfers ORDER BY ref")).scalars().all()
        grams = connection.execute(text("SELECT credits_posted FROM carbon_accounts WHERE id = 'held/city'")).scalar_one()
        found = check(connection)
    records.close()
    said = sorted(f"clm-{one.name}-{n:04}" for one in writers for n, issued in one.said.items() if issued)
    assert all(len(one.said) == COUNT for one in writers)
    assert taken == posted == said
    assert len(said) == COUNT  # each hour once, whoever got it
    assert grams == sum(range(1, COUNT + 1))
    assert found.sound
