from __future__ import annotations

import threading
import unicodedata
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from dure.core.access import ANONYMOUS
from dure.core.errors import Conflict, InputError, NotFound, NotSignedIn, RateLimited
from dure.engines.clock import FixedClock
from dure.engines.identity import attempts
from dure.engines.identity.passwords import Passwords
from dure.engines.identity.people import Claimed, People, Person
from dure.engines.records import audit
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.records.tables import metadata
from dure.engines.records.tables import people as people_table

PASSWORD = "두레 로 함께 일하기"
SECOND = timedelta(seconds=1)


@pytest.fixture
def kim(people: People, by: By) -> Person:
    return people.add("Kim", "김도시", PASSWORD, ["operator", "crew"], by)


@pytest.mark.usefixtures("kim")
def test_a_person_signs_in_and_is_known_by_the_token(people: People, clock: FixedClock) -> None:
    token, expires_at = people.sign_in(" KIM ", PASSWORD)

    person = people.person_of(token)
    assert person is not None
    assert (person.login, person.name) == ("kim", "김도시")
    assert people.actor(token).roles == {"operator", "crew"}
    assert expires_at == clock.now() + timedelta(hours=12)


def test_neither_password_nor_token_is_kept_anywhere(people: People, records: Records, kim: Person) -> None:
    token = people.sign_in("kim", PASSWORD).token

    with records.read() as connection:
        everything = str([connection.execute(select(table)).all() for table in metadata.sorted_tables])
    assert kim.id in everything
    assert "$argon2id$" in everything
    assert PASSWORD not in everything
    assert token not in everything


@pytest.mark.parametrize(
    ("login", "password"),
    [("kim", "wrong password"), ("lee", PASSWORD), ("", ""), ("kim\0", PASSWORD), ("\ud800", "\ud800"), ("kim", "x" * 100_000)],
)
@pytest.mark.usefixtures("kim")
def test_a_wrong_password_and_an_unknown_login_get_the_same_answer(people: People, login: str, password: str) -> None:
    with pytest.raises(NotSignedIn) as caught:
        people.sign_in(login, password)

    assert str(caught.value) == "Login or password is wrong, or the account is disabled. [sign_in.refused]"


def test_an_account_without_password_takes_none(people: People, by: By) -> None:
    people.add("issued", "", None, [], by)

    for password in ("", "the password of nobody"):
        with pytest.raises(NotSignedIn):
            people.sign_in("issued", password)


def test_an_unknown_login_takes_as_long_as_a_known_one(records: Records, clock: FixedClock, by: By) -> None:
    class Counted(PasswordHasher):
        verified = 0

        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002  # argon2's own name
            self.verified += 1
            return super().verify(hash, password)

    hasher = Counted(time_cost=1, memory_cost=8, parallelism=1)
    people = People(records, clock, passwords=Passwords(hasher))
    people.add("kim", "", PASSWORD, [], by)
    people.add("issued", "", None, [], by)

    for login in ("kim", "lee", "issued"):
        with pytest.raises(NotSignedIn):
            people.sign_in(login, "wrong password")

    assert hasher.verified == 3


@pytest.mark.parametrize("login", ["kim", "nobody"])
@pytest.mark.usefixtures("kim")
def test_after_five_wrong_passwords_each_try_waits_longer_whoever_it_is(people: People, clock: FixedClock, login: str) -> None:
    waits = []
    for _ in range(20):
        with pytest.raises((NotSignedIn, RateLimited)) as caught:
            people.sign_in(login, "wrong password")
        if isinstance(caught.value, RateLimited):
            waits.append(caught.value.detail["retry_after_s"])
            clock.advance(timedelta(seconds=waits[-1]))

    assert waits == [30.0, 60.0, 120.0, 240.0, 480.0, 900.0, 900.0, 900.0]


@pytest.mark.usefixtures("kim")
def test_a_locked_login_refuses_the_right_password_too_until_the_wait_ends(people: People, clock: FixedClock) -> None:
    for _ in range(attempts.FREE_N):
        with pytest.raises(NotSignedIn):
            people.sign_in("kim", "wrong password")

    with pytest.raises(RateLimited) as caught:
        people.sign_in("kim", PASSWORD)
    clock.advance(attempts.WAIT_MIN)

    assert caught.value.code == "sign_in.locked"
    assert people.sign_in("kim", PASSWORD).token
    with pytest.raises(NotSignedIn):  # a right one forgets the wrong ones before
        people.sign_in("kim", "wrong password")


