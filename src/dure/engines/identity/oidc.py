"""Sign-in at an OpenID Connect issuer: authorization code with PKCE, state and nonce (OIDC Core 1.0, RFC 7636, RFC 9700).

`begin` gives the address to send the browser to and what to remember until it comes back; the browser itself keeps that,
signed, in a cookie (`seal`). `finish` gives the verified claims. The shell stores them by `People.sign_in_claimed`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpx
import msgspec
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from dure.core.access import ROLES, Role
from dure.core.errors import ConfigError, NotSignedIn, Unavailable
from dure.core.time import Clock, to_us
from dure.engines.identity.people import Claimed

# Asymmetric only: with HS256 whoever knows the client secret could vouch for anybody; "none" is no signature.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "Ed25519", "EdDSA")
LEEWAY_S = 60
BEGUN_LASTS = timedelta(minutes=10)
DISCOVERY_LASTS = timedelta(hours=1)
KEYS_AGAIN_AFTER = timedelta(minutes=1)


class OidcClient(msgspec.Struct, frozen=True, kw_only=True):
    """How this house is known at the issuer. `roles_claim` may lead into objects by dots: ``realm_access.roles``."""

    issuer: str
    client_id: str
    client_secret: str
    redirect_url: str
    roles_claim: str = "roles"

    def __repr__(self) -> str:
        return f"OidcClient({self.issuer!r}, …)"


class Begun(msgspec.Struct, frozen=True):
    """A sign-in under way: where the browser goes, and what must come back."""

    url: str
    state: str
    nonce: str
    verifier: str
    next: str = ""


class _Discovered(msgspec.Struct, frozen=True):
    """The part we use of the issuer's metadata (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class Oidc:
    """One issuer. `http` is the caller's, with its time limits; it must not follow redirects."""

    def __init__(self, client: OidcClient, http: httpx.AsyncClient, clock: Clock) -> None:
        _require_tls(client.issuer)
        self._client = client
        self._http = http
        self._clock = clock
        self._discovered: tuple[datetime, _Discovered] | None = None
        self._keys: tuple[datetime, KeySet] | None = None

    async def begin(self, next_path: str = "") -> Begun:
        """Where to send the browser."""
        place = await self._discover()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        query = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": self._client.redirect_url,
            "scope": "openid profile email",
            "state": state,
            "nonce": nonce,
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in place.authorization_endpoint else "?"
        return Begun(f"{place.authorization_endpoint}{joint}{urlencode(query)}", state, nonce, verifier, next_path)

    async def finish(self, begun: Begun, query: Mapping[str, str]) -> Claimed:
        """The claims of the person who came back with this query."""
        if not hmac.compare_digest(begun.state.encode(), query.get("state", "").encode("utf-8", "replace")):
            raise NotSignedIn("oidc.state", "This sign-in was not begun here, or twice. Begin it again.")
        if "code" not in query:
            raise NotSignedIn("oidc.refused", "The sign-in service did not let you in.", reason=query.get("error", "")[:80])
        place = await self._discover()
        if query.get("iss", place.issuer) != place.issuer:  # RFC 9207: an answer mixed up with another issuer's
            raise NotSignedIn("oidc.state", "The answer comes from another sign-in service. Begin it again.")
        answer = await self._redeem(place, query["code"], begun.verifier)
        claims = await self._verified(place, answer, begun.nonce)
        return _claimed(claims, self._client.roles_claim)

    async def _discover(self) -> _Discovered:
        now = self._clock.now()
        if self._discovered is None or now - self._discovered[0] > DISCOVERY_LASTS:
            url = f"{self._client.issuer.rstrip('/')}/.well-known/openid-configuration"
            try:
                found = msgspec.convert(await self._fetch(url), _Discovered)
            except msgspec.ValidationError as error:
                raise ConfigError("oidc.issuer", f"{url} does not describe an OpenID Connect issuer: {error}.") from error
            if found.issuer != self._client.issuer:
                raise ConfigError("oidc.issuer", f"oidc_issuer is {self._client.issuer}, but it calls itself {found.issuer}.")
            for endpoint in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
                _require_tls(endpoint)
            self._discovered = now, found
        return self._discovered[1]

    async def _redeem(self, place: _Discovered, code: str, verifier: str) -> dict[str, Any]:
        """The tokens for the code (RFC 6749, section 4.1.3)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._client.redirect_url,
            "code_verifier": verifier,
        }
        name, word = self._client.client_id, self._client.client_secret
        auth: httpx.Auth = httpx.Auth()
        if word and "client_secret_basic" in place.token_endpoint_auth_methods_supported:
            auth = httpx.BasicAuth(quote_plus(name), quote_plus(word))
        else:
            form |= {"client_id": name} | ({"client_secret": word} if word else {})
        try:
            response = await self._http.post(place.token_endpoint, data=form, auth=auth, headers={"accept": "application/json"})
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _away(place.token_endpoint, error) from error
        if response.status_code >= 500:  # HTTP's own number
            raise _away(place.token_endpoint, f"status {response.status_code}")
        if response.status_code != httpx.codes.OK or not isinstance(answer, dict) or not isinstance(answer.get("id_token"), str):
            reason = str(answer.get("error", "")) if isinstance(answer, dict) else ""
            raise NotSignedIn("oidc.refused", "The sign-in service did not accept the answer. Begin again.", reason=reason[:80])
        return answer

    async def _verified(self, place: _Discovered, answer: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """The claims of the ID token, when it is signed by the issuer, for us, now, and for this very sign-in."""
        try:
            try:
                token = jwt.decode(answer["id_token"], await self._key_set(place), algorithms=ALGORITHMS)
            except (JoseError, ValueError):  # perhaps signed with a key newer than ours: fetch them once more
                token = jwt.decode(answer["id_token"], await self._key_set(place, again=True), algorithms=ALGORITHMS)
            options = {
                "iss": {"essential": True, "value": place.issuer},
                "aud": {"essential": True, "value": self._client.client_id},
            }
            options["nonce"] = {"essential": True, "value": nonce}
            params = {"nonce": nonce, "client_id": self._client.client_id, "access_token": answer.get("access_token")}
            claims = CodeIDToken(token.claims, token.header, options, params)
            claims.validate(now=to_us(self._clock.now()) // 1_000_000, leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            why = f"{type(error).__name__}: {error}"
            raise NotSignedIn(
                "oidc.token", "The sign-in service's answer cannot be trusted. Tell an admin.", reason=why[:200]
            ) from error
        return dict(claims)

    async def _key_set(self, place: _Discovered, *, again: bool = False) -> KeySet:
        now = self._clock.now()
        if self._keys is None or (again and now - self._keys[0] > KEYS_AGAIN_AFTER) or now - self._keys[0] > DISCOVERY_LASTS:
            self._keys = now, KeySet.import_key_set(await self._fetch(place.jwks_uri))
        return self._keys[1]

    async def _fetch(self, url: str) -> Any:
        try:
            response = await self._http.get(url, headers={"accept": "application/json"})
            response.raise_for_status()
            return response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _away(url, error) from error


def seal(begun: Begun, key: str, at: datetime) -> str:
    """A sign-in under way as a cookie's value: signed, and of no use after `BEGUN_LASTS`."""
    content = base64.urlsafe_b64encode(msgspec.json.encode((to_us(at + BEGUN_LASTS), begun))).decode()
    return f"{content}.{_signature(content, key)}"


