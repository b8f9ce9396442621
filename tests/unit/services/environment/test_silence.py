import pytest

from dure.services.environment.checks.silence import Change, Heard, changes

MINUTE_US = 60_000_000
NOW = 1_000 * MINUTE_US


@pytest.mark.parametrize(
    ("minutes_ago", "was_silent", "expected"),
    [
        (0, False, None),
        (3, False, None),
        (4, False, True),
        (4, True, None),
        (3, True, False),
        (0, True, False),
    ],
)
def test_a_station_is_silent_after_three_of_its_periods_and_this_is_said_once(minutes_ago, was_silent, expected):
    heard = Heard("a", NOW - minutes_ago * MINUTE_US, 60)
    found = changes([heard], {"a"} if was_silent else set(), NOW)
    assert found == ([] if expected is None else [Change("a", expected, heard.last_us, 60)])


def test_what_could_not_be_heard_counts_against_no_station():
    heard = [Heard("a", NOW - 500 * MINUTE_US, 60)]
    assert changes(heard, set(), NOW, listening_since_us=NOW - 2 * MINUTE_US) == []
    assert len(changes(heard, set(), NOW, listening_since_us=NOW - 4 * MINUTE_US)) == 1


def test_a_silent_station_is_not_back_only_because_we_listen_anew():
    heard = [Heard("a", NOW - 500 * MINUTE_US, 60)]
    assert changes(heard, {"a"}, NOW, listening_since_us=NOW) == []
