from __future__ import annotations

import threading
from datetime import datetime, timedelta

import msgspec
import pytest

from dure.core.errors import Conflict, DureError, InputError, NotFound
from dure.engines.records import audit
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.services.environment.calibrating import calibration_records as calibrations
from dure.services.environment.calibrating.calibration import Inputs, Model, Reason, Score, Span, model_id

DAY = timedelta(days=1)
pytestmark = pytest.mark.usefixtures("station")


def candidate(at: datetime, asset: str = "aws-1", property_id: str = "pm2_5", **fields: object) -> Model:
    given: dict[str, object] = {
        "id": model_id((asset, property_id), "co_location", at),
        "asset": asset,
        "property": property_id,
        "method": "co_location",
        "parameters": {"gain": 0.6, "offset": 2.5},
        "valid_from": at,
        "scores": {"raw": Score(900, 12.5, 1.6, 8.0, 0.8), "corrected": Score(900, 4.0, 0.95, 0.2, 0.9)},
        "reasons": (Reason("rmse_better", {"raw": 12.5, "ours": 4.0}),),
        "inputs": Inputs(
            uncertainty=4.0,
            reference="ref-1",
            start_at=at - 30 * DAY,
            end_at=at,
            hours=900,
            weeks=5,
            spans={"raw": Span(3.0, 90.0)},
            sample=((10.0, 8.0, 7.5),),
        ),
    }
    return Model(**{**given, **fields})  # type: ignore[arg-type]


def kept(records: Records, model: Model, by: By) -> Model:
    with records.begin() as connection:
        return calibrations.add(connection, model, by)


def activated(records: Records, model: Model, at: datetime, by: By) -> Model:
    kept(records, model, by)
    with records.begin() as connection:
        return calibrations.activate(connection, model.id, at, by)


def test_a_candidate_comes_back_as_it_was_given_and_is_not_in_force(records: Records, by: By) -> None:
    model = candidate(by.at)

    added = kept(records, model, by)

    assert added == msgspec.structs.replace(model, created_by="person-1", created_at=by.at)
    with records.read() as connection:
        assert calibrations.get(connection, model.id) == added
        assert calibrations.in_force(connection, ("aws-1", "pm2_5"), by.at) is None
        entry = audit.listing(connection, object_id=model.id).items[0]
    assert (entry.verb, entry.subject, entry.actor) == ("manage", "device", "person-1")
    assert entry.detail["added"]["reference"] == "ref-1"


def test_a_calibration_is_added_once_and_for_an_asset_there_is(records: Records, by: By) -> None:
    kept(records, candidate(by.at), by)

    with pytest.raises(Conflict, match=r"calibration\.exists"):
        kept(records, candidate(by.at), by)
    with pytest.raises(InputError, match=r"asset\.unknown"):
        kept(records, candidate(by.at, asset="nowhere"), by)
    with pytest.raises(InputError, match=r"calibration\.state"):
        kept(records, candidate(by.at, id="cal-2", state="active"), by)


def test_activating_ends_the_former_at_that_instant(records: Records, by: By) -> None:
    first = activated(records, candidate(by.at), by.at, by)
    second = activated(records, candidate(by.at + DAY), by.at + DAY, by)

    with records.read() as connection:
        line = calibrations.lineage(connection, "aws-1")
        held = [calibrations.in_force(connection, ("aws-1", "pm2_5"), by.at + step * DAY) for step in (-1, 0, 0.99, 1, 400)]
        now = calibrations.all_in_force(connection, by.at + 2 * DAY)
    assert [(one.id, one.state, one.valid_from, one.valid_to) for one in line] == [
        (first.id, "retired", by.at, by.at + DAY),
        (second.id, "active", by.at + DAY, None),
    ]
    assert [one and one.id for one in held] == [None, first.id, first.id, second.id, second.id]
    assert {series: one.id for series, one in now.items()} == {("aws-1", "pm2_5"): second.id}


def test_two_properties_of_one_asset_have_their_own_lines(records: Records, by: By) -> None:
    activated(records, candidate(by.at), by.at, by)
    activated(records, candidate(by.at, property_id="pm10"), by.at, by)

    with records.read() as connection:
        assert [one.property for one in calibrations.lineage(connection, "aws-1")] == ["pm10", "pm2_5"]
        assert len(calibrations.lineage(connection, "aws-1", "pm10")) == 1
        assert all(one.state == "active" for one in calibrations.lineage(connection, "aws-1"))


