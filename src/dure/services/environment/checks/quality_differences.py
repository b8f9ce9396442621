"""Where our flags differ from those of ioos_qc 3.0.0, on purpose. Everywhere else they are identical; tests hold both.

Each difference has tests of its name in tests/unit/services/environment/test_quality_differences.py that show both answers.
"""

from __future__ import annotations

import msgspec


class Difference(msgspec.Struct, frozen=True):
    """One deliberate difference: what ioos_qc says, what we say, and why."""

    name: str
    test: str
    theirs: str
    ours: str
    why: str


DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        "climatology_of_a_missing_value",
        "climatology",
        "with months, a missing value is good (1); with date spans it is missing (9)",
        "9",
        "a value that is not there is not good",
    ),
    Difference(
        "rate_of_change_after_a_missing_value",
        "rate_of_change",
        "the first value after a missing one is good (1), however far it jumped",
        "2",
        "what could not be compared was not evaluated",
    ),
    Difference(
        "flat_line_by_elapsed_time",
        "flat_line",
        "time limits become counts by the median step: too short for it, all fail; steps unlike it are judged by a wrong time",
        "the time that truly passed, and at least `flat_n_min` values",
        "sensors that send hourly or when they can must not fail by the clock of others",
    ),
    Difference(
        "flat_line_across_missing_values",
        "flat_line",
        "a window of rows counts missing ones: a lone value after a long hole is flat at once (ioos_qc#68)",
        "the run of values that were seen; a missing row and an absent row are the same",
        "constancy is observed, not assumed",
    ),
    Difference(
        "flat_line_of_two_values",
        "flat_line",
        "a series of fewer than three values is good also where a value is missing (1)",
        "9 where it is missing",
        "a value that is not there is not good",
    ),
    Difference(
        "rate_of_change_within_a_second",
        "rate_of_change",
        "steps are cut to whole seconds: 1.9 s counts as 1 s, and below 1 s the bare change is compared with the rate",
        "the exact step",
        "times are kept in microseconds",
    ),
    Difference(
        "equal_or_backward_times",
        "all that look at neighbours",
        "an equal time compares the bare change with the rate, a backward one a positive rate; the window test raises an error",
        "a row not after the newest of its series: gross range and climatology only, others 2; later rows do not see it",
        "a late row must neither change nor stop the judgement of the series",
    ),
    Difference(
        "tests_without_limits",
        "spike",
        "without thresholds a value with two neighbours is good (1)",
        "2",
        "a test that was not made says nothing",
    ),
    Difference(
        "a_value_that_cannot_be_true_is_no_neighbour",
        "spike, rate_of_change, flat_line, attenuated",
        "each test sees all values: next to an impossible one, good ones become spikes and jumps",
        "a value that fails the gross range is missing to its neighbours (`failed_feed=True` restores theirs)",
        "one fault must not hide its neighbours",
    ),
    Difference(
        "gaps_and_calm",
        "spike, rate_of_change, flat_line, attenuated",
        "neighbours are rows, however far away; every quantity may be flat",
        "only where set: `gap_s` ends neighbourhood, `calm_below` and `calm_above` name constancy that is normal, "
        "`rate_step_s` and `window_cover_s` ask for enough time",
        "a calm night is no fault; a month's pause is no step",
    ),
)
