"""Problems and plans as bytes: everything as it was, to the last bit, so that the same plan can be made again."""

from __future__ import annotations

import hashlib
import zlib
from typing import Any

import msgspec
import numpy as np

from dure.services.charging.planning.problem import Plan, Problem

LEVEL = 6


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"shape": list(value.shape), "f8": np.ascontiguousarray(value, dtype="<f8").tobytes()}
    if isinstance(value, np.floating):
        return float(value)
    raise NotImplementedError(f"{type(value).__name__} cannot be packed")


def _array(kind: type, value: Any) -> Any:  # noqa: ARG001  # arrays are all that comes here
    return np.frombuffer(value["f8"], dtype="<f8").reshape(value["shape"]).astype(np.float64)


_encoder = msgspec.msgpack.Encoder(enc_hook=_plain)
_problem = msgspec.msgpack.Decoder(Problem, dec_hook=_array)
_plan = msgspec.msgpack.Decoder(Plan, dec_hook=_array)


def packed(value: Problem | Plan) -> bytes:
    """A problem or a plan as bytes: equal bytes of equal values, whether a whole number came as int or float."""
    decoder = _problem if isinstance(value, Problem) else _plan
    return zlib.compress(_encoder.encode(decoder.decode(_encoder.encode(value))), LEVEL)


def problem_of(data: bytes) -> Problem:
    """The problem of its bytes."""
    return _problem.decode(zlib.decompress(data))


def plan_of(data: bytes) -> Plan:
    """The plan of its bytes."""
    return _plan.decode(zlib.decompress(data))


def digest(data: bytes) -> str:
    """Digest by which equal problems are known."""
    return hashlib.sha256(data).hexdigest()
