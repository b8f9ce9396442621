"""Forecasts of one site from its own past: sun, other load, vehicles. Pure: the same past and recipe give the same numbers."""

from __future__ import annotations

import numpy as np

from dure.services.charging.planning.forecast_model import Forecast, Past, Recipe
from dure.services.charging.planning.problem import Floats, Ints, Need
from dure.services.charging.planning.stays import Stays

CLEAR_DAYS = 14  # whose upper envelope stands for a clear sky
CLEAR_QUANTILE = 0.9
SEEN_SHARE = 0.1  # of a clear day's sun over which the sky of now is measured: an hour at noon, at night the last evening
FADE_H, DULL_FADE_H = 24.0, 48.0  # how fast the sky of now loses its say: a dull one more slowly, to be on the safe side
CLEARER_MAX = 1.1
SURE_H = 3.0  # how fast caution sets in
CELL_H = 1.0  # arrivals are gathered by the hour
STAY_H = (2.0, 5.0)  # and by short, middle and long stay
LEAST_WH = 50.0  # a cell that expects less is left out
EXPECTED = "expected"
FULLER_MIN, FULLER_MAX = 0.4, 1.0  # a full morning is mostly an early one: it is no sign of a fuller day
DOUBT_N = 15.0  # vehicles that must have been expected by now before their number today says as much as days like it


def forecast(past: Past, n: int, recipe: Recipe) -> Forecast:
    """What is expected of the n steps from now on."""
    sun = sun_forecast(past, n) * caution(past, n, recipe.sun_scale)
    expected = expected_needs(past, n, recipe) if recipe.arrivals else ()
    used = {
        "sun": f"clear_sky x {recipe.sun_scale:g}",
        "load": "like_days",
        "arrivals": f"like_days x {recipe.arrivals_scale:g}" if recipe.arrivals else "none",
        "aim_kw": f"{recipe.aim_w / 1_000:g}",
        "recipe": recipe.name,
    }
    return Forecast(
        pv_w=sun, load_w=load_forecast(past, n), expected=expected, aim_w=recipe.aim_w, kept_share=recipe.kept_share, used=used
    )


def caution(past: Past, n: int, scale: float) -> Floats:
    """What a forecast is multiplied by (n,) [1]: nothing is taken off the sun of now, the whole of `scale` off that of later."""
    factor: Floats = 1.0 - (1.0 - scale) * (1.0 - np.exp(-np.arange(n) * past.step_h / SURE_H))
    return factor


