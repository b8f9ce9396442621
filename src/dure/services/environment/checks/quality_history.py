"""The flags of kept values judged anew by the six tests, a whole series at once. Pure.

Flags that these tests gave may become better or worse. A flag that somebody else gave (neighbours, a finding, quarantine) only
gets worse, and one that a person gave stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.core.observations import Check, Flag
from dure.core.quality import assessed
from dure.services.environment.checks import quality_columns as c
from dure.services.environment.checks.quality import qualify_series

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.engines.telemetry.port import SeriesColumns
    from dure.services.environment.checks.quality import Kernel, Limits

OWN = (
    *(Check.NONE, Check.BELOW_POSSIBLE, Check.ABOVE_POSSIBLE, Check.BELOW_LIKELY, Check.ABOVE_LIKELY),
    *(Check.OUTSIDE_CLIMATE, Check.SPIKE, Check.RATE_OF_CHANGE, Check.FLAT_LINE, Check.ATTENUATED),
)
BY_PERSON = (Check.RELEASED_BY_PERSON, Check.HELD_BY_PERSON)
JUDGED = (Flag.GOOD, Flag.SUSPECT, Flag.FAIL)


class Rejudged(msgspec.Struct, frozen=True, eq=False):
    """Flags of n kept rows as they would be now.

    Attributes
    ----------
    flag, check : (n,) uint8, `Flag` and the `Check` that decided it; the kept ones where the flag stays
    changed : (n,) bool, rows that get another flag
    """

    flag: NDArray[np.uint8]
    check: NDArray[np.uint8]
    changed: NDArray[np.bool_]


def judged_anew(
    kept: SeriesColumns, limits: Limits, pinned: NDArray[np.bool_] | None = None, kernel: Kernel | None = None
) -> Rejudged:
    """What the six tests say today of a series that was kept.

    Parameters
    ----------
    kept : the series in time order, with what came before and after the rows that matter
    limits : of its property, the possible and likely span among them (`quality_rules.with_ranges`)
    pinned : (n,) rows about which others have spoken too: they only get worse

    Returns
    -------
    flag, check and changed, (n,) each
    """
    feeds = np.where(kept.check == Check.CLOCK_AHEAD, c.POINTWISE, c.FEEDS).astype(np.uint8)
    found = qualify_series(kept.time_us, kept.value, limits, feeds=feeds, kernel=kernel)
    worse_flag, worse_check = assessed(kept.flag, kept.check, found.flag, found.check)
    free = np.isin(kept.check, OWN) & np.isin(kept.flag, JUDGED) & np.isin(found.flag, JUDGED)
    if pinned is not None:
        free &= ~pinned
    flag = np.where(free, found.flag, worse_flag)
    changed = (flag != kept.flag) & ~np.isin(kept.check, BY_PERSON)
    check = np.where(free, found.check, worse_check)
    return Rejudged(np.where(changed, flag, kept.flag), np.where(changed, check, kept.check), changed)
