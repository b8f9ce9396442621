"""Several sites on one line that carries less than all of them could draw: small groups, each with its part of the line.

Every site is planned by itself first. Where all together would pass the line, sites are put into groups of about twenty, spread
over the list so that groups are alike, and each group gets its part of the line: what its other load needs, then in proportion to
what it would draw. A group and its part are one linear program that starts from the bases its sites have, so only what the line
changes is left to do. The duals of its last rows are the price of the line. Where groups end with different prices, the line is
parted once more by what they still lack, and the cheaper answer stays.

One program over all sites has the same answer, and takes far longer the more sites there are (`together`, the oracle).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import highspy
import msgspec
import numpy as np

from dure.services.charging.planning.binding import Found
from dure.services.charging.planning.cost import priced_won
from dure.services.charging.planning.lp_model import NONE, Model, Ties, Wishes
from dure.services.charging.planning.lp_shape import Shape
from dure.services.charging.planning.problem import Floats, Ints, Plan, Problem
from dure.services.charging.planning.site_lp import SiteSolver, one_program, plan_in

GROUP_N = 20
NEAR_W = 1.0
PARTED_AGAIN = 2
ALIKE = 0.001


class Shared(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Plans of all sites on a line.

    Attributes
    ----------
    plans, wishes : one of each site, in their order; the wishes keep its share for whatever is planned again
    price_won_kwh : (n,) of the line, the mean of its groups
    over_w : (n,) above the line's limit; all zero unless other loads alone pass it
    groups : how many
    """

    plans: tuple[Plan, ...]
    wishes: tuple[Wishes, ...]
    price_won_kwh: Floats
    over_w: Floats
    groups: int = 0


class _Group(NamedTuple):
    """A group that was solved with its part of the line: what it costs, its plans, its price, what it drew."""

    won: float
    plans: list[Plan]
    price: Floats


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
    plans : of the sites without the line, when these solvers made them already
    """
    first = tuple(plans) if plans is not None else tuple(a.solve(b) for a, b in zip(solvers, problems, strict=True))
    nothing = np.zeros(len(limit_w))
    if not _over(first, limit_w).any():
        return Shared(plans=first, wishes=(NONE,) * len(first), price_won_kwh=nothing, over_w=nothing)
    count = max(1, round(len(first) / GROUP_N))
    members = [np.arange(number, len(first), count) for number in range(count)]
    part = parted(problems, first, members, limit_w)
    best = _solved(solvers, problems, members, part)
    for _ in range(PARTED_AGAIN):
        if _alike(best, limit_w, problems[0].step_h):
            break
        part = _moved(part, best)
        again = _solved(solvers, problems, members, part)
        if sum(one.won for one in again) >= sum(one.won for one in best):
            break
        best = again
    made: list[Plan] = [first[0]] * len(first)
    for places, one in zip(members, best, strict=True):
        for place, plan in zip(places, one.plans, strict=True):
            made[place] = plan
    return Shared(
        plans=tuple(made),
        wishes=tuple(_kept(one) for one in made),
        price_won_kwh=np.mean([one.price for one in best], axis=0),
        over_w=_over(made, limit_w),
        groups=count,
    )


def parted(problems: Sequence[Problem], plans: Sequence[Plan], members: Sequence[Ints], limit_w: Floats) -> Floats:
    """Part of the line of each group (groups, n) [W]: what other loads need, the rest by what each would draw in all steps."""
    need = np.array([np.maximum(one.load_w - one.pv_w, 0.0) for one in problems])
    drawn = np.array([np.maximum(net_w(one), 0.0).sum() for one in plans])
    needs = np.array([need[places].sum(axis=0) for places in members])
    wants = np.array([drawn[places].sum() for places in members])
    rest = limit_w - needs.sum(axis=0)
    return needs + np.outer(wants / max(wants.sum(), 1e-9), rest)


def _alike(groups: Sequence[_Group], limit_w: Floats, hours: float) -> bool:
    """Whether the groups' prices differ so little that parting the line anew gains nothing to speak of."""
    apart = np.std([one.price for one in groups], axis=0)
    return float(apart @ limit_w) * hours / 1_000 <= ALIKE * abs(sum(one.won for one in groups))


def _moved(part: Floats, groups: Sequence[_Group]) -> Floats:
    """The line parted anew: from groups that leave something over or for which it is worth less, to those that lack."""
    drawn = np.array([np.sum([net_w(one) for one in group.plans], axis=0) for group in groups])
    spare = np.maximum(part - drawn, 0.0)
    price = np.array([group.price for group in groups])
    lacking = price > price.mean(axis=0) + 1e-6
    weight = np.where(lacking, price - price.mean(axis=0), 0.0)
    total = weight.sum(axis=0)
    moves = total > 0
    given = np.where(moves, spare.sum(axis=0), 0.0)
    return np.where(moves, part - spare + given * weight / np.where(moves, total, 1.0), part)


def _solved(
    solvers: Sequence[SiteSolver], problems: Sequence[Problem], members: Sequence[Ints], part: Floats
) -> list[_Group]:  # fmt: skip
    return [_group([solvers[i] for i in one], [problems[i] for i in one], w) for one, w in zip(members, part, strict=True)]


