"""How a challenge stands, without showing anybody: sums and averages only of enough people. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from dure.services.carbon.practising.group_records import Challenge, Done, Group


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a group, or all of them, stands.

    Attributes
    ----------
    members : people in it now
    times, grams, won : sums; None where too few people are in it to show them
    average_times : of each who did something; None where too few did
    """

    name: str
    members: int
    times: int | None = None
    grams: int | None = None
    won: int | None = None
    average_times: float | None = None


class Standings(msgspec.Struct, frozen=True, kw_only=True):
    """How a challenge stands: all groups together, and each; those that may be shown first, by their sum."""

    whole: Standing
    groups: tuple[Standing, ...]
    reached_fraction: float | None


def standings(
    one: Challenge, groups: Sequence[Group], members: Mapping[str, int], done: Sequence[Done], shown_from: int
) -> Standings:
    """How it stands.

    Parameters
    ----------
    members : people in each group now, by its id
    done : what each person did in each group; who is in two groups counts once in the whole
    shown_from : sums are shown from so many members, averages from so many who did something
    """
    found = [
        _standing(each.name, members.get(each.id, 0), [d for d in done if d.group == each.id], shown_from) for each in groups
    ]
    once = {each.person: each for each in sorted(done, key=lambda each: each.times)}  # of two, the greater
    whole = _standing(one.title.ko, sum(members.get(each.id, 0) for each in groups), list(once.values()), shown_from)
    ranked = sorted(found, key=lambda each: (each.times is None, -(each.times or 0), each.name))
    reached = None if whole.times is None or one.goal <= 0 else whole.times / one.goal
    return Standings(whole=whole, groups=tuple(ranked), reached_fraction=reached)


def _standing(name: str, members: int, done: Sequence[Done], shown_from: int) -> Standing:
    if members < shown_from:
        return Standing(name=name, members=members)
    times = sum(each.times for each in done)
    return Standing(
        name=name, members=members, times=times, grams=sum(each.grams for each in done), won=sum(each.won for each in done),
        average_times=times / len(done) if len(done) >= shown_from else None,
    )  # fmt: skip
