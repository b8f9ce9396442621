"""Ways in by HTTP, through a real server."""

from __future__ import annotations

T = "2026-11-24T02:00:00Z"


def reading(value=21.5, time=T, **more):
    return {"property": "air_temperature", "value": value, "time": time} | more


def test_a_reading_is_accepted_stored_and_can_be_queried(send, public):
    answer = send("st-01", {"readings": [reading()]}, params={"wait": "stored"})
    assert answer.status_code == 202, answer.text
    assert answer.json()["accepted"] == 1
    assert answer.json()["stored"] is True
    found = public.get("/observations", params={"asset": "st-01", "start": T, "end": "2026-11-24T02:00:01Z"})
    assert found.status_code == 200, found.text
    assert [(row["value"], row["flag"]) for row in found.json()["items"]] == [(21.5, 1)]
