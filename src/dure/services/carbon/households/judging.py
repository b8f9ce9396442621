"""A household's half-year judged: what it would have used in this weather, what it used, which band is sure. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import msgspec

from dure.services.carbon.households import judging_words as words
from dure.services.carbon.households.bands import bill_average_cut, decided
from dure.services.carbon.households.degree_days import StationWeather
from dure.services.carbon.households.energy_rules import JudgingRules
from dure.services.carbon.households.fitting import Model, fit
from dure.services.carbon.households.model import MILLI, Bill, Home, Judgement, MonthLine, Reach
from dure.services.carbon.households.periods import HALF, YEAR, Month, Period
from dure.services.carbon.households.placebo import score
from dure.services.carbon.households.reading_bills import Stretch, stretches, with_weather
from dure.services.carbon.households.saving import Saving, saving


class Asked(NamedTuple):
    """What is judged: a home's bills of one utility, and the weather at its station."""

    home: Home
    bills: Sequence[Bill]
    weather: StationWeather


class _Split(NamedTuple):
    """Readings of the past and of the period; `months` counts those of the period that count."""

    history: list[Stretch]
    period: list[Stretch]


def judge(asked: Asked, period: Period, rules: JudgingRules, times: float | None = None) -> Judgement:
    """Judge a half-year of one utility.

    Parameters
    ----------
    asked : of `rules.utility`; each month at most once, all in one unit
    times : spreads from estimate to bound, as measured at homes that changed nothing; None: by Student's t

    Returns
    -------
    The judgement; when there is too little to go by, or the home is no longer the same, it says which and pays nothing
    """
    blank = Judgement(
        utility=rules.utility,
        period=str(period),
        code="",
        reason=words.NONE,
        unit=asked.bills[0].unit if asked.bills else "",
        rules=rules.version,
        provisional=rules.provisional,
        average_cut=_average_cut(asked.bills, period),
    )
    split = _split(asked, period, rules)
    code = _against_home(asked.home, period, rules) or _against_history(asked, split.history, period, rules)
    if code:
        return _told(blank, code, split)
    model = _fitted(split, rules)
    if model is None:
        return _told(blank, "household.no_use", split)
    counted = _lived_in(split, model, rules)
    if sum(len(one.months) for one in counted.period if not one.left_out) < rules.period_least:
        return _told(blank, _why_short(counted.period), counted, model)
    found = saving(model, [one.row for one in counted.period if not one.left_out], rules.spread, times)
    if found is None:
        return _told(blank, "household.no_use", counted, model)
    return _decided(blank, found, rules, (counted, model))


def _split(asked: Asked, period: Period, rules: JudgingRules) -> _Split:
    """Readings of the past, of as many people as live there now, and those of the period."""
    start = period.first.place
    there = [with_weather(one, asked.weather) for one in stretches(asked.bills)]
    now = asked.home.people_on(period.start)
    history = [
        one if asked.home.people_on(one.first) == now else one.without("people")
        for one in there
        if start - rules.history_months <= one.months[0]
        and one.months[-1] < start
        and one.first >= asked.home.since
        and not (rules.utility == "electricity" and asked.home.solar_since is not None and one.first < asked.home.solar_since)
    ]
    inside = [one for one in there if start <= one.months[0] and one.months[-1] < start + HALF]
    across = [one for one in there if one.months[0] < start <= one.months[-1] or one.months[0] < start + HALF <= one.months[-1]]
    return _Split(history, sorted(inside + [one.without("estimated") for one in across]))


def _against_home(home: Home, period: Period, rules: JudgingRules) -> str:
    """Why the home is not the same home any more; empty when it is."""
    if home.since > period.start or (home.until is not None and home.until < period.end):
        return "household.moved"
    if any(period.start < one.since < period.end and one.count != home.people_on(period.start) for one in home.people):
        return "household.people_changed"
    solar = home.solar_since
    if rules.utility == "electricity" and solar is not None and period.start < solar < period.end:
        return "household.solar"
    return ""