@pytest.mark.usefixtures("kim")
def test_tries_at_the_same_time_do_not_pass_the_limit(people: People) -> None:
    answers: list[str] = []

    def attempt() -> None:
        with pytest.raises((NotSignedIn, RateLimited)) as caught:
            people.sign_in("kim", "wrong password")
        answers.append(caught.value.code)

    threads = [threading.Thread(target=attempt) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(answers) == ["sign_in.locked"] * 15 + ["sign_in.refused"] * 5


@pytest.mark.usefixtures("kim")
def test_a_session_ends_by_time_and_by_signing_out(people: People, clock: FixedClock) -> None:
    first, second = people.sign_in("kim", PASSWORD).token, people.sign_in("kim", PASSWORD).token

    people.sign_out(first)

    assert people.actor(first) == ANONYMOUS
    assert people.actor(second) != ANONYMOUS
    clock.advance(timedelta(hours=12) - SECOND)
    assert people.actor(second) != ANONYMOUS
    assert people.expire() == 0
    clock.advance(SECOND)
    assert people.actor(second) == ANONYMOUS
    assert people.expire() == 1


@pytest.mark.usefixtures("kim")
def test_signing_in_ends_the_session_held_before(people: People) -> None:
    planted = people.sign_in("kim", PASSWORD).token

    fresh = people.sign_in("kim", PASSWORD, old_token=planted).token

    assert people.actor(planted) == ANONYMOUS
    assert people.actor(fresh) != ANONYMOUS


@pytest.mark.parametrize("token", ["", "unknown", "한글", "\ud800", "a" * 100_000])
@pytest.mark.usefixtures("kim")
def test_a_token_that_is_none_is_anonymous(people: People, token: str) -> None:
    assert people.actor(token) == ANONYMOUS
    people.sign_out(token)


def test_a_role_taken_away_is_gone_at_the_next_request(people: People, kim: Person, by: By) -> None:
    token = people.sign_in("kim", PASSWORD).token

    people.change(kim.id, by, roles=["crew"])

    assert people.actor(token).roles == {"crew"}


def test_a_disabled_person_is_out_at_once(people: People, kim: Person, by: By) -> None:
    token = people.sign_in("kim", PASSWORD).token

    people.change(kim.id, by, state="disabled")

    assert people.actor(token) == ANONYMOUS
    with pytest.raises(NotSignedIn):
        people.sign_in("kim", PASSWORD)
    people.change(kim.id, by, state="active")
    assert people.actor(token) == ANONYMOUS


def test_a_new_password_ends_every_session_and_every_wait(people: People, kim: Person, by: By) -> None:
    token = people.sign_in("kim", PASSWORD).token
    for _ in range(attempts.FREE_N):
        with pytest.raises(NotSignedIn):
            people.sign_in("kim", "wrong password")

    people.set_password(kim.id, "another long one", by)

    assert people.actor(token) == ANONYMOUS
    with pytest.raises(NotSignedIn):
        people.sign_in("kim", PASSWORD)
    assert people.sign_in("kim", "another long one").token
    assert people.sign_out_everywhere(kim.id) == 1


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("123456789", "password.short"),
        ("x" * 257, "password.long"),
        ("my-KIM-password", "password.weak"),
        ("ababababababab", "password.weak"),
    ],
)
def test_a_password_that_is_too_easy_is_refused(people: People, by: By, password: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        people.add("kim", "", password, [], by)

    assert caught.value.code == code
    assert people.count() == 0


def test_hangul_is_the_same_password_however_it_is_typed(people: People, by: By) -> None:
    people.add("kim", "", unicodedata.normalize("NFD", PASSWORD), [], by)

    assert people.sign_in("kim", unicodedata.normalize("NFC", PASSWORD)).token


def test_a_hash_of_older_parameters_is_made_anew_at_sign_in(
    people: People, records: Records, clock: FixedClock, kim: Person
) -> None:
    stronger = People(records, clock, passwords=Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)))

    stronger.sign_in("kim", PASSWORD)

    with records.read() as connection:
        kept = connection.execute(select(people_table.c.password_hash).where(people_table.c.id == kim.id)).scalar_one()
    assert "m=16,t=2" in kept
    assert people.sign_in("kim", PASSWORD).token


