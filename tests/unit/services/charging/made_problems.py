"""Problems of small charging sites, made from a seed or by hypothesis."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from dure.services.charging.model import Storage
from dure.services.charging.planning.problem import Need, Plan, Problem

STEP_S = 900
STORAGE = Storage(id="ess", site="site", capacity_wh=100_000, charge_w=40_000, discharge_w=40_000)


def need(name: str = "a", *, arrive: int = 0, depart: int = 8, need_wh: float = 4_000, **more: object) -> Need:
    """A vehicle on 7 kW of one phase."""
    given = {"max_w": 7_000.0, "min_w": 1_320.0, "phases": (1,)} | more
    return Need(id=name, arrive=arrive, depart=depart, need_wh=need_wh, **given)  # type: ignore[arg-type]  # of one test each


def problem(n: int = 8, *, needs: tuple[Need, ...] = (), pv_w: float = 0.0, load_w: float = 0.0, **more: object) -> Problem:
    """A site of n quarter hours without storage, 100 won/kWh, 80 for export, 50 kW."""
    given = {
        "price_won_kwh": np.full(n, 100.0), "export_won_kwh": np.full(n, 80.0), "contract_w": 50_000.0,
        "pv_w": np.full(n, pv_w), "load_w": np.full(n, load_w),
    } | more  # fmt: skip
    return Problem(start_us=0, step_s=STEP_S, needs=needs, **given)  # type: ignore[arg-type]  # of one test each


def day_of_site(seed: int, vehicles: int = 10, **more: object) -> Problem:
    """A day of a site with sun, storage, time-of-use prices and a demand charge."""
    chance = np.random.default_rng(seed)
    t = np.arange(96)
    hour = t // 4
    sun = np.maximum(0.0, np.sin((t / 4 - 6) / 12 * np.pi)) * 60_000 * chance.uniform(0.5, 1.0)
    price = np.where((hour < 8) | (hour >= 22), 85.0, np.where((hour >= 10) & (hour < 17), 255.0, 170.0))
    given = {
        "pv_w": sun, "load_w": np.full(96, 2_000.0), "price_won_kwh": price, "contract_w": 60_000.0, "storage": STORAGE,
        "stored_wh": 20_000.0, "demand_won_kw": 2_580.0, "needs": tuple(_vehicle(chance, i) for i in range(vehicles)),
    } | more  # fmt: skip
    return problem(96, **given)  # type: ignore[arg-type]  # of one test each


def _vehicle(chance: np.random.Generator, i: int) -> Need:
    arrive = int(chance.integers(0, 60))
    depart = int(min(96, arrive + chance.integers(8, 36)))
    phases: tuple[int, ...] = ((1,), (2,), (3,), (1, 2, 3))[int(chance.integers(4))]
    most = 7_000.0 if len(phases) == 1 else 11_000.0
    wanted = float(min(most * 0.25 * (depart - arrive) * 0.9, chance.uniform(4e3, 30e3)))
    return need(f"e{i:03d}", arrive=arrive, depart=depart, need_wh=wanted, max_w=most, min_w=1_320.0 * len(phases), phases=phases)


@st.composite
def problems(draw: DrawFn) -> Problem:
    """Problems of 1 to 16 steps with anything that may happen but negative prices."""
    n = draw(st.integers(1, 16))
    watt = st.integers(0, 40).map(lambda kw: kw * 1_000.0)
    price = draw(st.lists(st.integers(50, 300), min_size=n, max_size=n))
    needs = []
    for i in range(draw(st.integers(0, 5))):
        arrive = draw(st.integers(0, n - 1))
        phases = draw(st.sampled_from([(1,), (2,), (3,), (1, 2, 3), ()]))
        needs.append(
            need(
                f"v{i}", arrive=arrive, depart=draw(st.integers(arrive, n + 4)), need_wh=draw(st.integers(0, 40)) * 1_000.0,
                phases=phases, max_w=draw(st.sampled_from([3_000.0, 7_000.0, 50_000.0])),
            )
        )  # fmt: skip
    storage = draw(st.sampled_from([None, STORAGE]))
    return problem(
        n,
        pv_w=np.array(draw(st.lists(watt, min_size=n, max_size=n))),  # type: ignore[arg-type]  # an array stands for a number
        load_w=np.array(draw(st.lists(watt, min_size=n, max_size=n))),  # type: ignore[arg-type]  # as above
        price_won_kwh=np.array(price, dtype=np.float64),
        export_won_kwh=np.full(n, float(draw(st.sampled_from([-20, 0, 50])))),
        contract_w=draw(st.sampled_from([10_000.0, 50_000.0])),
        storage=storage,
        stored_wh=draw(st.sampled_from([0.0, 50_000.0, 100_000.0])) if storage else 0.0,
        demand_won_kw=draw(st.sampled_from([0.0, 2_580.0])),
        grid_to_ess=draw(st.booleans()),
        phase_w=draw(st.sampled_from([0.0, 20_000.0])),
        needs=tuple(needs),
    )


def imbalance_w(of: Problem, plan: Plan) -> float:
    """Most power by which a step of a plan does not add up [W]."""
    comes = of.pv_w - plan.curtail_w + plan.import_w + plan.discharge_w
    goes = of.load_w + plan.charge_w + plan.export_w + plan.ev_w.sum(axis=0)
    return float(np.abs(comes - goes).max())


def storage_gap_wh(of: Problem, plan: Plan) -> float:
    """Most energy by which the storage's content differs from what went in and out [Wh]."""
    if of.storage is None:
        return float(np.abs(np.diff(plan.stored_wh)).max(initial=0.0))
    gained = plan.charge_w * of.storage.charge_efficiency - plan.discharge_w / of.storage.discharge_efficiency
    return float(np.abs(np.diff(plan.stored_wh) - gained * of.step_h).max())


def need_gap_wh(of: Problem, plan: Plan) -> float:
    """Most energy by which what is given and not given differ from a need [Wh]."""
    wanted = np.array([one.need_wh for one in of.needs])
    return float(np.abs(plan.ev_w.sum(axis=1) * of.step_h + plan.unmet_wh - wanted).max(initial=0.0))
