"""The session of a transaction, from what was gathered of it. Pure.

Reasons that stand in ``facts["reasons"]`` and what they do to the trust in its energy:

====================  ===============================================================================  ===========
``start_lost``        no first step was heard                                                          estimated
``stop_lost``         no last step was heard and it was given up                                       estimated
``no_begin_read``     no register was read near its begin                                              estimated
``no_end_read``       no register was read near its end                                                estimated
``no_register``       the station never read a register                                                estimated
``clock_off``         the station's clock cannot be right, so times are those of arrival               estimated
``reset``             the register began again at zero (see `registers`)                               estimated
``backwards``         the register ran backwards                                                       disputed
``too_fast``          more passed than the EVSE can give                                               disputed
``rollover``          the register went past its last digit                                            measured
``out_of_line``       single reads that do not fit were left out                                       measured
``outside``           reads before the first or after the last read of the station were left out       measured
``absurd``            values no register can show were left out                                        measured
``by_phase``          the register is the sum of the registers per phase                               measured
``by_interval``       energy was told per interval, not as a register                                  measured
``steps_missing``     numbers of steps are missing (2.x)                                               measured
``unknown_evse``      the station named an EVSE nobody registered                                      as it is
====================  ===============================================================================  ===========
"""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

import msgspec

from dure.core.time import from_us
from dure.services.charging.sessions.gathering import PHASES, Gathered, Reads
from dure.services.charging.sessions.model import Session, SessionState, Trust, session_id
from dure.services.charging.sessions.registers import DISPUTED, Counted, counted
from dure.services.charging.sessions.registers import ESTIMATED as REGISTER_ESTIMATED
from dure.services.charging.sessions.session_rules import SessionRules

US_PER_S = 1_000_000
ESTIMATED = REGISTER_ESTIMATED | {"start_lost", "stop_lost", "no_begin_read", "no_end_read", "no_register", "clock_off"}


class Place(NamedTuple):
    """Where a transaction takes place, as the register has it: `evse` is empty where nobody registered it."""

    charger: str
    site: str = ""
    evse: str = ""
    power_w: float = 0.0


class Key(NamedTuple):
    """Which transaction; `begun_us` only where a station uses one id twice."""

    transaction: str
    begun_us: int = 0


class Assembled(msgspec.Struct, frozen=True):
    """A session, and what had passed until each of its reads (from 0 on, never falling)."""

    session: Session
    series: Counted


def assembled(key: Key, place: Place, gathered: Gathered, rules: SessionRules) -> Assembled:
    """The session of what is known now; with more words it may be another."""
    reasons: list[str] = []
    begin_us, end_us = _begin(gathered, reasons), _end(gathered, reasons)
    reads = _reads(gathered, reasons)
    series = counted([at for at, _ in reads], [wh for _, wh in reads], place.power_w, rules.registers)
    back = sorted(gathered.back.items())
    returned = counted([at for at, _ in back], [wh for _, wh in back], place.power_w, rules.registers)
    reasons += [one for one in (*series.reasons, *returned.reasons) if one not in reasons]
    _judge_edges(reads, begin_us, end_us, rules, reasons)
    if not place.evse:
        reasons.append("unknown_evse")
    if "absurd" in gathered.flags:
        reasons.append("absurd")
    if gathered.seqs and len(gathered.seqs) < max(gathered.seqs) - min(gathered.seqs) + 1:
        reasons.append("steps_missing")
    session = Session(
        id=session_id(place.charger, key.transaction, key.begun_us),
        charger=place.charger,
        site=place.site,
        evse=place.evse,
        transaction=key.transaction,
        state=_state(end_us),
        started_at=from_us(begin_us),
        ended_at=None if end_us is None else from_us(end_us),
        last_at=from_us(gathered.last_us),
        token=gathered.token.token if gathered.token else "",
        begin_wh=reads[0][1] if reads else None,
        end_wh=reads[-1][1] if reads and end_us is not None else None,
        energy_wh=series.wh,
        returned_wh=returned.wh,
        soc=gathered.soc.value if gathered.soc else None,
        power_w=gathered.power.value if gathered.power and end_us is None else None,
        charging_state=gathered.charging.text if gathered.charging else "",
        stopped_reason=gathered.ended.reason if gathered.ended else "",
        trust=_trust(reasons),
        offline="offline" in gathered.flags,
        facts=_facts(gathered, reasons),
    )
    return Assembled(session, series)