@pytest.mark.parametrize("step", [-2, -0.5])
def test_nothing_is_put_in_force_before_another_ended(records: Records, by: By, step: float) -> None:
    activated(records, candidate(by.at - DAY), by.at - DAY, by)
    former = activated(records, candidate(by.at), by.at, by)
    new = kept(records, candidate(by.at + DAY), by)

    with pytest.raises(Conflict, match=r"calibration\.overlap"), records.begin() as connection:
        calibrations.activate(connection, new.id, by.at + step * DAY, by)

    with records.read() as connection:
        assert calibrations.get(connection, former.id).valid_to is None
        assert calibrations.get(connection, new.id).state == "candidate"


@pytest.mark.parametrize("state", ["rejected", "active", "retired"])
def test_only_a_candidate_can_be_put_in_force(records: Records, by: By, state: str) -> None:
    model = kept(records, candidate(by.at, state="rejected" if state == "rejected" else "candidate"), by)
    with records.begin() as connection:
        if state != "rejected":
            calibrations.activate(connection, model.id, by.at, by)
        if state == "retired":
            calibrations.retire(connection, model.id, by.at + DAY, by)

    with pytest.raises(Conflict, match=r"calibration\.state"), records.begin() as connection:
        calibrations.activate(connection, model.id, by.at + 2 * DAY, by)


def test_retiring_leaves_raw_values_only_and_is_done_once(records: Records, by: By) -> None:
    model = activated(records, candidate(by.at), by.at, by)

    with records.begin() as connection:
        over = calibrations.retire(connection, model.id, by.at + DAY, by)

    assert (over.state, over.valid_to) == ("retired", by.at + DAY)
    with records.read() as connection:
        assert calibrations.in_force(connection, ("aws-1", "pm2_5"), by.at + DAY) is None
    with pytest.raises(Conflict, match=r"calibration\.state"), records.begin() as connection:
        calibrations.retire(connection, model.id, by.at + 2 * DAY, by)


def test_a_calibration_does_not_end_before_it_began(records: Records, by: By) -> None:
    model = activated(records, candidate(by.at), by.at, by)

    with pytest.raises(Conflict, match=r"calibration\.overlap"), records.begin() as connection:
        calibrations.retire(connection, model.id, by.at - DAY, by)


def test_a_candidate_that_is_turned_down_is_rejected_and_kept(records: Records, by: By) -> None:
    model = kept(records, candidate(by.at), by)

    with records.begin() as connection:
        assert calibrations.retire(connection, model.id, by.at, by).state == "rejected"

    with records.read() as connection:
        assert calibrations.lineage(connection, "aws-1") == []
        assert [one.id for one in calibrations.listing(connection, states=["rejected"]).items] == [model.id]


def test_lists_follow_each_other_newest_first(records: Records, by: By) -> None:
    ids = [kept(records, candidate(by.at + n * DAY), By("person-1", by.at + n * DAY)).id for n in range(5)]

    with records.read() as connection:
        first = calibrations.listing(connection, asset="aws-1", limit=3)
        second = calibrations.listing(connection, asset="aws-1", after=first.next, limit=3)

    assert [one.id for one in first.items + second.items] == ids[::-1]
    assert second.next == ""


def test_an_unknown_calibration_is_named(records: Records) -> None:
    with pytest.raises(NotFound, match=r"calibration\.unknown"), records.read() as connection:
        calibrations.get(connection, "cal-0")


def test_two_who_activate_at_once_leave_one_in_force(records: Records, by: By) -> None:
    ids = [kept(records, candidate(by.at + n * DAY), by).id for n in range(2)]
    gate, said = threading.Barrier(2), []

    def activate(one: str) -> None:
        gate.wait()
        try:
            with records.begin() as connection:
                calibrations.activate(connection, one, by.at + DAY, by)
        except DureError as error:
            said.append(error.code)

    threads = [threading.Thread(target=activate, args=(one,)) for one in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with records.read() as connection:
        line = calibrations.lineage(connection, "aws-1")
        assert len([one for one in line if one.state == "active"]) == 1
        assert calibrations.in_force(connection, ("aws-1", "pm2_5"), by.at + 2 * DAY) is not None
        assert audit.verify(connection) is None
    assert said in ([], ["calibration.overlap"])