def unseal(text: str, key: str, at: datetime) -> Begun:
    """What `seal` made, when it is ours and still valid."""
    content, _, signature = text.partition(".")
    try:
        if hmac.compare_digest(signature.encode(), _signature(content, key).encode()):
            until, begun = msgspec.json.decode(base64.urlsafe_b64decode(content), type=tuple[int, Begun])
            if to_us(at) < until:
                return begun
    except (ValueError, msgspec.MsgspecError):
        pass
    raise NotSignedIn("oidc.state", "This sign-in was not begun here, or too long ago. Begin it again.")


def _signature(content: str, key: str) -> str:
    return hmac.new(key.encode(), b"oidc:" + content.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _claimed(claims: Mapping[str, Any], roles_claim: str) -> Claimed:
    """The person the claims speak of. A role the house does not know is nothing; who has none is a citizen."""
    found: Any = claims
    for step in roles_claim.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    listed = found if isinstance(found, list) else str(found).split() if isinstance(found, str) else []
    roles: frozenset[Role] = frozenset(role for role in ROLES if role in listed)
    subject = str(claims["sub"])
    login = next((str(claims[name]) for name in ("preferred_username", "email") if claims.get(name)), subject)
    return Claimed(
        issuer=str(claims["iss"]),
        subject=subject,
        login=login,
        name=str(claims.get("name") or login)[:200],
        roles=roles or frozenset({"citizen"}),
    )


def _require_tls(url: str) -> None:
    """Refuse plain HTTP, but for an issuer on this very machine."""
    parsed = httpx.URL(url)
    if parsed.scheme == "https" or (parsed.scheme == "http" and _loopback(parsed.host)):
        return
    raise ConfigError("oidc.insecure", f"{url} is not https: passwords and tokens would travel readable.")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _away(url: str, why: object) -> Unavailable:
    return Unavailable("oidc.unavailable", f"The sign-in service does not answer: {httpx.URL(url).host}.", reason=str(why)[:200])
