"""The job port: a pure function's dotted name and its values, done somewhere with room (tests/contracts/jobs).

Arguments and result are what MessagePack holds: None, bool, int, float, str, bytes, list, dict (and msgspec structs, which
arrive as dicts). A job may be done more than once after a crash, so its function must be pure.
"""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from dure.core.errors import DureError, InputError

JOB_BYTES_MAX = 1_000_000
ATTEMPTS_MAX = 2


class JobResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a job: its value, or the code and words of its failure."""

    id: str
    value: Any = None
    code: str = ""
    message: str = ""
    attempts: int = 1

    @property
    def done(self) -> bool:
        """Whether it has a value."""
        return not self.code


class Job(msgspec.Struct, frozen=True, omit_defaults=True):
    """A function to be called with values.

    `lasts_s_max`: seconds by the clock after which it is ended, its process with it; waiting for a process does not count.
    """

    id: str
    function: str
    arguments: dict[str, Any] = {}  # msgspec copies an empty default for every instance
    lasts_s_max: float | None = None


class Jobs(Protocol):
    """Heavy work: plans, fits, simulations."""

    async def submit(
        self, function: str, arguments: dict[str, Any], *, job_id: str | None = None, lasts_s_max: float | None = None
    ) -> str:
        """Id of the job, now sure to be done; the same id again is the same job.

        One that takes longer than `lasts_s_max` is ended: its result has the code ``job.overdue``.
        """
        ...

    async def result(self, job_id: str, *, timeout_s: float | None = None) -> JobResult:
        """Wait for its result; `NotFound` for a job never submitted, `Unavailable` (``job.timeout``) after `timeout_s`."""
        ...

    async def run(
        self, function: str, arguments: dict[str, Any], *, timeout_s: float | None = None, lasts_s_max: float | None = None
    ) -> JobResult:
        """Submit and wait."""
        ...

    async def close(self) -> None:
        """Take no more; what runs is ended."""
        ...


def encode_job(job: Job) -> bytes:
    """The job as bytes; values that do not fit are refused here, not in a worker."""
    if not job.function.startswith("dure."):
        raise InputError("job.function", f"{job.function[:80]!r} is no function of Dure.")
    try:
        data = msgspec.msgpack.encode(job)
    except (TypeError, OverflowError, ValueError) as error:
        raise InputError("job.arguments", f"A job's arguments must be plain values: {error}") from error
    if len(data) > JOB_BYTES_MAX:
        raise InputError("job.too_large", f"A job of {len(data)} bytes; at most {JOB_BYTES_MAX}. Put large inputs into a blob.")
    return data


def perform(data: bytes) -> bytes:
    """Do an encoded job in this process; the encoded result. An exception of the function is a result too."""
    job = msgspec.msgpack.decode(data, type=Job)
    try:
        return msgspec.msgpack.encode(JobResult(job.id, find_function(job.function)(**job.arguments)))
    except DureError as error:
        return msgspec.msgpack.encode(JobResult(job.id, code=error.code, message=error.message))
    except Exception as error:  # noqa: BLE001  # whatever the function raises is its answer to who asked
        where = traceback.extract_tb(error.__traceback__)[-1]
        words = f"{type(error).__name__}: {error} ({where.name}, line {where.lineno})"
        return msgspec.msgpack.encode(JobResult(job.id, code="job.failed", message=words[:2000]))


def overdue(job: Job) -> JobResult:
    """The result of a job that was ended."""
    return JobResult(job.id, code="job.overdue", message=f"It was not done after {job.lasts_s_max:g} s, and was ended.")


def decode_result(data: bytes) -> JobResult:
    """The result of an encoded one."""
    return msgspec.msgpack.decode(data, type=JobResult)


def find_function(name: str) -> Callable[..., Any]:
    """The function of a dotted name within Dure; else refused."""
    module_name, _, attribute = name.rpartition(".")
    if not module_name.startswith("dure.") or attribute.startswith("_"):
        raise InputError("job.function", f"{name[:80]!r} is no function of Dure.")
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError("job.function", f"There is no function {name[:80]!r}.") from error
    if not callable(found):
        raise InputError("job.function", f"{name[:80]!r} is no function.")
    return found  # type: ignore[no-any-return]
