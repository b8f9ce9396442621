"""People: accounts, sign-in, sessions, roles. Every change is audited in its own transaction."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec
from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.engine import RowMapping

from dure.core.access import ANONYMOUS, ROLES, Actor, Role
from dure.core.errors import Conflict, InputError, NotFound, NotSignedIn
from dure.core.time import Clock
from dure.engines.clock import SystemClock
from dure.engines.identity import attempts
from dure.engines.identity.passwords import Passwords
from dure.engines.records import audit, dialect
from dure.engines.records.audit import SYSTEM, By
from dure.engines.records.paging import Page, checked_limit, page
from dure.engines.records.store import Records
from dure.engines.records.tables import people, sessions

PersonState = Literal["active", "disabled"]
TOKEN_BYTES = 32
LOGIN_MAX = 100


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """An account. `issuer` is empty for one with a password of ours."""

    id: str
    login: str
    name: str
    roles: frozenset[Role]
    state: PersonState
    issuer: str
    created_at: datetime

    @property
    def actor(self) -> Actor:
        """Who asks, when this person does."""
        return Actor(self.id, self.roles)


class SignedIn(NamedTuple):
    """The session's token, known to the person's browser only, and when it ends."""

    token: str
    expires_at: datetime


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """What an OpenID Connect issuer says of a person, verified."""

    issuer: str
    subject: str
    login: str
    name: str
    roles: frozenset[Role]


class People:
    """The accounts. All methods block; `at` is the instant of the request, by default the clock's."""

    def __init__(
        self,
        records: Records,
        clock: Clock | None = None,
        session: timedelta = timedelta(hours=12),
        passwords: Passwords | None = None,
    ) -> None:
        self._records = records
        self._clock = clock or SystemClock()
        self._session = session
        self._passwords = passwords or Passwords()

    def sign_in(self, login: str, password: str, at: datetime | None = None, *, old_token: str = "") -> SignedIn:
        """A new session; the one of `old_token` ends. Wrong, unknown and disabled get one answer that takes one time."""
        now, login = at or self._clock.now(), _plain(login)
        with self._records.begin() as connection:
            attempts.take(connection, login, now)  # counted before the answer: tries at the same time gain nothing
            row = connection.execute(select(people).where(people.c.login == login)).mappings().one_or_none()
        kept = row["password_hash"] if row else None
        fits = self._passwords.fits(password, kept)
        if row is None or kept is None or not fits:
            raise _refused()
        anew = self._passwords.hash(password, login) if self._passwords.outdated(kept) else None
        with self._records.begin() as connection:
            if _locked(connection, row["id"]).state != "active":
                raise _refused()
            attempts.forget(connection, login)
            if anew:
                connection.execute(update(people).where(people.c.id == row["id"]).values(password_hash=anew))
            return self._open(connection, row["id"], now, old_token)

    def sign_in_claimed(self, claimed: Claimed, at: datetime | None = None, *, old_token: str = "") -> SignedIn:
        """A new session for a person an issuer vouches for: made at the first sign-in, name and roles as claimed at each."""
        now = at or self._clock.now()
        with self._records.begin() as connection:
            person = self._claimed_person(connection, claimed, now)
            if person.state != "active":
                raise _refused()
            return self._open(connection, person.id, now, old_token)

    def sign_out(self, token: str) -> None:
        """End the session."""
        with self._records.begin() as connection:
            connection.execute(delete(sessions).where(sessions.c.token_sha256 == _hash(token)))

    def sign_out_everywhere(self, person_id: str) -> int:
        """End all sessions of a person; how many there were."""
        with self._records.begin() as connection:
            return _end_sessions(connection, person_id)

    def actor(self, token: str, at: datetime | None = None) -> Actor:
        """Who holds the token, with the roles of now; nobody when it is unknown or its session ended."""
        person = self.person_of(token, at)
        return ANONYMOUS if person is None else person.actor

    def person_of(self, token: str, at: datetime | None = None) -> Person | None:
        """The person who holds the token."""
        if not token:
            return None
        valid = (sessions.c.token_sha256 == _hash(token)) & (sessions.c.expires_at > (at or self._clock.now()))
        query = select(people).join(sessions, sessions.c.person == people.c.id).where(valid, people.c.state == "active")
        with self._records.read() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else _person(row)

    def add(self, login: str, name: str, password: str | None, roles: Iterable[Role], by: By) -> Person:
        """A new account; without a password only an issuer's sign-in could open it."""
        login = _checked_login(login)
        kept = None if password is None else self._passwords.hash(password, login)
        with self._records.begin() as connection:
            return _insert(connection, login, name, roles, by, {"password_hash": kept})

    def set_password(self, person_id: str, password: str, by: By) -> None:
        """Another password; every session of the person ends."""
        login = self.get(person_id).login
        kept = self._passwords.hash(password, login)
        with self._records.begin() as connection:
            connection.execute(update(people).where(people.c.id == person_id).values(password_hash=kept, updated_at=by.at))
            attempts.forget(connection, login)
            _end_sessions(connection, person_id)
            audit.append(connection, by, "manage", "user", person_id, {"password": "changed"})

    def change(
        self,
        person_id: str,
        by: By,
        *,
        name: str | None = None,
        roles: Iterable[Role] | None = None,
        state: PersonState | None = None,
    ) -> Person:
        """Another name, roles or state. Who loses a role loses it at the next request; who is disabled is signed out."""
        with self._records.begin() as connection:
            before = _locked(connection, person_id)
            after = msgspec.structs.replace(
                before,
                name=before.name if name is None else name,
                roles=before.roles if roles is None else _checked_roles(roles),
                state=state or before.state,
            )
            if after != before:
                _require_an_admin_stays(connection, before, after)
                _store(connection, before, after, by)
            return after

    def get(self, person_id: str) -> Person:
        """One person."""
        with self._records.read() as connection:
            row = connection.execute(select(people).where(people.c.id == person_id)).mappings().one_or_none()
        if row is None:
            raise NotFound("person.unknown", f"There is no person {person_id[:80]!r}.")
        return _person(row)

    def listing(self, *, after: str = "", limit: int = 100) -> Page[Person]:
        """By login, from after the given one."""
        query = select(people).where(people.c.login > after).order_by(people.c.login).limit(checked_limit(limit) + 1)
        with self._records.read() as connection:
            rows = connection.execute(query).mappings().all()
        return page((_person(row) for row in rows), limit, lambda person: person.login)

    def count(self) -> int:
        """How many accounts there are."""
        with self._records.read() as connection:
            return int(connection.execute(select(func.count()).select_from(people)).scalar_one())

    def expire(self, at: datetime | None = None) -> int:
        """Delete sessions that ended; how many."""
        with self._records.begin() as connection:
            gone = delete(sessions).where(sessions.c.expires_at <= (at or self._clock.now()))
            return connection.execute(gone).rowcount

    def _open(self, connection: Connection, person_id: str, at: datetime, old_token: str) -> SignedIn:
        """A session with a fresh token, so that one planted before the sign-in is worth nothing after it."""
        if old_token:
            connection.execute(delete(sessions).where(sessions.c.token_sha256 == _hash(old_token)))
        token = secrets.token_urlsafe(TOKEN_BYTES)
        row = {"token_sha256": _hash(token), "person": person_id, "created_at": at, "expires_at": at + self._session}
        dialect.insert_new(connection, sessions, [row])
        audit.append(connection, By(person_id, at), "act", "user", person_id, {"signed_in": True})
        return SignedIn(token, at + self._session)

    def _claimed_person(self, connection: Connection, claimed: Claimed, at: datetime) -> Person:
        same = (people.c.issuer == claimed.issuer) & (people.c.issuer_subject == claimed.subject)
        row = connection.execute(select(people).where(same).with_for_update()).mappings().one_or_none()
        if row is None:
            login = _free_login(connection, claimed)
            known = {"issuer": claimed.issuer, "issuer_subject": claimed.subject}
            return _insert(connection, login, claimed.name, claimed.roles, By(SYSTEM, at), known)
        before = _person(row)
        after = msgspec.structs.replace(before, name=claimed.name, roles=claimed.roles)
        if after != before:
            _store(connection, before, after, By(SYSTEM, at))
        return after


