"""Charge points nobody here wrote boot, charge and stop against the running central system, in OCPP 1.6, 2.0.1 and 2.1."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime

import pytest
import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint as ChargePoint16
from ocpp.v16 import call as call_16
from ocpp.v16 import call_result as result_16
from ocpp.v16.enums import ChargePointErrorCode, ChargePointStatus, RemoteStartStopStatus
from ocpp.v21 import ChargePoint as ChargePoint21
from ocpp.v21 import call as call_21
from ocpp.v21 import call_result as result_21
from ocpp.v201 import ChargePoint as ChargePoint201
from ocpp.v201 import call as call_201
from ocpp.v201 import call_result as result_201
from stations_city import CARD, running, until

from dure.services.charging.stations import calls, remote_start, station_records
from dure.services.charging.stations.calls import Call


def now_text() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@contextlib.asynccontextmanager
async def charge_point(city, identity, kind, protocol):
    """A station of the package `ocpp`, connected and listening."""
    async with websockets.connect(
        city.url(identity), subprotocols=[protocol], additional_headers=city.basic(identity), proxy=None
    ) as socket:
        station = kind(identity, socket)
        listening = asyncio.create_task(station.start())
        try:
            yield station
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


class Old(ChargePoint16):
    """A 1.6 station that starts when it is asked."""

    def __init__(self, *args):
        super().__init__(*args)
        self.asked = asyncio.Queue()

    @on("RemoteStartTransaction")
    def on_start(self, id_tag, **rest):
        self.asked.put_nowait((id_tag, rest))
        return result_16.RemoteStartTransaction(status=RemoteStartStopStatus.accepted)

    @on("GetConfiguration")
    def on_configuration(self, **_):
        known = [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]
        return result_16.GetConfiguration(configuration_key=known)


def new_station(kind, results):
    """A 2.x station that starts when it is asked."""

    class New(kind):
        def __init__(self, *args):
            super().__init__(*args)
            self.asked = asyncio.Queue()

        @on("RequestStartTransaction")
        def on_start(self, id_token, remote_start_id, **rest):
            self.asked.put_nowait((id_token, remote_start_id, rest))
            return results.RequestStartTransaction(status="Accepted")

        @on("Reset")
        def on_reset(self, **_):
            return results.Reset(status="Rejected")

    return New


async def test_a_1_6_station_of_the_package_ocpp_boots_charges_and_stops(tmp_path):
    async with running(tmp_path) as city, charge_point(city, "cp-16", Old, "ocpp1.6") as station:
        boot = await station.call(call_16.BootNotification(charge_point_model="One", charge_point_vendor="Maker"))
        assert (boot.status, boot.interval) == ("Accepted", 300)
        assert (await station.call(call_16.Authorize(id_tag=CARD))).id_tag_info["status"] == "Accepted"
        status = call_16.StatusNotification(
            connector_id=1, error_code=ChargePointErrorCode.no_error, status=ChargePointStatus.preparing
        )
        await station.call(status)
        start = call_16.StartTransaction(connector_id=1, id_tag=CARD, meter_start=1_000, timestamp=now_text())
        started = await station.call(start)
        assert started.id_tag_info == {
            "status": "Accepted", "parent_id_tag": "FLEET", "expiry_date": started.id_tag_info["expiry_date"],
        }  # fmt: skip
        again = await station.call(start)
        assert again.transaction_id == started.transaction_id
        value = {"value": "1.5", "unit": "kWh", "measurand": "Energy.Active.Import.Register", "context": "Sample.Periodic"}
        meter = [{"timestamp": now_text(), "sampledValue": [value]}]
        await station.call(call_16.MeterValues(connector_id=1, transaction_id=started.transaction_id, meter_value=meter))
        stop = call_16.StopTransaction(meter_stop=2_000, timestamp=now_text(), transaction_id=started.transaction_id, id_tag=CARD)
        assert (await station.call(stop)).id_tag_info["status"] == "Accepted"
        steps = await city.steps("cp-16")
    assert [(one.step, one.begin_wh, one.end_wh) for one in steps] == [
        ("started", 1_000, None), ("started", 1_000, None), ("ended", None, 2_000),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("identity", "protocol", "kind", "call", "results"),
    [
        ("cp-201", "ocpp2.0.1", ChargePoint201, call_201, result_201),
        ("cp-21", "ocpp2.1", ChargePoint21, call_21, result_21),
    ],
    ids=["2.0.1", "2.1"],
)
async def test_a_2_x_station_of_the_package_ocpp_boots_charges_and_stops(tmp_path, identity, protocol, kind, call, results):
    async with running(tmp_path) as city, charge_point(city, identity, new_station(kind, results), protocol) as station:
        boot = await station.call(call.BootNotification(charging_station={"model": "M", "vendor_name": "V"}, reason="PowerUp"))
        assert boot.status == "Accepted"
        token = {"id_token": CARD, "type": "ISO14443"}
        assert (await station.call(call.Authorize(id_token=token))).id_token_info["status"] == "Accepted"
        await station.call(call.StatusNotification(timestamp=now_text(), connector_status="Occupied", evse_id=1, connector_id=1))
        for number, (step, trigger, wh) in enumerate(
            [("Started", "Authorized", 5_000), ("Updated", "MeterValuePeriodic", 6_000), ("Ended", "StopAuthorized", 7_500)]
        ):
            sampled = {"value": wh / 1_000, "unit_of_measure": {"unit": "kWh"}}
            event = call.TransactionEvent(
                event_type=step,
                timestamp=now_text(),
                trigger_reason=trigger,
                seq_no=number,
                transaction_info={"transaction_id": "tx-1"},
                evse={"id": 1, "connector_id": 1},
                id_token=token,
                meter_value=[{"timestamp": now_text(), "sampled_value": [sampled]}],
            )
            assert (await station.call(event)).id_token_info["status"] == "Accepted"
        steps = await city.steps(identity)
    assert [(one.step, one.seq_no, one.evse, one.samples[0].value) for one in steps] == [
        ("started", 0, 1, 5_000), ("updated", 1, 1, 6_000), ("ended", 2, 1, 7_500),
    ]  # fmt: skip


async def test_a_guest_starts_by_remote_call_and_the_card_is_in_no_book(tmp_path):
    async with running(tmp_path) as city, charge_point(city, "cp-16", Old, "ocpp1.6") as station:
        await station.call(call_16.BootNotification(charge_point_model="One", charge_point_vendor="Maker"))
        await until(lambda: online(city, "cp-16"), "the station is known as connected")
        call, guest = await remote_start.start(city.house, "cp-16-1", city.by)
        text, rest = await asyncio.wait_for(station.asked.get(), 10)
        assert rest == {"connector_id": 1}
        assert city.digest(text) == guest
        assert (await station.call(call_16.Authorize(id_tag=text))).id_tag_info["status"] == "Accepted"
        started = await station.call(call_16.StartTransaction(connector_id=1, id_tag=text, meter_start=0, timestamp=now_text()))
        assert started.id_tag_info["status"] == "Accepted"
        done = await calls.settled(city.house, call.id, 10)
        assert (done.outcome, done.payload["idTag"][0]) == ("done", "#")
        assert await until(lambda: answered(city, call.id), "the answer is kept") == {"status": "Accepted"}
        kept = [one.read_bytes() for one in (tmp_path / "data").rglob("*") if one.is_file()]
    assert len(kept) > 3
    assert not [one for one in kept if text.encode() in one]


async def test_a_station_is_asked_for_its_settings_and_they_are_known(tmp_path):
    async with running(tmp_path) as city, charge_point(city, "cp-16", Old, "ocpp1.6"):
        await until(lambda: online(city, "cp-16"), "the station is known as connected")
        call = await calls.do(city.house, "cp-16", "read_settings", {}, city.by)
        assert (await calls.settled(city.house, call.id, 10)).outcome == "done"
        known = await until(lambda: settings(city, "cp-16"), "the settings are known")
        assert known[0].value["value"] == "300"


async def test_a_call_that_the_station_refuses_is_rejected_with_its_word(tmp_path):
    kind = new_station(ChargePoint201, result_201)
    async with running(tmp_path) as city, charge_point(city, "cp-201", kind, "ocpp2.0.1"):
        await until(lambda: online(city, "cp-201"), "the station is known as connected")
        call = await calls.do(city.house, "cp-201", "reset", {"hard": True}, city.by)
        assert (await calls.settled(city.house, call.id, 10)).outcome == "rejected"


def online(city, charger: str) -> bool:
    with city.house.records.read() as connection:
        state = station_records.states(connection, [charger]).get(charger)
    return state is not None and state.linked


def answered(city, call_id: str) -> dict | None:
    found: Call = calls.get(city.house, call_id)
    return found.answer


def settings(city, charger: str):
    with city.house.records.read() as connection:
        return station_records.reports(connection, charger, "configuration")
