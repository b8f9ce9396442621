"""What the environment's pages show in the test city: grades, a finding, alerts, calibrations, messages, hidden values.

Every row comes by the functions that make it in a running house; nothing is written into tables by hand.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import numpy as np
from demo_city import NOW, RunningCity, post

from dure.core.observations import Batch, Check, Flag
from dure.core.time import format_instant, to_us
from dure.engines.records.audit import By
from dure.services.environment.alerting import alert_records, alert_rounds, subscription_records
from dure.services.environment.alerting.alerts import MEAN, Measured
from dure.services.environment.alerting.subscriptions import Subscription
from dure.services.environment.calibrating import calibration_records as calibrations
from dure.services.environment.calibrating.calibration import starting_model
from dure.services.environment.calibrating.calibration_fit import Pairs, fit_co_location
from dure.services.environment.calibrating.calibration_rehearsal import co_located
from dure.services.environment.calibrating.calibration_rules import calibration_rules
from dure.services.environment.faults import findings
from dure.services.environment.faults.findings import Seen, Verdict
from dure.services.environment.watches.index_watch import IndexWatch
from dure.services.environment.watches.station_register import StationRegister
from dure.services.environment.watches.weather_watch import WeatherWatch
from dure.spine.live import LiveValue

HOUR_US, TEN_MINUTES_US = 3_600_000_000, 600_000_000
HIDDEN, SUSPECT = "mini-seogu", "mini-neung"  # stations whose newest PM10 failed a check, or is doubted
FAULTY, NEIGHBOURS = "air-bansong", ("air-cheonggye-dongtan-myeon", "air-haengjeong-hyangnam", "air-namyang")
LEVELS = {
    "river-baeyang": {
        "water_temperature": 8.4, "ph": 7.3, "dissolved_oxygen": 8.9, "electrical_conductivity": 410.0,
        "turbidity": 6.1, "toc": 4.2, "tn": 3.1, "tp": 0.11,
    },
    "noise-baeyang": {"noise_leq": 63.0},
}  # fmt: skip


def furnish(running: RunningCity) -> dict[str, str]:
    """Fill the city; addresses of what is in it, by name."""
    made: dict[str, str] = {}
    for asset, levels in LEVELS.items():
        _measured(running, asset, levels)
    for task in (_subscribed, _alerted, _found, _calibrated):
        made |= running.call(asyncio.to_thread(task, running))
    for asset, value in ((HIDDEN, 4_200.0), (SUSPECT, 700.0)):
        sent = {"property": "pm10", "value": value, "time": format_instant(NOW - timedelta(seconds=20))}
        assert post(running, asset, [sent], wait="stored") == 202
    running.call(_graded(running))
    return made


def _measured(running: RunningCity, asset: str, levels: dict[str, float]) -> None:
    """Steady series of three days up to now, a value every ten minutes, with a daily swing of a twentieth."""
    now_us = to_us(NOW)
    time = now_us - TEN_MINUTES_US // 10 - np.arange(3 * 144, dtype=np.int64)[::-1] * TEN_MINUTES_US
    swing = 1 + 0.05 * np.sin(2 * np.pi * (time % (24 * HOUR_US)) / (24 * HOUR_US))
    n, keys = len(time), [(asset, name) for name in levels]
    ones = np.ones(n * len(keys), np.uint8)
    value = np.concatenate([level * swing for level in levels.values()])
    every = np.tile(time, len(keys))
    series = np.repeat(np.arange(len(keys), dtype=np.int32), n)
    running.house.telemetry.append(
        Batch(keys, series, every, every + 1_000_000, value, ones, 0 * ones, np.zeros(len(every), np.int64)), {}
    )
    last = int(time[-1])
    running.house.live.load(
        LiveValue(asset, name, last, last + 1_000_000, level * float(swing[-1]), Flag.GOOD, Check.NONE)
        for name, level in levels.items()
    )


async def _graded(running: RunningCity) -> None:
    """One round of indices, weather and noise."""
    stations = StationRegister(running.house)
    index = IndexWatch(running.house, stations)
    await index.look()
    await index.look_at_noise()
    await index.keep(await WeatherWatch(running.house, stations).look())


def _subscribed(running: RunningCity) -> dict[str, str]:
    """The administrator asked for everything, in the inbox, and by e-mail, which waits for its link."""
    wishes = [("in_app", "sub-inbox", running.admin), ("email", "sub-mail", "city@example.org")]
    with running.house.records.begin() as connection:
        for channel, ident, target in wishes:
            wish = Subscription(
                id=ident, person=running.admin, channel=channel, target=target, language="ko", created_at=NOW, updated_at=NOW
            )
            subscription_records.add(connection, wish, By("test", NOW))
    return {}


def _alerted(running: RunningCity) -> dict[str, str]:
    """Fine dust over its criteria that nobody acknowledged, ozone that somebody did, and a warning that is over."""
    house, city = running.house, running.house.city.id
    now_us, made = to_us(NOW) // HOUR_US * HOUR_US, {}
    told: list[tuple[str, str, str, list[float]]] = [
        ("pm10", "air-warning-pm10", "air-namyang", [171.0, 186.0]),
        ("o3", "air-warning-o3", "air-bansong", [0.131]),
        ("over", "air-warning-pm2-5", "air-namyang", [92.0, 95.0, 12.0, 11.0, 11.0]),
    ]
    for name, rule, source, values in told:
        first = now_us - (len(values) + (12 if name == "over" else 0)) * HOUR_US
        readings = [
            Measured(rule=rule, scope=city, start_us=first + n * HOUR_US, values={source: value, MEAN: value * 0.6})
            for n, value in enumerate(values)
        ]
        changes = alert_rounds.advance(house, readings, NOW - timedelta(hours=1))
        assert changes, f"{rule} told nothing"
        with house.records.read() as connection:
            wanted = {one.rule: one.id for one in alert_records.listing(connection, alert_records.Wanted()).items}
        made[name] = f"/operations/environment/alerts/{wanted[rule]}"
        if name == "o3":
            alert_rounds.acknowledge(house, wanted[rule], "PM crew on site", By(running.admin, NOW - timedelta(minutes=20)))
    return made


def _found(running: RunningCity) -> dict[str, str]:
    """A station whose ozone is in another unit, with the verdicts of its neighbours; a clock; gaps that are closed."""
    at_us = to_us(NOW - timedelta(minutes=11))
    seen = [
        Seen(
            asset=FAULTY, property="o3", kind="unit_mixed",
            evidence={"sent_in": "[ppb]", "difference": 412.5, "difference_converted": 0.021, "usual_difference": 0.034},
        ),
        Seen(
            asset="air-cheonggye-dongtan-myeon", property="", kind="clock_off",
            evidence={"readings": 1440, "share": 0.99, "ahead_s": 32_400.0},
        ),
        Seen(
            asset=FAULTY, property="co", kind="gaps",
            evidence={"expected": 1440, "came": 1000, "missing_share": 0.3056, "longest_gap_s": 7200.0},
        ),
    ]  # fmt: skip
    verdicts = [
        Verdict(
            asset=FAULTY, property="o3", time_us=at_us - n * TEN_MINUTES_US,
            check=int(Check.UNLIKE_NEIGHBOURS), flag=int(Flag.FAIL), statistic=0.41 + n / 100, threshold=0.08,
            detail={"estimate": 0.031, "value": 0.441 + n / 100, "neighbours": list(NEIGHBOURS), "unit": "[ppm]"},
        )
        for n in range(3)
    ]  # fmt: skip
    with running.house.records.begin() as connection:
        opened = findings.note(connection, seen, NOW - timedelta(hours=5))
        findings.keep_verdicts(connection, verdicts, NOW)
        over = next(one for one in opened if one.kind == "gaps")
        findings.settle(connection, over.id, "closed", "modem replaced", By(running.admin, NOW - timedelta(hours=2)))
    return {one.kind: f"/operations/environment/network/{one.id}" for one in opened}


def _calibrated(running: RunningCity) -> dict[str, str]:
    """A fit in force after the published formula, a candidate, and one that was no better than raw."""
    by, rules = By(running.admin, NOW - timedelta(days=3)), calibration_rules(NOW.date())
    one = co_located(5, 6)
    pairs = Pairs(one.time_us, one.raw, one.rh, one.temperature, one.reference)
    first = starting_model(HIDDEN, "pm2_5", rules, NOW - timedelta(days=30))
    assert first is not None
    fit = fit_co_location(pairs, rules.fit, first)
    second = fit.model((HIDDEN, "pm2_5"), "air-namyang", NOW - timedelta(days=3), rules)
    waiting = fit.model((SUSPECT, "pm2_5"), "air-bansong", NOW - timedelta(days=1), rules)
    flat = Pairs(one.time_us[:60], one.raw[:60], one.rh[:60], one.temperature[:60], one.reference[:60])
    poor = fit_co_location(flat, rules.fit).model((SUSPECT, "pm2_5"), "air-namyang", NOW - timedelta(days=2), rules)
    with running.house.records.begin() as connection:
        for model in (first, second, waiting, poor):
            calibrations.add(connection, model, by)
        calibrations.activate(connection, first.id, NOW - timedelta(days=30), by)
        calibrations.activate(connection, second.id, NOW - timedelta(days=3), by)
    found = {"in_force": second, "candidate": waiting, "rejected": poor, "formula": first}
    return {name: f"/operations/environment/calibration/{model.id}" for name, model in found.items()}