def _refused() -> NotSignedIn:
    return NotSignedIn("sign_in.refused", "Login or password is wrong, or the account is disabled.")


def _insert(connection: Connection, login: str, name: str, roles: Iterable[Role], by: By, extra: dict[str, Any]) -> Person:
    person_id = f"person-{secrets.token_hex(8)}"
    row: dict[str, Any] = {"id": person_id, "login": login, "name": name or login, "state": "active"}
    row |= {"roles": sorted(_checked_roles(roles)), "created_at": by.at, "updated_at": by.at, **extra}
    if not dialect.insert_new(connection, people, [row]):
        raise Conflict("person.exists", f"There already is an account {login!r}.")
    detail = {"added": {"login": login, "roles": row["roles"], "issuer": extra.get("issuer")}}
    audit.append(connection, by, "manage", "user", person_id, detail)
    return _person(connection.execute(select(people).where(people.c.id == person_id)).mappings().one())


def _store(connection: Connection, before: Person, after: Person, by: By) -> None:
    values = {"name": after.name, "roles": sorted(after.roles), "state": after.state, "updated_at": by.at}
    connection.execute(update(people).where(people.c.id == after.id).values(values))
    if after.state == "disabled":
        _end_sessions(connection, after.id)
    told = {"before": _told(before), "after": _told(after)}
    audit.append(connection, by, "manage", "user", after.id, told)


