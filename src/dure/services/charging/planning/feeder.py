"""Several sites on one line that carries less than all of them could draw: a price on the line, then a share for each site.

The price is found exactly, but for a sample of the sites and their part of the line, all in one program: its duals are what one
more kWh through the line is worth in each step. Then every site is planned by itself with that price (Dantzig and Wolfe 1960,
doi:10.1287/opre.8.1.101, with the master's price from a sample). Where many sites are indifferent between steps, prices alone do
not spread them, so each gets a share of the line in every step and is planned once more within it: first what its other load
needs, then in proportion to what it asked for, and of what is left over the same for all. What comes out keeps the line, and the
cost at the price found is a lower bound that says how far from the best it may be.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from dure.services.charging.planning.binding import Found
from dure.services.charging.planning.cost import priced_won
from dure.services.charging.planning.lp_model import NONE, Model, Ties, Wishes
from dure.services.charging.planning.lp_shape import Shape
from dure.services.charging.planning.problem import Floats, Plan, Problem
from dure.services.charging.planning.site_lp import SiteSolver, one_program, plan_in

SAMPLE_N = 40
ROUNDS_MAX = 4
NEAR_W = 1.0
BUSY = 0.98  # of the line's limit: from there on a step is shared out


class Shared(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Plans of all sites on a line.

    Attributes
    ----------
    plans, wishes : one of each site, in their order; the wishes keep its share, for whatever is planned again
    price_won_kwh : (n,) of the line
    over_w : (n,) above the line's limit; all zero unless other loads alone pass it
    least_won : no way to keep the line costs less; nan where it was not asked for
    rounds : how often shares were made
    """

    plans: tuple[Plan, ...]
    wishes: tuple[Wishes, ...]
    price_won_kwh: Floats
    over_w: Floats
    least_won: float = float("nan")
    rounds: int = 0


def net_w(plan: Plan) -> Floats:
    """What a site draws from the line (n,) [W]; negative where it gives."""
    return plan.import_w - plan.export_w


def share_line(
    solvers: Sequence[SiteSolver], problems: Sequence[Problem], limit_w: Floats, plans: Sequence[Plan] | None = None
) -> Shared:
    """Plans of all sites that keep the line together.

    Parameters
    ----------
    solvers : one for each site, with the basis of its last plan
    problems : of one start, step and length
    limit_w : (n,) most that all may draw together [W]
    plans : of the sites without the line, when they are there already
    """
    first = tuple(plans) if plans is not None else tuple(a.solve(b) for a, b in zip(solvers, problems, strict=True))
    nothing = np.zeros(len(limit_w))
    if not _over(first, limit_w).any():
        return Shared(plans=first, wishes=(NONE,) * len(first), price_won_kwh=nothing, over_w=nothing, least_won=_won(problems, first))
    price = _price(problems, first, limit_w)
    priced = [msgspec.structs.replace(one, feeder_won_kwh=price) for one in problems]
    made = tuple(a.solve(b) for a, b in zip(solvers, priced, strict=True))
    through = float(price @ (sum(net_w(one) for one in made) - limit_w)) * problems[0].step_h / 1_000
    least = _won(problems, made) + through
    wishes: tuple[Wishes, ...] = (NONE,) * len(made)
    rounds = 0
    while _over(made, limit_w).any() and rounds < ROUNDS_MAX:
        wishes = shares(problems, made, limit_w, price)
        made = tuple(a.solve(b, c) for a, b, c in zip(solvers, priced, wishes, strict=True))
        rounds += 1
    return Shared(
        plans=made, wishes=wishes, price_won_kwh=price, over_w=_over(made, limit_w), least_won=least, rounds=rounds
    )  # fmt: skip


