"""One home, two programmes that claim the same saving: it is paid and counted once, whoever is first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from carbon_house import carbon_house
from test_household_desk import MINE, NOW, home_city, joined, only_judgement, wallet

from dure.core.errors import NotFound
from dure.services.carbon.claiming import claim_desk
from dure.services.carbon.claiming.explaining import explain
from dure.services.carbon.households.household_watch import HouseholdWatch
from dure.services.carbon.ledger.checking import check
from dure.services.carbon.model import Claim, Stretch
from dure.services.carbon.practising import elsewhere_records
from dure.services.carbon.programmes import programme
from dure.services.carbon.rules import SHIPPED

HALF_YEAR = (datetime(2025, 12, 31, 15, tzinfo=UTC), datetime(2026, 6, 30, 15, tzinfo=UTC))
HASH = "ab" * 32
POINTS = "points-energy"


@pytest.fixture
def house(tmp_path):
    return home_city(tmp_path)


def judged(house, mine):
    assert HouseholdWatch(house).look_once() == 1
    return only_judgement(house, mine).judgement


def nothing_moved(house, mine):
    with pytest.raises(NotFound):
        wallet(house, mine.ref)
    with house.records.read() as connection:
        assert check(connection).sound
        return list(claim_desk.claims(connection, programme="home-energy")) == []


def excluding(folder, path):
    """A city's folder whose savings under a path are counted in another programme."""
    place = folder / "rules" / "carbon"
    place.mkdir(parents=True)
    row = (
        f'\n[[exclusions]]\nid = "points"\nsource_path = "{path}"\nattributes = ["energy_saving"]\n'
        'scheme = "탄소중립포인트 에너지"\n'
        'effective_from = 2026-01-01\nsource = "agreement no. 7"\nmark = "verified source"\n'
    )
    (place / "exclusions.toml").write_text((SHIPPED / "exclusions.toml").read_text("utf-8") + row, "utf-8")
    return folder


@pytest.mark.parametrize(("path", "code"), [("home", "household.elsewhere"), ("hom", "household.band")])
def test_a_home_whose_savings_the_city_hands_to_another_programme_is_not_paid_here(house, tmp_path, path, code):
    house.city = carbon_house(tmp_path, city_folder=excluding(tmp_path / "city", path)).city
    mine = joined(house, source="partner")
    told = judged(house, mine)
    assert (told.code, told.won) == (code, 0 if code == "household.elsewhere" else 15_000)
    if code == "household.elsewhere":
        assert nothing_moved(house, mine)
        assert explain(house, f"carbon/household/{mine.ref}/2026H1").agrees


@pytest.mark.parametrize(
    ("agreed", "span", "code"),
    [
        (True, HALF_YEAR, "household.elsewhere"),
        (True, (HALF_YEAR[1] - timedelta(days=1), HALF_YEAR[1] + timedelta(days=30)), "household.elsewhere"),
        (True, (HALF_YEAR[1], HALF_YEAR[1] + timedelta(days=184)), "household.band"),
        (False, HALF_YEAR, "household.band"),
    ],
    ids=["the same half-year", "a day of it", "the next half-year", "not agreed to be compared"],
)
def test_a_person_whom_carbon_points_paid_for_the_half_year_is_not_paid_again(house, agreed, span, code):
    mine = joined(house, source="partner")
    with house.records.begin() as connection:
        elsewhere_records.bring(connection, POINTS, [HASH], span, NOW)
        if agreed:
            elsewhere_records.consent(connection, MINE.actor, POINTS, HASH, NOW)
    assert judged(house, mine).code == code
    if code == "household.elsewhere":
        assert nothing_moved(house, mine)


def test_a_saving_another_programme_of_the_city_has_claimed_is_refused_and_nothing_moves(house):
    mine = joined(house, source="partner")
    other = Claim(
        id="clm-other", event="other-1", programme="city-estimated", holder="city", tier="B", quantity=1, unit="Wh",
        grams=1, point_grams=1, won=0, method="other@1", factors=(), readings_sha256="0" * 64, made_at=NOW,
        stretches=(
            Stretch(
                source=f"home/{mine.ref}/electricity", attribute="energy_saving", start=HALF_YEAR[1] - timedelta(days=1),
                end=HALF_YEAR[1],
            ),
        ),
    )  # fmt: skip
    with house.records.begin() as connection:
        assert claim_desk.make(connection, other, programme(other.programme, NOW.date()), NOW).state == "awarded"
    assert judged(house, mine).code == "household.band"
    with house.records.read() as connection:
        kept = claim_desk.claim(connection, only_judgement(house, mine).claim)
        assert check(connection).sound
    assert (kept.state, kept.reason) == ("refused", "claim.overlap")
    with pytest.raises(NotFound):
        wallet(house, mine.ref)


def test_the_second_meter_of_a_home_is_another_saving(house):
    mine = joined(house, source="partner")
    with house.records.begin() as connection:
        rows = elsewhere_records.bring(connection, POINTS, [HASH, "cd" * 32], HALF_YEAR, NOW)
        elsewhere_records.consent(connection, "person-2", POINTS, HASH, NOW)  # somebody else's
    assert rows == 2
    assert msgspec.structs.asdict(judged(house, mine))["won"] == 15_000
