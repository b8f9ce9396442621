"""Sign-in against an issuer of our own on loopback that speaks HTTP and signs with RS256."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from dure.core.errors import ConfigError, DureError, NotSignedIn, Unavailable
from dure.core.time import to_us
from dure.engines.clock import FixedClock
from dure.engines.identity.oidc import BEGUN_LASTS, KEYS_AGAIN_AFTER, Begun, Oidc, OidcClient, seal, unseal
from dure.engines.identity.people import People

REDIRECT = "http://127.0.0.1:8600/auth/oidc/callback"
CLIENT, SECRET = "dure city", "a secret: with %signs"
KEY_KEY = "a key for cookies"


class Issuer:
    """An OpenID provider: discovery, authorization (signs everybody in), token with PKCE and client secret, keys."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock = clock
        self.key = RSAKey.generate_key(2048, {"kid": "k-1"})
        self.published = [self.key]
        self.person: dict[str, Any] = {"sub": "s-1", "preferred_username": "kim", "name": "김도시", "roles": ["operator"]}
        self.change_claims: Callable[[dict[str, Any]], Any] = lambda claims: claims
        self.sign: Callable[[dict[str, Any]], str] = lambda claims: jwt.encode({"alg": "RS256", "kid": "k-1"}, claims, self.key)
        self.change_metadata: dict[str, Any] = {}
        self.token_status = 200
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.get(self)

            def do_POST(self) -> None:
                issuer.post(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
                issuer.asked.append(format % args)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)

    def get(self, request: BaseHTTPRequestHandler) -> None:
        place = urlsplit(request.path)
        if place.path == "/.well-known/openid-configuration":
            places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            found = {"issuer": self.url} | {name: f"{self.url}/{path}" for name, path in places.items()}
            self._answer(request, 200, found | self.change_metadata)
        elif place.path == "/keys":
            self._answer(request, 200, {"keys": [key.as_dict(private=False) for key in self.published]})
        elif place.path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(place.query).items()}
            code = f"code-{len(self.codes)}"
            self.codes[code] = asked
            request.send_response(302)
            request.send_header("location", f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")
            request.end_headers()

    def post(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["content-length"]))
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        right = base64.b64encode(b"dure+city:a+secret%3A+with+%25signs").decode()
        if request.headers["authorization"] != f"Basic {right}":
            self._answer(request, 401, {"error": "invalid_client"})
        elif asked is None or asked["code_challenge"] != proof or asked["redirect_uri"] != form["redirect_uri"]:
            self._answer(request, 400, {"error": "invalid_grant"})
        else:
            now = to_us(self.clock.now()) // 1_000_000
            claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"], **self.person}
            claims = self.change_claims(claims) or claims
            token = {"access_token": "a", "token_type": "Bearer", "id_token": self.sign(claims)}
            self._answer(request, self.token_status, token)

    @staticmethod
    def _answer(request: BaseHTTPRequestHandler, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        request.send_response(status)
        request.send_header("content-type", "application/json")
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


@pytest.fixture
def issuer(clock: FixedClock) -> Iterator[Issuer]:
    server = Issuer(clock)
    yield server
    server.stop()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=10) as client:
        yield client


def _client(issuer: Issuer, **fields: str) -> OidcClient:
    given = {"issuer": issuer.url, "client_id": CLIENT, "client_secret": SECRET, "redirect_url": REDIRECT} | fields
    return OidcClient(**given)


@pytest.fixture
def oidc(issuer: Issuer, http: httpx.AsyncClient, clock: FixedClock) -> Oidc:
    return Oidc(_client(issuer), http, clock)


async def _come_back(http: httpx.AsyncClient, begun: Begun) -> dict[str, str]:
    """What the browser brings back from the issuer."""
    answer = await http.get(begun.url)
    assert answer.headers["location"].startswith(REDIRECT)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def test_a_person_signs_in_at_the_issuer(oidc: Oidc, http: httpx.AsyncClient, people: People) -> None:
    begun = await oidc.begin("/ko/operations")
    claimed = await oidc.finish(begun, await _come_back(http, begun))

    person = people.person_of(people.sign_in_claimed(claimed).token)

    assert person is not None
    assert (person.login, person.name, person.roles) == ("kim", "김도시", {"operator"})
    assert begun.next == "/ko/operations"


async def test_no_two_sign_ins_share_state_nonce_or_verifier(oidc: Oidc) -> None:
    one, other = await oidc.begin(), await oidc.begin()

    assert not {one.state, one.nonce, one.verifier} & {other.state, other.nonce, other.verifier}
    assert one.verifier not in one.url


async def test_a_code_works_once(oidc: Oidc, http: httpx.AsyncClient) -> None:
    begun = await oidc.begin()
    query = await _come_back(http, begun)
    await oidc.finish(begun, query)

    with pytest.raises(NotSignedIn) as caught:
        await oidc.finish(begun, query)

    assert caught.value.code == "oidc.refused"


