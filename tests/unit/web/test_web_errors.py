import inspect
import json

import pytest
from starlette.exceptions import HTTPException

from dure.core import errors
from dure.web.errors import STATUS, of_http, problem, status_of

TREE = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, errors.DureError)]


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_every_error_of_the_tree_has_a_status_and_a_problem(kind):
    answer = problem(kind("some.code", "Some words."))
    body = json.loads(answer.body)
    assert answer.media_type == "application/problem+json"
    assert body["status"] == answer.status_code == status_of(kind("a", "b"))
    assert (body["code"], body["detail"], body["who"], body["retry"]) == ("some.code", "Some words.", kind.who, kind.retry)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.TooLarge, 413), (errors.Conflict, 409), (errors.InputError, 422), (errors.NotFound, 404),
        (errors.NotSignedIn, 401), (errors.NotAllowed, 403), (errors.RateLimited, 429), (errors.Unavailable, 503),
        (errors.Corrupt, 500),
    ],
)  # fmt: skip
def test_the_status_of_each(kind, status):
    assert status_of(kind("a", "b")) == status


def test_a_more_particular_error_stands_before_its_parent():
    for number, (kind, _) in enumerate(STATUS):
        assert not any(issubclass(later, kind) for later, _ in STATUS[number + 1 :])


def test_who_is_too_fast_is_told_when_to_come_back():
    assert problem(errors.RateLimited("a", "b", retry_after_s=17)).headers["retry-after"] == "17"


def test_detail_cannot_overwrite_the_problem_itself():
    assert json.loads(problem(errors.InputError("a.b", "c", status=1, line=4)).body) | {"status": 422, "line": 4} == json.loads(
        problem(errors.InputError("a.b", "c", status=1, line=4)).body
    )


def test_errors_of_the_framework_speak_the_same_words():
    assert of_http(HTTPException(404)).code == "http.not_found"
    assert of_http(HTTPException(418)).code == "http.418"
