"""What a site shows when it is planned, frozen before anything is decided; and the problem that follows from it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
import numpy as np

from dure.core.time import from_us
from dure.services.charging.model import Evse, Site, Storage
from dure.services.charging.planning.conservative import least_w
from dure.services.charging.planning.cost import kept_won_kwh
from dure.services.charging.planning.forecast_model import Forecast
from dure.services.charging.planning.giving_back import back_wh
from dure.services.charging.planning.plan_rules import PlanningRow
from dure.services.charging.planning.problem import Floats, Need, Problem, within
from dure.services.charging.sessions.model import Session

GOES_ON_STEPS = 4
FULL = frozenset({"SuspendedEV"})  # OCPP: the vehicle takes nothing though it may


class Usual(msgspec.Struct, frozen=True):
    """What a driver who said nothing needs, and how long they stay: the middle of `n` sessions of the site, or a rule's guess."""

    need_wh: float
    stay_s: float
    n: int = 0


class Costs(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Prices of the steps (n,) [won/kWh] and of the peak [won/kW], and the rules they rest on."""

    price_won_kwh: Floats
    export_won_kwh: Floats
    demand_won_kw: float = 0.0
    rules: tuple[str, ...] = ()
    provisional: bool = False


class Seen(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What was read of a site at an instant.

    Attributes
    ----------
    start_us : begin of the step that runs
    sessions : those that run, by id
    sun_w, stored_wh : now; None where the meter is lost, or where there is none
    lost : what is lost: ``sun``, ``storage``
    held : most that each EVSE without a link may draw in each step [W], by asset id: it cannot be told anything
    peak_w : of the billing period so far, as means of demand intervals
    versions : of OCPP that chargers with a link speak, by asset id
    returned_wh : what vehicles gave back since their session began, by session
    """

    at: datetime
    start_us: int
    site: Site
    sessions: tuple[Session, ...] = ()
    usual: Usual
    sun_w: float | None = None
    stored_wh: float | None = None
    load_w: float = 0.0
    peak_w: float = 0.0
    lost: tuple[str, ...] = ()
    held: Mapping[str, tuple[float, ...]] = {}  # msgspec copies an empty default for every instance
    versions: Mapping[str, str] = {}
    returned_wh: Mapping[str, float] = {}


def begin_us(at_us: int, step_s: int) -> int:
    """Begin of the step that runs at an instant."""
    return at_us - at_us % (step_s * 1_000_000)


def with_now(seen: Seen, forecast: Forecast) -> Forecast:
    """A forecast with what is measured now in its first step.

    Where nothing is known of the sun, what shines goes on for an hour.
    """
    pv_w = np.array(forecast.pv_w, dtype=np.float64)
    if forecast.used.get("sun", "none") == "none":
        pv_w[:GOES_ON_STEPS] = seen.sun_w or 0.0
    if seen.sun_w is not None:
        pv_w[0] = seen.sun_w
    load_w = np.array(forecast.load_w, dtype=np.float64)
    if not load_w.any():
        load_w[:] = seen.load_w
    load_w[0] = max(load_w[0], seen.load_w)
    return msgspec.structs.replace(forecast, pv_w=pv_w, load_w=load_w)


def problem_of(seen: Seen, ahead: Forecast, costs: Costs, rules: PlanningRow) -> Problem:
    """The problem of a site; conservative where meters are lost: no sun, storage still."""
    site, n = seen.site, len(ahead.pv_w)
    storage = joined(site.storage) if seen.stored_wh is not None else None
    problem = Problem(
        start_us=seen.start_us,
        step_s=rules.step_s,
        pv_w=np.zeros(n) if "sun" in seen.lost else np.maximum(ahead.pv_w, 0.0),
        load_w=np.maximum(ahead.load_w, 0.0) + drawn_w(seen, rules, n),
        price_won_kwh=costs.price_won_kwh,
        export_won_kwh=costs.export_won_kwh,
        contract_w=site.contract_w,
        needs=needs_of(seen, rules) + ahead.expected,
        storage=storage,
        stored_wh=float(seen.stored_wh or 0.0) if storage else 0.0,
        demand_won_kw=costs.demand_won_kw,
        peak_w=max(seen.peak_w, ahead.aim_w),
        grid_to_ess=site.grid_to_ess,
        over_won_kwh=rules.over_won_kwh,
        unmet_won_kwh=rules.unmet_won_kwh,
        phase_w=site.phase_a * site.voltage_v,
        back_won_kwh=rules.back_won_kwh,
    )
    return msgspec.structs.replace(problem, end_won_kwh=kept_won_kwh(problem, ahead.kept_share))


def drawn_w(seen: Seen, rules: PlanningRow, n: int) -> Floats:
    """What vehicles at EVSEs without a link are believed to draw (n,) [W]: all they may, until they have what they need."""
    drawn, hours = np.zeros(n), rules.step_s / 3_600
    for session in seen.sessions:
        if session.evse in seen.held:
            held = _steps(seen.held[session.evse], n)
            left = left_wh(seen, session, float(held.max(initial=0.0)), rules)
            drawn += np.clip(left / hours - np.concatenate([[0.0], np.cumsum(held)[:-1]]), 0.0, held)
    return drawn


def spare_w(seen: Seen, problem: Problem, rules: PlanningRow) -> Floats | None:
    """Most import that EVSEs without a link leave to the rest (n,) [W]; None where every charger has its link."""
    if not seen.held:
        return None
    may = np.sum([_steps(one, problem.n) for one in seen.held.values()], axis=0)
    spare: Floats = np.maximum(seen.site.contract_w - (may - drawn_w(seen, rules, problem.n)), 0.0)
    return spare


def _steps(values: Sequence[float], n: int) -> Floats:
    """The first n values, the last going on."""
    found = np.array(values, dtype=np.float64)
    return np.pad(found[:n], (0, max(0, n - len(found))), mode="edge")


def joined(parts: Sequence[Storage]) -> Storage | None:
    """Several storages as one: sums, and means by capacity; None of none."""
    if not parts:
        return None
    if len(parts) == 1:
        return parts[0]
    capacity = sum(one.capacity_wh for one in parts)

    def mean(name: str) -> float:
        return float(sum(getattr(one, name) * one.capacity_wh for one in parts) / capacity)

    return Storage(
        id="+".join(one.id for one in parts),
        site=parts[0].site,
        capacity_wh=capacity,
        charge_w=sum(one.charge_w for one in parts),
        discharge_w=sum(one.discharge_w for one in parts),
        charge_efficiency=mean("charge_efficiency"),
        discharge_efficiency=mean("discharge_efficiency"),
        reserve_fraction=mean("reserve_fraction"),
        wear_won_kwh=mean("wear_won_kwh"),
    )


def needs_of(seen: Seen, rules: PlanningRow) -> tuple[Need, ...]:
    """What each vehicle that is there still needs; one at an EVSE nobody registered, or without a link, has none."""
    evses = {one.id: one for one in seen.site.evses}
    powers = {one.id: one.power_w for one in seen.site.chargers if one.power_w > 0}
    found = []
    for session in seen.sessions:
        evse = evses.get(session.evse)
        if evse is not None and evse.id not in seen.held:
            found.append(_need(seen, session, evse, min(evse.power_w, powers.get(evse.charger, evse.power_w)), rules))
    return tuple(found)


def _need(seen: Seen, session: Session, evse: Evse, max_w: float, rules: PlanningRow) -> Need:
    least = least_w(seen.site, evse)
    need = Need(
        id=session.id,
        arrive=0,
        depart=departs(seen, session, rules),
        need_wh=left_wh(seen, session, max_w, rules),
        max_w=max_w,
        min_w=min(least, max_w),
        phases=evse.phases,
        given_wh=net_wh(seen, session),
        back_wh=_back_wh(seen, session, evse, rules),
    )
    return within(need, rules.steps)


def net_wh(seen: Seen, session: Session) -> float:
    """What a vehicle got in its session, less what it gave back [Wh]."""
    return max(0.0, session.energy_wh - seen.returned_wh.get(session.id, 0.0))


def _back_wh(seen: Seen, session: Session, evse: Evse, rules: PlanningRow) -> float:
    if session.charging_state in FULL:
        return 0.0
    return back_wh(seen.site, evse, session, seen.versions.get(evse.charger, ""), rules)


def left_wh(seen: Seen, session: Session, max_w: float, rules: PlanningRow) -> float:
    """Energy a session still needs [Wh].

    What its driver asked for, less what it got; to a charge asked for, by what vehicles hold; of a driver who said nothing what
    is usual, and one step more as long as the vehicle still takes. A vehicle that takes nothing needs nothing.
    """
    if session.charging_state in FULL:
        return 0.0
    given = max(0, session.energy_wh)
    if session.target_soc is not None and session.soc is not None:
        return max(0.0, session.target_soc - session.soc) * rules.vehicle_wh
    if session.need_wh is not None:
        return float(max(0, session.need_wh - net_wh(seen, session)))
    return max(seen.usual.need_wh - given, max_w * rules.step_s / 3_600)


def departs(seen: Seen, session: Session, rules: PlanningRow) -> int:
    """First step in which it is gone: as its driver said, else after the usual stay, and never before the next step."""
    until = session.departs_at or session.started_at + timedelta(seconds=seen.usual.stay_s)
    steps = (until - from_us(seen.start_us)).total_seconds() / rules.step_s
    return int(max(1 if session.departs_at else 2, np.floor(steps + 1e-9)))


def usual_of(past: Sequence[Session], rules: PlanningRow) -> Usual:
    """The middle of what sessions took and how long they stayed."""
    ended = [one for one in past if one.ended_at is not None and one.energy_wh > 0]
    if len(ended) < rules.usual_n:
        return Usual(rules.usual_need_wh, rules.usual_stay_min * 60.0)
    stays = [(one.ended_at - one.started_at).total_seconds() for one in ended if one.ended_at is not None]
    return Usual(float(np.median([one.energy_wh for one in ended])), float(np.median(stays)), len(ended))


def fingerprint(seen: Seen) -> Mapping[str, str]:
    """What makes a new plan due when it changes, by cause."""
    known = [(one.id, one.need_wh, one.departs_at, one.target_soc, one.charging_state in FULL) for one in seen.sessions]
    return {
        "step": str(seen.start_us),
        "session": repr(sorted(one[0] for one in known)),
        "wish": repr(sorted(known, key=lambda one: one[0])),
        "meter": repr(seen.lost),
        "link": repr(sorted(seen.held)),
        "site": repr(seen.site),
    }