def sun_forecast(past: Past, n: int) -> Floats:
    """Sun of the next n steps (n,) [W]: a clear sky, dimmed as it was lately and, the later the more, as it was on average.

    The clear sky at a time of day is the upper envelope of the last fortnight at that time, so that shade, tilt and dirt of
    the generator are in it and nothing about it needs to be known.
    """
    days = min(past.now // past.days.per_day, CLEAR_DAYS)
    if days < 1 or n < 1:
        return np.zeros(n)
    slots = np.arange(n) % past.days.per_day
    by_day = _days_before(past.sun_w, past.days.per_day, days)
    clear, mean = np.quantile(by_day, CLEAR_QUANTILE, axis=0), by_day.mean(axis=0)
    if clear.sum() <= 0:
        return np.zeros(n)
    usual = np.divide(mean, clear, out=np.zeros_like(mean), where=clear > 0)
    now, age = _clearness(past, clear)
    fade_h = DULL_FADE_H if now < mean.sum() / clear.sum() else FADE_H
    fade = np.exp(-(np.arange(n) + age) * past.step_h / fade_h)
    sun_w: Floats = (fade * now + (1.0 - fade) * usual[slots]) * clear[slots]
    return sun_w


def sun_as_yesterday(past: Past, n: int) -> Floats:
    """Sun of the next n steps (n,) [W] as it was a day before; none where no day is known."""
    per_day = past.days.per_day
    found: Floats = past.sun_w[-per_day:][np.arange(n) % per_day] if past.now >= per_day else np.zeros(n)
    return found


def _days_before(values: Floats, per_day: int, days: int) -> Floats:
    """The last `days` days up to now (days, per_day): column j is as long after a day's `now` as it will be after this one."""
    return np.stack([values[len(values) - per_day * (k + 1) : len(values) - per_day * k] for k in range(days)])


def _clearness(past: Past, clear: Floats) -> tuple[float, float]:
    """Sun of the last steps by a clear sky's [1], and how many steps ago that was: as far back as there was enough to see."""
    before = clear[::-1]  # of the step before now, of the one before that, ...
    steps = int(np.searchsorted(np.cumsum(before), SEEN_SHARE * clear.sum())) + 1
    seen = before[:steps].sum()
    age = float(np.arange(steps) @ before[:steps] / seen)
    return float(np.clip(past.sun_w[-steps:].sum() / seen, 0.0, CLEARER_MAX)), age


def load_forecast(past: Past, n: int) -> Floats:
    """Other load of the next n steps (n,) [W]: the mean of the last days of the same kind."""
    per_day, today = past.days.per_day, past.now // past.days.per_day
    if not past.load_w.any():
        return np.zeros(n)
    found = np.zeros(n)
    steps = past.now + np.arange(n)
    for day in range(int(today), int(steps[-1] // per_day) + 1 if n else int(today)):
        here = steps // per_day == day
        like = past.days.like(day, today, 4)
        if like:
            profile = np.mean([past.load_w[one * per_day : (one + 1) * per_day] for one in like], axis=0)
            found[here] = profile[steps[here] % per_day]
    return found


def expected_needs(past: Past, n: int, recipe: Recipe) -> tuple[Need, ...]:
    """Vehicles that may come in the next n steps, as the mean of the last days like each.

    Stays of those days are gathered in cells (hour of arrival, length of stay); a cell is one need with the energy and the
    power of all its stays over the number of days: at a busy site the mean of many is near to what comes, and
    `arrivals_scale` above 1 covers what is not. A cell that reaches past the horizon needs its share up to there.
    """
    per_day = past.days.per_day
    today, last = past.now // per_day, (past.now + n - 1) // per_day
    parts = []
    for day in range(today, last + 1):
        like = past.days.like(day, today, recipe.like_days)
        if like:
            share = _fuller(past, like) if day == today else 1.0
            parts.append(_moved(past.stays, like, day, per_day, share))
    if not parts:
        return ()
    arrive, stay, need, power = (np.concatenate([part[i] for part in parts]) for i in range(4))
    ahead = (arrive > past.now) & (arrive < past.now + n)
    return _cells(past, n, (arrive[ahead] - past.now, stay[ahead], need[ahead], power[ahead]), recipe)


def _fuller(past: Past, like: list[int]) -> float:
    """How full today is beside days like it, by the vehicles that came up to now [1]: at most as full."""
    per_day, so_far = past.days.per_day, past.now % past.days.per_day
    usual = past.came[np.isin(past.came // per_day, like)] % per_day
    expected = float((usual <= so_far).sum()) / len(like)
    came = float((past.came // per_day == past.now // per_day).sum())
    return min(max((came + DOUBT_N) / (expected + DOUBT_N), FULLER_MIN), FULLER_MAX)


def _moved(stays: Stays, like: list[int], day: int, per_day: int, fuller: float) -> tuple[Ints, Ints, Floats, Floats]:
    """Stays of days like `day` as if they came on it, each with its share: arrival, stay [steps], energy, power."""
    chosen = np.isin(stays.arrive // per_day, like)
    shift = (day - stays.arrive[chosen] // per_day) * per_day
    share = fuller / len(like)
    stay = stays.depart[chosen] - stays.arrive[chosen]
    return stays.arrive[chosen] + shift, stay, stays.need_wh[chosen] * share, stays.max_w[chosen] * share


def _cells(past: Past, n: int, rows: tuple[Ints, Ints, Floats, Floats], recipe: Recipe) -> tuple[Need, ...]:
    arrive, stay, need, power = rows
    if not len(arrive):
        return ()
    width = max(1, round(CELL_H / past.step_h))
    bounds = np.array([one / past.step_h for one in STAY_H])
    cell = (arrive + past.now) // width * (len(bounds) + 1) + np.searchsorted(bounds, stay, side="right")
    names, where = np.unique(cell, return_inverse=True)
    energy, most_w = np.bincount(where, need), np.bincount(where, power)
    begin = np.rint(np.bincount(where, arrive * need) / energy).astype(int)
    end = np.rint(np.bincount(where, (arrive + stay) * need) / energy).astype(int)
    found: list[Need] = []
    for k, name in enumerate(names):
        first = max(1, int(begin[k]))
        depart = max(int(end[k]), first + 1)
        within = min(depart, n)
        wh = float(energy[k]) * recipe.arrivals_scale
        if wh < LEAST_WH or within <= first:
            continue
        most = max(float(most_w[k]) * recipe.arrivals_scale, wh / ((depart - first) * past.step_h))
        share = (within - first) / (depart - first)
        found.append(Need(id=f"{EXPECTED}-{name}", arrive=first, depart=within, need_wh=wh * share, max_w=most, expected=True))
    return tuple(found)
