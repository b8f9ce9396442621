"""What is known of one transaction from the words about it: the same words in any order, or twice, gather to the same.

Everything here is a greatest, a least or a union: order and repetition cannot matter. `assembling` makes the session of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from dure.services.charging.central.words import Sample, Sampled, TransactionSaid
from dure.services.charging.sessions.clocks import Placed, placed, sample_at
from dure.services.charging.sessions.session_rules import ClockRow

IMPORT = "Energy.Active.Import.Register"
EXPORT = "Energy.Active.Export.Register"
INTERVAL = "Energy.Active.Import.Interval"
POWER = "Power.Active.Import"
POWER_BACK = "Power.Active.Export"
SOC = "SoC"
PHASES = ("L1", "L2", "L3")
BEGIN, END = "Transaction.Begin", "Transaction.End"
LATE = 2**62
READ_MOST_WH = 10**12  # a hundred times the largest register that begins again at zero: what lies above is no register

Reads = dict[int, int]


class Edge(msgspec.Struct, frozen=True, order=True, array_like=True):
    """The first or the last step of a transaction, as told."""

    at_us: int
    said_us: int
    heard_us: int
    trigger: str = ""
    reason: str = ""
    reservation: int = 0
    remote_start: int = 0


class Where(msgspec.Struct, frozen=True, order=True, array_like=True):
    """The EVSE or token a word named; the least one stands, so that the word of the start wins."""

    rank: int
    heard_us: int
    at_us: int
    evse: int = 0
    connector: int = 1
    token: str = ""
    allowed: bool = True


class Newest(msgspec.Struct, frozen=True, order=True, array_like=True):
    """A value that only counts while it is the newest."""

    at_us: int
    value: float = 0.0
    text: str = ""


class Gathered(msgspec.Struct, array_like=True):
    """All that is known of a transaction. Reads are by time [us since 1970 UTC], in Wh.

    Attributes
    ----------
    reads, back : of the register of energy given, and taken back; phases : of registers per phase, by phase
    intervals : Wh that passed until then, from stations without a register
    begin_us, end_us : times of the reads that the station calls the first and the last
    seqs : numbers of steps that came (2.x)
    lost_us : it was given up as nothing was heard after this time
    before : the read of the EVSE before anything was heard of this transaction
    """

    begun: Edge | None = None
    ended: Edge | None = None
    where: Where | None = None
    token: Where | None = None
    reads: Reads = {}  # msgspec copies an empty default for every instance
    back: Reads = {}
    phases: dict[str, Reads] = {}
    intervals: Reads = {}
    begin_us: int | None = None
    end_us: int | None = None
    power: Newest | None = None
    soc: Newest | None = None
    charging: Newest | None = None
    seqs: set[int] = set()
    first_us: int = LATE
    last_us: int = -LATE
    heard_us: int = -LATE
    flags: set[str] = set()
    lost_us: int | None = None
    before: tuple[int, int] | None = None

    def take(self, word: TransactionSaid | Sampled, rules: ClockRow) -> Placed:
        """Take in one word; when it happened."""
        if isinstance(word, TransactionSaid):
            return self._take_step(word, rules)
        newest = max((one.at_us for one in word.samples), default=word.heard_us)
        at = placed(newest, word.heard_us, rules)
        self._seen(at, word.heard_us)
        if word.evse:
            self.where = _least(self.where, Where(2, word.heard_us, at.at_us, word.evse))
        self._take_samples(word.samples, at, word.heard_us, rules)
        return at

    def lose(self, after_us: int) -> None:
        """Nothing was heard after this time: it is over unless something is heard again."""
        self.lost_us = after_us if self.lost_us is None else max(self.lost_us, after_us)

    @property
    def is_lost(self) -> bool:
        """Whether it was given up and nothing has been heard since."""
        return self.ended is None and self.lost_us is not None and self.last_us <= self.lost_us

    def _take_step(self, word: TransactionSaid, rules: ClockRow) -> Placed:
        at = placed(word.at_us, word.heard_us, rules)
        self._seen(at, word.heard_us)
        if word.offline:
            self.flags.add("offline")
        if word.evse:
            rank = 0 if word.step == "started" else 1
            self.where = _least(self.where, Where(rank, word.heard_us, at.at_us, word.evse, word.connector))
        if word.token:
            rank = 1 if word.step == "ended" else 0
            said = Where(rank, word.heard_us, at.at_us, token=word.token, allowed=word.allowed)
            self.token = _least(self.token, said)
        if word.seq_no >= 0:
            self.seqs.add(word.seq_no)
        if word.charging_state:
            self.charging = _most(self.charging, Newest(at.at_us, text=word.charging_state))
        edge = Edge(at.at_us, word.at_us, word.heard_us, word.trigger, word.stopped_reason, word.reservation, word.remote_start)
        if word.step == "started":
            self.begun = _least(self.begun, edge)
            self._bound(word.begin_wh, at.at_us, is_begin=True)
        elif word.step == "ended":
            self.ended = _most(self.ended, edge)
            self._bound(word.end_wh, at.at_us, is_begin=False)
        self._take_samples(word.samples, at, word.heard_us, rules)
        return at

    def _bound(self, wh: int | None, at_us: int, *, is_begin: bool) -> None:
        if wh is None:
            return
        if not is_register(wh):
            self.flags.add("absurd")
            return
        _read(self.reads, at_us, wh)
        if is_begin:
            self.begin_us = at_us if self.begin_us is None else min(self.begin_us, at_us)
        else:
            self.end_us = at_us if self.end_us is None else max(self.end_us, at_us)

    def _take_samples(self, samples: Iterable[Sample], word: Placed, heard_us: int, rules: ClockRow) -> None:
        for one in samples:
            at_us = sample_at(one.at_us, word, heard_us, rules)
            if one.signed:
                self.flags.add("signed")
            if one.measurand == SOC:
                self.soc = _most(self.soc, Newest(at_us, one.value))
            elif one.measurand in {POWER, POWER_BACK} and not one.phase:
                self.power = _most(self.power, Newest(at_us, one.value if one.measurand == POWER else -one.value))
            elif one.location in {"Outlet", ""}:
                self._take_register(one, at_us)

    def _take_register(self, one: Sample, at_us: int) -> None:
        if one.measurand not in {IMPORT, EXPORT, INTERVAL}:
            return
        if not is_register(one.value):
            self.flags.add("absurd")
            return
        wh = round(one.value)
        if one.measurand == EXPORT and not one.phase:
            _read(self.back, at_us, wh)
        elif one.measurand == INTERVAL and not one.phase:
            _read(self.intervals, at_us, wh)
        elif one.measurand == IMPORT and one.phase in PHASES:
            _read(self.phases.setdefault(one.phase, {}), at_us, wh)
        elif one.measurand == IMPORT and not one.phase:
            _read(self.reads, at_us, wh)
            if one.context == BEGIN:
                self._bound(wh, at_us, is_begin=True)
            elif one.context == END:
                self._bound(wh, at_us, is_begin=False)

    def _seen(self, at: Placed, heard_us: int) -> None:
        self.first_us = min(self.first_us, at.at_us)
        self.last_us = max(self.last_us, at.at_us)
        self.heard_us = max(self.heard_us, heard_us)
        if at.is_off:
            self.flags.add("clock_off")


_Ordered = TypeVar("_Ordered", Edge, Where, Newest)


def is_register(wh: float) -> bool:
    """Whether a register can show that; a station may send any number."""
    return -READ_MOST_WH <= wh <= READ_MOST_WH


def _read(reads: Reads, at_us: int, wh: int) -> None:
    """Two values for one instant cannot both be: the greater stands, whichever came first."""
    known = reads.get(at_us)
    if known is None or known < wh:
        reads[at_us] = wh


def _least(one: _Ordered | None, other: _Ordered) -> _Ordered:
    return other if one is None or other < one else one


def _most(one: _Ordered | None, other: _Ordered) -> _Ordered:
    return other if one is None or one < other else one