def _begin(gathered: Gathered, reasons: list[str]) -> int:
    if "clock_off" in gathered.flags:
        reasons.append("clock_off")
    if gathered.begun is None:
        reasons.append("start_lost")
        return gathered.first_us
    return gathered.begun.at_us


def _end(gathered: Gathered, reasons: list[str]) -> int | None:
    """The last step; where a start was placed later than the end (a clock that was off), nothing lies between."""
    begin_us = gathered.first_us if gathered.begun is None else gathered.begun.at_us
    if gathered.ended is not None:
        return max(gathered.ended.at_us, begin_us)
    if gathered.is_lost:
        reasons.append("stop_lost")
        return max(gathered.last_us, begin_us)
    return None


def _state(end_us: int | None) -> SessionState:
    return "running" if end_us is None else "ended"


def _trust(reasons: list[str]) -> Trust:
    if not DISPUTED.isdisjoint(reasons):
        return "disputed"
    return "measured" if ESTIMATED.isdisjoint(reasons) else "estimated"


def _reads(gathered: Gathered, reasons: list[str]) -> list[tuple[int, int]]:
    """The reads that count, by time: those of the register, else of the phases, else what intervals add up to."""
    found = sorted(gathered.reads.items())
    inner = [
        (at, wh)
        for at, wh in found
        if (gathered.begin_us is None or at >= gathered.begin_us) and (gathered.end_us is None or at <= gathered.end_us)
    ]
    if len(inner) < len(found):
        reasons.append("outside")
    if len(inner) <= 1 and len(gathered.phases) > 1:
        summed = _summed(gathered.phases)
        if len(summed) > len(inner):
            reasons.append("by_phase")
            inner = summed
    if len(inner) <= 1 and gathered.intervals:
        reasons.append("by_interval")
        spans = sorted(gathered.intervals.items())
        first = gathered.first_us if gathered.begun is None else gathered.begun.at_us
        totals = accumulate(wh for _, wh in spans)
        inner = [(min(first, spans[0][0] - 1), 0), *((at, total) for (at, _), total in zip(spans, totals, strict=True))]
    if gathered.before and inner and gathered.begun is None and gathered.begin_us is None:
        at, wh = gathered.before
        inner = [(min(at, inner[0][0] - 1), wh), *inner]
    return inner


def _summed(phases: dict[str, Reads]) -> list[tuple[int, int]]:
    """Registers per phase, added where all phases that are read at all were read at once."""
    known = [phases[one] for one in PHASES if one in phases]
    return [(at, sum(each[at] for each in known)) for at in sorted(known[0]) if all(at in each for each in known)]


def _judge_edges(
    reads: list[tuple[int, int]], begin_us: int, end_us: int | None, rules: SessionRules, reasons: list[str]
) -> None:
    edge_us = rules.endings.edge_s * US_PER_S
    if not reads:
        if end_us is not None:
            reasons.append("no_register")
        return
    if reads[0][0] > begin_us + edge_us:
        reasons.append("no_begin_read")
    if end_us is not None and reads[-1][0] < end_us - edge_us:
        reasons.append("no_end_read")


def _facts(gathered: Gathered, reasons: list[str]) -> dict[str, object]:
    facts: dict[str, object] = {"reasons": reasons, "heard_us": gathered.heard_us}
    if gathered.where is not None:
        facts |= {"evse": gathered.where.evse, "connector": gathered.where.connector}
    if gathered.token is not None:
        facts["allowed"] = gathered.token.allowed
    if gathered.begun is not None:
        for name in ("reservation", "remote_start", "trigger"):
            if value := getattr(gathered.begun, name):
                facts[name] = value
    if "signed" in gathered.flags:
        facts["signed"] = True
    return facts
