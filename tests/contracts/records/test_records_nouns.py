from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from dure.core.assets import Asset
from dure.core.errors import Conflict, InputError, NotFound, NotSignedIn
from dure.core.events import Command, Decision, Event
from dure.core.geo import Place
from dure.core.geo import at as place_at
from dure.core.text import Text
from dure.engines.records import assets, audit, commands, cursors, decisions, devices, events, latest, parked
from dure.engines.records.assets import Wanted
from dure.engines.records.audit import By
from dure.engines.records.devices import Device
from dure.engines.records.parked import Parked
from dure.engines.records.store import Records
from dure.engines.records.tables import assets as assets_table
from dure.engines.records.tables import devices as devices_table
from dure.spine.live import LiveValue

HOUR = timedelta(hours=1)


def _asset(asset_id: str, **fields: object) -> Asset:
    given = {"city": "hwaseong", "kind": "station", "name": Text("동탄", "Dongtan")} | fields
    return Asset(id=asset_id, **given)  # type: ignore[arg-type]


# Assets


def test_an_asset_comes_back_as_it_was_given(records: Records, by: By) -> None:
    ring = [[126.8, 37.1], [126.9, 37.1], [126.9, 37.2], [126.8, 37.1]]
    asset = _asset(
        "zone-1", kind="zone", place=Place("Polygon", [ring]), attributes={"층": 3, "ratio": 0.25, "tags": ["a", None]}
    )

    with records.begin() as connection:
        assets.add(connection, asset, by)

    with records.read() as connection:
        assert assets.get(connection, "zone-1") == asset
        entry = audit.listing(connection, object_id="zone-1").items[0]
    assert (entry.actor, entry.verb, entry.subject, entry.at) == ("person-1", "write", "asset", by.at)


def test_an_asset_is_added_once(records: Records, station: Asset, by: By) -> None:
    with pytest.raises(Conflict) as caught, records.begin() as connection:
        assets.add(connection, station, by)

    assert caught.value.code == "asset.exists"


def test_an_unknown_asset_is_named(records: Records) -> None:
    with pytest.raises(NotFound) as caught, records.read() as connection:
        assets.get(connection, "nothing")

    assert caught.value.code == "asset.unknown"


def test_a_change_is_audited_with_before_and_after_and_no_change_is_not(records: Records, station: Asset, by: By) -> None:
    with records.begin() as connection:
        assert not assets.update_one(connection, station, by)
        assets.set_state(connection, station.id, "live", by)

    with records.read() as connection:
        log = audit.listing(connection).items
    assert len(log) == 2
    assert log[0].detail == {"before": {"state": "quarantined"}, "after": {"state": "live"}}


@pytest.mark.parametrize("parent", ["nowhere", "a", "c"])
def test_parents_exist_and_make_no_ring(records: Records, by: By, parent: str) -> None:
    with records.begin() as connection:
        for one in (_asset("a"), _asset("b", parent="a"), _asset("c", parent="b")):
            assets.add(connection, one, by)

    with pytest.raises(InputError) as caught, records.begin() as connection:
        assets.update_one(connection, _asset("a", parent=parent), by)

    assert caught.value.code == "asset.parent"


def test_pages_follow_each_other_by_code_point_whatever_the_locale(records: Records, by: By) -> None:
    ids = ["a-1", "a1", "a-2", "a2", "b", "a_1", "a0"]
    with records.begin() as connection:
        assets.import_many(connection, [_asset(one) for one in ids], by)

    with records.read() as connection:
        first = assets.listing(connection, limit=4)
        second = assets.listing(connection, after=first.next, limit=4)

    assert [one.id for one in first.items + second.items] == sorted(ids)
    assert second.next == ""


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), ["east", "line", "nowhere", "west"]),
        (Wanted(kinds=["station"]), ["east", "nowhere", "west"]),
        (Wanted(kinds=[]), []),
        (Wanted(states=["live"]), ["west"]),
        (Wanted(parent="west"), ["east"]),
        (Wanted(words="SEO"), ["west"]),
        (Wanted(words="서쪽"), ["west"]),
        (Wanted(words="100%"), []),
        (Wanted(bounds=(126.0, 37.0, 126.6, 37.5)), ["line", "west"]),
        (Wanted(bounds=(-180.0, -90.0, 180.0, 90.0)), ["east", "line", "west"]),
        (Wanted(bounds=(127.0, 30.0, -170.0, 40.0)), ["east", "line"]),  # across the date line
    ],
)
def test_a_list_shows_what_is_wanted(records: Records, by: By, wanted: Wanted, found: list[str]) -> None:
    rows = [
        _asset("west", name=Text("서쪽", "Seo"), place=place_at(126.5, 37.2), state="live"),
        _asset("east", place=place_at(127.5, 37.2), parent="west"),
        _asset("line", kind="road", place=Place("LineString", [[126.4, 37.2], [127.6, 37.3]])),
        _asset("nowhere"),
    ]
    with records.begin() as connection:
        assets.import_many(connection, rows, by)

    with records.read() as connection:
        assert [one.id for one in assets.listing(connection, wanted).items] == found