def shares(problems: Sequence[Problem], plans: Sequence[Plan], limit_w: Floats, price: Floats) -> tuple[Wishes, ...]:
    """What the line leaves to each site: most import, and in dear steps least export, so that all together keep it."""
    bought = np.array([one.import_w for one in plans])
    sold = np.where(price > 0, np.array([one.export_w for one in plans]), 0.0)
    room = np.maximum(limit_w + sold.sum(axis=0), 0.0)
    need = np.array([np.minimum(np.maximum(one.load_w - one.pv_w, 0.0), plan.import_w) for one, plan in zip(problems, plans, strict=True)])
    wanted = bought - need
    rest = np.maximum(room - need.sum(axis=0), 0.0)
    asked = wanted.sum(axis=0)
    part = np.where(asked > rest, rest / np.maximum(asked, 1e-9), 1.0)
    spare = np.maximum(rest - asked * part, 0.0) / len(plans)
    most = need + wanted * part + spare
    return tuple(Wishes(import_w=a, export_w=b) for a, b in zip(most, sold, strict=True))


def _over(plans: Sequence[Plan], limit_w: Floats) -> Floats:
    above: Floats = sum(net_w(one) for one in plans) - limit_w
    return np.where(above > NEAR_W, above, 0.0)


def _won(problems: Sequence[Problem], plans: Sequence[Plan]) -> float:
    return sum(priced_won(a, b.won, b.unmet_wh, b.over_w) for a, b in zip(problems, plans, strict=True))


def _price(problems: Sequence[Problem], plans: Sequence[Plan], limit_w: Floats) -> Floats:
    """What one more kWh through the line is worth in each step (n,) [won/kWh], by every k-th site."""
    count = min(SAMPLE_N, len(problems))
    chosen = [len(problems) * i // count for i in range(count)]
    drawn = np.array([np.maximum(net_w(one), 0.0).sum() for one in plans])
    part = float(drawn[chosen].sum() / max(drawn.sum(), 1e-9))
    _, price = together([problems[i] for i in chosen], limit_w * part)
    return price


def together(problems: Sequence[Problem], limit_w: Floats, ties: Ties | None = None) -> tuple[float, Floats]:
    """All sites and their line as one program: what it costs with every price [won], and the price of the line (n,).

    Exact, and slow when there are many; the oracle of `share_line`.
    """
    shapes = [Shape(one) for one in problems]
    models = [Model(one, shape, ties or Ties(), NONE) for one, shape in zip(problems, shapes, strict=True)]
    columns = np.cumsum([0, *(one.columns for one in shapes)])
    rows = np.cumsum([0, *(one.row_count for one in shapes)])
    at_column, at_row, values = [], [], []
    for shape, first_column, first_row in zip(shapes, columns, rows, strict=False):
        at_column.append(np.repeat(np.arange(shape.columns), np.diff(shape.starts)) + first_column)
        at_row.append(shape.rows + first_row)
        values.append(shape.values)
        for name, sign in (("grid", 1.0), ("over", 1.0), ("export", -1.0)):
            at_column.append(shape.at(name) + first_column)
            at_row.append(np.arange(shape.n) + rows[-1])
            values.append(np.full(shape.n, sign))
    placed, n = np.concatenate(at_column), problems[0].n
    order = np.argsort(placed, kind="stable")
    starts = np.zeros(columns[-1] + 1, dtype=np.int32)
    np.cumsum(np.bincount(placed, minlength=columns[-1]), out=starts[1:])
    found = one_program(
        (starts, np.concatenate(at_row)[order].astype(np.int32), np.concatenate(values)[order]),
        np.concatenate([one.cost for one in models]),
        (np.concatenate([one.lower for one in models]), np.concatenate([one.upper for one in models])),
        (
            np.concatenate([*(one.row_lower for one in models), np.full(n, -np.inf)]),
            np.concatenate([*(one.row_upper for one in models), limit_w / 1_000]),
        ),
    )
    nothing = np.zeros(0)
    plans = [
        plan_in(problem, shape, model, Found(found.value[a:b], nothing, nothing))
        for problem, shape, model, a, b in zip(problems, shapes, models, columns, columns[1:], strict=False)
    ]
    price = np.maximum(-found.row[rows[-1] :], 0.0) / problems[0].step_h
    return _won(problems, plans), price
