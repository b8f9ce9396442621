"""A small world of practices on real records: who joined, what they prove, and where every won is."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from PIL import Image
from sqlalchemy import func, select

from dure.core.errors import NotFound
from dure.core.time import day_of
from dure.engines.records.audit import By
from dure.engines.records.tables_carbon_ledger import carbon_transfers
from dure.services.carbon.governing import budget_desk
from dure.services.carbon.governing.budgets import Asked
from dure.services.carbon.ledger import accounts, posting
from dure.services.carbon.practising import practice_desk
from dure.services.carbon.practising.acts import Proof
from dure.services.carbon.practising.catalogue import catalogue
from dure.services.carbon.practising.photo import look
from dure.services.carbon.practising.practice_desk import Setting
from dure.services.carbon.transparency import commitments

SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # a Tuesday, 12:00 in Seoul
OFFICER = "person-officer"
BY = By(OFFICER, NOW)
SECRET = bytes(range(32))


def setting(at=NOW):
    return Setting(catalogue(day_of(at, SEOUL), None), SEOUL, at)


def fund(records, won=1_000_000, programme="green-practice", receipt="D-1"):
    before = NOW - timedelta(days=1)
    with records.begin() as connection:
        asked = Asked("fund", won, document=receipt)
        budget_desk.moved(connection, budget_desk.Setting(SEOUL, before), programme, asked, By(OFFICER, before))
        return posting.balance(connection, accounts.budget(programme).id)


def member(records, person="person-1", *schemes, at=NOW):
    with records.begin() as connection:
        for scheme in schemes or ("green-life",):
            practice_desk.join(connection, person, scheme, setting(at))


def proof(kind="partner", at=NOW, quantity=1, once="partner/cafe/1", **more):
    return Proof(kind=kind, done_at=at, quantity=quantity, once=once, **more)


def prove(records, practice="tumbler", given=None, person="person-1", at=NOW, more=None):
    with records.begin() as connection:
        return practice_desk.prove(connection, person, practice, given or proof(), setting(at), more)


def doubtful(records, person="person-1"):
    """Four cups within an hour: unlikely, but possible."""
    for n in range(3):
        prove(records, given=proof(at=NOW - timedelta(minutes=10 * n), once=f"partner/{person}/{n}"), person=person)
    return prove(records, given=proof(at=NOW - timedelta(minutes=45), once=f"partner/{person}/9"), person=person)


def balance(records, account):
    with records.read() as connection:
        try:
            return posting.balance(connection, account.id)
        except NotFound:
            return None


def available(records, account):
    found = balance(records, account)
    return 0 if found is None else found.available


def wallet(records, person="person-1"):
    with records.read() as connection:
        ref = commitments.ref_of(connection, person)
    return 0 if ref is None else available(records, accounts.wallet(ref))


def conserved(records):
    """Every won that left one account came to another, and only the treasury owes."""
    names = (carbon_transfers.c.debit, carbon_transfers.c.credit, carbon_transfers.c.amount)
    booked = (carbon_transfers.c.deed.in_(("transfer", "post")), carbon_transfers.c.unit == "KRW")
    sums: dict[str, int] = {}
    with records.read() as connection:
        for row in connection.execute(select(*names).where(*booked)):
            sums[row.debit] = sums.get(row.debit, 0) - row.amount
            sums[row.credit] = sums.get(row.credit, 0) + row.amount
    return sum(sums.values()) == 0 and all(amount >= 0 for name, amount in sums.items() if name != "treasury")


def count(records, table):
    with records.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def scene(seed, size=(320, 240)):
    """A picture of smooth shapes, as photos are."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def photo(seed=1, taken_at=NOW, change=None, where=None):
    """What a photo of a scene looks like, taken at an instant and a place (whole degrees) or not saying so."""
    image, out, exif = scene(seed), io.BytesIO(), Image.Exif()
    if taken_at is not None:
        exif.get_ifd(0x8769)[0x9003] = taken_at.astimezone(SEOUL).strftime("%Y:%m:%d %H:%M:%S")
    if where is not None:
        exif.get_ifd(0x8825).update({1: "N", 2: (where[0], 0.0, 0.0), 3: "E", 4: (where[1], 0.0, 0.0)})
    (change(image) if change else image).save(out, "JPEG", exif=exif, quality=90)
    return look(out.getvalue(), SEOUL)