@pytest.mark.parametrize(
    ("login", "code"),
    [
        ("KIM", "person.exists"),
        ("", "person.login"),
        ("a b", "person.login"),
        ("x" * 101, "person.login"),
        ("a\nb", "person.login"),
    ],
)
@pytest.mark.usefixtures("kim")
def test_a_login_that_cannot_be_is_refused(people: People, by: By, login: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        people.add(login, "", PASSWORD, [], by)

    assert caught.value.code == code


def test_a_role_that_is_none_is_refused(people: People, kim: Person, by: By) -> None:
    with pytest.raises(InputError) as caught:
        people.change(kim.id, by, roles=["root"])  # type: ignore[list-item]

    assert caught.value.code == "person.role"


def test_the_last_admin_stays(people: People, by: By) -> None:
    first = people.add("first", "", PASSWORD, ["admin"], by)
    second = people.add("second", "", PASSWORD, ["admin"], by)

    people.change(second.id, by, state="disabled")
    for change in ({"state": "disabled"}, {"roles": ["operator"]}):
        with pytest.raises(Conflict) as caught:
            people.change(first.id, by, **change)  # type: ignore[arg-type]
        assert caught.value.code == "person.last_admin"
    people.change(second.id, by, state="active")

    assert people.change(first.id, by, roles=["operator"]).roles == {"operator"}


def test_every_change_of_an_account_is_audited(people: People, records: Records, kim: Person, by: By) -> None:
    people.change(kim.id, by, roles=["crew"], name="김 도시")
    people.change(kim.id, by, roles=["crew"])
    people.set_password(kim.id, "another long one", by)
    people.sign_in("kim", "another long one")

    with records.read() as connection:
        log = audit.listing(connection, object_id=kim.id).items
        assert audit.verify(connection) is None
    assert [(one.actor, next(iter(one.detail))) for one in reversed(log)] == [
        ("person-0", "added"),
        ("person-0", "after"),
        ("person-0", "password"),
        (kim.id, "signed_in"),
    ]


def test_an_unknown_person_is_named(people: People, by: By) -> None:
    for ask in (lambda: people.get("person-x"), lambda: people.change("person-x", by, name="x")):
        with pytest.raises(NotFound) as caught:
            ask()
        assert caught.value.code == "person.unknown"


def test_people_are_listed_by_login(people: People, by: By) -> None:
    for login in ("c", "a", "b"):
        people.add(login, "", None, [], by)

    first = people.listing(limit=2)
    assert [one.login for one in first.items] == ["a", "b"]
    assert [one.login for one in people.listing(after=first.next).items] == ["c"]


def _claimed(**fields: object) -> Claimed:
    given = {"issuer": "https://id.example", "subject": "s-1", "login": "Kim", "name": "김도시", "roles": frozenset({"operator"})}
    return Claimed(**(given | fields))  # type: ignore[arg-type]


def test_a_claimed_person_is_made_once_and_follows_the_claims(people: People) -> None:
    first = people.person_of(people.sign_in_claimed(_claimed()).token)
    second = people.person_of(people.sign_in_claimed(_claimed(name="김 시장", roles=frozenset({"officer"}), login="other")).token)

    assert first is not None
    assert second is not None
    assert (second.id, second.login, second.name, second.roles) == (first.id, "kim", "김 시장", {"officer"})
    assert people.count() == 1


def test_a_claim_never_takes_over_an_account_of_that_login(people: People, kim: Person) -> None:
    claimed = people.person_of(people.sign_in_claimed(_claimed()).token)

    assert claimed is not None
    assert claimed.id != kim.id
    assert claimed.login.startswith("kim-")
    assert people.get(kim.id).roles == {"operator", "crew"}


def test_the_same_subject_of_another_issuer_is_somebody_else(people: People) -> None:
    tokens = [people.sign_in_claimed(_claimed(issuer=f"https://{n}.example")).token for n in range(2)]

    assert len({people.actor(token).id for token in tokens}) == 2


def test_a_disabled_claimed_person_stays_out(people: People, by: By) -> None:
    person = people.person_of(people.sign_in_claimed(_claimed()).token)
    assert person is not None
    people.change(person.id, by, state="disabled")

    with pytest.raises(NotSignedIn) as caught:
        people.sign_in_claimed(_claimed())

    assert caught.value.code == "sign_in.refused"
