"""The driver's page: only the phone that started may stop, nobody learns whose charge it is, refusals are plain."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest
from face_city import NOW, house_in, tell

from dure.core.time import to_us
from dure.engines.records.audit import By
from dure.services.charging.central.words import Linked, Sample, StatusSaid, TransactionSaid
from dure.services.charging.driving.claim import made, sealed
from dure.services.charging.sessions import session_records, wish_records
from dure.services.charging.sessions.folding import fold
from dure.services.charging.sessions.places import Places
from dure.services.charging.sessions.session_rules import session_rules
from dure.services.charging.sites import registered
from dure.services.charging.tokens import token_desk
from dure.services.charging.tokens.token_key import token_key
from dure.services.charging.tokens.tokens import Token
from dure.web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[1] / "environment"))
from web_visitor import Visitor  # the visitor of the environment's tests is ours too

MINE, OTHER = "digest-of-mine", "digest-of-another"
BEGUN = NOW - timedelta(minutes=40)
PLACE = "/en/charging/evse/hall-e1"


@pytest.fixture
def house(tmp_path):
    house = house_in(tmp_path)
    dawn_us = to_us(NOW - timedelta(hours=3))
    hear(
        house, Linked("hall-c1", "ocpp2.0.1", dawn_us), *(StatusSaid("hall-c1", n, "available", dawn_us, dawn_us) for n in (1, 2))
    )
    yield house
    house.telemetry.close()
    house.records.close()


def hear(house, *words):
    """Words of chargers, taken in as the round of the journal does."""
    rules = session_rules(NOW.date(), house.city.folder)
    with house.records.begin() as connection:
        fold(connection, words, Places(registered(connection)), rules, NOW)
        return session_records.listing(connection, session_records.Asked()).items


@pytest.fixture
def app(house):
    return create_app(house)


def charge(house, token=MINE, ended=False):
    """A charge at the first place that took 4,321 Wh; its session."""

    def said(step, seq, at, wh, **more):
        samples = (Sample(to_us(at), "Energy.Active.Import.Register", wh), Sample(to_us(at), "Power.Active.Import", 6_000.0))
        return TransactionSaid(
            "hall-c1", "t-1", step, to_us(at), to_us(at), evse=1, seq_no=seq, token=token, samples=samples, **more
        )

    words = [
        StatusSaid("hall-c1", 1, "occupied", to_us(BEGUN), to_us(BEGUN)),
        said("started", 0, BEGUN, 100_000),
        said("updated", 1, NOW - timedelta(minutes=3), 104_321),
    ]
    over = NOW - timedelta(minutes=2)
    if ended:
        words += [said("ended", 2, over, 104_321), StatusSaid("hall-c1", 1, "available", to_us(over), to_us(over))]
    (session,) = hear(house, *words)
    tell(house, "hall-e1", "evse_power", 0 if ended else 6_000)
    return session


def phone(app, house, token=MINE, at=BEGUN - timedelta(seconds=30)):
    """A visitor whose phone started a charge with a token."""
    visitor = Visitor(app)
    visitor.cookies["dure_charge"] = sealed([made("hall-e1", token, at)], token_key(house.settings.data))
    return visitor


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"until": "energy", "kwh": "much"}, "number from 1 to 500 kWh"),
        ({"until": "target", "target": "200"}, "number from 1 to 100"),
        ({"departure": "later"}, "like 18:30"),
        ({"who": "member", "token": ""}, "back of the card"),
    ],
)
def test_a_field_that_cannot_be_read_is_told_and_the_rest_of_the_form_stays(app, fields, said):
    answer = Visitor(app).form(PLACE, f"{PLACE}/start", **fields)
    assert answer.status_code == 422
    assert said in answer.text
    assert "much" in answer.text or "kwh" not in fields


def test_a_card_number_never_comes_back_in_a_page(app):
    answer = Visitor(app).form(PLACE, f"{PLACE}/start", who="member", token="CARD-4711-SECRET", until="energy", kwh="x")
    assert answer.status_code == 422
    assert "4711" not in answer.text


@pytest.mark.parametrize("what", ["start", "stop", "wish"])
def test_a_form_from_elsewhere_is_refused(app, what):
    assert Visitor(app).ask("POST", f"{PLACE}/{what}", data={"until": "full"}).status_code == 403


def test_a_charger_that_is_not_connected_is_told_as_such(app):
    answer = Visitor(app).form(PLACE, f"{PLACE}/start", until="full", who="guest")
    assert answer.status_code == 409
    assert "never been connected" in answer.text or "not connected" in answer.text


def test_too_many_attempts_from_one_address_are_refused(app):
    visitor = Visitor(app)
    answers = [visitor.form(PLACE, f"{PLACE}/start", until="full").status_code for _ in range(22)]
    assert answers[:20] == [409] * 20
    assert answers[20:] == [429] * 2


def test_a_free_place_shows_the_form_and_a_place_nobody_knows_does_not(app):
    assert "Start charging" in Visitor(app).get(PLACE).text
    page = Visitor(app).get("/en/charging/evse/hub-e1").text
    assert "The charger is not connected" in page
    assert "Start charging" not in page


def test_the_phone_that_started_sees_its_charge_and_may_stop(app, house):
    charge(house)
    page = phone(app, house).get(PLACE).text
    assert "4.32" in page
    assert "Stop charging" in page
    assert "1,401 won" in page  # 4.321 kWh at 324.4 won, fractions are not charged


@pytest.mark.parametrize("token", [OTHER, ""])
def test_another_phone_sees_that_it_is_taken_and_nothing_of_the_charge(app, house, token):
    session = charge(house)
    visitor = phone(app, house, token) if token else Visitor(app)
    page = visitor.get(PLACE).text
    assert "Taken" in page
    assert "4.32" not in page
    assert "Stop charging" not in page
    assert session.id not in page


@pytest.mark.parametrize("what", ["stop", "wish"])
def test_another_phone_cannot_stop_or_change_it(app, house, what):
    charge(house)
    other = phone(app, house, OTHER)
    refused = other.form("/en/help", f"{PLACE}/{what}")
    assert refused.status_code == 403


def test_a_claim_of_an_earlier_charge_does_not_open_a_later_one(app, house):
    charge(house)
    assert "Taken" in phone(app, house, at=NOW + timedelta(seconds=30)).get(PLACE).text  # claimed after this one had begun


def test_a_phone_that_waits_gets_the_button_to_stop_without_a_reload(app, house):
    assert 'id="doing">' in Visitor(app).get(PLACE).text  # what a driver has filled in stays
    charge(house)
    mine = phone(app, house).get(PLACE).text
    part = mine[mine.index('id="doing" data-refresh') :]
    assert "Stop charging" in part[: part.index('id="trouble"')]


def test_a_phone_that_asked_to_stop_is_told_so(app, house):
    charge(house)
    assert "has been told to stop" in phone(app, house).get(f"{PLACE}?told=stop").text
    assert "has been told to stop" not in Visitor(app).get(f"{PLACE}?told=stop").text


def test_stopping_a_charge_that_has_ended_leads_back_to_its_page(app, house):
    charge(house, ended=True)
    answer = phone(app, house).form("/en/help", f"{PLACE}/stop")
    assert (answer.status_code, answer.headers["location"]) == (303, PLACE)


@pytest.mark.parametrize(("card", "status"), [("KNOWN-1", 409), ("BLOCKED-1", 422), ("NOBODY-1", 422)], ids=str)
def test_a_card_that_may_not_charge_is_told_at_its_field_before_the_charger_is_asked(app, house, card, status):
    by, key = By("test", NOW), token_key(house.settings.data)
    with house.records.begin() as connection:
        for text in ("KNOWN-1", "BLOCKED-1"):
            token_desk.add(connection, text, Token(digest="", blocked=text == "BLOCKED-1"), key, by)
    answer = Visitor(app).form(PLACE, f"{PLACE}/start", who="member", token=card)
    assert answer.status_code == status  # a good card comes as far as the charger, which has no device
    assert ("This card cannot charge here" in answer.text) == (status == 422)
    assert card not in answer.text


def test_a_wish_of_the_phone_that_started_is_kept(app, house):
    session = charge(house)
    visitor = phone(app, house)
    answer = visitor.form(PLACE, f"{PLACE}/wish", until="energy", kwh="12", departure="18:30")
    assert answer.status_code == 303
    with house.records.read() as connection:
        wish = wish_records.of_sessions(connection, [session.id])[session.id]
    assert wish["need_wh"] == 12_000
    assert "12.0" in visitor.get(PLACE).text


def test_an_ended_charge_leads_to_its_receipt_and_to_another_start(app, house):
    charge(house, ended=True)
    page = phone(app, house).get(PLACE).text
    assert "Charging has ended" in page
    assert "once it is settled" in page
    assert "Charge again" in page
    assert "Charging has ended" not in Visitor(app).get(PLACE).text
