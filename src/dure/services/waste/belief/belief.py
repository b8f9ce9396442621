"""How full every bin is: the front of the package.

::

    learned = learn(history, rules=rules)                    # nightly
    beliefs = start(bins, learned, at, rules)                # once, or from the records
    seen = observations_of(rows, beliefs.rows, now_us, rules.seeing)
    beliefs = observe(beliefs, seen, untrusted)              # whenever something was seen
    expected = forecast(beliefs, tomorrow, next_chance_d=1)  # for the planner
"""

from __future__ import annotations

from dure.services.waste.belief.following import observe
from dure.services.waste.belief.forecasting import Outlook, chance, forecast, outlook
from dure.services.waste.belief.learn import learn, without_history
from dure.services.waste.belief.observations import Observations, Seen, observations_from, observations_of, seen_of
from dure.services.waste.belief.state import Beliefs, Emptied, Kind, advance, start

__all__ = [
    "Beliefs",
    "Emptied",
    "Kind",
    "Observations",
    "Outlook",
    "Seen",
    "advance",
    "chance",
    "forecast",
    "learn",
    "observations_from",
    "observations_of",
    "observe",
    "outlook",
    "seen_of",
    "start",
    "without_history",
]
