"""What a virtual charger does when it is told to, whatever the version of OCPP; the words for it are `asked_16` and `asked_2`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from dure.core.time import US_PER_S
from dure.services.charging.simulating import charging_limits
from dure.services.charging.simulating.charger_state import EvseState, Waiting
from dure.services.charging.simulating.virtual_charger import VirtualCharger

PROFILES_MAX = 50
LIST_MAX = 2_000


def by_remote(
    charger: VirtualCharger, number: int | None, start: Waiting, profile: Mapping[str, Any] | None, at_us: int
) -> str | None:
    """Start at an EVSE (None: the first that fits): the key of the transaction, empty while it waits; None when refused."""
    chosen = number if number is not None else _free(charger)
    one = charger.state.evses.get(chosen) if chosen else None
    if not chosen or one is None or one.tx is not None or one.done or not charger.is_open(chosen):
        return None
    if one.reserved and one.reserved != start.token:
        return None
    if profile is not None and profile.get("chargingProfilePurpose") != "TxProfile":
        return None
    start.until_us = at_us + charger.seconds("ConnectionTimeOut") * US_PER_S
    tx = charger.begin(chosen, start, at_us)
    if tx is not None and profile is not None:
        charger.state.profiles = charging_limits.placed(
            charger.state.profiles, charging_limits.read(chosen, profile, transaction=tx.key)
        )
    return tx.key if tx else ""


def _free(charger: VirtualCharger) -> int:
    """The EVSE with a vehicle that waits to be started, else a free one, else 0."""
    open_ones = [(n, one) for n, one in charger.state.evses.items() if charger.is_open(n) and one.tx is None and not one.done]
    return next((n for n, one in open_ones if one.car is not None), next((n for n, one in open_ones if one.car is None), 0))


def stop(charger: VirtualCharger, is_it: Callable[[str], bool], at_us: int) -> bool:
    """Stop the transaction whose key fits; its driver's vehicle stays plugged in."""
    for number, one in charger.state.evses.items():
        if one.tx is not None and is_it(one.tx.key):
            charger.end(number, at_us, "Remote")
            return True
    return False


def unlock(charger: VirtualCharger, number: int, at_us: int) -> bool:
    """Open the lock of an EVSE's connector; ends its transaction."""
    if number not in charger.state.evses:
        return False
    charger.end(number, at_us, "UnlockCommand" if charger.version == "ocpp1.6" else "Other")
    return True


def availability(charger: VirtualCharger, number: int, is_operative: bool, at_us: int) -> str:  # what it becomes
    """Open or close an EVSE (0: the station); OCPP's status."""
    if number and number not in charger.state.evses:
        return "Rejected"
    chosen = {number: charger.state.evses[number]} if number else charger.state.evses
    busy = not is_operative and any(one.tx is not None for one in chosen.values())
    for one in chosen.values():
        one.operative, one.closing = is_operative or one.tx is not None, not is_operative and one.tx is not None
    for each in chosen:
        charger.show(each, at_us)
    return "Scheduled" if busy else "Accepted"


def reserve(
    charger: VirtualCharger, number: int, reservation: int, token: str, until_us: int, at_us: int
) -> str:  # a reservation
    """Keep an EVSE (0: any) for a card; OCPP's status."""
    fitting: Iterable[int] = [number] if number else charger.state.evses
    for each in fitting:
        one = charger.state.evses.get(each)
        if one is None:
            return "Rejected"
        if _is_free(one) or one.reservation == reservation:
            if not charger.is_open(each):
                return "Unavailable"
            one.reserved, one.reservation, one.reserved_until_us = token, reservation, until_us
            charger.show(each, at_us)
            return "Accepted"
    return "Occupied"


def _is_free(one: EvseState) -> bool:
    return one.car is None and one.tx is None and not one.reserved


def cancel(charger: VirtualCharger, reservation: int, at_us: int) -> bool:
    """Give a reservation up."""
    for number, one in charger.state.evses.items():
        if one.reservation == reservation and one.reserved:
            one.reserved, one.reservation = "", 0
            charger.show(number, at_us)
            return True
    return False


def set_profile(
    charger: VirtualCharger, number: int, profile: Mapping[str, Any], is_it: Callable[[str], bool], at_us: int
) -> bool:
    """Keep a charging profile; False when it is refused. A TxProfile needs its transaction to run there."""
    purpose = profile.get("chargingProfilePurpose")
    if number and number not in charger.state.evses:
        return False
    key = ""
    if purpose == "TxProfile":
        tx = charger.state.evses[number].tx if number else None
        if tx is None or not is_it(tx.key):
            return False
        key = tx.key
    if purpose in charging_limits.STATION_PURPOSES and number:
        return False
    try:
        one = charging_limits.read(number, profile, key, at_us)
    except (KeyError, TypeError, ValueError):
        return False
    if len(charger.state.profiles) >= PROFILES_MAX:
        return False
    charger.state.profiles = charging_limits.placed(charger.state.profiles, one)
    return True


def clear_profiles(charger: VirtualCharger, fits: Callable[[charging_limits.Limits], bool]) -> bool:
    """Forget profiles; whether there were any."""
    left = [one for one in charger.state.profiles if not fits(one)]
    found = len(left) < len(charger.state.profiles)
    charger.state.profiles = left
    return found


def local_list(charger: VirtualCharger, version: int, cards: Mapping[str, bool | None], *, is_full: bool) -> str:
    """Take a local list of cards (None: take the card out); OCPP's status."""
    state = charger.state
    if not is_full and version <= state.list_version:
        return "VersionMismatch"
    kept = {} if is_full else dict(state.cards)
    for token, is_good in cards.items():
        if is_good is None:
            kept.pop(token, None)
        else:
            kept[token] = is_good
    if len(kept) > LIST_MAX:
        return "Failed"
    state.cards, state.list_version = kept, version
    return "Accepted"


def reset(charger: VirtualCharger, at_us: int, *, at_once: bool) -> bool:
    """Start again: at once (transactions end), or when no transaction runs; False when it waits for one."""
    runs = [n for n, one in charger.state.evses.items() if one.tx is not None]
    if at_once or charger.version == "ocpp1.6":
        for number in runs:
            charger.end(number, at_us, "ImmediateReset" if at_once else "SoftReset" if charger.version == "ocpp1.6" else "Reboot")
        runs = []
    charger.resets += 1
    return not runs


def sample(charger: VirtualCharger, number: int, at_us: int) -> None:
    """Say the meter of an EVSE (0: of all) now."""
    for each in [number] if number else list(charger.state.evses):
        tx = charger.state.evses[each].tx
        if tx is not None:
            charger.speech.went_on(each, tx, at_us, "Trigger")
        else:
            charger.speech.aligned(each, at_us)
