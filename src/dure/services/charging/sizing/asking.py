"""Whether a study can be answered as it is asked: each thing that cannot has its code. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from dure.core.errors import InputError
from dure.services.charging.planning.rehearsing.session_file import read_sessions
from dure.services.charging.planning.stays import Stay
from dure.services.charging.sizing.model import CARS_MAX, KW_MAX, POINTS_MAX, STAYS_MAX, Asked

STAYS_MIN = 20


def checked(asked: Asked, sites: Collection[str], scenarios: Collection[str]) -> Asked:
    """The question itself, when it can be answered.

    Raises
    ------
    InputError : ``charging.study_site``, ``charging.study_sizes``, ``charging.study_points``, ``charging.study_scenario``,
        ``charging.study_file``
    """
    if asked.site not in sites:
        raise InputError("charging.study_site", f"There is no charging site {asked.site[:80]!r}.")
    for name, sizes, least in (("solar_kw", asked.solar_kw, 0.0), ("storage_kwh", asked.storage_kwh, 0.0),
                               ("contract_kw", asked.contract_kw, 1.0)):  # fmt: skip
        if not sizes or any(not least <= one <= KW_MAX for one in sizes):
            raise InputError("charging.study_sizes", f"{name} needs sizes from {least:g} to {KW_MAX:g}.")
    points = len(asked.solar_kw) * len(asked.storage_kwh) * len(asked.contract_kw)
    if points > POINTS_MAX:
        raise InputError("charging.study_points", f"{points} combinations are more than {POINTS_MAX}. Give fewer sizes.")
    if asked.source == "scenario" and (asked.scenario not in scenarios or not 0 < asked.cars <= CARS_MAX):
        raise InputError("charging.study_scenario", f"Choose a scenario and 1 to {CARS_MAX} cars a day.")
    if asked.source == "file" and not STAYS_MIN <= len(asked.stays) <= STAYS_MAX:
        raise InputError("charging.study_file", f"{len(asked.stays)} usable sessions; {STAYS_MIN} to {STAYS_MAX} are needed.")
    return asked


def sizes_of(text: str) -> tuple[float, ...]:
    """Numbers of a field, parted by commas or spaces, each once, in order."""
    try:
        return tuple(sorted({float(one) for one in text.replace(",", " ").split()}))
    except ValueError as error:
        raise InputError("charging.study_sizes", f"{text[:80]!r} holds something that is no number.") from error


def stays_of_file(text: str) -> tuple[Sequence[Stay], int]:
    """The last stays of a file, and how many rows were refused; ``charging.study_columns`` when it has not the columns."""
    read = read_sessions(text)
    if not read.stays and read.rejected and read.rejected[0].row == 0:
        raise InputError("charging.study_columns", read.rejected[0].why)
    return sorted(read.stays, key=lambda one: one.arrived_us)[-STAYS_MAX:], len(read.rejected)