def _kept(plan: Plan) -> Wishes:
    """The share of a site: it draws no more than planned, and gives no less."""
    return Wishes(import_w=plan.import_w, export_w=plan.export_w)


def _over(plans: Sequence[Plan], limit_w: Floats) -> Floats:
    above: Floats = np.sum([net_w(one) for one in plans], axis=0) - limit_w
    return np.where(above > NEAR_W, above, 0.0)


def import_shares(shared: Shared, limit_w: Floats) -> tuple[Floats, ...]:
    """Most import of each site (n,) [W] until the line is shared anew: within it even if nobody exports."""
    bought = np.array([one.import_w for one in shared.plans])
    whole = bought.sum(axis=0)
    kept = bought * np.where(whole > limit_w, limit_w / np.maximum(whole, 1e-9), 1.0)
    spare = np.maximum(limit_w - kept.sum(axis=0), 0.0) / len(bought)
    return tuple(kept + spare)


def priced_sum(problems: Sequence[Problem], plans: Sequence[Plan]) -> float:
    """Cost of all sites with the prices of what is not given and of what goes above contracts [won]."""
    return sum(priced_won(a, b) for a, b in zip(problems, plans, strict=True))


def together(problems: Sequence[Problem], limit_w: Floats) -> tuple[float, list[Plan], Floats]:
    """All sites and their line as one program from scratch: its cost [won], plans, and the price of the line (n,)."""
    made = _group([], problems, limit_w)
    return made.won, made.plans, made.price


def _group(solvers: Sequence[SiteSolver], problems: Sequence[Problem], limit_w: Floats) -> _Group:
    """Sites with their part of the line as one program; from the bases of their solvers where there are any."""
    shapes = [one.shape or Shape(problem) for one, problem in zip(solvers, problems, strict=True)] if solvers else []
    shapes = shapes or [Shape(one) for one in problems]
    models = [Model(one, shape, Ties(), NONE) for one, shape in zip(problems, shapes, strict=True)]
    columns = np.cumsum([0, *(one.columns for one in shapes)])
    rows = np.cumsum([0, *(one.row_count for one in shapes)])
    n = problems[0].n
    found = one_program(
        _matrix(shapes, columns, rows),
        np.concatenate([*(one.cost for one in models), np.full(n, problems[0].over_won_kwh * problems[0].step_h)]),
        (
            np.concatenate([*(one.lower for one in models), np.zeros(n)]),
            np.concatenate([*(one.upper for one in models), np.full(n, np.inf)]),
        ),
        (
            np.concatenate([*(one.row_lower for one in models), np.full(n, -np.inf)]),
            np.concatenate([*(one.row_upper for one in models), limit_w / 1_000]),
        ),
        _basis(solvers, n) if solvers else None,
    )
    nothing = np.zeros(0)
    plans = [
        plan_in(problem, shape, model, Found(found.value[a:b], nothing, nothing))
        for problem, shape, model, a, b in zip(problems, shapes, models, columns, columns[1:], strict=False)
    ]
    price = np.maximum(-found.row[rows[-1] :], 0.0) / problems[0].step_h
    return _Group(priced_sum(problems, plans), plans, price)


def _matrix(shapes: Sequence[Shape], columns: Ints, rows: Ints) -> tuple[Ints, Ints, Floats]:
    """The sites' matrices one after another, and the rows of the line below them."""
    at_column, at_row, values = [], [], []
    for shape, first_column, first_row in zip(shapes, columns, rows, strict=False):
        at_column.append(np.repeat(np.arange(shape.columns), np.diff(shape.starts)) + first_column)
        at_row.append(shape.rows + first_row)
        values.append(shape.values)
        for name, sign in (("grid", 1.0), ("over", 1.0), ("export", -1.0)):
            at_column.append(shape.at(name) + first_column)
            at_row.append(np.arange(shape.n) + rows[-1])
            values.append(np.full(shape.n, sign))
    n = shapes[0].n  # what goes above the line is possible, and as dear as above a contract
    at_column.append(np.arange(n) + columns[-1])
    at_row.append(np.arange(n) + rows[-1])
    values.append(np.full(n, -1.0))
    placed = np.concatenate(at_column)
    order = np.argsort(placed, kind="stable")
    starts = np.zeros(columns[-1] + n + 1, dtype=np.int64)
    np.cumsum(np.bincount(placed, minlength=columns[-1] + n), out=starts[1:])
    return starts, np.concatenate(at_row)[order], np.concatenate(values)[order]


def _basis(solvers: Sequence[SiteSolver], n: int) -> highspy.HighsBasis:
    """The bases of all sites beside each other, with nothing yet held back by the line."""
    column, row = [], []
    for one in solvers:
        known = one.basis
        column += list(known.col_status)
        row += list(known.row_status)
    basis = highspy.HighsBasis()
    basis.col_status = column + [highspy.HighsBasisStatus.kLower] * n
    basis.row_status = row + [highspy.HighsBasisStatus.kBasic] * n
    basis.valid = True
    return basis
