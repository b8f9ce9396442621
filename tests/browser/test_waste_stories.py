"""What people come for: a driver's whole shift without a network, a citizen's report, and a dispatcher's day."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from demo_city import NOW, PASSWORD
from demo_waste import planned
from visiting import Visit

from dure.core.time import day_interval
from dure.engines.records import parked
from dure.engines.records.audit import By
from dure.services.waste.driving import tap_records

pytestmark = pytest.mark.browser
OPERATIONS = "/ko/operations/waste"
TOMORROW = (NOW + timedelta(days=1)).date().isoformat()
JPEG = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300080606070605080707070909080a0c140d0c0b0b0c1912130f141d1a1f1e1d1a1c1c20242e2720"
    "222c231c1c2837292c30313434341f27393d38323c2e333432ffc0000b080001000101011100ffc4001f0000010501010101010100000000000000000102030405"
    "060708090a0bffc400b5100002010303020403050504040000017d01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a"
    "161718191a25262728292a3435363738393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798"
    "999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9faffda0008010100"
    "003f00fbfeffd9"
)


@pytest.fixture(scope="module")
def crew(browser, running):
    """A member of a crew with a phone whose clock is that of the city."""
    running.house.people.add("crew", "수거원", PASSWORD, ["crew"], By("test", NOW))
    visit = Visit(browser, running, "phone")
    visit.page.clock.set_fixed_time(NOW)
    visit.page.goto(f"{running.url}/ko/sign-in?next=/ko/field/waste")
    visit.page.fill("#f-login", "crew")
    visit.page.fill("#f-password", PASSWORD)
    visit.page.locator("main button[type=submit]").click()
    visit.page.wait_for_url(re.compile("/ko/(operations|field/waste)"))
    yield visit
    visit.context.close()


def kept_today(running, truck="truck-1"):
    day = day_interval(NOW.date(), running.house.city.zone)
    with running.house.records.read() as connection:
        return tap_records.between(connection, day.start, day.end + timedelta(hours=12), truck=truck)


def name_of(page):
    return page.locator("[data-next-name]").inner_text()


def test_a_driver_works_a_shift_without_a_network_and_all_taps_arrive_once(crew):
    page, running = crew.page, crew.running
    crew.open("/ko/field/waste")
    page.get_by_role("link", name=re.compile("^1호차")).click()
    page.wait_for_selector("main[data-ready][data-kept]")
    crew.context.set_offline(True)
    page.reload()
    page.wait_for_selector("main[data-ready]")
    total = page.locator("[data-bin]").count()
    assert total > 8
    assert "통신 없음" in page.locator("[data-net]").inner_text()
    tapped = []
    for level in ("비어 있음", "1/4", "절반", "3/4", "가득", "넘침"):
        tapped.append(name_of(page))
        page.get_by_role("button", name=level, exact=True).click()
        page.wait_for_function("name => document.querySelector('[data-next-name]').textContent !== name", arg=tapped[-1])
    assert len(set(tapped)) == 6
    taken_back = name_of(page)
    page.get_by_role("button", name="막혀서 못 비움").click()
    page.wait_for_function("name => document.querySelector('[data-next-name]').textContent !== name", arg=taken_back)
    page.get_by_role("button", name="되돌리기").click()
    page.wait_for_function("name => document.querySelector('[data-next-name]').textContent === name", arg=taken_back)
    page.set_input_files("[data-photo]", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": JPEG})
    page.get_by_text("사진 1장").wait_for()
    page.get_by_role("button", name="고장", exact=True).click()
    page.get_by_text("통신 없음. 7건을 휴대전화에 보관했습니다").wait_for()
    page.reload()
    page.wait_for_selector("main[data-ready]")
    assert page.locator("[data-progress-text]").inner_text() == f"7 / {total}"
    assert kept_today(running) == []
    crew.context.set_offline(False)
    page.get_by_text("연결됨. 모두 보냈습니다").wait_for()
    kept = kept_today(running)
    assert sorted((one.kind, one.level) for one in kept if one.kind == "emptied") == [
        ("emptied", level) for level in (0.0, 0.25, 0.5, 0.75, 1.0, 1.1)
    ]
    assert [(one.kind, bool(one.photo)) for one in kept if one.kind != "emptied"] == [("broken", True)]
    assert {one.plan for one in kept} == {running.made["plan"]}
    page.reload()
    page.wait_for_selector("main[data-ready]")
    page.get_by_text("연결됨. 모두 보냈습니다").wait_for()
    assert page.locator("[data-progress-text]").inner_text() == f"7 / {total}"
    assert len(kept_today(running)) == 7
    with running.house.records.read() as connection:
        assert not [one for one in parked.listing(connection).items if one.code.startswith("tap.")]


def test_a_tap_that_was_sent_can_be_taken_back(crew):
    page, running = crew.page, crew.running
    crew.open("/ko/field/waste/truck-3")
    page.wait_for_selector("main[data-ready]")
    first = name_of(page)
    page.get_by_role("button", name="가득", exact=True).click()
    page.get_by_text("연결됨. 모두 보냈습니다").wait_for()
    page.wait_for_function("() => !document.querySelector('[data-undo-bar]').hidden")
    running_until(page, lambda: len(kept_today(running, "truck-3")) == 1)
    page.get_by_role("button", name="되돌리기").click()
    running_until(page, lambda: kept_today(running, "truck-3") == [])
    assert name_of(page) == first
    page.reload()
    page.wait_for_selector("main[data-ready]")
    assert name_of(page) == first


def running_until(page, fulfilled):
    for _ in range(100):
        if fulfilled():
            return
        page.wait_for_timeout(50)
    pytest.fail("it did not happen within five seconds")


def test_a_driver_without_script_taps_by_form(browser, running, crew):
    context = browser.new_context(java_script_enabled=False, storage_state=crew.context.storage_state())
    page = context.new_page()
    page.goto(f"{running.url}/ko/field/waste/truck-3")
    first = name_of(page)
    page.get_by_role("button", name="절반", exact=True).click()
    assert name_of(page) != first
    assert [one.level for one in kept_today(running, "truck-3")] == [0.5]
    context.close()


def test_what_a_driver_touches_is_large_enough_for_a_thumb(crew):
    crew.open("/ko/field/waste/truck-1")
    sizes = crew.page.locator(".field-level, .field-other, [data-go]").evaluate_all(
        "all => all.filter(e => e.checkVisibility()).map(e => [e.offsetWidth, e.offsetHeight])"
    )
    assert all(width >= 44 and height >= 44 for width, height in sizes)
    assert min(height for _, height in sizes[:6]) >= 88


def test_a_citizen_reports_a_bin_without_script_and_looks_it_up(browser, running):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{running.url}/ko/waste?words=노작공원")
    page.get_by_role("link", name=re.compile("노작공원 쓰레기통 2")).click()
    page.get_by_role("radio", name="넘쳐서 옆에 쌓였어요").check()
    page.get_by_label("설명 (선택)").fill("봉투 세 개")
    page.set_input_files("#f-photo", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": JPEG})
    page.get_by_role("button", name="신고 보내기").click()
    assert "신고를 받았습니다" in page.locator("main").inner_text()
    number = page.locator(".secret").inner_text()
    page.goto(f"{running.url}/en/waste/reports")
    page.fill("#f-number", number.lower())
    page.locator("main button[type=submit]").click()
    assert "Received" in page.locator("main").inner_text()
    page.goto(f"{running.url}/ko/waste?words=노작공원")
    row = page.get_by_role("row", name=re.compile("노작공원 쓰레기통 2"))
    assert "넘침" in row.inner_text()
    context.close()


def test_a_report_with_something_that_is_no_photo_says_so_and_keeps_the_words(visitor):
    visitor.open("/ko/waste/bins/bin-005")
    page = visitor.page
    page.get_by_role("radio", name="가득 찼어요").check()
    page.get_by_label("설명 (선택)").fill("아직도 가득")
    page.set_input_files("#f-photo", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"no photo"})
    page.get_by_role("button", name="신고 보내기").click()
    page.get_by_text("사진을 읽지 못했습니다").wait_for()
    assert page.get_by_label("설명 (선택)").input_value() == "아직도 가득"
    assert page.get_by_role("radio", name="가득 찼어요").is_checked()


def test_an_operator_acknowledges_a_fire(browser, running):
    visit = Visit(browser, running, "desktop")
    visit.sign_in()
    visit.open(f"{OPERATIONS}/alarms")
    page = visit.page
    waiting = page.get_by_role("region", name="확인이 필요합니다")
    waiting.get_by_label(re.compile("메모$")).fill("119에 알림")
    waiting.get_by_role("button", name=re.compile("확인함.*화재")).click()
    page.get_by_text("확인했습니다", exact=True).wait_for()
    page.get_by_role("region", name="확인했고 아직 열려 있습니다").get_by_role("row", name=re.compile("화재")).get_by_role(
        "link"
    ).click()
    assert "119에 알림" in page.get_by_role("region", name="있었던 일").inner_text()
    page.get_by_role("button", name="현장을 보고 닫음").click()
    page.get_by_text("무엇을 확인했는지").wait_for()
    visit.context.close()


def test_a_ticket_goes_from_found_to_repaired_with_a_photo(browser, running):
    visit = Visit(browser, running, "desktop")
    visit.sign_in()
    visit.open(f"{OPERATIONS}/tickets/{running.made['ticket']}")
    page = visit.page
    page.get_by_label("맡을 사람이나 조").fill("2조")
    page.get_by_role("button", name="맡기기").click()
    page.get_by_text("맡았습니다").wait_for()
    page.get_by_label("쓴 부품").fill("초음파 센서")
    page.set_input_files("#f-photo", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": JPEG})
    page.get_by_role("button", name="고쳤다고 적기").click()
    page.get_by_text("고쳤다고 적었습니다").wait_for()
    photo = page.get_by_alt_text("고친 뒤의 사진")
    photo.scroll_into_view_if_needed()
    page.wait_for_function("one => one.complete", arg=photo.element_handle())
    assert photo.evaluate("one => one.naturalWidth") == 1
    assert "초음파 센서" in page.get_by_role("region", name="있었던 일").inner_text()
    visit.context.close()


def test_a_dispatcher_tries_a_lock_keeps_it_and_publishes(browser, running):
    visit = Visit(browser, running, "desktop")
    visit.sign_in()
    visit.open(f"{OPERATIONS}?day={TOMORROW}")
    page = visit.page
    page.get_by_role("button", name="지금 아는 것으로 새 초안").click()
    page.get_by_text("새 초안을 만들었습니다").wait_for()
    visit.open(f"{OPERATIONS}?day={TOMORROW}&show=low_risk")
    left = page.locator("#reasons tbody tr[data-row]").first.get_attribute("data-row")
    page.get_by_label("쓰레기통 번호").fill(left)
    page.get_by_role("button", name="미리 보기").click()
    page.get_by_text("미리 보기: 통을 꼭 넣기").wait_for()
    page.get_by_role("button", name="이대로 고치기").click()
    page.get_by_text("고친 대로 다시 계획했습니다").wait_for()
    unsure = page.get_by_role("checkbox")
    if unsure.count():
        unsure.check()
    page.get_by_role("button", name="이 계획을 확정").click()
    page.get_by_text("확정했습니다. 차량이 이 계획을 봅니다.").wait_for()
    row = page.locator(f'#reasons tr[data-row="{left}"]')
    assert "담당자가 넣음" in row.inner_text()
    page.get_by_label("쓰레기통 번호").fill("bin-999")
    page.get_by_role("button", name="미리 보기").click()
    page.get_by_text("그런 쓰레기통이 없습니다.").wait_for()
    visit.context.close()


def test_a_phone_with_an_older_plan_is_told_of_the_newer_one_and_its_tap_is_kept(crew):
    page, running = crew.page, crew.running
    newest = running.call(planned(running))
    crew.open("/ko/field/waste/truck-1")
    page.wait_for_selector("main[data-ready]")
    assert page.get_attribute("main", "data-plan") == newest != running.made["plan"]
    page.route(
        re.compile("/field/waste/truck-1$"),
        lambda route: route.fulfill(response=(got := route.fetch()), body=got.text().replace(newest, running.made["plan"])),
    )
    page.evaluate("navigator.serviceWorker.getRegistration().then(one => one.unregister())")
    page.reload()
    page.wait_for_selector("main[data-ready]")
    assert page.get_attribute("main", "data-plan") == running.made["plan"]
    before = len(kept_today(running))
    page.get_by_role("button", name="가득", exact=True).click()
    page.get_by_text("새 경로가 나왔습니다.").wait_for()
    assert len(kept_today(running)) == before + 1
