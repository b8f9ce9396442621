"""An event and a method make a claim, with its working; or a reason why not, or not yet. Pure but for reading rule packs.

What cannot be decided yet is *parked* with a code (no method or factor for the date, a clock that is wrong, words missing); what
can be decided and is not allowed becomes a *refused* claim, so that it stands somewhere that it was asked and why it was not.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from dure.core.events import Event
from dure.core.rules import Basis
from dure.core.text import Text
from dure.core.time import Interval
from dure.services.carbon.claiming import methods
from dure.services.carbon.claiming.event_words import Missing, Unread, evidence_at, interval_at, number_at, readings_at, words_at
from dure.services.carbon.claiming.factor_reading import grams_per
from dure.services.carbon.claiming.formula import Result, number, run, spelled
from dure.services.carbon.claiming.judging import NOTHING_SHOWN
from dure.services.carbon.claiming.methods import ONE_SIDED, Method
from dure.services.carbon.claiming.working import Working
from dure.services.carbon.model import Claim, Refused, Stretch
from dure.services.carbon.programmes import Programme
from dure.services.carbon.transparency.log_rules import log_rules

HOUR = timedelta(hours=1)


class Parked(NamedTuple):
    """Why an event waits: a code and words; whatever lacks may come."""

    code: str
    why: Text


class Assessed(NamedTuple):
    """A claim to be made, or (`against`) one that is refused as it is asked."""

    claim: Claim
    working: Working
    against: Refused | None = None


class Asking(NamedTuple):
    """What an event is assessed with: the method, its programme, the city's folder, day and instant of the claim."""

    method: Method
    programme: Programme
    folder: Path | None
    as_of: date
    at: datetime


def claim_id(event: str, method: str, programme: str, attribute: str) -> str:
    """Id of a claim: the same event, method, programme and attribute are the same claim."""
    return "clm-" + hashlib.sha256(f"{event}\n{method}\n{programme}\n{attribute}".encode()).hexdigest()[:20]


def assessed(event: Event, by: Asking, on: date) -> Assessed | Parked:
    """What a method makes of an event.

    Parameters
    ----------
    on : local day the interval ends on; rules and factors are those of this day, known as of the claim's day
    """
    try:
        span = interval_at(event, by.method.interval_of)
        gathered = _Gathering(event, by, on)
        inputs = gathered.inputs()
        if isinstance(inputs, Parked):
            return inputs
        result = run(by.method.steps, inputs)
        if isinstance(result, Refused):
            return Parked(result.code, result.reason)
        working = gathered.working(inputs)
        claim = _claim(event, by, (span, result), (inputs, gathered.factors))
        against = excluded(claim.stretches, on, by.folder) or _beyond(event, by, claim, inputs, on) or _nothing(claim)
        return Assessed(claim, working, against)
    except Unread as error:
        return _unread(error)


class _Gathering:
    """Inputs of a formula, each with where it came from."""

    def __init__(self, event: Event, by: Asking, on: date) -> None:
        self._event, self._by, self._on = event, by, on
        self.factors: list[str] = []
        self._sources: dict[str, str] = {}
        self._bases: list[Basis] = []

    def inputs(self) -> dict[str, str] | Parked:
        """All inputs, or what is missing."""
        method = self._by.method
        found = {}
        for name, path in method.reads.items():
            found[name] = number_at(self._event, path)
            self._sources[name] = f"event:{path.partition('?')[0]}"
        for part in (self._numbers(), self._interval(), self._factors()):
            if isinstance(part, Parked):
                return part
            found |= part
        return found

    def working(self, inputs: dict[str, str]) -> Working:
        """What is kept of it."""
        event, words = self._event, self._event.data.get("decision")
        digest = str(evidence_at(event, self._by.method.interval_of).get("readings_sha256", ""))
        return Working(
            steps=self._by.method.steps,
            inputs=inputs,
            sources=self._sources,
            event_type=event.type,
            subject=event.subject,
            decision=words if isinstance(words, str) else "",
            on=self._on,
            as_of=self._by.as_of,
            provisional=tuple(dict.fromkeys(one.rule for one in self._bases if one.provisional)),
            readings=readings_at(event, digest, log_rules(self._by.as_of, self._by.folder).bundle_readings_n),
        )

    def _numbers(self) -> dict[str, str] | Parked:
        found = {}
        for name in self._by.method.parameters:
            row = methods.parameter(name, self._on, self._by.folder)
            if row is None:
                return _parked("claim.method_missing", f"[[parameters]] {name}", self._on)
            found[name] = self._kept(name, row)
        return found

    def _interval(self) -> dict[str, str] | Parked:
        path = self._by.method.confidence
        if not path:
            return {}
        level = str(float(number(number_at(self._event, path))))
        row = methods.one_sided(level, self._on, self._by.folder)
        if row is None:
            return _parked("claim.confidence_unknown", f"[[one_sided]] {level}", self._on)
        return {ONE_SIDED: self._kept(ONE_SIDED, row)}

    def _factors(self) -> dict[str, str] | Parked:
        found = {}
        for name, wanted in self._by.method.factors.items():
            (kind,) = words_at(self._event, wanted.kind)[:1]
            asked = (kind, wanted.unit, self._by.programme.factor_programme)
            answer = grams_per(asked, on=self._on, as_of=self._by.as_of, folder=self._by.folder)
            if isinstance(answer, Refused):
                return Parked("claim.factor_missing", answer.reason)
            found[name] = spelled(answer.grams)
            self._sources[name] = f"factor:{answer.row}"
            self.factors += [one for one in (answer.row, *answer.rules) if one not in self.factors]
            self._bases += answer.bases
        return found

    def _kept(self, name: str, row: tuple[str, Basis]) -> str:
        value, basis = row
        self._sources[name] = f"rule:{basis.rule}"
        self._bases.append(basis)
        return spelled(number(value))


