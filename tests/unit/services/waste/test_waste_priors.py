"""What a city learnt goes to another as a file; one that is malformed or cannot be is refused with its code."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec
import pytest

from dure.core.errors import DureError
from dure.services.waste.belief.belief_rules import belief_rules
from dure.services.waste.belief.history import history_of
from dure.services.waste.belief.learn import learn
from dure.services.waste.belief.learned import CITY, ClassRates, Learned
from dure.services.waste.belief.priors import BYTES_MAX, learned_of, prior_of, read_prior

RULES = belief_rules(date(2026, 11, 24))
AT = datetime(2026, 11, 24, 17, tzinfo=UTC)
PARK = ClassRates(rate_per_day=0.3, between_cv=0.5, cv=0.8, weekday=(0.7, 0.7, 0.7, 0.7, 0.7, 1.75, 1.75), days=900.0)
STEPS = ClassRates(
    rate_per_day=0.2,
    between_cv=0.4,
    cv=0.6,
    method="levels",
    grid=(0.0, 0.5, 1.0),
    transitions=((0.5, 0.5, 0), (0, 0.5, 0.5), (0, 0, 1)),
)
LEARNED = Learned(version="belief@2026-11", classes={CITY: PARK, "park": PARK, "market": STEPS}, pairs=12)


def changed(**fields):
    plain = msgspec.json.decode(prior_of(LEARNED, "hwaseong", AT))
    plain |= fields
    return msgspec.json.encode(plain)


def changed_park(**fields):
    plain = msgspec.json.decode(prior_of(LEARNED, "hwaseong", AT))
    plain["classes"]["park"] |= fields
    return msgspec.json.encode(plain)


def test_the_file_says_where_it_is_from_and_no_bin_is_in_it():
    data = prior_of(LEARNED, "hwaseong", AT)
    found = read_prior(data)
    assert (found.source, found.learnt_at, found.rules) == ("hwaseong", AT, "belief@2026-11")
    assert learned_of(found).classes == LEARNED.classes
    assert learned_of(found).bins == {}
    assert data == prior_of(LEARNED, "hwaseong", AT)


def test_a_city_without_history_begins_with_the_rates_of_the_other():
    prior = learned_of(read_prior(prior_of(LEARNED, "hwaseong", AT))).classes
    found = learn(history_of([], {"b": "park"}), rules=RULES, prior=prior)
    assert found.rate_of("b", "park") == pytest.approx(0.3, rel=0.05)
    assert learn(history_of([], {"b": "park"}), rules=RULES).rate_of("b", "park") == pytest.approx(0.156, rel=0.05)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "prior.malformed"),
        (b"[1, 2]", "prior.malformed"),
        (b"\xff\xfe", "prior.malformed"),
        (b'{"schema": "dure-waste-prior", "version": 1}', "prior.malformed"),
        (changed(classes={"park": {"rate_per_day": "much"}}), "prior.malformed"),
        (changed(owner="somebody"), "prior.malformed"),
        (changed(learnt_at="yesterday"), "prior.malformed"),
        (changed(version=2), "prior.version"),
        (changed(schema="something-else"), "prior.version"),
        (changed(classes={}), "prior.values"),
        (changed_park(rate_per_day=0.0), "prior.values"),
        (changed_park(rate_per_day=300.0), "prior.values"),
        (changed_park(cv=-1.0), "prior.values"),
        (changed_park(days=-1.0), "prior.values"),
        (changed_park(weekday=[1.0] * 6), "prior.values"),
        (changed_park(weekday=[2.0] * 7), "prior.values"),
        (changed_park(method="levels"), "prior.values"),
        (changed_park(grid=[0.0, 0.5, 0.4, 1.0], transitions=[[1.0]]), "prior.values"),
        (changed_park(grid=[0.0, 1.0], transitions=[[1.0, 0.0]]), "prior.values"),
        (changed_park(grid=[0.0, 1.0], transitions=[[1.0, 0.5], [0.0, 1.0]]), "prior.values"),
        (b" " * (BYTES_MAX + 1), "prior.too_large"),
    ],
)
def test_what_cannot_be_is_refused_with_its_code(data, code):
    with pytest.raises(DureError) as refused:
        read_prior(data)
    assert refused.value.code == code
