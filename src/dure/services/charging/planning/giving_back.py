"""Which vehicles may give energy back (V2G), and how much. Off unless both the site and the EVSE say `v2g = yes`. Pure.

=================  ==========================================================================================
``v2g.version``    its charger does not speak OCPP 2.1: set points of 1.6 and 2.0.1 cannot ask for energy back
``v2g.departure``  its driver did not say when it leaves and what it needs by then
``v2g.charge``     it does not tell its state of charge, so nobody knows what may be taken
=================  ==========================================================================================

What it gives back counts as grid in the origin ledger: nobody knows where a vehicle was charged before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dure.services.charging.model import Evse, Site
    from dure.services.charging.planning.plan_rules import PlanningRow
    from dure.services.charging.sessions.model import Session

SPEAKS = "ocpp2.1"  # the first with operation modes and set points below zero


def refusal(site: Site, evse: Evse, session: Session, version: str) -> str:
    """Why a vehicle gives nothing back though site and EVSE would let it; empty when it may, or when they do not.

    Parameters
    ----------
    version : of OCPP that its charger speaks now; empty without a link
    """
    if not (site.v2g and evse.v2g):
        return ""
    if version != SPEAKS:
        return "v2g.version"
    if session.departs_at is None or (session.need_wh is None and session.target_soc is None):
        return "v2g.departure"
    return "v2g.charge" if session.soc is None else ""


def back_wh(site: Site, evse: Evse, session: Session, version: str, rules: PlanningRow) -> float:
    """Most a vehicle may hold less than it does now [Wh]: down to what must stay in it."""
    if not (site.v2g and evse.v2g) or session.soc is None or refusal(site, evse, session, version):
        return 0.0
    return max(0.0, session.soc - rules.back_soc_least) * rules.vehicle_wh
