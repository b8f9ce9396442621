"""One round of the alerts: the values of a period in; states, alerts, events, decisions and messages kept together.

The service's shell calls `advance` with what each place measured and `escalate` with the hour, both in a worker thread.
Either leaves everything kept in one transaction, or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection

from dure.core.events import Event
from dure.core.text import Text
from dure.core.time import day_of, from_us
from dure.engines.records import assets, decisions, events
from dure.engines.records.audit import By
from dure.services.environment.alerting import alert_records, message_records, subscription_records
from dure.services.environment.alerting.alert_model import Alert, Facts, alert_id
from dure.services.environment.alerting.alert_records import Key
from dure.services.environment.alerting.alert_rules import AlertRule, alert_rules, escalation_policy
from dure.services.environment.alerting.alert_story import decision_of, event_of, story_of
from dure.services.environment.alerting.alerts import Measured, State, Transition, step
from dure.services.environment.alerting.escalation import Due, due_escalations
from dure.services.environment.alerting.subscriptions import Change, Message, Recipient, Subscription, recipients, written

if TYPE_CHECKING:
    from dure.config import Settings
    from dure.spine.house import House


class Place(msgspec.Struct, frozen=True):
    """The city, a zone or an asset in words, with the zone it lies in, or the zones that lie in it."""

    name: Text
    zone: str
    inside: tuple[str, ...] = ()

    def scopes(self, scope: str) -> tuple[str, ...]:
        """The place itself, the zone around it and the zones inside: whoever asked for one of them is told."""
        around = (self.zone,) if self.zone and self.zone != scope else ()
        return (scope, *around, *self.inside)


def rules_now(house: House, at: datetime) -> Mapping[str, AlertRule]:
    """The rules in force on the city's day of an instant; the city's own packs win."""
    return alert_rules(day_of(at, house.city.zone), house.city.folder)


def link_of(settings: Settings) -> str:
    """The address under which people reach Dure, as a link of a message needs it."""
    return settings.public_url.rstrip("/") or f"http://{settings.http_host}:{settings.http_port}"


def advance(house: House, readings: Sequence[Measured], now: datetime) -> list[Transition]:
    """Take in the values of periods: the changes of level, each kept with its alert, event, decision and messages.

    Values of one place come in the order of their periods. A period judged before changes nothing, so the same readings may
    be handed in again. Rules that are not in force are left out. Blocks; call it in a thread.
    """
    wanted = _new(house, readings)
    if not wanted:
        return []
    found: list[Transition] = []
    with house.records.begin() as connection:
        states = alert_records.claim_states(connection, [(one.rule, one.scope) for one in wanted], now)
        begun = dict(states)
        for one in sorted(wanted, key=lambda each: (each.start_us, each.rule, each.scope)):
            rule = rules_now(house, from_us(one.start_us))[one.rule]
            key = (one.rule, one.scope)
            before = states[key]
            states[key], change = step(rule, before, one, now)
            if change is not None:
                _keep(house, connection, rule, before, change)
                found.append(change)
        changed = {key: state for key, state in states.items() if state is not begun[key]}
        alert_records.save_states(connection, changed, now)
    return found


def _new(house: House, readings: Sequence[Measured]) -> list[Measured]:
    """Readings of periods that were not judged yet: looked up without writing, so that the disk is left in peace."""
    known = [one for one in readings if one.rule in rules_now(house, from_us(one.start_us))]
    if not known:
        return []
    with house.records.read() as connection:
        states = alert_records.load_states(connection, [(one.rule, one.scope) for one in known])
    return [one for one in known if one.start_us > states.get((one.rule, one.scope), State()).start_us]


def _keep(house: House, connection: Connection, rule: AlertRule, before: State, change: Transition) -> None:
    """One change: the decision first, then the alert, its event and the messages."""
    key: Key = (change.rule, change.scope)
    current = alert_records.open_of(connection, [key]).get(key)
    if current is None and change.after < change.before:
        return  # its alert was never kept, so there is nothing to end
    place = _place(house, connection, change.scope)
    number = 1 if current is None else current.last_n + 1
    ident = alert_id(change) if current is None else current.id
    decision = decision_of(f"{ident}-{number}", rule, before, change)
    decisions.add(connection, decision)
    if current is None:
        facts = Facts(
            name=place.name,
            zone=place.zone,
            public=rule.row.public,
            alarmed_at=change.at,
            level_max=change.after,
            version=rule.version,
        )
        alert = alert_records.open_alert(connection, change, facts, decision.id)
    else:
        alert = alert_records.advance_alert(connection, current, change, decision.id)
    event = event_of(alert, rule.row.unit, change.at)
    events.announce(connection, [event], change.at)
    told = _change(alert, change.before, change.after, place.scopes(change.scope))
    fitting = recipients(told, subscription_records.active(connection))
    message_records.put(connection, _messages(house, rule, alert, event, told, fitting), change.at)


def escalate(house: House, now: datetime) -> list[Due]:
    """Tell the next role of every alert nobody acknowledged in time; the steps taken. Blocks; call it in a thread."""
    policy = escalation_policy(day_of(now, house.city.zone), house.city.folder)
    with house.records.read() as connection:
        waiting = [one.waiting for one in alert_records.open_alerts(connection, unacknowledged=True)]
    taken = []
    for due in due_escalations(waiting, now, policy, house.city.zone):
        with house.records.begin() as connection:
            alert = alert_records.escalate(connection, due.alert, due, now)
            if alert is not None:
                _tell_roles(house, connection, alert, due, now)
                taken.append(due)
    return taken


def _tell_roles(house: House, connection: Connection, alert: Alert, due: Due, now: datetime) -> None:
    """Everybody with the role finds it in the inbox, and wherever else they asked to be told."""
    rule = rules_now(house, now).get(alert.rule)
    if rule is None:
        return
    event = event_of(alert, rule.row.unit, now)
    events.announce(connection, [event], now)
    told = _change(alert, alert.level, alert.level, (alert.scope, alert.facts.zone))
    people = set(subscription_records.on_duty(connection, due.roles))
    theirs = [one for one in subscription_records.active(connection) if one.subscription.person in people]
    fitting = recipients(msgspec.structs.replace(told, before=3), theirs)  # whatever level they chose: nobody else has seen it
    reached = {one.subscription.person for one in fitting if one.subscription.channel == "in_app"}
    on_duty = [_duty(person, now) for person in sorted(people - reached)]
    message_records.put(connection, _messages(house, rule, alert, event, told, [*fitting, *on_duty]), now)


def acknowledge(house: House, ident: str, note: str, by: By) -> Alert:
    """Somebody has seen an alert: kept with its event and the audit log. Blocks."""
    with house.records.begin() as connection:
        alert = alert_records.acknowledge(connection, ident, note, by)
        rule = rules_now(house, by.at).get(alert.rule)
        unit = rule.row.unit if rule else ""
        events.announce(connection, [event_of(alert, unit, by.at)], by.at)
        return alert


def _duty(person: str, now: datetime) -> Recipient:
    ident = message_records.duty_subscription(person)
    wish = Subscription(id=ident, person=person, channel="in_app", target=person, language="ko", created_at=now, updated_at=now)
    return Recipient(wish, staff=True)


def _change(alert: Alert, before: int, after: int, scopes: tuple[str, ...]) -> Change:
    return Change(
        alert=alert.id,
        transition=alert.last_n,
        rule=alert.rule,
        scopes=tuple(one for one in scopes if one),
        before=before,
        after=after,
        public=alert.facts.public,
    )


def _messages(
    house: House, rule: AlertRule, alert: Alert, event: Event, told: Change, fitting: Sequence[Recipient]
) -> list[Message]:
    story = story_of(rule, alert, house.city.zone)
    return [written(told, one, story, event, link_of(house.settings)) for one in fitting]


def _place(house: House, connection: Connection, scope: str) -> Place:
    """The city, a zone of it, else an asset with the zone it lies in, else the id itself."""
    if scope == house.city.id:
        return Place(house.city.name, "")
    zone = house.city.zone_by_id(scope)
    if zone is not None:
        return Place(zone.name, zone.id)
    asset = assets.find(connection, [scope]).get(scope)
    if asset is None:
        return Place(Text(scope, scope), "")
    return Place(asset.name, str(asset.attributes.get("zone", "")))