@pytest.mark.parametrize("bounds", [(0.0, 10.0, 1.0, 5.0), (-181.0, 0.0, 0.0, 1.0), (float("nan"), 0.0, 1.0, 1.0)])
def test_bounds_off_the_earth_are_refused(records: Records, bounds: assets.Bounds) -> None:
    with pytest.raises(InputError) as caught, records.read() as connection:
        assets.listing(connection, Wanted(bounds=bounds))

    assert caught.value.code == "geo.bounds"


def test_an_import_keeps_what_it_can_and_names_the_rest(records: Records, by: By) -> None:
    with records.begin() as connection:
        assets.import_many(connection, [_asset("old", state="live"), _asset("same")], by)

    rows = [
        _asset("child", parent="top"),  # before its parent
        _asset("top"),
        _asset("top", kind="bin"),
        _asset("orphan", parent="nowhere"),
        _asset("grandchild", parent="orphan"),
        _asset("ring-1", parent="ring-2"),
        _asset("ring-2", parent="ring-1"),
        _asset("old", name=Text("새 이름")),
        _asset("same"),
        _asset("same", city="goyang"),
    ]
    with records.begin() as connection:
        done = assets.import_many(connection, rows, by)

    assert (done.added, done.changed, done.unchanged) == (2, 1, 1)
    assert [(one.row, one.code) for one in done.rejected] == [
        (2, "asset.twice"),
        (3, "asset.parent"),
        (4, "asset.parent"),
        (5, "asset.parent"),
        (6, "asset.parent"),
        (9, "asset.twice"),
    ]
    with records.read() as connection:
        assert assets.get(connection, "old") == _asset("old", name=Text("새 이름"), state="live")
        assert assets.count(connection) == {("station", "live"): 1, ("station", "quarantined"): 3}
        assert audit.verify(connection) is None


def test_an_import_of_ten_thousand_assets_is_one_short_transaction(records: Records, by: By) -> None:
    rows = [_asset(f"bin-{n}", kind="bin", place=place_at(127, 37)) for n in range(10_000)]

    with records.begin() as connection:
        done = assets.import_many(connection, rows, by)

    assert done.added == 10_000
    with records.read() as connection:
        assert audit.verify(connection) is None


# Devices


@pytest.fixture
def secret(records: Records, station: Asset, by: By) -> str:
    with records.begin() as connection:
        return devices.add(connection, Device(id="dev-1", asset=station.id, city=station.city, dev_eui="70b3d57ed0000001"), by)


def test_a_device_signs_in_with_its_secret_which_is_not_kept(records: Records, secret: str, by: By) -> None:
    with records.read() as connection:
        device = devices.authenticate(connection, "dev-1", secret, by.at)
        kept = connection.execute(select(devices_table)).one()
        log = audit.listing(connection).items

    assert (device.id, device.asset, device.state) == ("dev-1", "aws-1", "quarantined")
    assert len(secret) >= 32  # 192 bits
    assert secret not in str(kept)
    assert secret not in str(log)


@pytest.mark.parametrize("device", ["dev-1", "dev-2", ""])
@pytest.mark.parametrize("given", ["", "wrong", "한글", "\ud800", "\0"])
def test_a_wrong_secret_and_an_unknown_device_get_the_same_answer(
    records: Records, secret: str, by: By, device: str, given: str
) -> None:
    with pytest.raises(NotSignedIn) as caught, records.read() as connection:
        devices.authenticate(connection, device, given, by.at)

    assert str(caught.value) == "The device is unknown or revoked, or its secret is wrong. [device.credential]"
    assert secret


