"""The rounds of the service in their own rhythm, in a house that was away: what came meanwhile is judged when it is back."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
import structlog
from city_running import until
from environment_running import BY_HAND, NOW, STREET, EnvironmentCity

from dure.running.parts import ALL

TEN = timedelta(minutes=10)
HOUR = NOW.replace(minute=0)
LAST = HOUR - TEN
ODD = "st-10"


@pytest.fixture
def lines():
    """What is logged from now on."""
    processors = structlog.get_config()["processors"]
    before, heard = processors.copy(), []

    def hear(_logger, _level, line):
        heard.append(dict(line))
        raise structlog.DropEvent

    processors[:] = [hear]
    yield heard
    processors[:] = before


@pytest.mark.slow
def test_all_rounds_run_by_themselves_after_a_start_and_none_fails(tmp_path, lines):
    city = EnvironmentCity(tmp_path, STREET, parts=BY_HAND).start()
    for name, middle in (("pm10", 48.0), ("pm2_5", 24.0), ("o3", 0.034), ("no2", 0.02), ("so2", 0.003), ("co", 0.5)):
        wave = np.round(middle * (1 + 0.1 * np.sin(np.arange(78) * 0.7)), 4)
        city.history(name, dict.fromkeys(STREET, wave), TEN, LAST)
    for station in STREET:
        city.history("pm10", {station: [330.0 if station == ODD else 40.0]}, TEN)
    city.stop()
    city.parts = ALL
    city.start()
    try:
        indices = until(lambda: city.ask("/environment/indices", name="cai")["items"])
        assert {one["asset"] for one in indices} == set(STREET)
        assert all(one["result"]["index"] is not None for one in indices)
        until(lambda: city.judged(ODD, "pm10")[-1] == (330.0, 4, "unlike_neighbours"))
        until(lambda: city.ask("/observations", asset="st-00", property="cai", start=f"{HOUR:%Y-%m-%dT%H:%M:%SZ}")["items"])
        story = city.why("st-00", "cai", HOUR)
        assert story["flag"] == "good"
    finally:
        city.stop()
    assert [one for one in lines if one["event"] in ("round.failed", "part.failed")] == []
