"""What answers depend on, in memory: tokens, who charges where, which 1.6 start has which number, who may boot.

Everything here follows from the records and from the words of the journal: `take` folds a word in, whether it is said now or read
after a restart, so that both ways lead to the same answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from dure.services.charging.central.words import StatusSaid, TransactionSaid, Word
from dure.services.charging.tokens.tokens import Judged, Token, judged

Admission = Literal["accepted", "pending", "rejected"]
DAY_US = 86_400_000_000
NUMBER_BITS = 31  # a 1.6 transactionId is a positive 32-bit integer
DAY_BITS = 13
STARTS_MAX = 200_000


class StartKey(NamedTuple):
    """What makes two StartTransactions of a charger one: sent again after a lost answer they are the same."""

    charger: str
    connector: int
    token: str
    at_us: int
    begin_wh: int


class Running(NamedTuple):
    """A transaction that has not ended."""

    charger: str
    transaction: str
    evse: int
    connector: int
    token: str
    begun_us: int


class Memory:
    """State of all chargers of a city that answers need; small, and rebuilt at every start."""

    def __init__(self) -> None:
        self.tokens: dict[str, Token] = {}
        self.admissions: dict[str, Admission] = {}
        self.groups: dict[str, str] = {}
        self.running: dict[tuple[str, str], Running] = {}
        self.statuses: dict[tuple[str, int, int], StatusSaid] = {}
        self.costs: dict[tuple[str, str], float] = {}
        self._ended: dict[tuple[str, str], Running] = {}
        self._by_token: dict[str, set[tuple[str, str]]] = {}
        self._starts: dict[StartKey, int] = {}
        self._numbers: dict[int, StartKey] = {}
        self._seen_us: dict[str, int] = {}

    def know_tokens(self, tokens: Iterable[Token]) -> None:
        """Tokens as they are now."""
        self.tokens.update((one.digest, one) for one in tokens)

    def know_admissions(self, admissions: Mapping[str, Admission]) -> None:
        """What boots are answered, by charger; those not named are accepted."""
        self.admissions = dict(admissions)

    def judge(self, digest: str, at_us: int, site: str, transaction: tuple[str, str] | None = None) -> Judged:
        """What a token is now; with `transaction` it is about to run that one (again), so others of it count."""
        token = self.tokens.get(digest)
        others = 0
        if transaction is not None and token is not None and token.concurrent_n:
            others = sum(1 for key in self._by_token.get(digest, ()) if key != transaction)
        return judged(token, at_us, others, site) if transaction is not None else judged(token, at_us, -1, site)

    def number_of(self, key: StartKey) -> int:
        """The transactionId of a 1.6 start: the same for the same start, else one that no start remembered here has.

        The high bits are the day, the low ones a digest of the start, so that a start sent again days later, even to a
        program that has forgotten it, gets its own number back.
        """
        known = self._starts.get(key)
        if known is not None:
            return known
        low_bits = NUMBER_BITS - DAY_BITS
        day = key.at_us // DAY_US % (1 << DAY_BITS)
        drawn = hashlib.sha256("\x00".join(map(str, key)).encode()).digest()
        low = int.from_bytes(drawn[:4], "big") % (1 << low_bits)
        number = day << low_bits | low
        while number == 0 or number in self._numbers:
            low = (low + 1) % (1 << low_bits)
            number = day << low_bits | low
        self._remember(key, number)
        return number

    def _remember(self, key: StartKey, number: int) -> None:
        self._starts[key] = number
        self._numbers[number] = key
        if len(self._starts) > STARTS_MAX:
            oldest = next(iter(self._starts))
            self._numbers.pop(self._starts.pop(oldest), None)

    def seen(self, charger: str, at_us: int, every_us: int) -> bool:
        """Whether it is time to say again that a charger is alive."""
        if at_us - self._seen_us.get(charger, -every_us) < every_us:
            return False
        self._seen_us[charger] = at_us
        return True

    def place_of(self, charger: str, transaction: str) -> Running | None:
        """A transaction that runs, or ran a moment ago."""
        key = (charger, transaction)
        return self.running.get(key) or self._ended.get(key)

    def at_evse(self, charger: str, evse: int) -> list[Running]:
        """What runs at an EVSE; 0: at the whole charger."""
        return [one for one in self.running.values() if one.charger == charger and evse in (0, one.evse)]

    def take(self, word: Word) -> None:
        """Fold a word in."""
        if isinstance(word, TransactionSaid):
            self._take_transaction(word)
        elif isinstance(word, StatusSaid):
            self.statuses[(word.charger, word.evse, word.connector)] = word

    def _take_transaction(self, word: TransactionSaid) -> None:
        key = (word.charger, word.transaction)
        before = self.running.get(key)
        if before is None:
            self._remember_start(word)
        elif _tells_nothing_new(word, before):
            return
        if word.step == "ended":
            self._end(key, before, word)
            return
        if key in self._ended:
            return  # a late step of what is over
        evse, connector = (word.evse, word.connector) if word.evse else (before.evse, before.connector) if before else (0, 1)
        token = word.token or (before.token if before else "")
        begun_us = before.begun_us if before else word.at_us
        if not word.allowed and word.token:
            token = ""  # a token that was refused runs nothing
        now = Running(word.charger, word.transaction, evse, connector, token, begun_us)
        if now != before:
            if before is not None:
                self._by_token.get(before.token, set()).discard(key)
            self.running[key] = now
            if token:
                self._by_token.setdefault(token, set()).add(key)

    def _end(self, key: tuple[str, str], before: Running | None, word: TransactionSaid) -> None:
        if before is not None:
            self._forget(key, before)
        elif key not in self._ended:
            self._keep_ended(key, Running(*key, word.evse, word.connector, word.token, word.at_us))

    def _remember_start(self, word: TransactionSaid) -> None:
        """The number of a 1.6 start that was given before this program began."""
        if word.begin_wh is not None and word.seq_no < 0 and word.transaction.isdecimal():
            start = StartKey(word.charger, word.evse, word.token, word.at_us, word.begin_wh)
            self._remember(start, int(word.transaction))

    def _forget(self, key: tuple[str, str], before: Running) -> None:
        del self.running[key]
        self.costs.pop(key, None)
        held = self._by_token.get(before.token)
        if held is not None:
            held.discard(key)
            if not held:
                del self._by_token[before.token]
        self._keep_ended(key, before)

    def _keep_ended(self, key: tuple[str, str], one: Running) -> None:
        self._ended[key] = one
        if len(self._ended) > STARTS_MAX:
            del self._ended[next(iter(self._ended))]


def _tells_nothing_new(word: TransactionSaid, before: Running) -> bool:
    """Whether a step is one of the many that only bring meter values."""
    same_place = not word.evse or (word.evse == before.evse and word.connector == before.connector)
    return same_place and not word.token and word.step != "ended"
