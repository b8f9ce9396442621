"""Nouns of the origin ledger: accounts, origins, what was measured, what was allocated."""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

OriginWord = Literal["pv", "ess_pv", "ess_grid", "grid"]
ORIGINS: tuple[OriginWord, ...] = ("pv", "ess_pv", "ess_grid", "grid")
RENEWABLE: tuple[OriginWord, ...] = ("pv", "ess_pv")


class Source(IntEnum):
    """Where energy comes from, in the order in which it is allocated."""

    PV = 0
    ESS_PV = 1
    ESS_GRID = 2
    UNTIMED = 3  # from PV, but not known to the hour when: not claimed, so grid
    VEHICLE = 4  # given back by vehicles: of unknown origin, so grid
    GRID = 5
    UNMETERED = 6  # what the meters of sources miss of what sinks took: grid


class Sink(IntEnum):
    """Where energy goes."""

    EV = 0
    ESS = 1
    LOAD = 2
    EXPORT = 3
    UNMETERED = 4  # what the meters of sinks miss of what sources gave: unmetered load and losses of conversion


class Trust(IntEnum):
    """What is known of storage in an interval."""

    SURE = 0
    UNTIMED = 1  # its registers were read too seldom: what passed is known, but not when
    SILENT = 2  # a register of it was not read, or it has none


ORIGIN_OF: tuple[OriginWord, ...] = ("pv", "ess_pv", "ess_grid", "grid", "grid", "grid", "grid")
SOURCE_WORDS = ("pv", "ess_pv", "ess_grid", "untimed", "vehicle", "grid", "unmetered")
SINK_WORDS = ("ev", "ess", "load", "export", "unmetered")


class Measured(msgspec.Struct, frozen=True, eq=False):
    """Wh of a site in each of n intervals, by its registers: (n,) int64, none negative. What no meter knows is 0.

    Attributes
    ----------
    pv : generated, at a time known to the hour; untimed : the rest of what was generated
    grid : imported; export : exported; load : other load of the site
    ev : delivered to vehicles, all sessions; vehicle : given back by vehicles
    charge, discharge : taken in and given out by storage, at its terminals
    kept : of `charge` what can be given out again after the losses of both ways
    ceiling : the most that storage can give out at the end of the interval, by its state of charge; -1: not known
    trust : (n,) `Trust` in storage
    hidden : (n,) bool, export is not known: what no meter of a sink explains may have been exported
    """

    pv: Ints
    untimed: Ints
    charge: Ints
    kept: Ints
    discharge: Ints
    grid: Ints
    export: Ints
    load: Ints
    ev: Ints
    vehicle: Ints
    ceiling: Ints
    trust: Ints
    hidden: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.pv)


class Lot(msgspec.Struct, frozen=True, array_like=True):
    """Energy in storage that can be given out: when its interval began [us], whether it came from PV, how much [Wh]."""

    start_us: int
    pv: bool
    wh: int


class Drawn(msgspec.Struct, frozen=True, array_like=True):
    """What an interval took from a lot [Wh]; `start_us` 0: more was given out than the lots held, of origin grid."""

    start_us: int
    pv: bool
    wh: int


class Stored(msgspec.Struct, frozen=True, eq=False):
    """Storage over n intervals.

    Attributes
    ----------
    given_pv, given_grid : (n,) of what was given out, by origin [Wh]; their sum is what the register says
    lost_pv, lost_grid : (n,) losses of both ways, and lots that the state of charge does not bear out [Wh]
    doubted : (n,) Wh from PV that became grid, because a meter was silent or read too seldom
    opening : lots before each interval, and after the last one (n + 1)
    drawn : of each interval
    """

    given_pv: Ints
    given_grid: Ints
    lost_pv: Ints
    lost_grid: Ints
    doubted: Ints
    opening: tuple[tuple[Lot, ...], ...]
    drawn: tuple[tuple[Drawn, ...], ...]


class Uses(msgspec.Struct, frozen=True, eq=False):
    """What sessions took: (m,) place of the interval, ascending; place of the session; Wh above 0; whether it can be claimed.

    What cannot be claimed, because nobody knows in which interval it was taken, is of origin grid whatever served it.
    """

    interval: Ints
    session: Ints
    wh: Ints
    claimable: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.wh)


class Allocated(msgspec.Struct, frozen=True, eq=False):
    """Where every Wh of n intervals came from and went.

    Attributes
    ----------
    flow : (sources, sinks, n) Wh
    by_session : (m, sources) Wh of each row of `uses`
    """

    flow: Ints
    by_session: Ints
    uses: Uses
    stored: Stored
