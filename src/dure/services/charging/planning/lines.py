"""What lines shared by several sites leave to each, from step to step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dure.services.charging.model import Feeder, Site
from dure.services.charging.planning.feeder import import_shares, share_line
from dure.services.charging.planning.problem import Floats, Problem
from dure.services.charging.planning.site_lp import SiteSolver


class _Line(NamedTuple):
    """A line as it was shared out last: from when on, by which limit, among which sites."""

    start_us: int
    limit_w: float
    shares: dict[str, Floats]


class Lines:
    """Shares of all lines. Blocks; not for two threads at once."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        self._solvers: dict[str, SiteSolver] = {}

    def is_due(self, feeder: Feeder, sites: Sequence[Site], start_us: int) -> bool:
        """Whether a line must be shared out anew: a step began, or its limit or its sites are others."""
        known = self._lines.get(feeder.id)
        if len(sites) < 1:
            return False
        return known is None or (known.start_us, known.limit_w, set(known.shares)) != (
            start_us,
            feeder.limit_w,
            {one.id for one in sites},
        )

    def share_out(self, feeder: Feeder, sites: Sequence[Site], problems: Sequence[Problem]) -> None:
        """Share a line among its sites by their problems."""
        limit_w = np.full(problems[0].n, feeder.limit_w)
        solvers = [self._solvers.setdefault(one.id, SiteSolver()) for one in sites]
        found = share_line(solvers, problems, limit_w)
        shares = dict(zip((one.id for one in sites), import_shares(found, limit_w), strict=True))
        self._lines[feeder.id] = _Line(problems[0].start_us, feeder.limit_w, shares)

    def share(self, site: Site, problem: Problem) -> Floats | None:
        """Most import that its line leaves to a site (n,) [W]; None without a line, or before it was shared out."""
        line = self._lines.get(site.feeder)
        if line is None or line.start_us != problem.start_us:
            return None
        return line.shares.get(site.id)