def test_the_old_secret_works_until_the_overlap_ends(records: Records, secret: str, by: By) -> None:
    with records.begin() as connection:
        new = devices.rotate(connection, "dev-1", by, overlap=HOUR)

    with records.read() as connection:
        assert devices.authenticate(connection, "dev-1", new, by.at + 9 * HOUR).id == "dev-1"
        assert devices.authenticate(connection, "dev-1", secret, by.at + HOUR - timedelta(seconds=1)).id == "dev-1"
        with pytest.raises(NotSignedIn):
            devices.authenticate(connection, "dev-1", secret, by.at + HOUR)


def test_a_second_rotation_ends_the_first_secret(records: Records, secret: str, by: By) -> None:
    with records.begin() as connection:
        second = devices.rotate(connection, "dev-1", by)
        devices.rotate(connection, "dev-1", by)

    with records.read() as connection:
        assert devices.authenticate(connection, "dev-1", second, by.at).id == "dev-1"
        with pytest.raises(NotSignedIn):
            devices.authenticate(connection, "dev-1", secret, by.at)


def test_a_revoked_device_is_out_for_good(records: Records, secret: str, by: By) -> None:
    with records.begin() as connection:
        assert devices.revoke(connection, "dev-1", by)
        assert not devices.revoke(connection, "dev-1", by)

    with records.read() as connection:
        for given in (secret, ""):
            with pytest.raises(NotSignedIn):
                devices.authenticate(connection, "dev-1", given, by.at)
    with records.begin() as connection:
        assert not devices.count_good(connection, {"dev-1": 50}, seq=1, needed=10, at=by.at)
    with pytest.raises(Conflict) as caught, records.begin() as connection:
        devices.rotate(connection, "dev-1", by)
    assert caught.value.code == "device.revoked"


@pytest.mark.parametrize(
    ("device", "code"),
    [
        (Device(id="dev-1", asset="aws-1", city="c"), "device.exists"),
        (Device(id="dev-2", asset="aws-1", city="c", dev_eui="70b3d57ed0000001"), "device.exists"),
        (Device(id="dev-2", asset="nowhere", city="c"), "asset.unknown"),
    ],
)
@pytest.mark.usefixtures("secret")
def test_a_device_that_contradicts_is_refused(records: Records, by: By, device: Device, code: str) -> None:
    with pytest.raises(InputError) as caught, records.begin() as connection:
        devices.add(connection, device, by)

    assert caught.value.code == code


@pytest.mark.parametrize("eui", ["", "70B3D57ED0000001", "70b3d57ed000000", "gggggggggggggggg"])
def test_a_dev_eui_is_sixteen_small_hexadecimal_digits(eui: str) -> None:
    with pytest.raises(InputError) as caught:
        Device(id="d", asset="a", city="c", dev_eui=eui)

    assert caught.value.code == "device.dev_eui"


@pytest.mark.usefixtures("secret")
def test_a_lorawan_device_is_found_however_its_eui_is_written(records: Records) -> None:
    with records.read() as connection:
        found = [devices.by_dev_eui(connection, eui) for eui in ("70B3D57ED0000001", "70-B3-D5-7E-D0-00-00-01", "00", "")]

    assert [one and one.id for one in found] == ["dev-1", "dev-1", None, None]


@pytest.mark.usefixtures("secret")
def test_enough_good_readings_release_the_device_and_its_asset_once(records: Records, by: By) -> None:
    told = [(4, 100), (4, 100), (9, 50), (5, 101), (6, 102), (1, 103)]  # told again, and an older one: not counted
    with records.begin() as connection:
        released = [devices.count_good(connection, {"dev-1": n, "stranger": 1}, seq=seq, needed=10, at=by.at) for n, seq in told]

    assert [[one.id for one in some] for some in released] == [[], [], [], [], ["dev-1"], []]
    with records.read() as connection:
        assert devices.get(connection, "dev-1").good_n == 15
        assert devices.get(connection, "dev-1").state == "live"
        assert assets.get(connection, "aws-1").state == "live"
        assert [one.actor for one in audit.listing(connection).items[:2]] == ["system", "system"]


