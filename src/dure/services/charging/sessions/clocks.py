"""Which time counts: the station's where its clock can be believed, else ours. Pure, and of one word alone.

Because a word is placed by itself, the same words are placed alike in whatever order they come.
"""

from __future__ import annotations

from typing import NamedTuple

from dure.services.charging.sessions.session_rules import ClockRow

US_PER_S = 1_000_000
US_PER_D = 86_400 * US_PER_S


class Placed(NamedTuple):
    """When something happened [us], by how much a station's times must be moved for it, and whether its clock is off."""

    at_us: int
    shift_us: int
    is_off: bool


def placed(at_us: int, heard_us: int, rules: ClockRow) -> Placed:
    """When a word's event happened.

    A clock that runs ahead cannot be right; one far behind is a clock that was never set, as no station is offline for so long.
    Then the time of arrival counts, and what the same word tells beside it is moved by as much.
    """
    if at_us > heard_us + rules.ahead_s * US_PER_S or at_us < heard_us - rules.behind_d * US_PER_D:
        return Placed(heard_us, heard_us - at_us, is_off=True)
    return Placed(at_us, 0, is_off=False)


def sample_at(sample_us: int, word: Placed, heard_us: int, rules: ClockRow) -> int:
    """When a sample of a word was taken [us]; one whose time cannot be is taken as of the word's."""
    at_us = sample_us + word.shift_us
    if at_us > heard_us + rules.ahead_s * US_PER_S or at_us < word.at_us - rules.behind_d * US_PER_D:
        return word.at_us
    return at_us
