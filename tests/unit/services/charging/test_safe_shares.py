"""Safe shares: however many come while links are lost, the contract and every phase are kept."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from made_problems import day_of_site

from dure.core.text import Text
from dure.services.charging.model import Charger, Evse, Site
from dure.services.charging.planning.conservative import least_w, safe_shares, without_storage, without_sun
from dure.services.charging.planning.site_lp import SiteSolver

NAME = Text("충전소", "Site")


def site(evses: tuple[Evse, ...], contract_w: float, *, phase_a: float = 0.0, charger_w: float = 0.0) -> Site:
    charger = Charger(id="c", site="s", name=NAME, power_w=charger_w)
    return Site(
        id="s", name=NAME, lon=127, lat=37, contract_w=contract_w, phase_a=phase_a, chargers=(charger,), evses=evses
    )  # fmt: skip


def evse(number: int, *, phases: tuple[int, ...] = (1,), power_w: float = 7_000.0) -> Evse:
    return Evse(id=f"e{number:03d}", charger="c", number=number, name=NAME, phases=phases, power_w=power_w)


@given(
    st.lists(st.sampled_from([(1,), (2,), (3,), (1, 2, 3), ()]), max_size=40),
    st.integers(1, 300),
    st.sampled_from([0.0, 50.0, 200.0]),
    st.integers(0, 50),
    st.sampled_from([0.0, 22_000.0]),
)
def test_all_shares_together_keep_every_limit(
    phases: list[tuple[int, ...]], contract_kw: int, phase_a: float, load_kw: int, charger_w: float
) -> None:
    of = site(tuple(evse(i, phases=one) for i, one in enumerate(phases)), contract_kw * 1e3, phase_a=phase_a, charger_w=charger_w)
    shares = safe_shares(of, load_kw * 1e3)
    assert set(shares) == {one.id for one in of.evses}
    assert sum(shares.values()) <= max(0.0, of.contract_w - load_kw * 1e3) + 1e-6
    assert not charger_w or sum(shares.values()) <= charger_w + 1e-6
    for phase in (1, 2, 3):
        drawn = sum(shares[one.id] / len(one.phases or (1, 2, 3)) for one in of.evses if phase in (one.phases or (1, 2, 3)))
        assert not phase_a or drawn <= max(0.0, phase_a * of.voltage_v - load_kw * 1e3 / 3) + 1e-6
    for one in of.evses:
        assert shares[one.id] == 0 or least_w(of, one) - 1e-6 <= shares[one.id] <= one.power_w


def test_where_there_is_room_for_all_everyone_has_their_power() -> None:
    of = site((evse(1), evse(2), evse(3, phases=(1, 2, 3), power_w=11_000)), 100_000)
    assert safe_shares(of, 10_000) == {"e001": 7_000, "e002": 7_000, "e003": 11_000}


def test_who_cannot_get_the_least_current_gets_none() -> None:
    of = site(tuple(evse(i) for i in range(10)), 4_000)
    shares = safe_shares(of, 0)
    assert sum(one > 0 for one in shares.values()) == 3


def test_no_sun_is_assumed_and_no_storage_used_when_nothing_is_known_of_them() -> None:
    of = without_storage(without_sun(day_of_site(2)))
    plan = SiteSolver().solve(of)
    assert not plan.charge_w.any()
    assert not plan.discharge_w.any()
    assert not plan.export_w.any()
    assert np.all(plan.import_w <= of.contract_w + 1)