def _live_from(records: Records) -> dict[str, int | None]:
    with records.read() as connection:
        return {row[0]: row[1] for row in connection.execute(select(assets_table.c.id, assets_table.c.live_from_seq))}


@pytest.mark.usefixtures("secret")
def test_a_released_asset_counts_from_the_next_row_on(records: Records, by: By) -> None:
    with records.begin() as connection:
        devices.count_good(connection, {"dev-1": 10}, seq=100, needed=10, at=by.at)
        assets.set_state(connection, "aws-1", "quarantined", by)
        devices.add(connection, Device(id="dev-2", asset="aws-1", city="hwaseong"), by)
        devices.count_good(connection, {"dev-2": 10}, seq=200, needed=10, at=by.at)

        assert assets.get(connection, "aws-1").state == "live"
    assert _live_from(records) == {"aws-1": 101}


def test_a_second_device_does_not_move_the_start_of_an_asset_that_is_live(records: Records, by: By) -> None:
    with records.begin() as connection:
        assets.add(connection, _asset("old", state="live"), by)
        devices.add(connection, Device(id="dev-2", asset="old", city="hwaseong"), by)
        released = devices.count_good(connection, {"dev-2": 10}, seq=200, needed=10, at=by.at)

    assert [one.state for one in released] == ["live"]
    assert _live_from(records) == {"old": None}


@pytest.mark.usefixtures("secret")
def test_a_device_is_released_by_hand_once(records: Records, by: By) -> None:
    with records.begin() as connection:
        assert [devices.release(connection, "dev-1", by) for _ in range(2)] == [True, False]
        assert devices.counts(connection) == {"live": 1}


@pytest.mark.usefixtures("secret")
def test_last_seen_only_moves_forward(records: Records, by: By) -> None:
    with records.begin() as connection:
        devices.seen(connection, {"dev-1": by.at})
        devices.seen(connection, {"dev-1": by.at - HOUR, "stranger": by.at})

        assert devices.get(connection, "dev-1").last_seen_at == by.at


@pytest.mark.usefixtures("secret")
def test_a_device_moves_to_another_asset(records: Records, by: By) -> None:
    with records.begin() as connection:
        assets.add(connection, _asset("aws-2"), by)
        moved = Device(id="dev-1", asset="aws-2", city="hwaseong", codec="em300")
        assert [devices.change(connection, moved, by) for _ in range(2)] == [True, False]

        assert devices.listing(connection, asset="aws-2").items[0].codec == "em300"
        assert devices.find(connection, ["dev-1", "x"])["dev-1"].dev_eui is None


# Latest values and cursors


def _value(n: int, time_us: int, value: float | None = 1.5) -> LiveValue:
    return LiveValue(f"aws-{n}", "air-temperature", time_us, time_us + 5, value, 1, 0, time_us)


def test_only_newer_values_replace_kept_ones(records: Records) -> None:
    with records.begin() as connection:
        latest.flush(connection, [_value(1, 20), _value(2, 20), _value(3, 20, None)], {"OBS": 5})
        latest.flush(connection, [_value(1, 10, 9.0), _value(2, 21, 2.5), _value(2, 19), _value(3, 20, 7.0)], {"OBS": 4})

    with records.read() as connection:
        kept = latest.load(connection, LiveValue)
        assert cursors.get(connection, "OBS") == 5
        assert cursors.get(connection, "unheard") == 0
    assert sorted(kept, key=lambda one: one.asset) == [_value(1, 20), _value(2, 21, 2.5), _value(3, 20, None)]


def test_values_and_cursor_are_kept_together_or_not_at_all(records: Records) -> None:
    with pytest.raises(InputError), records.begin() as connection:
        latest.flush(connection, [_value(1, 20)], {"OBS": 2**63})

    with records.read() as connection:
        assert latest.load(connection, LiveValue) == []


def test_nothing_to_flush_is_fine(records: Records) -> None:
    with records.begin() as connection:
        latest.flush(connection, [], {})