def _told(person: Person) -> dict[str, Any]:
    return {"roles": sorted(person.roles), "state": person.state, "name": person.name}


def _require_an_admin_stays(connection: Connection, before: Person, after: Person) -> None:
    """Nobody may lock the house from outside: one active admin remains."""
    was, stays = (("admin" in one.roles and one.state == "active") for one in (before, after))
    if was and not stays:
        others = connection.execute(select(people).where(people.c.state == "active", people.c.id != after.id).with_for_update())
        if not any("admin" in row["roles"] for row in others.mappings()):
            raise Conflict("person.last_admin", "This is the last admin: give another person the role first.")


def _locked(connection: Connection, person_id: str) -> Person:
    query = select(people).where(people.c.id == person_id).with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound("person.unknown", f"There is no person {person_id[:80]!r}.")
    return _person(row)


def _free_login(connection: Connection, claimed: Claimed) -> str:
    """The login claimed; where another account has it, one made of issuer and subject: accounts are never taken over."""
    wanted = _plain(claimed.login)[:LOGIN_MAX]
    taken = connection.execute(select(people.c.id).where(people.c.login == wanted)).first()
    if wanted and taken is None:
        return wanted
    return f"{wanted or 'person'}-{_hash(f'{claimed.issuer} {claimed.subject}')[:8]}"


def _end_sessions(connection: Connection, person_id: str) -> int:
    return connection.execute(delete(sessions).where(sessions.c.person == person_id)).rowcount


def _checked_roles(roles: Iterable[Role]) -> frozenset[Role]:
    asked = frozenset(roles)
    unknown = sorted(asked - set(ROLES))
    if unknown:
        raise InputError("person.role", f"There is no role {', '.join(unknown)}: use {', '.join(ROLES)}.")
    return asked


def _checked_login(login: str) -> str:
    plain = _plain(login)
    if not 1 <= len(plain) <= LOGIN_MAX or not plain.isprintable() or " " in plain:
        raise InputError("person.login", f"A login has 1 to {LOGIN_MAX} letters, digits and signs, without spaces.")
    return plain


def _plain(login: str) -> str:
    """The same login however its letters are composed and cased."""
    return unicodedata.normalize("NFKC", login).strip().casefold().encode("utf-8", "replace").decode().replace("\0", "�")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _person(row: RowMapping) -> Person:
    return Person(
        id=row["id"],
        login=row["login"],
        name=row["name"],
        roles=frozenset(row["roles"]),
        state=row["state"],
        issuer=row["issuer"] or "",
        created_at=row["created_at"],
    )
