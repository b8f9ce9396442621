"""The public board of a calendar year: money in by source, won out, tonnes out by tier, won per tonne, month by month. Pure.

No person can be read from it: a figure that rests on fewer persons than the rule says is left out, of the sums beside it too, and
where one month alone would be left out, the next smallest goes with it, so that it cannot be had by subtraction.
Tonnes of one tier are never added to those of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from dure.services.carbon.governing.flow_records import Flow
from dure.services.carbon.governing.inventory_records import Credited
from dure.services.carbon.model import Tier

G_PER_T = 1_000_000


class Programmed(msgspec.Struct, frozen=True, kw_only=True):
    """A programme in the year.

    Attributes
    ----------
    grams, point_grams : credited, and the best estimate before deductions [gCO2e]
    given_won : rewards that were decided [KRW]; `hidden` when so few persons got them that they are not told (and 0)
    """

    programme: str
    tier: Tier
    claims: int = 0
    grams: int = 0
    point_grams: int = 0
    given_won: int = 0
    hidden: bool = False

    @property
    def won_per_tonne(self) -> int | None:
        """Rewards for each credited tonne [KRW/t], whole; None where there are no tonnes or no won."""
        return self.given_won * G_PER_T // self.grams if self.grams and self.given_won and self.tier != "C" else None


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """A local month, ``2026-03``; `out_won` is None where it is not told."""

    month: str
    in_city_won: int = 0
    in_companies_won: int = 0
    out_won: int | None = 0
    grams: dict[str, int] = {}  # msgspec copies an empty default for every instance


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """The newest signed checkpoint of the log when the board was made."""

    size: int
    at: datetime
    root: str


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """The board of a year.

    Attributes
    ----------
    in_city_won, in_companies_won : what the city put into programmes, and what companies paid in, in the year [KRW]
    released_won : of companies' money, released for results in the year [KRW]
    company_won, escrow_won, budget_won : where money lies now: paid in and not given, waiting for results, in budgets [KRW]
    sponsored_won, sponsored_g : released by sponsorships paid by the verified tonne so far, and for how much [KRW, gCO2e]
    """

    year: int
    made_at: datetime
    in_city_won: int
    in_companies_won: int
    released_won: int
    company_won: int
    escrow_won: int
    budget_won: int
    sponsored_won: int
    sponsored_g: int
    programmes: tuple[Programmed, ...]
    months: tuple[Month, ...]
    sealed: Sealed | None = None

    @property
    def out_won(self) -> int:
        """Rewards that went out to persons in the year [KRW], of programmes that are told."""
        return sum(one.given_won for one in self.programmes)

    @property
    def hidden(self) -> tuple[str, ...]:
        """Programmes whose rewards are not told."""
        return tuple(one.programme for one in self.programmes if one.hidden)

    def grams(self, tier: Tier) -> int:
        """Tonnes of one tier in the year [gCO2e]."""
        return sum(one.grams for one in self.programmes if one.tier == tier)

    def given(self, tier: Tier) -> int:
        """Rewards of programmes of one tier [KRW]."""
        return sum(one.given_won for one in self.programmes if one.tier == tier)

    @property
    def sponsored_won_per_tonne(self) -> int | None:
        """What companies paid for a verified tonne [KRW/t], whole."""
        return self.sponsored_won * G_PER_T // self.sponsored_g if self.sponsored_g else None


class Lying(msgspec.Struct, frozen=True, kw_only=True):
    """Where money lies now [KRW], and what sponsorships achieved."""

    company_won: int = 0
    escrow_won: int = 0
    budget_won: int = 0
    sponsored_won: int = 0
    sponsored_g: int = 0


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What the books say of a year: as a whole, and by month (`Flow.span` is the month, from 0)."""

    flows: Sequence[Flow]
    monthly_flows: Sequence[Flow]
    credited: Sequence[Credited]
    monthly_credited: Sequence[Credited]
    lying: Lying
    sealed: Sealed | None = None


