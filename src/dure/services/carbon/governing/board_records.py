"""Boards as they were made last."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, func, select

from dure.engines.records import dialect
from dure.engines.records.tables_carbon_claims import carbon_claims as claims
from dure.engines.records.tables_carbon_governing import carbon_boards as boards
from dure.engines.records.tables_carbon_ledger import carbon_transfers as transfers
from dure.engines.records.tables_carbon_transparency import carbon_log_heads as heads
from dure.services.carbon.governing.board import Board


def put(connection: Connection, one: Board) -> None:
    """Keep a board in the place of that of the same year."""
    row = {"year": one.year, "made_at": one.made_at, "content": msgspec.to_builtins(one)}
    dialect.upsert(connection, boards, [row])


def find(connection: Connection, year: int) -> Board | None:
    """The board of a year; None before it was made."""
    content = connection.execute(select(boards.c.content).where(boards.c.year == year)).scalar()
    return None if content is None else msgspec.convert(content, Board)


def years(connection: Connection) -> list[int]:
    """Years that have a board, newest first."""
    return [int(one) for one in connection.execute(select(boards.c.year).order_by(boards.c.year.desc())).scalars()]


def mark(connection: Connection) -> tuple[int, ...]:
    """What changes whenever a board could: the last transfer, how far claims have come, the newest checkpoint."""
    last = connection.execute(select(func.max(transfers.c.seq))).scalar()
    made, decided = connection.execute(select(func.max(claims.c.made_at), func.max(claims.c.decided_at))).one()
    sealed = connection.execute(select(func.max(heads.c.size))).scalar()
    return int(last or 0), int(sealed or 0), *(0 if one is None else int(one.timestamp() * 1_000_000) for one in (made, decided))
