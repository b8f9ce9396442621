"""The central system over real sockets: who may enter, what is answered, what is kept, who is asked."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import msgspec
import pytest
import websockets
from ocpp_city import World, charger_row, running
from stations_city import until

from dure.core.errors import InputError, Unavailable
from dure.core.events import Command
from dure.engines.records import assets, commands, devices, parked
from dure.engines.records.audit import By
from dure.services.charging.central import central, kept_messages
from dure.services.charging.central.message_desk import messages_of
from dure.services.charging.central.words import Booted, Happened, Linked, TransactionSaid, Unlinked
from dure.spine.commanding import ask

BOOT = {"reason": "PowerUp", "chargingStation": {"model": "m", "vendorName": "v"}}
ROWS = [
    charger_row("cp-1"),
    charger_row("cp-2", ocpp="1.6"),
    charger_row("cp-3", profile=2),
    charger_row("cp-4", ocpp="2.1"),
]


@pytest.fixture
async def world(tmp_path):
    async with running(tmp_path, ROWS) as found:
        yield found


def event(world, kind, seq_no, transaction="t-1"):
    stamp = world.house.clock.now().isoformat()
    info = {"transactionId": transaction}
    return {"eventType": kind, "timestamp": stamp, "triggerReason": "Trigger", "seqNo": seq_no, "transactionInfo": info}


async def asked(station, message_id, action, payload):
    await station.send(json.dumps([2, message_id, action, payload]))
    return json.loads(await asyncio.wait_for(station.recv(), 10))


async def refusal(world, identity, *versions, **more):
    with pytest.raises(websockets.exceptions.InvalidStatus) as found:
        await world.connect(identity, *versions, **more)
    response = found.value.response
    return response.status_code, response.body.decode().rpartition("[")[2].rstrip("]")


async def test_a_station_boots_and_its_words_are_kept_before_its_answer(world: World):
    async with await world.connect("cp-1", "ocpp1.6", "ocpp2.0.1") as station:
        assert station.subprotocol == "ocpp2.0.1"
        answer = await asked(station, "1", "BootNotification", BOOT)
        kept = await world.words()
    assert (answer[0], answer[1], answer[2]["status"]) == (3, "1", "Accepted")
    assert [type(one) for one in kept] == [Linked, Booted]


async def test_who_may_not_enter_is_told_why(world: World):
    assert await refusal(world, "cp-1", secret="wrong") == (401, "station.credential")
    assert await refusal(world, "cp-1", user="cp-2") == (401, "station.credential")
    assert await refusal(world, "nobody", secret="x") == (404, "station.unknown")
    assert await refusal(world, "no%20body", secret="x") == (404, "station.path")
    assert await refusal(world, "cp-3") == (403, "station.profile")


async def test_an_identity_is_the_same_in_any_case_of_letters(world: World):
    async with await world.connect("CP-1", secret=world.secrets["cp-1"]):
        assert world.central.version_of("cp-1") == "ocpp2.0.1"


async def test_who_was_turned_away_is_told_once_where_people_look(world: World):
    for _ in range(3):
        await refusal(world, "cp-3")
        await refusal(world, "stranger", secret="x")
    kept = await world.words()
    assert [(one.charger, one.topic, one.facts["code"]) for one in kept] == [("cp-3", "refused", "station.profile")]

    def waiting():
        with world.house.records.read() as connection:
            return [(one.device, one.code) for one in parked.listing(connection).items]

    assert await until(waiting, "a stranger who waits") == [("stranger", "station.unknown")]


async def test_who_is_refused_too_often_waits_and_the_others_of_its_address_do_not(world: World):
    for _ in range(60):  # on a slow machine some are forgiven meanwhile
        if await refusal(world, "cp-1", secret="guess") == (429, "station.attempts"):
            break
    assert await refusal(world, "cp-1") == (429, "station.attempts")
    async with await world.connect("cp-2", "ocpp1.6"):
        assert world.central.version_of("cp-2") == "ocpp1.6"


async def test_what_failed_on_our_side_may_be_said_again_under_its_id(world: World):
    async with await world.connect("cp-1") as station:
        world.central.desk.journal.choked = True
        assert (await asked(station, "1", "BootNotification", BOOT))[:3] == [4, "1", "InternalError"]
        world.central.desk.journal.choked = False
        assert (await asked(station, "1", "BootNotification", BOOT))[:2] == [3, "1"]


async def test_a_station_that_offers_no_version_it_may_speak_is_let_go(world: World):
    station = await world.connect("cp-2", "ocpp2.0.1", "ocpp2.1")
    assert station.subprotocol is None
    with pytest.raises(websockets.exceptions.ConnectionClosed) as found:
        await station.recv()
    assert found.value.rcvd.code == 1002


async def test_a_wrong_message_gets_its_error_and_the_next_one_its_answer(world: World):
    async with await world.connect("cp-1") as station:
        await station.send("{}")
        assert json.loads(await station.recv())[:3] == [4, "-1", "RpcFrameworkError"]
        assert (await asked(station, "a", "Sing", {}))[:3] == [4, "a", "NotImplemented"]
        assert (await asked(station, "b", "Heartbeat", {"mood": 1}))[:3] == [4, "b", "FormatViolation"]
        assert (await asked(station, "c", "NotifyReport", {"requestId": 1, "generatedAt": "2026-11-26T00:00:00Z", "seqNo": 0}))[
            2
        ] == "NotSupported"
        assert (await asked(station, "d", "Heartbeat", {}))[0] == 3


async def test_a_defect_of_who_answers_is_an_internal_error_and_tells_no_card(world: World, capsys):
    async with await world.connect("cp-1") as station:
        answer = await asked(station, "1", "Authorize", {"idToken": {"idToken": "04SECRET", "type": "ISO14443"}})
        assert answer[:3] == [4, "1", "InternalError"]
        assert (await asked(station, "2", "Heartbeat", {}))[0] == 3
    told = capsys.readouterr()
    assert "station.not_answered" in told.out + told.err
    assert "04SECRET" not in told.out + told.err + str(world.central.messages("cp-1"))


async def test_the_same_question_again_gets_the_same_answer_and_is_done_once(world: World):
    async with await world.connect("cp-1") as station:
        first = await asked(station, "1", "BootNotification", BOOT)
        assert await asked(station, "1", "BootNotification", BOOT) == first
        assert (await asked(station, "1", "Heartbeat", {}))[:3] == [4, "1", "RpcFrameworkError"]
    assert len([one for one in world.answering.heard if one.action == "BootNotification"]) == 1


async def test_answers_leave_in_the_order_of_the_questions(world: World):
    async with await world.connect("cp-1") as station:
        for number in range(200):
            action, payload = ("Heartbeat", {}) if number % 3 else ("TransactionEvent", event(world, "Updated", number))
            await station.send(json.dumps([2, str(number), action, payload]))
        answers = [json.loads(await station.recv())[1] for _ in range(200)]
    assert answers == [str(number) for number in range(200)]
    said = [one.seq_no for one in await world.words() if isinstance(one, TransactionSaid)]
    assert said == list(range(0, 200, 3))


async def test_a_station_is_asked_one_thing_at_a_time_while_it_asks_itself(world: World):
    async with await world.connect("cp-1") as station:
        first = asyncio.create_task(world.central.call("cp-1", "Reset", {"type": "Immediate"}))
        second = asyncio.create_task(world.central.call("cp-1", "ClearCache", {}))
        question = json.loads(await station.recv())
        assert question[2] == "Reset"
        assert (await asked(station, "1", "Heartbeat", {}))[0] == 3
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(station.recv(), 0.1)
        await station.send(json.dumps([3, "another id", {"status": "Accepted"}]))
        await station.send(json.dumps([3, question[1], {"status": "Scheduled"}]))
        assert await first == {"status": "Scheduled"}
        question = json.loads(await station.recv())
        await station.send(json.dumps([4, question[1], "NotSupported", "I cannot", {}]))
        with pytest.raises(InputError) as found:
            await second
    assert (found.value.code, found.value.detail["error"]) == ("station.refused", "NotSupported")


async def test_what_cannot_be_asked_is_said_before_it_is_sent(world: World):
    async with await world.connect("cp-1") as station:
        for action, payload, code in [("Reset", {"type": "Hard"}, "ocpp.payload"), ("Heartbeat", {}, "ocpp.payload")]:
            with pytest.raises(InputError) as found:
                await world.central.call("cp-1", action, payload)
            assert found.value.code == code
        with pytest.raises(Unavailable) as silent:
            await world.central.call("cp-1", "ClearCache", {}, timeout_s=0.2)
        question = json.loads(await station.recv())
        await station.send(json.dumps([3, question[1], {"status": "Accepted"}]))  # too late: nobody waits, nothing breaks
        assert (await asked(station, "1", "Heartbeat", {}))[0] == 3
    with pytest.raises(Unavailable) as away:
        await world.central.call("cp-2", "ClearCache", {})
    assert (silent.value.code, away.value.code) == ("station.silent", "station.offline")


async def test_an_answer_that_is_not_valid_is_refused_and_told_in_2_1(world: World):
    async with await world.connect("cp-4", "ocpp2.1") as station:
        calling = asyncio.create_task(world.central.call("cp-4", "ClearCache", {}))
        question = json.loads(await station.recv())
        await station.send(json.dumps([3, question[1], {"status": "Maybe"}]))
        assert json.loads(await station.recv())[:3] == [5, question[1], "PropertyConstraintViolation"]
        with pytest.raises(InputError) as found:
            await calling
    assert found.value.code == "station.answer"


async def test_who_waits_for_a_station_that_leaves_is_told_at_once(world: World):
    station = await world.connect("cp-1")
    calling = asyncio.create_task(world.central.call("cp-1", "ClearCache", {}))
    await station.recv()
    await station.close()
    with pytest.raises(Unavailable) as found:
        await calling
    assert found.value.code == "station.offline"
    assert isinstance((await world.words())[-1], Unlinked)


async def test_the_newer_connection_of_an_identity_takes_over(world: World):
    older = await world.connect("cp-1")
    newer = await world.connect("cp-1")
    with pytest.raises(websockets.exceptions.ConnectionClosed) as found:
        await older.recv()
    assert (found.value.rcvd.code, "took over" in found.value.rcvd.reason) == (1008, True)
    assert (await asked(newer, "1", "Heartbeat", {}))[0] == 3
    await newer.close()
    assert [type(one) for one in await world.words()] == [Linked, Linked, Unlinked]


async def test_two_stations_of_one_identity_are_told_once_and_held_back(world: World):
    for _ in range(4):
        last = await world.connect("cp-1")
    assert await refusal(world, "cp-1") == (429, "station.flapping")
    assert (await asked(last, "1", "Heartbeat", {}))[0] == 3
    topics = [one.topic for one in await world.words() if isinstance(one, Happened)]
    assert topics == ["duplicate_identity"]


async def test_a_clock_that_is_three_years_off_is_told_once_and_both_times_are_kept(world: World):
    async with await world.connect("cp-1") as station:
        for seq_no in range(2):
            old = event(world, "Updated", seq_no) | {"timestamp": "2023-11-26T00:00:00Z"}
            assert (await asked(station, str(seq_no), "TransactionEvent", old))[0] == 3
        late = event(world, "Updated", 2) | {"timestamp": "2023-11-26T00:00:00Z", "offline": True}
        await asked(station, "2", "TransactionEvent", late)
    drifts = [one for one in await world.words() if isinstance(one, Happened) and one.topic == "clock_drift"]
    assert len(drifts) == 1
    assert drifts[0].facts["ahead_s"] < -3 * 365 * 86_400


async def test_a_message_that_is_too_long_ends_the_connection(world: World):
    for content in ["x" * 70_000, ["x" * 40_000, "y" * 40_000]]:
        station = await world.connect("cp-1")
        await station.send(content)
        with pytest.raises(websockets.exceptions.ConnectionClosed) as found:
            await station.recv()
        assert found.value.rcvd.code == 1009


async def test_fragments_are_put_together_and_bytes_are_refused(world: World):
    station = await world.connect("cp-1")
    await station.send(['[2,"1",', '"Heartbeat"', ",{}]"])
    assert json.loads(await station.recv())[:2] == [3, "1"]
    await station.send(b'[2,"2","Heartbeat",{}]')
    with pytest.raises(websockets.exceptions.ConnectionClosed) as found:
        await station.recv()
    assert found.value.rcvd.code == 1003


async def test_a_command_of_the_house_is_asked_and_settled_by_the_answer(world: World):
    house, now = world.house, world.house.clock.now()

    def command(name, payload):
        return Command(
            id=name, asset="cp-1", name=name, key=name, issued_at=now, expires_at=now + timedelta(minutes=1),
            arguments={"action": name, "payload": payload},
        )  # fmt: skip

    async with await world.connect("cp-1") as station:
        for name, payload, answer in [
            ("ClearCache", {}, [3, {"status": "Accepted"}]),
            ("Reset", {"type": "OnIdle"}, [3, {"status": "Rejected"}]),
            ("GetLocalListVersion", {}, [4, "NotSupported", "", {}]),
        ]:
            await ask(house, command(name, payload), By("tester", now))
            question = json.loads(await asyncio.wait_for(station.recv(), 10))
            assert question[2:] == [name, payload]
            await station.send(json.dumps([answer[0], question[1], *answer[1:]]))
        await ask(house, command("Sing", {}), By("tester", now))
        outcomes = {}
        for _ in range(100):
            with house.records.read() as connection:
                outcomes = {one.id: one.outcome for one in commands.listing(connection).items}
            if "pending" not in outcomes.values():
                break
            await asyncio.sleep(0.05)
    assert outcomes == {"ClearCache": "done", "Reset": "rejected", "GetLocalListVersion": "rejected", "Sing": "rejected"}


async def test_a_secret_that_is_turned_and_a_device_that_is_revoked_are_known_soon(world: World):
    house = world.house
    station = await world.connect("cp-1")
    with house.records.begin() as connection:
        secret = devices.rotate(connection, "cp-2", By("tester", house.clock.now()))
        devices.revoke(connection, "cp-1", By("tester", house.clock.now()))
    await house.directory.changed()
    with pytest.raises(websockets.exceptions.ConnectionClosed):
        await asyncio.wait_for(station.recv(), 10)
    assert (await refusal(world, "cp-1"))[0] in {401, 404}
    async with await world.connect("cp-2", "ocpp1.6", secret=secret):
        assert world.central.connected() == {"cp-2": "ocpp1.6"}


async def test_the_central_system_of_a_house_is_found_in_its_process(world: World):
    assert central.of(world.house) is world.central


async def test_the_messages_of_a_station_are_read_from_another_process_without_secrets(world: World):
    async with await world.connect("cp-1") as station:
        await asked(station, "1", "Authorize", {"idToken": {"idToken": "04SECRET", "type": "ISO14443"}})
        told = await messages_of(world.house, None, "cp-1", 5)
        assert [one.message[:2] for one in told] == [[4, "1"], [2, "1"]]
        assert "04SECRET" not in str(told)
    assert await messages_of(world.house, None, "cp-2") is None


async def test_messages_of_a_charger_with_keep_log_are_there_after_a_restart(tmp_path):
    rows = [charger_row("cp-1"), charger_row("cp-2")]
    async with running(tmp_path, rows) as world:
        with world.house.records.begin() as connection:
            one = assets.get(connection, "cp-1")
            kept = msgspec.structs.replace(one, attributes=dict(one.attributes) | {"keep_log": "yes"})
            assets.update_one(connection, kept, By("test", world.house.clock.now()))
        await world.central.register.refresh()
        for name in ("cp-1", "cp-2"):
            async with await world.connect(name) as station:
                await asked(station, "1", "Authorize", {"idToken": {"idToken": "04SECRET", "type": "ISO14443"}})
    async with running(tmp_path, rows) as world:
        assert not await messages_of(world.house, world.central, "cp-1", 5)
        soon = world.house.clock.now() + timedelta(minutes=1)
        with world.house.records.read() as connection:
            found = {name: kept_messages.of_station(connection, name, soon) for name in ("cp-1", "cp-2")}
    assert [one.message[:2] for one in found["cp-1"]] == [[4, "1"], [2, "1"]]
    assert "04SECRET" not in str(found)
    assert found["cp-2"] == []