def _claim(event: Event, by: Asking, told: tuple[Interval, Result], used: tuple[dict[str, str], Sequence[str]]) -> Claim:
    (span, result), (_, rows) = told, used
    method = by.method
    stretches = tuple(
        Stretch(source=source, attribute=one.attribute, start=span.start, end=span.end)
        for one in method.stretches
        for source in words_at(event, one.source)
    )
    evidence = evidence_at(event, method.interval_of)
    return Claim(
        id=claim_id(event.id, method.ref, by.programme.id, method.stretches[0].attribute),
        event=event.id,
        stretches=stretches,
        programme=by.programme.id,
        holder=words_at(event, method.holder)[0],
        tier=by.programme.tier,
        quantity=math.floor(result.values[method.quantity]),
        unit=method.unit,
        grams=0 if by.programme.tier == "C" else result.grams,
        point_grams=result.point_grams,
        won=0,
        method=method.ref,
        factors=tuple(dict.fromkeys((*rows, *(str(one) for one in evidence.get("factors", ()))))),
        readings_sha256=str(evidence.get("readings_sha256", "")),
        made_at=by.at,
    )


def _beyond(event: Event, by: Asking, claim: Claim, inputs: dict[str, str], on: date) -> Refused | None:
    """Why what was measured cannot be: below 0, or more than such a source can do in that time."""
    negative = [name for name in by.method.reads if number(inputs[name]) < 0 and not by.method.confidence]
    if negative:
        words = Text(f"음수입니다: {', '.join(negative)}", f"Below 0: {', '.join(negative)}.")
        return Refused("claim.negative", words)
    if claim.grams > max(claim.point_grams, 0):
        words = Text("구간의 아래 끝이 최적 추정보다 큽니다.", "The lower end of the interval is above the best estimate.")
        return Refused("claim.absurd", words)
    stretch = claim.stretches[0]
    row = methods.bound(by.method.id, event.subject, on, by.folder)
    hours = math.ceil((stretch.end - stretch.start) / HOUR)
    if row is None or abs(claim.quantity) <= row.most_per_h * hours:
        return None
    most = row.most_per_h * hours
    return Refused(
        "claim.absurd",
        Text(
            f"{hours}시간에 {claim.quantity:,} {claim.unit}은(는) 이 원천의 한도 {most:,} {claim.unit}을(를) 넘습니다.",
            f"{claim.quantity:,} {claim.unit} in {hours} h are more than this source can do: {most:,} {claim.unit}.",
        ),
    )


def _nothing(claim: Claim) -> Refused | None:
    """That nothing is credited, which is no fault: the lower bound is not above 0."""
    return None if claim.grams or claim.tier == "C" else NOTHING_SHOWN


def excluded(stretches: tuple[Stretch, ...], on: date, folder: Path | None) -> Refused | None:
    """Why what is claimed counts in another scheme already; None when no row says so."""
    for row in methods.exclusions(on, folder):
        hit = next((one for one in stretches if row.holds_for(one.source, one.attribute)), None)
        if hit is not None:
            return Refused(
                "claim.excluded",
                Text(
                    f"{hit.source}은(는) {row.scheme}에서 세고 있습니다({row.id}).",
                    f"{hit.source} is counted in {row.scheme} ({row.id}).",
                ),
            )
    return None


def _parked(code: str, what: str, on: date) -> Parked:
    return Parked(code, Text(f"{on}에 쓸 {what} 행이 없습니다.", f"No row {what} holds on {on}."))


def _unread(error: Unread) -> Parked:
    code, ko, en = _UNREAD[error.kind]
    return Parked(code, Text(ko.format(path=error.path), en.format(path=error.path)))


_UNREAD: dict[Missing, tuple[str, str, str]] = {
    "missing": ("claim.evidence_missing", "사건에 {path}이(가) 없습니다.", "The event does not say {path}."),
    "unreadable": ("claim.evidence_unreadable", "사건의 {path}을(를) 읽을 수 없습니다.", "{path} of the event cannot be read."),
    "not_shown": (
        "claim.not_judged",
        "{path}은(는) 아직 판정되지 않았습니다.",
        "{path} was not judged: there was too little to go by.",
    ),
}


def skewed(event: Event, span: Interval, now: datetime, clocks: tuple[timedelta, timedelta]) -> Parked | None:
    """Why the times of an event cannot be: ahead of ours, years ago, or told before what it tells was over."""
    ahead, old = clocks
    if max(event.time, span.end) > now + ahead:
        return Parked("claim.time_future", Text("사건의 시각이 미래입니다.", "The event speaks of a time that has not come."))
    if min(event.time, span.start) < now - old:
        return Parked("claim.time_past", Text("사건의 시각이 너무 오래전입니다.", "The event speaks of a time too long ago."))
    if event.time + ahead < span.end:
        return Parked(
            "claim.time_reversed", Text("기간이 끝나기 전에 알린 사건입니다.", "The event was told before its interval was over.")
        )
    return None