async def test_a_stolen_code_is_worth_nothing_without_the_verifier(oidc: Oidc, http: httpx.AsyncClient) -> None:
    victim, thief = await oidc.begin(), await oidc.begin()
    query = await _come_back(http, victim)

    with pytest.raises(NotSignedIn) as caught:
        await oidc.finish(thief, query | {"state": thief.state})

    assert caught.value.code == "oidc.refused"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"state": "another"}, "oidc.state"),
        ({"state": "\ud800"}, "oidc.state"),
        ({"iss": "https://other.example"}, "oidc.state"),
        ({"code": "guessed"}, "oidc.refused"),
    ],
)
async def test_an_answer_that_was_not_asked_for_is_refused(
    oidc: Oidc, http: httpx.AsyncClient, change: dict[str, str], code: str
) -> None:
    begun = await oidc.begin()

    with pytest.raises(NotSignedIn) as caught:
        await oidc.finish(begun, await _come_back(http, begun) | change)

    assert caught.value.code == code


async def test_a_person_who_says_no_at_the_issuer_is_not_let_in(oidc: Oidc) -> None:
    begun = await oidc.begin()

    with pytest.raises(NotSignedIn) as caught:
        await oidc.finish(begun, {"state": begun.state, "error": "access_denied"})

    assert (caught.value.code, caught.value.detail["reason"]) == ("oidc.refused", "access_denied")


@pytest.mark.parametrize(
    "change",
    [
        lambda claims: claims | {"iss": "https://other.example"},
        lambda claims: claims | {"aud": "another"},
        lambda claims: claims | {"aud": [CLIENT, "another"]},  # and no azp
        lambda claims: claims | {"azp": "another"},
        lambda claims: claims | {"nonce": "another"},
        lambda claims: claims | {"exp": claims["iat"] - 61},
        lambda claims: claims | {"iat": claims["iat"] + 3_600},
        lambda claims: claims | {"at_hash": "wrong"},
        lambda claims: {name: value for name, value in claims.items() if name != "nonce"},
        lambda claims: {name: value for name, value in claims.items() if name != "sub"},
        lambda claims: {name: value for name, value in claims.items() if name != "exp"},
        lambda claims: {name: value for name, value in claims.items() if name != "aud"},
    ],
)
async def test_a_token_for_another_time_place_or_person_is_refused(
    oidc: Oidc, http: httpx.AsyncClient, issuer: Issuer, change: Callable[[dict[str, Any]], Any]
) -> None:
    issuer.change_claims = change
    begun = await oidc.begin()

    with pytest.raises(NotSignedIn) as caught:
        await oidc.finish(begun, await _come_back(http, begun))

    assert caught.value.code == "oidc.token"


def _unsigned(claims: dict[str, Any]) -> str:
    pieces = (json.dumps(one).encode() for one in ({"alg": "none"}, claims))
    return ".".join(base64.urlsafe_b64encode(piece).rstrip(b"=").decode() for piece in pieces) + "."


@pytest.mark.parametrize(
    "sign",
    [
        lambda claims: jwt.encode({"alg": "RS256", "kid": "k-1"}, claims, RSAKey.generate_key(2048)),
        lambda claims: jwt.encode({"alg": "RS256", "kid": "k-9"}, claims, RSAKey.generate_key(2048)),
        lambda claims: jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET)),
        _unsigned,
        lambda _: "no token",
        lambda _: "한글.한글.한글",
    ],
)
async def test_a_token_the_issuer_did_not_sign_is_refused(
    oidc: Oidc, http: httpx.AsyncClient, issuer: Issuer, sign: Callable[[dict[str, Any]], str]
) -> None:
    issuer.sign = sign
    begun = await oidc.begin()

    with pytest.raises(NotSignedIn) as caught:
        await oidc.finish(begun, await _come_back(http, begun))

    assert caught.value.code == "oidc.token"


async def test_a_clock_a_little_ahead_does_no_harm(oidc: Oidc, http: httpx.AsyncClient, issuer: Issuer) -> None:
    issuer.change_claims = lambda claims: claims | {"iat": claims["iat"] + 50}
    begun = await oidc.begin()

    assert (await oidc.finish(begun, await _come_back(http, begun))).subject == "s-1"


async def test_a_new_key_of_the_issuer_is_fetched_when_met(
    oidc: Oidc, http: httpx.AsyncClient, issuer: Issuer, clock: FixedClock
) -> None:
    begun = await oidc.begin()
    await oidc.finish(begun, await _come_back(http, begun))
    fresh = RSAKey.generate_key(2048, {"kid": "k-2"})
    issuer.published = [issuer.key, fresh]
    issuer.sign = lambda claims: jwt.encode({"alg": "RS256", "kid": "k-2"}, claims, fresh)
    clock.advance(KEYS_AGAIN_AFTER + timedelta(seconds=1))

    begun = await oidc.begin()

    assert (await oidc.finish(begun, await _come_back(http, begun))).subject == "s-1"
    assert sum("/keys" in line for line in issuer.asked) == 2
    assert sum("openid-configuration" in line for line in issuer.asked) == 1


