import gzip
import re

import pytest
from starlette.applications import Starlette

from dure.core.errors import DureError, NotFound
from dure.web.errors import problem
from dure.web.static_files import FOLDER, StaticFiles


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "vendor").mkdir()
    (tmp_path / "a.css").write_text("body { color: red }" * 50)
    (tmp_path / "vendor/b.mjs").write_text("export const b = 1;")
    (tmp_path / "vendor/b.mjs.br").write_bytes(b"brotli")
    (tmp_path / "vendor/b.mjs.gz").write_bytes(gzip.compress(b"export const b = 1;"))
    return tmp_path


@pytest.fixture
def client(folder, client_of):
    static = StaticFiles(folder)

    async def answer(request):
        return static.answer(request)

    async def refused(_, error):
        return problem(error)

    app = Starlette(exception_handlers={DureError: refused})
    app.add_route("/static/{release}/{name:path}", answer)
    made = client_of(app)
    made.static = static
    return made


def test_the_address_changes_with_the_content(folder):
    before = StaticFiles(folder).url("a.css")
    (folder / "a.css").write_text("body { color: blue }")
    assert StaticFiles(folder).url("a.css") != before


def test_the_smallest_form_the_browser_takes_is_sent(client):
    url = client.static.url("vendor/b.mjs")
    answer = client.get(url, headers={"accept-encoding": "gzip, br"})
    assert (answer.headers["content-encoding"], answer.content) == ("br", b"brotli")
    assert client.get(url, headers={"accept-encoding": "gzip"}).text == "export const b = 1;"
    assert "content-encoding" not in client.get(url, headers={"accept-encoding": "identity"}).headers


def test_own_files_are_compressed_when_asked(client):
    answer = client.get(client.static.url("a.css"), headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_a_file_of_another_release_is_not_kept_for_a_year(client):
    assert client.get("/static/000000000000/a.css").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["missing.css", "%2e%2e/static_files.py", "vendor/%2e%2e/%2e%2e/x", "vendor/b.mjs.br"])
def test_only_listed_files_are_served(client, name):
    assert client.get(f"/static/x/{name}").status_code == 404


def test_a_file_that_is_not_installed_says_what_to_do(folder):
    with pytest.raises(NotFound, match=r"scripts/assets\.py"):
        StaticFiles(folder).url("vendor/missing.js")


def _luminance(colour):
    channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    low, high = sorted((_luminance(a), _luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("tone", ["primary", "secondary", "danger", "warning", "success", "information"])
def test_text_of_tone_60_reads_on_white_gray_and_its_own_tint(tone):
    css = (FOLDER / "dure.css").read_text("utf-8")
    tokens = dict(re.findall(r"--([a-z]+-\d+): (#[0-9a-f]{6})", css.split("@media")[0]))
    assert min(contrast(tokens[f"{tone}-60"], ground) for ground in ("#ffffff", tokens["gray-5"], tokens[f"{tone}-5"])) >= 4.5
