"""Frames of OCPP-J: what can be read, and the CALLERROR for what cannot."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.protocols.ocpp import frames
from dure.protocols.ocpp.errors import CallError
from dure.protocols.ocpp.frames import Broken, Call, Fault, Result

V16, V201, V21 = "ocpp1.6", "ocpp2.0.1", "ocpp2.1"
BOOT = [2, "19223201", "BootNotification", {"chargePointVendor": "VendorX", "chargePointModel": "SingleSocketCharger"}]


def read(content, version=V201):
    return frames.read(content if isinstance(content, bytes | str) else json.dumps(content), version)


def test_a_call_of_the_standard_is_read():
    """The example of OCPP-J 1.6, 4.2.1."""
    assert read(BOOT, V16) == Call("19223201", "BootNotification", BOOT[3])


def test_an_answer_and_an_error_are_read():
    assert read([3, "1", {"status": "Accepted"}]) == Result("1", {"status": "Accepted"})
    assert read([4, "1", "NotSupported", "why", {"a": 1}]) == Fault("1", "NotSupported", "why", {"a": 1})
    assert read([4, "1", "NotSupported", None]) == Fault("1", "NotSupported", "", {})


def test_send_and_result_errors_belong_to_2_1_only():
    assert read([6, "1", "NotifyPeriodicEventStream", {}], V21) == Call("1", "NotifyPeriodicEventStream", {}, sent=True)
    assert read([5, "1", "FormatViolation", "", {}], V21) == Fault("1", "FormatViolation", "", {}, of_result=True)
    assert read([6, "1", "NotifyPeriodicEventStream", {}], V201).code == "MessageTypeNotSupported"


BROKEN = [
    ("no JSON", "garbage", "-1", "RpcFrameworkError"),
    ("nothing", "", "-1", "RpcFrameworkError"),
    ("cut off", '[2,"1","Heartbeat"', "-1", "RpcFrameworkError"),
    ("no UTF-8", b'[2,"\xff","Heartbeat",{}]', "-1", "RpcFrameworkError"),
    ("half of a surrogate pair", '[2,"\\ud800","Heartbeat",{}]', "-1", "RpcFrameworkError"),
    ("a number that no float holds", '[2,"1","Heartbeat",{"a":1e999}]', "-1", "RpcFrameworkError"),
    ("not a number", '[2,"1","Heartbeat",{"a":NaN}]', "-1", "RpcFrameworkError"),
    ("nested too deeply", "[" * 5000 + "]" * 5000, "-1", "RpcFrameworkError"),
    ("an object", {"2": "1"}, "-1", "RpcFrameworkError"),
    ("a text", '"2"', "-1", "RpcFrameworkError"),
    ("an empty array", [], "-1", "RpcFrameworkError"),
    ("an unknown type", [7, "1", "Heartbeat", {}], "1", "MessageTypeNotSupported"),
    ("a type that is a text", ["2", "1", "Heartbeat", {}], "1", "MessageTypeNotSupported"),
    ("a type that is a truth value", [True, "1", "Heartbeat", {}], "1", "MessageTypeNotSupported"),
    ("a type that is a fraction", '[2.0,"1","Heartbeat",{}]', "1", "MessageTypeNotSupported"),
    ("no message id", [2], "-1", "RpcFrameworkError"),
    ("a message id that is a number", [2, 1, "Heartbeat", {}], "-1", "RpcFrameworkError"),
    ("an empty message id", [2, "", "Heartbeat", {}], "-1", "RpcFrameworkError"),
    ("a message id of 37 characters", [2, "x" * 37, "Heartbeat", {}], "-1", "RpcFrameworkError"),
    ("too few items", [2, "1", "Heartbeat"], "1", "RpcFrameworkError"),
    ("too many items", [2, "1", "Heartbeat", {}, {}], "1", "RpcFrameworkError"),
    ("an action that is no text", [2, "1", None, {}], "1", "RpcFrameworkError"),
    ("a payload that is an array", [2, "1", "Heartbeat", []], "1", "FormatViolation"),
    ("a payload that is nothing", [2, "1", "Heartbeat", None], "1", "FormatViolation"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "message_id", "code"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_what_is_no_frame_gets_its_error(content, message_id, code):
    found = read(content)
    assert isinstance(found, Broken)
    assert (found.id, found.code) == (message_id, code)


def test_version_1_6_knows_no_framework_errors_and_ignores_unknown_types():
    assert read("garbage", V16).code == "FormationViolation"
    assert read([2, "1", "Heartbeat", []], V16).code == "FormationViolation"
    assert read([7, "1", "Heartbeat", {}], V16).code is None


@pytest.mark.parametrize("content", [[3, "1", []], [3, "1"], [4, "1", 5, "", {}], [3, 1, {}], [4, "1"]])
def test_an_answer_that_is_broken_is_not_answered(content):
    assert read(content).code is None


def test_a_description_is_cut_to_what_the_standard_allows():
    _, message_id, code, description, details = json.loads(frames.error("1", CallError("GenericError", "x" * 400)))
    assert (message_id, code, len(description), details) == ("1", "GenericError", 255, {})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
no_surrogates = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=36)


@given(no_surrogates, no_surrogates, st.dictionaries(no_surrogates, st.integers(-9, 9), max_size=3))
def test_what_is_written_is_read_back(message_id, action, payload):
    assert read(frames.call(message_id, action, payload)) == Call(message_id, action, payload)
    assert read(frames.result(message_id, payload)) == Result(message_id, payload)


@given(json_values, st.sampled_from([V16, V201, V21]))
def test_any_json_is_a_frame_or_broken(content, version):
    assert isinstance(read(content, version), Call | Result | Fault | Broken)


@given(st.binary(max_size=60), st.sampled_from([V16, V201, V21]))
def test_any_bytes_are_a_frame_or_broken(content, version):
    assert isinstance(frames.read(content, version), Call | Result | Fault | Broken)
