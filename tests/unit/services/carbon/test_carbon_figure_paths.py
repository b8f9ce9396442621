"""Where a figure unfolds depends on who looks; nobody is led to a page that is not theirs."""

from __future__ import annotations

import pytest

from dure.core.access import ANONYMOUS, Actor
from dure.core.text import Text
from dure.services.carbon.claiming.explanation import Link
from dure.services.carbon.pages.figure_paths import open_to, path_of
from dure.services.carbon.pages.proof_words import entry_named

AUDITOR = Actor(id="person-1", roles=frozenset({"auditor"}))
COMPANY = Actor(id="person-2", roles=frozenset({"partner"}))
CITIZEN = Actor(id="person-3", roles=frozenset({"citizen"}))


@pytest.mark.parametrize(
    ("figure", "public", "company"),
    [
        ("carbon/claim/clm-1", "/carbon/log/entries/claim/clm-1", "/carbon/log/entries/claim/clm-1"),
        ("carbon/board/2026/tonnes/A", "/carbon/explain?figure=carbon/board/2026/tonnes/A",
         "/carbon/explain?figure=carbon/board/2026/tonnes/A"),
        ("carbon/company/c-1/2025/scope1", "", "/partners/companies/c-1/explain?figure=carbon/company/c-1/2025/scope1"),
        ("carbon/statement/stm-1/scope1", "", "/partners/statements/stm-1/rows/scope1"),
        ("carbon/household/abc/2026H1", "", ""),
        ("carbon/practice/tumbler", "", ""),
        ("", "", ""),
        ("clm-1/won/post", "", ""),
    ],
)  # fmt: skip
def test_a_figure_leads_each_reader_to_a_page_of_theirs(figure, public, company):
    assert path_of(ANONYMOUS, figure) == path_of(CITIZEN, figure) == public
    assert path_of(COMPANY, figure) == company
    assert path_of(AUDITOR, figure) == (f"/operations/carbon/explain?figure={figure}" if figure.startswith("carbon/") else "")


def test_links_are_shown_to_who_may_follow_them():
    paths = ("/carbon/log", "/operations/explain?id=x", "/operations/carbon/claims", "/partners/companies/c-1/data")
    links = [Link(name=Text("x"), path=one) for one in paths]
    assert [one.path for one in open_to(ANONYMOUS, links)] == ["/carbon/log"]
    assert [one.path for one in open_to(COMPANY, links)] == ["/carbon/log", "/partners/companies/c-1/data"]
    assert open_to(AUDITOR, links) == tuple(links)


@pytest.mark.parametrize(
    ("key", "name", "ident"),
    [
        ("claim/clm-1", "Claim", "clm-1"),
        ("decision/clm-1/awarded", "Decision: awarded", "clm-1"),
        ("rule/factor/electricity-2023/abc", "Emission factor", "electricity-2023"),
        ("rule/log-key/0a", "Key of the log", "0a"),
        ("statement/stm-1", "Statement", "stm-1"),
    ],
)
def test_an_entry_of_the_log_is_called_by_what_it_is(key, name, ident):
    told, rest = entry_named(key)
    assert (told("en"), rest) == (name, ident)
