"""The verification queue: what waits for a person's word, and saying it, for one claim or many at once. Blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from dure.core.errors import DureError, InputError
from dure.core.text import Text
from dure.services.carbon.claiming import claim_desk
from dure.services.carbon.claiming.claim_desk import Word

if TYPE_CHECKING:
    from dure.engines.records.audit import By
    from dure.spine.house import House

Verdict = Literal["award", "refuse", "withdraw"]
NOTE_MAX = 2_000
LINKS_MAX, LINK_CHARS_MAX = 5, 500
BATCH_MAX = 200
# Why a person says no. A reason that is none of these is told in the note.
REASONS: dict[str, Text] = {
    "verification.readings": Text("측정값을 믿을 수 없음", "The readings cannot be trusted"),
    "verification.baseline": Text("베이스라인이 맞지 않음", "The baseline does not fit"),
    "verification.boundary": Text("경계 밖의 것이 들어 있음", "It counts what is outside the boundary"),
    "verification.additionality": Text("추가성이 없음", "It is not additional"),
    "verification.duplicate": Text("다른 제도에서 이미 셈", "It is counted in another scheme"),
    "verification.evidence": Text("증거가 모자람", "The evidence is not enough"),
    "verification.other": Text("그 밖의 까닭(메모에 적음)", "Another reason (in the note)"),
}


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says about claims. `reason` is one of `REASONS` unless they are awarded."""

    verdict: Verdict
    reason: str = ""
    note: str = ""
    links: tuple[str, ...] = ()


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one claim of a batch: its state, or the code and words of why it stays as it was."""

    claim: str
    state: str = ""
    code: str = ""
    why: str = ""


def checked(said: Said) -> Said:
    """The same with blanks cut off.

    Raises InputError ``verification.reason`` (no is said with a reason), ``verification.note``, ``verification.links``.
    """
    note, links = said.note.strip(), tuple(one.strip() for one in said.links if one.strip())
    if said.verdict != "award" and said.reason not in REASONS:
        raise InputError("verification.reason", f"Say why, with one of {', '.join(REASONS)}.")
    if len(note) > NOTE_MAX or (said.reason == "verification.other" and said.verdict != "award" and not note):
        raise InputError("verification.note", f"Another reason needs a note; a note has at most {NOTE_MAX} characters.")
    if len(links) > LINKS_MAX or not all(_is_link(one) for one in links):
        raise InputError("verification.links", f"At most {LINKS_MAX} links, each beginning with https:// or with /.")
    return msgspec.structs.replace(said, note=note, links=links)


def decide(house: House, ids: Sequence[str], said: Said, by: By) -> list[Outcome]:
    """Say it about each claim, each in a transaction of its own: one that cannot be decided holds up no other.

    Raises InputError as `checked`, and ``verification.batch`` for none or too many claims.
    """
    words = checked(said)
    wanted = list(dict.fromkeys(ids))
    if not 0 < len(wanted) <= BATCH_MAX:
        raise InputError("verification.batch", f"Between 1 and {BATCH_MAX} claims are decided at once.")
    found = []
    for ident in wanted:
        try:
            found.append(Outcome(claim=ident, state=decide_one(house, ident, words, by)))
        except DureError as error:
            found.append(Outcome(claim=ident, code=error.code, why=error.message))
    return found


def decide_one(house: House, ident: str, said: Said, by: By) -> str:
    """Say it about one claim; its new state. Raises what `claim_desk` raises."""
    word = Word(said.note, said.links)
    with house.records.begin() as connection:
        if said.verdict == "award":
            return claim_desk.award(connection, ident, by.actor, by.at, word).state
        if said.verdict == "refuse":
            return claim_desk.refuse(connection, ident, said.reason, by.actor, by.at, word).state
        return claim_desk.withdraw(connection, ident, said.reason, by.actor, by.at, word).state


def _is_link(text: str) -> bool:
    plain = text.isprintable() and " " not in text and len(text) <= LINK_CHARS_MAX
    return plain and (text.startswith("https://") or (text.startswith("/") and not text.startswith("//")))
