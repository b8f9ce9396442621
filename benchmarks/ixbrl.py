"""Inline XBRL of statements, validated by Arelle offline; ``make bench NAME=ixbrl``.

Statements of seeded companies (bills, fuels, travel, contracts, sponsoring; some with rows missing) and of a city are written in
both languages and as report packages. Measured: errors on the good ones, seeded bad ones that Arelle lets pass, whether a file
made again has the same bytes, CPU time to make and to validate one. Arelle is the judge, not a peer; its time stands beside ours.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path

from ixbrl_mutants import MUTANTS, errors_of
from report import Row, tell, write

from dure.core.text import Text
from dure.emissions.packs import load_factors, load_pack
from dure.services.carbon.companies import footprint as footprints
from dure.services.carbon.companies.activity import Activity
from dure.services.carbon.companies.activity_rules import activity_rules
from dure.services.carbon.companies.company import Company
from dure.services.carbon.companies.contracts import Contract
from dure.services.carbon.companies.footprint import Covered, footprint
from dure.services.carbon.statements import taxonomy
from dure.services.carbon.statements.book_figures import contribution_figures, credit_figures, money_figures, reduction_figures
from dure.services.carbon.statements.books import Booked, Moved, Shared
from dure.services.carbon.statements.footprint_figures import footprint_figures, intensity_figures
from dure.services.carbon.statements.ixbrl import ixbrl_bytes, package
from dure.services.carbon.statements.making import Made
from dure.services.carbon.statements.standards import disclosed, standards, told
from dure.services.carbon.statements.statement import FORM, Fact, Question, Statement

DAY = date(2027, 3, 1)
YEAR = (date(2027, 1, 1), date(2028, 1, 1))
KINDS = {
    "electricity": "kWh", "city_gas": "Nm3", "diesel": "L", "gasoline": "L", "r410a": "kg", "district_heat": "GJ",
    "travel_ktx": "pkm", "waste_landfill": "t", "waste_recycling": "t", "spend_goods": "KRW",
}  # fmt: skip
LANGUAGES = ("ko", "en")


def company(seed: int) -> list[Made]:
    """Rows of a company with a few kinds of activity."""
    chance = random.Random(seed)  # noqa: S311  # seeded data
    kinds = ["electricity", *chance.sample(sorted(KINDS)[1:], chance.randrange(1, 9))]
    rows = [
        Activity(
            id=f"act-{kind}-{month}", company="c", kind=kind, start=date(2027, month, 1), end=date(2027, month + 1, 1),
            value=str(chance.randrange(1, 10**6)), unit=KINDS[kind],
        )
        for kind in kinds
        for month in range(1, 12)
    ]  # fmt: skip
    sources = footprints.Sources(rules=activity_rules(DAY), factors=load_factors(), energy=load_pack("energy"))
    one = Company(id="c", name=Text("회사"), business_number="1248100998")
    asked = footprints.Question(company=one, first=YEAR[0], after=YEAR[1], as_of=DAY)
    rec = Contract(company="c", kind="rec", source="R", start=YEAR[0], end=YEAR[1], id="ctr", amount_wh=10**9)
    found = footprint(asked, rows, [Covered("ctr", chance.randrange(10**9))], sources)
    shared = [
        Shared(claim=f"clm-{tier}", sponsorship="s", tier=tier, grams=chance.randrange(10**7), claims=1, transfers=False)
        for tier in ("A", "B", "C")
    ]
    none = Moved(amount=0, refs=())
    credit = dict.fromkeys(("credits-received", "credits-returned", "credits-retired"), none)
    made = footprint_figures(found, [Covered("ctr", found.covered_wh)], {"ctr": rec})
    made += intensity_figures(found, Fraction(chance.randrange(100, 9_000)) if seed % 2 else None)
    return made + credit_figures(credit, chance.randrange(10**7)) + contribution_figures(shared)


def city(seed: int) -> list[Made]:
    """Rows of a city."""
    chance = random.Random(seed)  # noqa: S311  # seeded data
    claims = [
        Booked(
            claim=f"clm-{n}", programme=f"p-{n % 3}", tier="ABC"[n % 3], holder="city", grams=g, on_books_g=g, readings_sha256=""
        )
        for n in range(40)
        for g in [chance.randrange(10**8)]
    ]
    moves = {name: Moved(amount=10**6, refs=(("x", 10**6),)) for name in ("city-funded", "companies-paid", "rewards-paid")}
    return reduction_figures(claims, {}) + money_figures(moves)


def statement(rows: list[Made], subject: str) -> Statement:
    """A statement of these rows."""
    asked = Question(subject=subject, first=YEAR[0], after=YEAR[1], as_of=datetime(2028, 2, 1, tzinfo=UTC))
    figures, rules = tuple(one.figure for one in rows), standards(YEAR[0])
    boundary = Fact(id="boundary", name=Text("경계", "Boundary"), value=Text("운영 통제", "Operational control"))
    return Statement(
        form=FORM, id=asked.ident, question=asked, name=Text("에이크미 <주>", "Acme & Sons"), zone="Asia/Seoul",
        facts=(boundary,) if asked.company else (), figures=figures, standards=told(rules), disclosures=disclosed(rules, figures),
        gaps=(), grounds={},
    )  # fmt: skip


def validated(folder: Path, statements: list[Statement]) -> tuple[int, int, float, float]:
    """Files, errors, CPU seconds to make one and to validate one."""
    made_s = judged_s = 0.0
    files, errors = 0, 0
    for number, one in enumerate(statements):
        begun = time.process_time()
        made = {f"statement-{language}.xhtml": ixbrl_bytes(one, language) for language in LANGUAGES}
        made_s += time.process_time() - begun
        whole = {f"{number}-{name}": content for name, content in made.items()} | {f"{number}.zip": package(one, made)}
        for name, content in whole.items():
            (folder / name).write_bytes(content)
            begun = time.process_time()
            found = errors_of(folder / name)
            judged_s += time.process_time() - begun
            files, errors = files + 1, errors + len(found)
    return files, errors, made_s / (2 * len(statements)), judged_s / files


def main() -> int:
    quick = "--quick" in sys.argv
    companies = 3 if quick else 12
    good = [statement(company(seed), "company/c") for seed in range(companies)] + [statement(city(1), "city")]
    whole = statement(company(4), "company/c")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, content in taxonomy.shipped().items():
            (folder / name).write_bytes(content)
        files, errors, made_s, judged_s = validated(folder, good)
        text, passed = ixbrl_bytes(whole, "ko").decode(), []
        for one in MUTANTS:
            (folder / "bad.xhtml").write_text(one.make(text), "utf-8")
            if not errors_of(folder / "bad.xhtml"):
                passed.append(one.name)
    again = [package(one, {"a.xhtml": ixbrl_bytes(one, "ko")}) for one in good]
    differ = sum(package(one, {"a.xhtml": ixbrl_bytes(one, "ko")}) != before for one, before in zip(good, again, strict=True))
    for name in passed:
        print("not found:", name)
    rows = [
        Row(figure=f"errors that Arelle finds in {files} good files", ours=errors, unit="", better="lower", bar=0),
        Row(figure=f"of {len(MUTANTS)} seeded bad ones Arelle lets pass", ours=len(passed), unit="", better="lower", bar=0),
        Row(figure="seeded bad ones that are found", ours=len(MUTANTS) - len(passed), unit="", better="higher", bar=20),
        Row(figure="files that differ when made again", ours=differ, unit="", better="lower", bar=0),
        Row(
            figure="one file, CPU", ours=made_s, unit="s", better="lower", peer=judged_s,
            peer_name="Arelle loads and validates it",
        ),
    ]  # fmt: skip
    (tell if quick else write)("ixbrl", rows)
    return 0 if all(row.met is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
