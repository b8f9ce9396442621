"""When an engine is away the API says so, accepts nothing, and comes back by itself."""

from __future__ import annotations

import httpx
import pytest
from conftest import RunningCity, client

BODY = [{"property": "air_temperature", "value": 20.0, "time": "2026-11-24T02:00:00Z"}]


@pytest.fixture
def lonely(tmp_path):
    city = RunningCity(tmp_path, ["operator"])
    city.start()
    yield city
    city.stop()


def test_while_the_bus_is_away_readings_are_refused_with_503_and_taken_again_when_it_is_back(lonely):
    headers = {"Authorization": f"Bearer dev-st-01:{lonely.secrets['st-01']}"}
    with client(lonely) as public, client(lonely, lonely.tokens["operator"]) as operator:
        lonely.call(lonely.nats.stop())
        refused = public.post("/readings", json=BODY, headers=headers)
        assert (refused.status_code, refused.json()["code"], refused.json()["retry"]) == (503, "bus.unavailable", True)
        assert int(refused.headers["Retry-After"]) >= 1
        assert public.get("/health").json()["status"] == "degraded"
        told = {one["name"]: one["ok"] for one in operator.get("/health").json()["engines"]}
        assert told == {"bus": False, "records": True, "telemetry": True}
        assert operator.get("/latest").status_code == 200
        lonely.call(lonely.nats.start())
        again = send_until_accepted(public, headers)
        assert again.json()["accepted"] == 1


def send_until_accepted(public, headers):
    for _ in range(10):
        answer = public.post("/readings", json=BODY, headers=headers, params={"wait": "stored"})
        if answer.status_code == 202:
            return answer
        assert answer.status_code == 503
    raise AssertionError("the bus did not come back")


def test_a_stopped_server_ends_its_streams(lonely):
    with httpx.stream("GET", f"{lonely.url}/api/v1/stream", timeout=20) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "retry: 2000"
        lonely.server.should_exit = True
        with pytest.raises(httpx.RemoteProtocolError):
            for _ in lines:
                pass
