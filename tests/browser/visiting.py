"""A browser tab that notes what goes wrong, and what every page has to fulfil."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from demo_city import PASSWORD

PATIENCE_MS = 90_000  # what is waited for comes at once on an idle machine; a loaded one takes its time
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
# Chromium without a graphics card tells of its own slowness.
HARMLESS = re.compile(r"GPU stall due to ReadPixels|GL Driver Message")


class Visit:
    """A browser tab that notes what goes wrong."""

    def __init__(self, browser, running, size: str) -> None:
        self.running = running
        self.context = browser.new_context(viewport=SIZES[size])
        self.context.set_default_timeout(PATIENCE_MS)
        self.page = self.context.new_page()
        self.trouble: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.trouble.append(f"error: {error}"))
        self.page.on("request", self._asked)

    def _heard(self, message) -> None:
        if message.type in ("error", "warning") and not HARMLESS.search(message.text):
            self.trouble.append(f"{message.type}: {message.text}")

    def _asked(self, request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data" and parts.netloc != urlsplit(self.running.url).netloc:
            self.trouble.append(f"outside: {request.url}")

    def sign_in(self) -> None:
        self.page.goto(f"{self.running.url}/ko/sign-in")
        self.page.fill("#f-login", "admin")
        self.page.fill("#f-password", PASSWORD)
        self.page.locator("main button[type=submit]").click()
        self.page.wait_for_url("**/ko/operations")

    def open(self, path: str, status: int = 200) -> None:
        self.trouble.clear()
        answer = self.page.goto(f"{self.running.url}{path}")
        assert answer.status == status
        if self.page.locator("#map").count():
            self.page.wait_for_selector("#map[data-ready]")
        if status >= 400:  # the browser itself reports the status of the page it was sent to see
            self.trouble = [one for one in self.trouble if "status of" not in one]

    def axe(self, source: str) -> list[str]:
        self.page.evaluate(source)
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found["violations"]]


# Words of the other language that nothing says to be of it; in code there are names, which stay as they are.
STRANGE = """() => {
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    if (/[\\u3131-\\ud79d]/.test(node.data) && !node.parentElement.closest("code, textarea, script, template, [lang]:not(html)"))
      found.push(node.data.trim());
  return found;
}"""


def is_well(visit: Visit, language: str, path: str, axe: str) -> None:
    visit.open(f"/{language}{path}", 404 if path == "/nothing-here" else 200)
    page = visit.page
    found = visit.axe(axe)
    assert found == [], found
    assert page.locator("h1").count() == 1
    assert page.get_attribute("html", "lang") == language
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), "it scrolls sideways"
    assert visit.trouble == []
