"""What words change in the states of EVSEs and stations. Each part of a state is of the newest word about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.core.time import from_us
from dure.services.charging.central.words import Booted, Linked, Sampled, Seen, StatusSaid, TransactionSaid, Unlinked, Word
from dure.services.charging.sessions.clocks import Placed, placed, sample_at
from dure.services.charging.sessions.gathering import IMPORT, POWER, POWER_BACK, SOC, is_register
from dure.services.charging.sessions.live_states import EvseState, Link

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dure.services.charging.central.words import Sample
    from dure.services.charging.sessions.model import Session
    from dure.services.charging.sessions.places import Places
    from dure.services.charging.sessions.session_rules import ClockRow

US = 1_000_000


class LiveWords:
    """States as they are kept, with words taken in; what changed is kept again."""

    def __init__(self, known: tuple[dict[str, EvseState], dict[str, Link]], places: Places, clocks: ClockRow) -> None:
        self._states, self._links = known
        self._places, self._clocks = places, clocks
        self._changed: dict[str, EvseState] = {}
        self._linked: dict[str, Link] = {}

    @property
    def changed(self) -> list[EvseState]:
        """EVSEs that changed."""
        return list(self._changed.values())

    @property
    def linked(self) -> list[Link]:
        """Stations that changed."""
        return list(self._linked.values())

    def register_of(self, evse: str) -> tuple[int, int] | None:
        """The newest read of an EVSE: when [us], Wh."""
        state = self._states.get(evse)
        return None if state is None or state.register_wh is None else (state.register_us, state.register_wh)

    def take(self, word: Word) -> None:
        """One word."""
        if isinstance(word, StatusSaid):
            self._take_status(word)
        elif isinstance(word, TransactionSaid):
            at = placed(word.at_us, word.heard_us, self._clocks)
            self._take_samples(word.charger, word.evse, word.heard_us, at, word.samples)
        elif isinstance(word, Sampled):
            newest = max((one.at_us for one in word.samples), default=word.heard_us)
            at = placed(newest, word.heard_us, self._clocks)
            self._take_samples(word.charger, word.evse, word.heard_us, at, word.samples)
        elif isinstance(word, Linked | Unlinked | Booted | Seen):
            self._take_link(word)

    def _take_link(self, word: Linked | Unlinked | Booted | Seen) -> None:
        link = self._link(word.charger, word.heard_us)
        if isinstance(word, Booted) and word.heard_us >= link.booted_us:
            link.booted_us = word.heard_us
            said = ("vendor", "model", "serial", "firmware", "reason", "answer")
            link.boot = {name: getattr(word, name) for name in said}
        if isinstance(word, Linked | Unlinked) and word.heard_us >= link.linked_us:
            link.linked, link.linked_us = isinstance(word, Linked), word.heard_us
            if isinstance(word, Linked):
                link.version = word.version

    def _take_status(self, word: StatusSaid) -> None:
        at = placed(word.at_us, word.heard_us, self._clocks)
        link = self._link(word.charger, word.heard_us)
        if word.evse == 0:
            if at.at_us >= link.status_us:
                link.status, link.status_us, link.error = word.status, at.at_us, word.error
            return
        state = self._state(word.charger, word.evse, word.heard_us)
        if state is None:
            return
        if word.status in {"available", "reserved"}:
            state.available_us = max(state.available_us, at.at_us)
        if at.at_us < state.status_us:
            return
        if (state.status, state.detail) != (word.status, word.detail):
            state.since_at = from_us(at.at_us)
        state.status, state.detail, state.status_us = word.status, word.detail, at.at_us
        state.error, state.vendor_error, state.info = word.error, word.vendor_error, word.info

    def _take_samples(self, charger: str, number: int, heard_us: int, word: Placed, samples: Iterable[Sample]) -> None:
        self._link(charger, heard_us)
        state = self._state(charger, number, heard_us)
        if state is None:
            return
        for one in samples:
            at_us = sample_at(one.at_us, word, heard_us, self._clocks)
            if one.measurand == SOC and at_us >= state.soc_us:
                state.soc, state.soc_us = one.value, at_us
            elif one.phase:
                continue
            elif one.measurand in {POWER, POWER_BACK} and at_us >= state.power_us:
                state.power_w, state.power_us = (one.value if one.measurand == POWER else -one.value), at_us
            elif one.measurand == IMPORT and at_us >= state.register_us and is_register(one.value):
                state.register_wh, state.register_us = round(one.value), at_us

    def note_session(self, session: Session) -> None:
        """What a session means for its EVSE: it runs there, or no longer."""
        evse = self._states.get(session.evse)
        number = session.facts.get("evse", 0)
        state = evse or self._state(session.charger, number, session.facts["heard_us"])
        if state is None or not session.evse:
            return
        began_us = round(session.started_at.timestamp() * US)
        if session.state == "running" and began_us >= state.session_us:
            state.session, state.session_us = session.id, began_us
        elif session.state != "running" and state.session == session.id:
            state.session, state.power_w, state.soc = "", None, None
        if session.end_wh is not None and session.ended_at is not None:
            ended_us = round(session.ended_at.timestamp() * US)
            if ended_us >= state.register_us:
                state.register_wh, state.register_us = session.end_wh, ended_us
        self._changed[state.evse] = state

    def _state(self, charger: str, number: int, heard_us: int) -> EvseState | None:
        evse = self._places.evse_of(charger, number)
        if evse is None:
            return None
        state = self._states.get(evse.id)
        if state is None:
            state = self._states[evse.id] = EvseState(evse=evse.id, charger=charger, number=evse.number)
        state.heard_at = max(state.heard_at, from_us(heard_us))
        self._changed[evse.id] = state
        return state

    def _link(self, charger: str, heard_us: int) -> Link:
        link = self._links.get(charger)
        if link is None:
            link = self._links[charger] = Link(charger=charger)
        link.heard_at = max(link.heard_at, from_us(heard_us))
        self._linked[charger] = link
        return link
