"""Ways through the pages of carbon, for each kind of reader: no link leads nowhere; a tonne is three clicks from its readings."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from demo_city import NOW, PASSWORD

from dure.engines.records.audit import By
from dure.services.carbon.companies import company_desk
from dure.web.access import SESSION_COOKIE

pytestmark = pytest.mark.browser
ROLES = {"citizen": "citizen", "company": "partner", "officer": "officer", "auditor": "auditor"}
READERS = ("nobody", *ROLES, "admin")
OURS = re.compile(r"/en(/operations|/partners)?/(carbon|companies|statements)\b|/api/v1/carbon/")
STARTS = ("/en/operations/carbon/queue", "/en/partners/companies", "/en/partners/statements", "/en/carbon/wallet")
PER_SHAPE = 2  # pages of one shape that are opened: they differ in their ids only
HREF = re.compile(r'<a\b[^>]*?href="([^"]+)"')


@pytest.fixture(scope="module")
def readers(running):
    """A client for each kind of reader; who is of the company sees the company."""
    people, made = running.house.people, running.made
    found = {"nobody": httpx.Client(base_url=running.url, timeout=120)}
    logins = {"admin": "admin"}
    for name, role in ROLES.items():
        person = people.add(f"path-{name}", name, PASSWORD, [role], By("test", NOW)).id
        logins[name] = f"path-{name}"
        if name == "company":
            with running.house.records.begin() as connection:
                company_desk.add_person(connection, made["company"], person, By("test", NOW))
    for name, login in logins.items():
        token = people.sign_in(login, PASSWORD, NOW).token
        found[name] = httpx.Client(base_url=running.url, timeout=120, cookies={SESSION_COOKIE: token})
    yield found
    for one in found.values():
        one.close()


def links(page: str, path: str, main: bool = False) -> list[str]:
    """Addresses a page links to, without fragment; of its `main` part alone."""
    part = page[page.index("<main") : page.index("</main>")] if main else page
    return list(dict.fromkeys(urljoin(path, html.unescape(one)).split("#")[0] for one in HREF.findall(part)))


def shape(path: str) -> str:
    """What a page is, whatever it is about."""
    split = urlsplit(path)
    figure = parse_qs(split.query).get("figure", [""])[0].split("/")
    words = re.sub(r"(?<=/)[^/]*\d[^/]*", "*", split.path.replace("/api/v1/", "/api/"))
    return f"{words}?{sorted(parse_qs(split.query))}{figure[:2]}{len(figure)}"


def is_for(client: httpx.Client, path: str) -> bool:
    """Whether this reader may see a page: others are sent to sign in, or told that it is not theirs."""
    answer = client.get(path)
    return answer.status_code == 200 or (answer.status_code == 303 and "/sign-in" not in answer.headers["location"])


@pytest.mark.parametrize("who", READERS)
def test_no_link_on_a_page_of_carbon_leads_nowhere(readers, who):
    client, todo = readers[who], ["/en/carbon"]
    todo += [one for one in STARTS if is_for(client, one)]
    seen: set[str] = set()
    opened: dict[str, int] = {}
    wrong = []
    while todo:
        path = todo.pop(0)
        kind = shape(path)
        if path in seen or opened.get(kind, 0) >= PER_SHAPE:
            continue
        seen.add(path)
        opened[kind] = opened.get(kind, 0) + 1
        answer = client.get(path)
        if answer.status_code == 303 and path == "/en/partners/companies":  # a partner comes to their own company
            todo.append(answer.headers["location"])
        elif answer.status_code != 200:
            wrong.append((answer.status_code, path))
        elif "text/html" in answer.headers["content-type"]:
            todo += [each for each in links(answer.text, path) if OURS.match(each)]
    assert wrong == []
    assert len(seen) >= 15


def reached(client: httpx.Client, path: str, *clicks: str) -> list[str]:
    """Follow the first link of the main part that fits each expression; the links of the page one ends on."""
    for click in clicks:
        answer = client.get(path)
        assert answer.status_code == 200, path
        path = next((one for one in links(answer.text, path, main=True) if re.search(click, one)), "")
        assert path, f"no link fits {click}"
    answer = client.get(path)
    assert answer.status_code == 200, path
    return links(answer.text, path, main=True)


READINGS = r"/operations/(charging|buildings)/explain\?figure=|/operations/explain\?id="


@pytest.mark.parametrize("who", ["officer", "auditor"])
@pytest.mark.parametrize(
    ("start", "clicks"),
    [
        ("/en/carbon", (r"/carbon/explain\?figure=carbon/board/\d+/tonnes/B", r"figure=carbon/claim/")),
        ("/en/carbon", (r"/carbon/explain\?figure=carbon/programme/", r"figure=carbon/claim/")),
        ("/en/carbon/districts?tier=B", (r"/carbon/explain\?figure=carbon/inventory/", r"figure=carbon/claim/")),
        ("/en/operations/carbon/inventory?tier=B", (r"figure=carbon/inventory/", r"figure=carbon/claim/")),
        ("/en/operations/carbon/claims", (r"/carbon/claims/clm-",)),
    ],
    ids=["board, tier", "board, programme", "public districts", "desk's districts", "claims"],
)
def test_staff_come_from_a_tonne_to_the_readings_in_three_clicks(readers, who, start, clicks):
    found = reached(readers[who], start, *clicks)
    assert [one for one in found if re.search(READINGS, one)] != []  # the last click


@pytest.mark.parametrize(
    ("start", "clicks"),
    [
        ("/en/carbon", (r"/carbon/explain\?figure=carbon/board/\d+/tonnes/B", r"/carbon/log/entries/claim/")),
        ("/en/carbon/districts?tier=B", (r"/carbon/explain\?figure=carbon/inventory/", r"/carbon/log/entries/claim/")),
    ],
    ids=["board", "districts"],
)
def test_everybody_comes_from_a_tonne_to_what_was_measured_and_its_proof_in_three_clicks(readers, start, clicks):
    client = readers["nobody"]
    found = reached(client, start, *clicks)
    assert any("/charging/sites/" in one for one in found)  # where it was measured
    bundle = next(one for one in found if "/api/v1/carbon/log/bundles/claim/" in one)
    assert client.get(bundle).json()["entry"]["kind"] == "claim"


def test_a_citizen_comes_from_the_wallet_to_the_act_and_its_sealed_entry(readers):
    # who furnished the city has done some things
    found = reached(readers["admin"], "/en/carbon/wallet", r"/carbon/acts/", r"/carbon/log/entries/claim/")
    assert any("/api/v1/carbon/log/bundles/claim/" in one for one in found)


@pytest.mark.parametrize("who", ["company", "auditor"])
def test_a_company_comes_from_a_figure_of_its_statement_to_the_row_of_its_bill_in_two_clicks(running, readers, who):
    start = f"/en/partners/statements/{running.made['statement']}"
    found = reached(readers[who], start, r"/rows/scope1$", rf"figure=carbon/company/{running.made['company']}/\d+/activity/")
    assert any(re.search(r"/partners/companies/[^/]+/data/", one) for one in found)  # the file it came by


def test_a_company_comes_from_its_sponsorship_to_the_proof_of_a_claim(running, readers):
    made = running.made
    start = f"/en/partners/companies/{made['company']}/sponsoring/spn-demo-citizens"
    found = reached(readers["company"], start, r"/carbon/log/entries/claim/")
    assert any("/api/v1/carbon/log/bundles/claim/" in one for one in found)


def test_a_claims_page_shows_its_transfers_and_hands_out_its_proof(running, readers):
    page = readers["auditor"].get(f"/en/operations/carbon/claims/{running.made['claim']}").text
    found = links(page, "/en/operations/carbon/claims/x", main=True)
    for wanted in ("/api/v1/carbon/log/bundles/claim/", "/carbon/log/entries/claim/", "/carbon/ledger/transfer?id=", "/log/how"):
        assert any(wanted in one for one in found), wanted
    assert "Transfers" in page


@pytest.mark.parametrize(
    ("who", "seen", "hidden"),
    [
        (
            "nobody",
            ["/carbon", "/carbon/practices", "/carbon/log"],
            ["/carbon/wallet", "/carbon/household", "/operations/carbon/queue"],
        ),
        (
            "citizen",
            ["/carbon/wallet", "/carbon/household", "/carbon/challenges"],
            ["/operations/carbon/queue", "/partners/companies"],
        ),
        ("company", ["/partners/companies", "/partners/statements"], ["/operations/carbon/queue"]),
        ("officer", ["/operations/carbon/queue", "/operations/carbon/programmes", "/partners/statements"], []),
        ("auditor", ["/operations/carbon/ledger", "/operations/carbon/explain", "/partners/statements"], ["/carbon/wallet"]),
    ],
)
def test_the_menu_leads_each_reader_to_what_is_theirs(readers, who, seen, hidden):
    starts = ("/en/carbon", "/en/operations/carbon/queue", "/en/partners/statements")
    pages = [answer.text for answer in (readers[who].get(one) for one in starts) if answer.status_code == 200]
    found = {one for page in pages for one in links(page, "/en/carbon")}
    assert {f"/en{one}" for one in seen} <= found
    assert not {f"/en{one}" for one in hidden} & found
