"""Claims that overlap, made from a seed: 16 writers claim stretches of the same sources."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from dure.core.text import Text
from dure.services.carbon.claiming.claim_words import made_entry
from dure.services.carbon.claiming.formula import Step
from dure.services.carbon.claiming.working import Working
from dure.services.carbon.ledger import accounts
from dure.services.carbon.ledger.model import Account, Transfer
from dure.services.carbon.ledger.posting import named
from dure.services.carbon.ledger.taken import Taking
from dure.services.carbon.model import Claim, Stretch
from dure.services.carbon.transparency.entry import Entry

WRITERS = 16
SOURCES = 200
SPAN_MIN = 55 * 24 * 60  # with 100,000 claims of four hours each source is asked for one and a half times
LONGEST_MIN = 480
HOLDERS = 40
FROM = datetime(2026, 1, 1, tzinfo=UTC)
AT = datetime(2026, 11, 24, tzinfo=UTC)
WORLD, PURSE, BUDGET = accounts.world("city-verified"), accounts.treasury(), accounts.budget("green-practice")
FUND = Transfer(id="fund", debit=PURSE.id, credit=BUDGET.id, amount=10**12, unit="KRW", why="budget")
NOTHING = Text("")
STEPS = (
    Step(out="point_g", do="mul", of=("saved_kwh", "grid_g_kwh"), name=NOTHING),
    Step(out="credit_g", do="mul", of=("point_g", "sure_share"), name=NOTHING),
)
ACCOUNTS: dict[str, Account] = named(
    WORLD,
    PURSE,
    BUDGET,
    *(accounts.held(f"company/{n}") for n in range(HOLDERS)),
    *(accounts.wallet(f"{n:032x}") for n in range(HOLDERS)),
)


class Made(NamedTuple):
    """One claim: what it takes, its grams, and who gets them and the reward [won]."""

    id: str
    stretch: Stretch
    grams: int
    won: int
    holder: int

    @property
    def taking(self) -> Taking:
        """What it takes."""
        return Taking(self.id, (self.stretch,))

    @property
    def group(self) -> tuple[Transfer, Transfer]:
        """Its grams and its reward, linked."""
        held, wallet = f"held/company/{self.holder}", f"wallet/{self.holder:032x}"
        return (
            Transfer(
                id=f"{self.id}/award",
                debit=WORLD.id,
                credit=held,
                amount=self.grams,
                unit="gCO2e",
                why="claim.award",
                ref=self.id,
            ),
            Transfer(
                id=f"{self.id}/reward", debit=BUDGET.id, credit=wallet, amount=self.won, unit="KRW", why="reward", ref=self.id
            ),
        )

    @property
    def entry(self) -> Entry:
        """What the log is told of it: the claim with its arithmetic, as the claim desk writes it."""
        return made_entry(self.claim, self.working)

    @property
    def working(self) -> Working:
        """Its arithmetic."""
        return Working(
            steps=STEPS,
            inputs={"saved_kwh": str(self.grams), "grid_g_kwh": "45941/100", "sure_share": "9/10"},
            sources={"saved_kwh": "event:saving.kwh.mean", "grid_g_kwh": "factor:electricity-public-2020"},
        )

    @property
    def claim(self) -> Claim:
        """All that the claim desk knows of it."""
        return Claim(
            id=self.id,
            event=f"saving-{self.id}",
            stretches=(self.stretch,),
            programme="city-verified",
            holder=f"company/{self.holder}",
            tier="A",
            quantity=self.grams,
            unit="Wh",
            grams=self.grams,
            point_grams=self.grams,
            won=self.won,
            method="verified-saving@1",
            factors=("electricity-public-2020",),
            readings_sha256="0" * 64,
            made_at=AT,
            state="awarded",
        )


def batch(seed: int, writer: int, number: int, size: int) -> list[Made]:
    """A writer's batch of that number: always the same."""
    chance = random.Random(f"{seed}/{writer}/{number}")  # noqa: S311  # claims, not secrets
    return [_claim(chance, f"clm-{writer:02}-{number:05}-{n:04}") for n in range(size)]


def _claim(chance: random.Random, ident: str) -> Made:
    start = FROM + timedelta(minutes=chance.randrange(SPAN_MIN))
    stretch = Stretch(
        source=f"building/bd-{chance.randrange(SOURCES)}",
        attribute="energy_saving",
        start=start,
        end=start + timedelta(minutes=chance.randrange(1, LONGEST_MIN)),
    )
    return Made(ident, stretch, chance.randrange(1, 10**6), chance.randrange(1, 10**4), chance.randrange(HOLDERS))