def _against_history(asked: Asked, history: list[Stretch], period: Period, rules: JudgingRules) -> str:
    """Why the past does not carry a model; empty when it does."""
    good = [one for one in history if not one.left_out]
    n = sum(len(one.months) for one in good)
    seasons = {Month(place).of_year for one in good for place in one.months}
    if n >= rules.history_least and len(seasons) >= rules.season_least:
        return ""
    start = period.first.place
    back = Month(start - rules.history_least).first
    if asked.home.since > back:
        return "household.moved"
    if rules.utility == "electricity" and asked.home.solar_since is not None and asked.home.solar_since > back:
        return "household.solar"
    left = Counter(one.left_out for one in history if one.left_out)
    if left:
        why, count = left.most_common(1)[0]
        if n + count >= rules.history_least:
            return words.HISTORY_LEFT_OUT[why]
    return "household.history_short" if n < rules.history_least else "household.season_unseen"


def _fitted(split: _Split, rules: JudgingRules) -> Model | None:
    """The model of the past; months far below what it expects were not lived in, and it is fitted again without them."""
    good = [one for one in split.history if not one.left_out]
    model = fit([one.row for one in good], rules.bases, rules.noise_share_least)
    if model is None:
        return None
    kept = [one for one in good if not _vacant(one, model, rules)]
    if len(kept) == len(good) or sum(len(one.months) for one in kept) < rules.history_least:
        return model
    return fit([one.row for one in kept], rules.bases, rules.noise_share_least) or model


def _lived_in(split: _Split, model: Model, rules: JudgingRules) -> _Split:
    return _Split(
        *([one.without("vacant") if not one.left_out and _vacant(one, model, rules) else one for one in part] for part in split)
    )


def _vacant(one: Stretch, model: Model, rules: JudgingRules) -> bool:
    row = one.row
    return row.per_day < rules.vacant_share * model.per_day(row.weather)


def _why_short(period: list[Stretch]) -> str:
    """The reason most of the months that do not count have; months that are not there count as missing."""
    left = Counter(dict.fromkeys(words.PERIOD_LEFT_OUT, 0))
    for one in period:
        if one.left_out:
            left[one.left_out] += len(one.months)
    left["missing"] = HALF - len({place for one in period for place in one.months})
    return words.PERIOD_LEFT_OUT[left.most_common(1)[0][0]]


def _decided(blank: Judgement, found: Saving, rules: JudgingRules, seen: tuple[_Split, Model]) -> Judgement:
    split, model = seen
    expected = math.floor(found.expected * MILLI)
    used = sum(one.milli for one in split.period if not one.left_out)
    half = math.ceil(found.half * MILLI)
    if expected <= 0:
        return _told(blank, "household.no_use", split, model)
    band = decided(Fraction(expected - used, expected), Fraction(expected - used - half, expected), rules.bands, rules.award_on)
    code = "household.band" if band else "household.below_band" if expected - used - half > 0 else "household.not_shown"
    needed = half if rules.award_on == "bound" else 0
    return _told(
        blank,
        code,
        split,
        model,
        won=band.won if band else 0,
        band=band.rule if band else "",
        expected_milli=expected,
        used_milli=used,
        half_milli=half,
        times=found.times,
        score=score(found),
        reach=tuple(
            Reach(
                percent=one.cut * 100,
                won=one.won,
                use_milli=max(0, min(math.floor(expected * (1 - one.cut)) - needed, expected - half - 1)),
                rule=one.rule,
            )
            for one in rules.bands
        ),
    )


def _told(blank: Judgement, code: str, split: _Split, model: Model | None = None, **more: Any) -> Judgement:
    return msgspec.structs.replace(
        blank,
        code=code,
        reason=words.REASONS[code],
        history=tuple(_line(one, model) for one in split.history),
        months=tuple(_line(one, model) for one in split.period),
        **more,
    )


def _line(one: Stretch, model: Model | None) -> MonthLine:
    expected = None
    if model is not None and one.weather is not None:
        expected = math.floor(model.per_day(one.weather) * (one.end - one.first).days * MILLI)
    return MonthLine(months=one.months, used_milli=one.milli, expected_milli=expected, left_out=one.left_out)


def _average_cut(bills: Sequence[Bill], period: Period) -> float | None:
    """The cut by the published rule: bills as they are, estimated or not."""
    by_month = {one.month: one.milli for one in bills}
    now = [by_month.get(one.place) for one in period.months]
    if any(one is None for one in now):
        return None
    past = [[by_month[place] for place in (one.place - YEAR, one.place - 2 * YEAR) if place in by_month] for one in period.months]
    return bill_average_cut(past, [one for one in now if one is not None])
