"""May a bin be asked this now: presses that are locked, bins that cannot, settings a sensor does not take."""

import pytest

from dure.protocols.downlinks import CONFIGURE, Down, downlink_of
from dure.services.waste.devices.command_rules import Standing, objection
from dure.services.waste.model import Bin

COMPACTOR = Bin(id="press-1", lon=126.9, lat=37.2, compaction=5)
PLAIN = Bin(id="bin-1", lon=126.9, lat=37.2)
DINGTEK = Standing(codecs=("dingtek-df702",))
FOUR_HOURS = {"setting": "upload_interval_h", "value": 4}


def code_of(one, name, arguments=None, standing=None):
    found = objection(one, name, arguments or {}, standing or Standing())
    return found.code if found else None


@pytest.mark.parametrize("name", ["compact_now", "lock_hopper", "unlock_hopper"])
def test_a_plain_bin_has_neither_press_nor_hopper(name):
    assert code_of(PLAIN, name) == "command.unfit"
    assert code_of(COMPACTOR, name) is None


@pytest.mark.parametrize("standing", [Standing(alarms={"fire"}), Standing(alarms={"hopper_jam"}), Standing(wet=True)])
def test_the_press_is_locked_by_fire_jam_and_wet_waste_and_the_hopper_is_not(standing):
    assert code_of(COMPACTOR, "compact_now", standing=standing) == "command.locked"
    assert code_of(COMPACTOR, "lock_hopper", standing=standing) is None


def test_a_tilted_compactor_may_press():
    assert code_of(COMPACTOR, "compact_now", standing=Standing(alarms={"tilt"})) is None


def test_a_name_that_is_none_of_ours_is_not_judged():
    assert code_of(PLAIN, "report_now") is None


@pytest.mark.parametrize(
    ("arguments", "standing", "code"),
    [
        (FOUR_HOURS, Standing(), "command.unfit"),
        (FOUR_HOURS, Standing(codecs=("milesight-em400",)), "command.unfit"),
        ({}, DINGTEK, "downlink.setting"),
        ({"setting": "upload_interval_h", "value": "4"}, DINGTEK, "downlink.setting"),
        ({"setting": "upload_interval_h", "value": True}, DINGTEK, "downlink.setting"),
        ({"setting": 1, "value": 4}, DINGTEK, "downlink.setting"),
        ({"setting": "colour", "value": 4}, DINGTEK, "downlink.setting"),
        ({"setting": "upload_interval_h", "value": 169}, DINGTEK, "downlink.value"),
        (FOUR_HOURS, DINGTEK, None),
    ],
)
def test_a_sensor_is_sent_only_a_setting_it_takes(arguments, standing, code):
    assert code_of(PLAIN, CONFIGURE, arguments, standing) == code


def test_a_setting_becomes_the_characters_that_are_sent_down():
    assert downlink_of("dingtek-df702", FOUR_HOURS) == Down(3, b"80029999010481")
    assert downlink_of("milesight-em400", FOUR_HOURS).code == "downlink.codec"
