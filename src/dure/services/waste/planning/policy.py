"""What the planner weighs and keeps to: rows of ``rules/planning.toml``, as of a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import msgspec

from dure.core.errors import ConfigError
from dure.services.waste.rules import Choice, Pack, load_pack

PACK = "planning"


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The city's wishes in numbers; each is a row of the rule pack.

    Attributes
    ----------
    dial_m : metres the city drives to avoid one sure overflow
    must_risk : a bin this likely to overflow must be emptied
    unknown_risk : of a bin nobody knows anything of
    look_ahead : whether a prize also counts the later trip a visit today saves (see `foresight`)
    detour_usual_m : what a visit is presumed to add before any plan was driven
    day_cv, rate_cv : presumed variation of a bin's rise from day to day, and how unsure its rate is [1]
    detour_m_min : no detour is shorter, so what is worth less is left out before routing
    reserve : share of a truck kept free for bins fuller than expected
    spread_max, balance_extra : aim for (longest - shortest) / mean of the hours of the routes, and the share of the
        kilometres that may cost
    moved_share_max : aim for the share of untouched stops that change their truck in a re-plan
    vehicle_m, second_m : what one more truck, and one more second of a route, weigh
    search_iterations, search_cpu_s : how long a day is searched; the seconds are a safety net
    edit_iterations, edit_cpu_s, breakdown_cpu_s : the same after an edit, and after a truck broke down
    begins_h : local hour at which tomorrow's draft is made
    dials_m : points of the frontier
    version : of the rule pack
    provisional : rules "to be confirmed" among them
    """

    dial_m: int
    must_risk: float
    unknown_risk: float
    look_ahead: bool
    detour_usual_m: int
    day_cv: float
    rate_cv: float
    detour_m_min: int
    reserve: float
    spread_max: float
    balance_extra: float
    moved_share_max: float
    vehicle_m: int
    second_m: float
    search_iterations: int
    search_cpu_s: float
    edit_iterations: int
    edit_cpu_s: float
    breakdown_cpu_s: float
    begins_h: int
    dials_m: tuple[int, ...]
    version: str
    provisional: tuple[str, ...] = ()


def policy_on(day: date, folder: Path | None = None) -> Policy:
    """The policy in force on a day; the city's own rows, when its folder has a pack, instead of Dure's."""
    return policy_of(load_pack(PACK, folder), day)


def policy_of(pack: Pack, day: date) -> Policy:
    """The policy of a pack.

    Raises
    ------
    ConfigError
        ``rules.invalid`` when a value is missing, unknown or outside its span
    """
    rows = pack.rows("choices", Choice, day)
    words: dict[str, object] = {row.id: row.value for row in rows}
    words["dials_m"] = sorted({row.value for row in pack.rows("dials", Choice, day)}, key=float)
    words |= {"version": pack.version, "provisional": [pack.basis("choices", row).rule for row in rows if row.provisional]}
    try:
        found = msgspec.convert(words, Policy)
    except msgspec.ValidationError as error:
        raise ConfigError("rules.invalid", f"{pack.file}, [[choices]]: {error}.") from error
    wrong = [name for name, fits in _spans(found).items() if not fits]
    if wrong:
        raise ConfigError("rules.invalid", f"{pack.file}, [[choices]] {wrong[0]}: {words.get(wrong[0])} is outside its span.")
    return found


def _spans(policy: Policy) -> Mapping[str, bool]:
    return {
        "dial_m": policy.dial_m > 0,
        "must_risk": 0 < policy.must_risk <= 1,
        "unknown_risk": 0 <= policy.unknown_risk <= 1,
        "detour_usual_m": policy.detour_usual_m >= 0,
        "day_cv": 0 < policy.day_cv <= 3,
        "rate_cv": 0 <= policy.rate_cv <= 3,
        "detour_m_min": policy.detour_m_min >= 0,
        "reserve": 0 <= policy.reserve < 1,
        "spread_max": 0 < policy.spread_max <= 1,
        "balance_extra": 0 <= policy.balance_extra <= 1,
        "moved_share_max": 0 <= policy.moved_share_max <= 1,
        "vehicle_m": policy.vehicle_m >= 0,
        "second_m": policy.second_m >= 0,
        "search_iterations": min(policy.search_iterations, policy.edit_iterations) >= 0,
        "search_cpu_s": min(policy.search_cpu_s, policy.edit_cpu_s, policy.breakdown_cpu_s) > 0,
        "begins_h": 0 <= policy.begins_h < 24,
        "dials_m": min(policy.dials_m) > 0,
    }
