"""Pages and routes of the log: for anyone, in both languages, with the forms of the specifications."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
from carbon_house import NOW, carbon_house, charging_day, tell
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dure.engines.records.audit import By
from dure.services.carbon.claiming import claim_desk
from dure.services.carbon.claiming.event_watch import EventWatch
from dure.services.carbon.service import CarbonService
from dure.services.carbon.transparency import dure_verify, notes, signing_key
from dure.services.carbon.transparency.checkpoint import Checkpoint, read_checkpoint
from dure.services.carbon.transparency.log_watch import LogWatch
from dure.services.carbon.transparency.merkle import leaf_hash
from dure.web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[1] / "environment"))
from web_visitor import Visitor  # the visitor of the environment's tests is ours too

PASSWORD = "a rather long one 42"
PAGE, API = "/carbon/log", "/api/v1/carbon/log"
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
W_KEY = notes.Key("witness.example/w1", WITNESS.public_key().public_bytes_raw(), notes.WITNESS)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    house = carbon_house(tmp_path_factory.mktemp("log-web"))
    house.services = (CarbonService(),)
    asyncio.run(LogWatch(house).look())
    tell(house, charging_day())
    asyncio.run(EventWatch(house).look())
    asyncio.run(LogWatch(house).look())
    app = create_app(house)
    visitors = {"nobody": Visitor(app)}
    for role in ("citizen", "officer"):
        house.people.add(role, role, PASSWORD, [role], By("test", NOW))
        visitors[role] = Visitor(app, house.people.sign_in(role, PASSWORD, house.clock.now()).token)
    yield house, visitors
    house.records.close()


@pytest.fixture
def nobody(world):
    return world[1]["nobody"]


def claim_id(house) -> str:
    with house.records.read() as connection:
        return next(one.id for one in claim_desk.claims(connection) if one.grams)


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("path", ["", "/check", "/how", "/days/2026-11-24", "/entries/claim/CLAIM"])
def test_pages_are_for_anyone_in_both_languages(world, nobody, language, path):
    answer = nobody.get(f"/{language}{PAGE}{path.replace('CLAIM', claim_id(world[0]))}")

    assert answer.status_code == 200
    assert ("투명성 로그" if language == "ko" else "Transparency log") in answer.text
    assert answer.text.count("<h1") == 1


def test_what_is_not_there_is_not_found(nobody):
    for path in ("/days/2020-01-01", "/entries/claim/clm-none"):
        assert nobody.get(f"/en{PAGE}{path}").status_code == 404
    for path in (
        "/checkpoints/2020-01-01",
        "/bundles/claim/none",
        "/tile/0/999",
        "/tile/9/000",
        "/tile/0/x",
        "/tile/entries/000",
    ):
        assert nobody.get(f"{API}{path}").status_code == 404
    assert nobody.get(f"{API}/consistency?first=9&second=8").status_code == 422


def test_the_checkpoint_is_a_signed_note_of_the_log(nobody):
    answer = nobody.get(f"{API}/checkpoint")
    keys = nobody.get(f"{API}/keys").json()
    note = notes.read_note(answer.text)

    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert notes.signed(note, notes.read_key(keys["keys"][-1]["vkey"]))
    assert read_checkpoint(note.text).origin == keys["origin"]
    assert nobody.get(f"{API}/checkpoints").json()["items"][0]["day"] == "2026-11-24"
    assert nobody.get(f"{API}/checkpoints/2026-11-24").status_code == 200


def test_tiles_and_entry_bundles_are_those_of_the_specification(nobody):
    size = read_checkpoint(notes.read_note(nobody.get(f"{API}/checkpoint").text).text).size
    hashes = nobody.get(f"{API}/tile/0/000.p/{size}").content
    content = nobody.get(f"{API}/tile/entries/000.p/{size}").content
    entries = []
    while content:
        length = int.from_bytes(content[:2], "big")
        entries.append(content[2 : 2 + length])
        content = content[2 + length :]

    assert len(entries) == size
    assert hashes == b"".join(leaf_hash(one) for one in entries)
    listed = nobody.get(f"{API}/entries?start=0&limit=1000").json()["items"]
    assert [one["leaf"].encode() for one in listed] == entries
    assert nobody.get(f"{API}/tile/0/000.p/{size + 1}").status_code == 404
    assert nobody.get(f"{API}/tile/0/000.p/0").status_code == 404


def test_the_bundle_that_is_handed_out_holds_and_the_verifier_is_the_file_itself(world, nobody):
    bundle = nobody.get(f"{API}/bundles/claim/{claim_id(world[0])}").content
    checked = nobody.ask("POST", f"{API}/check", content=bundle, headers={"content-type": "application/json"}).json()
    broken = nobody.ask("POST", f"{API}/check", content=bundle + b" ", headers={"content-type": "application/json"}).json()

    assert all(one.ok for one in dure_verify.checks(bundle))
    assert checked["holds"]
    assert [one["name"] for one in checked["checks"]] == ["form", "place", "tonnes", "readings", "signatures"]
    assert not broken["holds"]
    assert nobody.get(f"{API}/verifier").text == Path(dure_verify.__file__).read_text("utf-8")


def test_a_bundle_is_checked_on_the_page(world, nobody):
    bundle = nobody.get(f"{API}/bundles/claim/{claim_id(world[0])}").content
    forged = json.loads(bundle)
    forged["entry"]["body"]["grams"] += 1
    good = _upload(nobody, "/en", bundle)
    bad = _upload(nobody, "/ko", json.dumps(forged, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode())
    nothing = _upload(nobody, "/en", b"")

    assert (good.status_code, bad.status_code, nothing.status_code) == (200, 422, 422)
    assert "All of it holds." in good.text
    assert "믿지 마십시오." in bad.text
    assert "이 항목은 로그의 그 자리에 없습니다." in bad.text


def _upload(visitor, language, content):
    visitor.get(f"{language}{PAGE}/check")
    fields = {"csrf": visitor.cookies["dure_csrf"]}
    return visitor.ask("POST", f"{language}{PAGE}/check", data=fields, files={"file": ("bundle.json", content)})


def test_a_kept_checkpoint_is_compared_and_a_split_view_is_an_alarm_for_all_to_see(world, nobody):
    house, _ = world
    mine = nobody.get(f"{API}/checkpoint").text
    shown = read_checkpoint(notes.read_note(mine).text)
    text = Checkpoint(shown.origin, shown.size, bytes(32)).text()
    key = signing_key.signing_key(house.settings.data)
    lie = str(notes.Note(text, (notes.sign(text, shown.origin, key),)))
    stranger = str(notes.Note(text, (notes.sign(text, shown.origin, WITNESS),)))

    assert nobody.post(f"{API}/confrontations", {"note": mine}).json()["agrees"]
    assert nobody.post(f"{API}/confrontations", {"note": stranger}).status_code == 422
    assert nobody.post(f"{API}/confrontations", {"note": "nonsense"}).status_code == 422
    assert 'role="alert"' not in nobody.get(f"/en{PAGE}").text
    assert nobody.post(f"{API}/confrontations", {"note": lie}).json()["code"] == "log.split_view"
    assert 'role="alert"' in nobody.get(f"/en{PAGE}").text
    nobody.get(f"/en{PAGE}/check")
    fields = {"csrf": nobody.cookies["dure_csrf"], "note": mine.replace("\n", "\r\n")}
    assert "goes on from it" in nobody.ask("POST", f"/en{PAGE}/check", data=fields).text


def test_an_officer_adds_a_witness_whose_signature_then_stands_in_the_checkpoint(world, nobody):
    _, visitors = world
    asked = {"vkey": W_KEY.text(), "label": "이웃 도시"}
    assert nobody.post(f"{API}/witnesses", asked).status_code == 401
    assert visitors["citizen"].post(f"{API}/witnesses", asked).status_code == 403
    note = notes.read_note(nobody.get(f"{API}/checkpoint").text)
    size = read_checkpoint(note.text).size
    line = {"size": size, "line": notes.cosign(note.text, W_KEY.name, WITNESS, int(NOW.timestamp())).line()}

    assert nobody.post(f"{API}/cosignatures", line).status_code == 422
    assert visitors["officer"].post(f"{API}/witnesses", asked).status_code == 200
    assert nobody.post(f"{API}/cosignatures", line).status_code == 200
    assert len(notes.read_note(nobody.get(f"{API}/checkpoint").text).signatures) == 2
    assert "이웃 도시" in nobody.get(f"/ko{PAGE}").text


def test_the_witness_form_says_what_is_wrong_and_a_witness_can_end(world):
    officer = world[1]["officer"]
    officer.get(f"/en{PAGE}")
    fields = {"csrf": officer.cookies["dure_csrf"], "vkey": "nonsense", "label": "x"}
    wrong = officer.ask("POST", f"/en{PAGE}/witnesses", data=fields)
    added = officer.ask("POST", f"/en{PAGE}/witnesses", data=fields | {"vkey": W_KEY.text(), "label": "Next city"})
    ended = officer.ask("POST", f"/en{PAGE}/witnesses", data=fields | {"vkey": W_KEY.text(), "do": "end"})

    assert wrong.status_code == 422
    assert "This is no key" in wrong.text
    assert (added.status_code, ended.status_code) == (303, 303)
    assert "Take no more" not in officer.get(f"/en{PAGE}").text
