from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse

from dure.core.errors import DureError, RateLimited
from dure.web.errors import problem
from dure.web.security import CSRF_COOKIE, FORM_BYTES_MAX, FORM_BYTES_MAX_AT, Attempts, Guard, own_form
from dure.web.sign_in import _inside

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def client(client_of):
    async def take(request):
        return PlainTextResponse(str(len(await request.body())))

    async def form(request):
        return PlainTextResponse(str(await own_form(request)))

    async def refused(_, error):
        return problem(error)

    app = Starlette(exception_handlers={DureError: refused})
    app.add_route("/api/take", take, ["POST", "GET"])
    app.add_route("/ko/form", form, ["POST"])
    app.add_middleware(Guard, api_bytes_max=1_000, https=True)
    return client_of(app)


def test_every_answer_carries_the_headers_and_no_inline_script_is_allowed(client):
    headers = client.get("/api/take").headers
    assert "unsafe" not in headers["content-security-policy"]
    assert "script-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["strict-transport-security"]
    assert client.get("/missing").headers["content-security-policy"]


def test_a_body_over_its_declared_limit_is_refused(client):
    answer = client.post("/api/take", content=b"x" * 1_001)
    assert (answer.status_code, answer.json()["code"]) == (413, "http.too_large")
    assert client.post("/api/take", content=b"x" * 1_000).text == "1000"


async def parts():
    for _ in range(2):
        yield b"x" * 600


def test_a_body_that_grows_over_the_limit_is_cut_off(client):
    answer = client.post("/api/take", content=parts())
    assert (answer.status_code, answer.json()["code"]) == (413, "http.too_large")


def test_a_form_has_a_limit_of_its_own(client):
    assert client.post("/ko/form", content=b"x" * (FORM_BYTES_MAX + 1)).status_code == 413


def test_the_page_that_takes_a_list_of_devices_has_a_longer_limit_and_no_other_page_has(client):
    longer = b"x" * (FORM_BYTES_MAX + 1)
    assert (
        client.post("/ko/operations/environment/enrol", content=longer).status_code == 404
    )  # let through: there is no such page here
    assert client.post("/en/operations/environment/enrol", content=longer).status_code == 404
    assert client.post("/ko/operations/environment/enrol/scan", content=longer).status_code == 413
    most = FORM_BYTES_MAX_AT["/operations/environment/enrol"]
    assert client.post("/ko/operations/environment/enrol", content=b"x" * (most + 1)).status_code == 413


def test_a_form_needs_the_token_of_its_visitor(client):
    client.cookies[CSRF_COOKIE] = "t" * 32
    assert client.post("/ko/form", data={"csrf": "t" * 32, "a": "1"}).text == "{'a': '1'}"
    for data in ({"csrf": "u" * 32}, {}, {"csrf": "한글"}):
        assert client.post("/ko/form", data=data).json()["code"] == "form.token"


def test_a_form_without_a_cookie_is_refused(client):
    assert client.post("/ko/form", data={"csrf": ""}).json()["code"] == "form.token"


def test_a_form_from_another_site_is_refused(client):
    client.cookies[CSRF_COOKIE] = "t" * 32
    for origin in ("https://evil.example", "null"):
        answer = client.post("/ko/form", data={"csrf": "t" * 32}, headers={"origin": origin})
        assert answer.json()["code"] == "form.origin"
    assert client.post("/ko/form", data={"csrf": "t" * 32}, headers={"origin": "http://testserver"}).status_code == 200


def test_attempts_are_counted_in_a_sliding_window():
    attempts = Attempts(2, 60.0)
    attempts.take("a", NOW)
    attempts.take("a", NOW + timedelta(seconds=30))
    attempts.take("b", NOW + timedelta(seconds=30))
    with pytest.raises(RateLimited) as refused:
        attempts.take("a", NOW + timedelta(seconds=45))
    assert refused.value.detail["retry_after_s"] == 16
    attempts.take("a", NOW + timedelta(seconds=61))


def test_attempts_do_not_grow_without_end():
    attempts = Attempts(1, 60.0, keys_max=2)
    for key in "abc":
        attempts.take(key, NOW)
    attempts.take("a", NOW)


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/ko/operations", True), ("/en/", True), ("https://evil.example", False), ("//evil.example", False),
        ("/\\evil.example", False), ("/ko\\evil", False), ("", False), ("/api/v1", False), ("/ko/\n", False),
    ],
)  # fmt: skip
def test_who_signs_in_is_led_back_to_our_own_pages_only(path, kept):
    assert _inside(path) == (path if kept else "")