def test_a_hundred_thousand_values_are_flushed_and_loaded(records: Records) -> None:
    values = [_value(n, 20) for n in range(100_000)]

    with records.begin() as connection:
        latest.flush(connection, values, {"OBS": 100_000})
    with records.begin() as connection:
        latest.flush(connection, [_value(n, 21) for n in range(100_000)], {"OBS": 200_000})

    with records.read() as connection:
        kept = latest.load(connection, LiveValue)
    assert len(kept) == 100_000
    assert {one.time_us for one in kept} == {21}


# Parked readings


def _parked(n: int, by: By, **fields: object) -> Parked:
    given = {
        "way": "mqtt",
        "device": "stranger",
        "code": "device.unknown",
        "why": "모르는 기기",
        "content": b"\x00\xff{",
    } | fields
    return Parked(id=parked.key(n, 0), received_at=by.at + n * HOUR, **given)  # type: ignore[arg-type]


def test_the_same_thing_parked_twice_is_there_once(records: Records, by: By) -> None:
    with records.begin() as connection:
        assert parked.park(connection, [_parked(1, by), _parked(2, by)]) == 2
        assert parked.park(connection, [_parked(2, by), _parked(3, by), _parked(3, by)]) == 1
        assert parked.park(connection, []) == 0

        assert parked.counts(connection) == {"device.unknown": 3}
        assert parked.get(connection, parked.key(1, 0)) == _parked(1, by)


def test_what_a_stranger_sent_is_parked_whatever_it_holds(records: Records, by: By) -> None:
    with records.begin() as connection:
        parked.park(connection, [_parked(1, by, device="a\0b", why="\ud800", content=bytes(range(256)) * 4_000)])

        kept = parked.get(connection, parked.key(1, 0))
    assert (kept.device, kept.why, len(kept.content)) == ("a�b", "?", 1_024_000)


def test_parked_readings_are_settled_once_and_expire(records: Records, by: By) -> None:
    ids = [parked.key(n, 0) for n in (1, 2, 3)]
    with records.begin() as connection:
        parked.park(connection, [_parked(n, by) for n in (1, 2, 3)])
        assert parked.settle(connection, ids[:2], "replayed", by.at) == 2
        assert parked.settle(connection, ids, "dropped", by.at + HOUR) == 1
        assert parked.settle(connection, [], "dropped", by.at) == 0

        assert [one.id for one in parked.listing(connection, state="replayed").items] == [ids[1], ids[0]]
        assert parked.expire(connection, by.at + HOUR) == 2
        with pytest.raises(NotFound):
            parked.get(connection, ids[0])