def board(year: int, made_at: datetime, counted: Counted, tiers: Mapping[str, Tier], least: int) -> Board:
    """The board of a year.

    Parameters
    ----------
    tiers : of the programmes
    least : a figure that rests on fewer persons is left out
    """
    rows = tuple(_programme(ident, tier, counted, least) for ident, tier in tiers.items())
    told = {one.programme for one in rows if not one.hidden}
    return Board(
        year=year,
        made_at=made_at,
        in_city_won=net(counted.flows, "treasury", "budget"),
        in_companies_won=net(counted.flows, "treasury", "company"),
        released_won=net(counted.flows, "escrow", "budget"),
        company_won=counted.lying.company_won,
        escrow_won=counted.lying.escrow_won,
        budget_won=counted.lying.budget_won,
        sponsored_won=counted.lying.sponsored_won,
        sponsored_g=counted.lying.sponsored_g,
        programmes=rows,
        months=_months(year, counted, told, least),
        sealed=counted.sealed,
    )


def net(moved: Iterable[Flow], source: str, target: str) -> int:
    """What went from one kind of account to another, less what came back [KRW]."""
    total = 0
    for one in moved:
        if (one.source, one.target) == (source, target):
            total += one.won
        elif (one.source, one.target) == (target, source):
            total -= one.won
    return total


def suppressed(amounts: Sequence[int], people: Sequence[int], least: int) -> list[int | None]:
    """Amounts of neighbouring spans without those that too few persons stand behind.

    A single one that is left out takes the next smallest with it: else the total would tell it.
    """
    out = [n for n, count in enumerate(people) if 0 < count < least]
    if len(out) == 1:
        others = [n for n, amount in enumerate(amounts) if amount and n not in out]
        out += sorted(others, key=lambda n: (amounts[n], n))[:1]
    return [None if n in out else amount for n, amount in enumerate(amounts)]


def _programme(ident: str, tier: Tier, counted: Counted, least: int) -> Programmed:
    mine = [one for one in counted.flows if one.programme == ident]
    people = max((one.people for one in mine if (one.source, one.target) == ("budget", "wallet")), default=0)
    hidden = 0 < people < least
    rows = [one for one in counted.credited if one.programme == ident and one.tier == tier]
    few = any(0 < one.people < least and one.by_people == one.claims for one in rows)
    return Programmed(
        programme=ident,
        tier=tier,
        claims=0 if hidden or few else sum(one.claims for one in rows),
        grams=0 if few else sum(one.grams for one in rows),
        point_grams=0 if few else sum(one.point_grams for one in rows),
        given_won=0 if hidden else net(mine, "budget", "wallet"),
        hidden=hidden or few,
    )


def _months(year: int, counted: Counted, told: set[str], least: int) -> tuple[Month, ...]:
    spans = range(12)
    moved = [[one for one in counted.monthly_flows if one.span == n] for n in spans]
    given = [[one for one in month if one.programme in told] for month in moved]
    amounts = [net(month, "budget", "wallet") for month in given]
    people = [
        min((one.people for one in month if (one.source, one.target) == ("budget", "wallet")), default=0) for month in given
    ]
    out = suppressed(amounts, people, least)
    return tuple(
        Month(
            month=f"{year}-{n + 1:02}",
            in_city_won=net(moved[n], "treasury", "budget"),
            in_companies_won=net(moved[n], "treasury", "company"),
            out_won=out[n],
            grams=_grams(counted.monthly_credited, n, told),
        )
        for n in spans
    )


def _grams(credited: Iterable[Credited], span: int, told: set[str]) -> dict[str, int]:
    """Grams of each tier apart."""
    found: dict[str, int] = {}
    for one in credited:
        if one.span == span and one.tier != "C" and one.programme in told:
            found[one.tier] = found.get(one.tier, 0) + one.grams
    return found