@pytest.mark.parametrize(
    ("person", "claim", "roles"),
    [
        ({"roles": ["operator", "root", "crew"]}, "roles", {"operator", "crew"}),
        ({"roles": "operator crew"}, "roles", {"operator", "crew"}),
        ({"realm_access": {"roles": ["admin"]}}, "realm_access.roles", {"admin"}),
        ({"roles": []}, "roles", {"citizen"}),
        ({}, "roles", {"citizen"}),
        ({"realm_access": "odd"}, "realm_access.roles", {"citizen"}),
        ({"roles": [{"name": "admin"}, 7, None]}, "roles", {"citizen"}),
    ],
)
async def test_roles_are_those_the_house_knows(
    issuer: Issuer, http: httpx.AsyncClient, clock: FixedClock, person: dict[str, Any], claim: str, roles: set[str]
) -> None:
    issuer.person = {"sub": "s-1", **person}
    oidc = Oidc(_client(issuer, roles_claim=claim), http, clock)
    begun = await oidc.begin()

    claimed = await oidc.finish(begun, await _come_back(http, begun))

    assert claimed.roles == roles
    assert claimed.login == "s-1"


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ({"issuer": "https://other.example"}, "oidc.issuer"),
        ({"token_endpoint": 7}, "oidc.issuer"),
        ({"token_endpoint": "http://id.example/token"}, "oidc.insecure"),
    ],
)
async def test_an_issuer_that_describes_itself_wrongly_is_a_setting_to_mend(
    oidc: Oidc, issuer: Issuer, metadata: dict[str, Any], code: str
) -> None:
    issuer.change_metadata = metadata

    with pytest.raises(ConfigError) as caught:
        await oidc.begin()

    assert caught.value.code == code


@pytest.mark.parametrize("url", ["http://id.example", "ftp://127.0.0.1", "id.example", "http://10.0.0.1"])
async def test_an_issuer_without_tls_is_refused(http: httpx.AsyncClient, clock: FixedClock, url: str) -> None:
    client = OidcClient(issuer=url, client_id=CLIENT, client_secret=SECRET, redirect_url=REDIRECT)

    with pytest.raises(ConfigError) as caught:
        Oidc(client, http, clock)

    assert caught.value.code == "oidc.insecure"


async def test_a_wrong_client_secret_lets_nobody_in(issuer: Issuer, http: httpx.AsyncClient, clock: FixedClock) -> None:
    oidc = Oidc(_client(issuer, client_secret="wrong"), http, clock)
    begun = await oidc.begin()

    with pytest.raises(NotSignedIn) as caught:
        await oidc.finish(begun, await _come_back(http, begun))

    assert (caught.value.code, caught.value.detail["reason"]) == ("oidc.refused", "invalid_client")


async def test_an_issuer_that_is_away_is_unavailable(issuer: Issuer, http: httpx.AsyncClient, clock: FixedClock) -> None:
    issuer.stop()

    with pytest.raises(Unavailable) as caught:
        await Oidc(_client(issuer), http, clock).begin()

    assert caught.value.code == "oidc.unavailable"
    issuer.server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)  # for the fixture to stop
    issuer.thread = threading.Thread(target=issuer.server.serve_forever, args=(0.01,))
    issuer.thread.start()


async def test_an_issuer_in_trouble_is_unavailable(oidc: Oidc, http: httpx.AsyncClient, issuer: Issuer) -> None:
    issuer.token_status = 503
    begun = await oidc.begin()

    with pytest.raises(Unavailable):
        await oidc.finish(begun, await _come_back(http, begun))


def test_a_sign_in_under_way_travels_sealed(clock: FixedClock) -> None:
    begun = Begun("https://id.example/authorize?x=1", "state", "nonce", "verifier", "/ko/")

    assert unseal(seal(begun, KEY_KEY, clock.now()), KEY_KEY, clock.now()) == begun


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"),
        lambda text: "A" + text[1:],
        lambda text: text.partition(".")[0],
        lambda _: "",
        lambda _: ".",
        lambda _: "한글.한글",
        lambda _: "\ud800",
    ],
)
def test_a_seal_that_was_touched_is_refused(clock: FixedClock, spoil: Callable[[str], str]) -> None:
    text = seal(Begun("u", "s", "n", "v"), KEY_KEY, clock.now())

    with pytest.raises(NotSignedIn) as caught:
        unseal(spoil(text), KEY_KEY, clock.now())

    assert caught.value.code == "oidc.state"


def test_a_seal_is_good_for_ten_minutes_and_one_key(clock: FixedClock) -> None:
    text = seal(Begun("u", "s", "n", "v"), KEY_KEY, clock.now())

    for key, at in ((KEY_KEY, clock.now() + BEGUN_LASTS), ("another", clock.now())):
        with pytest.raises(DureError):
            unseal(text, key, at)