def test_parked_readings_are_listed_newest_first_page_by_page(records: Records, by: By) -> None:
    with records.begin() as connection:
        parked.park(connection, [_parked(n, by) for n in range(5)] + [_parked(9, by, device="other")])

        first = parked.listing(connection, device="stranger", limit=3)
        second = parked.listing(connection, device="stranger", after=first.next, limit=3)
    assert [one.received_at for one in first.items + second.items] == [by.at + n * HOUR for n in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize("mark", ["x", "1", "99999999999999999999~a", "~", "1e3~a"])
def test_a_mark_that_is_none_is_refused(records: Records, mark: str) -> None:
    with pytest.raises(InputError) as caught, records.read() as connection:
        audit.listing(connection, after=f"{mark}~") if mark == "1" else parked.listing(connection, after=mark)

    assert caught.value.code == "page.mark"


def test_a_key_tells_origins_apart() -> None:
    keys = [
        parked.key(1, 23),
        parked.key(12, 3),
        parked.key(123),
        parked.key(b"123"),
        parked.key("1", "23"),
        parked.key("\ud800"),
    ]

    assert len(set(keys)) == 4  # text and number of the same digits are the same origin


# Decisions, commands, events


def test_a_decision_is_kept_as_it_was_and_never_changed(records: Records, by: By) -> None:
    decision = Decision(
        id="d-1",
        kind="waste.plan",
        decided_at=by.at,
        inputs={"bins": [1, 2]},
        result={"km": 1.5},
        reasons=("가득 참",),
        versions={"a": "1"},
    )
    with records.begin() as connection:
        assert [decisions.add(connection, decision) for _ in range(2)] == [True, False]
        assert decisions.get(connection, "d-1") == decision
        assert decisions.listing(connection, kind="waste.plan").items == [decision]
        assert decisions.listing(connection, kind="other").items == []

    changed = Decision(id="d-1", kind="waste.plan", decided_at=by.at, inputs={}, result={}, reasons=(), versions={})
    with pytest.raises(Conflict) as caught, records.begin() as connection:
        decisions.add(connection, changed)
    assert caught.value.code == "decision.changed"


def _command(by: By, command_id: str = "c-1", **fields: object) -> Command:
    given = {"asset": "aws-1", "name": "heater.on", "key": "k-1", "issued_at": by.at, "expires_at": by.at + HOUR} | fields
    return Command(id=command_id, **given)  # type: ignore[arg-type]


@pytest.mark.usefixtures("station")
def test_the_same_key_is_one_command(records: Records, by: By) -> None:
    with records.begin() as connection:
        commands.add(connection, _command(by), by)
        commands.settle(connection, "c-1", "accepted", by.at)

        again = commands.add(connection, _command(by, "c-2"), by)
        assert (again.id, again.outcome) == ("c-1", "accepted")
    for other, code in [
        (_command(by, "c-3", name="heater.off"), "command.key_reused"),
        (_command(by, "c-1", key="k-2"), "command.exists"),
        (_command(by, "c-4", key="k-3", asset="nowhere"), "asset.unknown"),
        (_command(by, "c-5", key="k-4", expires_at=by.at), "command.expiry"),
    ]:
        with pytest.raises(InputError) as caught, records.begin() as connection:
            commands.add(connection, other, by)
        assert caught.value.code == code


@pytest.mark.usefixtures("station")
def test_commands_of_one_name_fill_their_pages(records: Records, by: By) -> None:
    with records.begin() as connection:
        for number in range(6):
            name = "heater.on" if number % 2 else "heater.off"
            issued = by.at + timedelta(seconds=number)
            commands.add(connection, _command(by, f"c-{number}", name=name, key=f"k-{number}", issued_at=issued), by)
        first = commands.listing(connection, asset="aws-1", name="heater.on", limit=2)
        rest = commands.listing(connection, asset="aws-1", name="heater.on", limit=2, after=first.next)
    assert [[one.id for one in found.items] for found in (first, rest)] == [["c-5", "c-3"], ["c-1"]]
    assert (bool(first.next), rest.next) == (True, "")


@pytest.mark.parametrize(
    ("steps", "last"),
    [
        (["accepted", "done"], "done"),
        (["accepted", "accepted", "rejected"], "rejected"),
        (["done", "done"], "done"),
        (["expired"], "expired"),
        (["done", "rejected"], None),
        (["expired", "accepted"], None),
        (["accepted", "pending"], None),
    ],
)
@pytest.mark.usefixtures("station")
def test_outcomes_follow_their_order(records: Records, by: By, steps: list[str], last: str | None) -> None:
    with records.begin() as connection:
        commands.add(connection, _command(by), by)

    if last is None:
        with pytest.raises(Conflict) as caught, records.begin() as connection:
            [commands.settle(connection, "c-1", step, by.at) for step in steps]  # type: ignore[arg-type]
        assert caught.value.code == "command.settled"
    else:
        with records.begin() as connection:
            [commands.settle(connection, "c-1", step, by.at) for step in steps]  # type: ignore[arg-type]
            assert commands.get(connection, "c-1").outcome == last


@pytest.mark.usefixtures("station")
def test_a_command_nobody_answered_expires_and_takes_no_answer_then(records: Records, by: By) -> None:
    with records.begin() as connection:
        commands.add(connection, _command(by), by)
        commands.add(connection, _command(by, "c-2", key="k-2", expires_at=by.at + 3 * HOUR), by)

        with pytest.raises(Conflict):
            commands.settle(connection, "c-1", "done", by.at + HOUR)
        assert [one.id for one in commands.pending(connection, "aws-1", by.at + HOUR)] == ["c-2"]
        assert [one.id for one in commands.expire_due(connection, by.at + HOUR)] == ["c-1"]
        assert commands.expire_due(connection, by.at + HOUR) == []
        assert [(one.id, one.outcome) for one in commands.listing(connection, asset="aws-1").items] == [
            ("c-2", "pending"),
            ("c-1", "expired"),
        ]


def test_events_are_listed_newest_first(records: Records, by: By) -> None:
    some = [
        Event(id=f"e-{n}", type=f"environment.asset_{n % 2}.x", source="s", subject="aws-1", time=by.at + n * HOUR, data={"n": n})
        for n in range(4)
    ]
    with records.begin() as connection:
        assert events.add(connection, some) == 4
        assert events.add(connection, some) == 0

        first = events.listing(connection, subject="aws-1", limit=3)
        assert [one.id for one in first.items] == ["e-3", "e-2", "e-1"]
        assert events.listing(connection, after=first.next).items == some[:1]
        assert [one.id for one in events.listing(connection, prefix="environment.asset_1").items] == ["e-3", "e-1"]
        assert events.listing(connection, prefix="environment.asset%").items == []
        assert events.get(connection, "e-2") == some[2]
        assert events.expire(connection, by.at + HOUR) == 1


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_a_page_has_a_bounded_number_of_rows(records: Records, limit: int) -> None:
    with pytest.raises(InputError) as caught, records.read() as connection:
        events.listing(connection, limit=limit)

    assert caught.value.code == "page.limit"


# The audit log


def _write_log(records: Records, by: By, n: int) -> None:
    with records.begin() as connection:
        audit.append_many(connection, by, "write", "asset", [(f"asset-{i}", {"i": i, "이름": "가"}) for i in range(n)])


def test_the_database_itself_refuses_to_change_the_log(records: Records, by: By) -> None:
    _write_log(records, by, 3)

    for statement in ("UPDATE audit SET actor = 'nobody' WHERE n = 2", "DELETE FROM audit WHERE n = 3"):
        with pytest.raises(Conflict), records.begin() as connection:
            connection.execute(text(statement))


_TAMPERED = [
    ("UPDATE audit SET actor = 'nobody' WHERE n = 3", 3),
    ("UPDATE audit SET detail = '{}' WHERE n = 1", 1),
    ("UPDATE audit SET at = at + 1 WHERE n = 5", 5),
    ("DELETE FROM audit WHERE n = 2", 2),
    ("DELETE FROM audit WHERE n = 5", 5),
    ("DELETE FROM audit", 1),
    ("INSERT INTO audit SELECT 6, prev_hash, hash, actor, verb, subject, object, at, detail FROM audit WHERE n = 5", 6),
    ("UPDATE audit_head SET n = 4", 6),
]


@pytest.mark.parametrize(("statement", "broken"), _TAMPERED)
def test_tampering_is_found_at_its_row(records: Records, by: By, statement: str, broken: int) -> None:
    _write_log(records, by, 5)
    with records.begin() as connection:
        if records.sqlite:
            connection.execute(text("DROP TRIGGER audit_no_update"))
            connection.execute(text("DROP TRIGGER audit_no_delete"))
        else:
            connection.execute(text("DROP TRIGGER audit_append_only ON audit"))
        assert audit.verify(connection) is None

        connection.execute(text(statement))

        assert audit.verify(connection) == broken


def test_a_whole_chain_written_anew_is_found_by_a_head_kept_elsewhere(records: Records, by: By) -> None:
    _write_log(records, by, 5)
    with records.begin() as connection:
        kept = audit.head(connection)
        assert audit.verify(connection, kept) is None
        audit.append(connection, by, "read", "audit", "log")
        assert audit.verify(connection, kept) is None

        assert audit.verify(connection, audit.Head(kept.n, "0" * 64)) == 5
        assert audit.verify(connection, audit.Head(9, kept.hash)) == 7


def test_the_log_is_listed_by_actor_and_page(records: Records, by: By) -> None:
    _write_log(records, by, 5)
    with records.begin() as connection:
        audit.append(connection, By("person-2", by.at), "read", "audit", "log")

        first = audit.listing(connection, actor="person-1", limit=3)
        second = audit.listing(connection, actor="person-1", after=first.next, limit=3)
    assert [one.n for one in first.items + second.items] == [5, 4, 3, 2, 1]
    assert first.items[0].detail == {"i": 4, "이름": "가"}
