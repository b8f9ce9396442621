"""Jobs over the bus: submitted to a work queue, done by any number of `dure work` processes on any number of machines.

At least once: a job is acknowledged only after its result is kept, so a killed worker's job goes to another. The job's id
removes doubles: as message id when submitted, and as the key of its result.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from typing import TYPE_CHECKING, Any

import msgspec
import nats.errors
import nats.js.errors
import structlog
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DiscardPolicy,
    KeyValueConfig,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)

from dure.core.errors import NotFound, Unavailable
from dure.core.identifiers import identifier
from dure.engines.jobs.port import ATTEMPTS_MAX, Job, JobResult, encode_job

if TYPE_CHECKING:
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext
    from nats.js.kv import KeyValue

    from dure.engines.bus.client import Bus
    from dure.engines.jobs.pool import PoolJobs

log = structlog.get_logger(__name__)

STREAM = "JOBS"
WORKERS = "workers"
RESULTS = "JOB_RESULTS"
RESULT_DAYS = 7
ACK_WAIT_S = 10.0
DELIVERIES_MAX = 3
DAY_S = 86_400
ANSWER_S = 10.0
_TROUBLE = (nats.errors.Error, nats.js.errors.Error, TimeoutError, OSError)


class QueueJobs:
    """The job port on the bus; made by `open`."""

    def __init__(self, bus: Bus, results: KeyValue) -> None:
        self._bus = bus
        self._results = results
        self._js: JetStreamContext = bus.client.jetstream(timeout=5)

    @classmethod
    async def open(cls, bus: Bus, *, replicas: int = 1, ack_wait_s: float = ACK_WAIT_S) -> QueueJobs:
        """The queue, its workers' consumer and the store of results, made when there are none."""
        js = bus.client.jetstream(timeout=5)
        stream = StreamConfig(
            name=STREAM,
            subjects=["jobs.>"],
            retention=RetentionPolicy.WORK_QUEUE,
            storage=StorageType.FILE,
            discard=DiscardPolicy.NEW,
            num_replicas=replicas,
            duplicate_window=120,
        )
        consumer = ConsumerConfig(
            durable_name=WORKERS,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ack_wait_s,
            max_deliver=-1,
            max_ack_pending=1_000,
        )
        results = KeyValueConfig(bucket=RESULTS, ttl=RESULT_DAYS * DAY_S, history=1, storage=StorageType.FILE, replicas=replicas)
        try:
            with contextlib.suppress(nats.js.errors.BadRequestError):  # it is there, made with other settings
                await js.add_stream(config=stream)
            await js.add_consumer(STREAM, config=consumer)
            return cls(bus, await js.create_key_value(config=results))
        except _TROUBLE as error:
            raise Unavailable("job.unavailable", f"The queue of jobs does not answer: {error!r}") from error

    async def submit(
        self, function: str, arguments: dict[str, Any], *, job_id: str | None = None, lasts_s_max: float | None = None
    ) -> str:
        """Id of the job, on disk when this returns; the same id again is the same job."""
        job_id = identifier(job_id or uuid.uuid4().hex, "job")
        data = encode_job(Job(job_id, function, arguments, lasts_s_max))
        if await self._kept(job_id) is not None:
            return job_id
        with contextlib.suppress(nats.js.errors.KeyWrongLastSequenceError):  # submitted before
            await self._ask(self._results.create(job_id, b""))
        # Also when it was: who submitted it may have died between the two steps, and the queue knows its doubles.
        await self._bus.publish(f"jobs.{job_id}", data, f"job-{job_id}")
        return job_id

    async def result(self, job_id: str, *, timeout_s: float | None = None) -> JobResult:
        """Wait for the result of a job."""
        found = await self._kept(job_id)
        if found is not None:
            return found
        try:
            async with asyncio.timeout(timeout_s):  # not `wait_for`: until Python 3.12 it may lose a cancellation
                return await self._follow(job_id)
        except TimeoutError as error:
            raise Unavailable("job.timeout", f"The job {job_id} has no result after {timeout_s} s; it goes on.") from error

    async def run(
        self, function: str, arguments: dict[str, Any], *, timeout_s: float | None = None, lasts_s_max: float | None = None
    ) -> JobResult:
        """Submit and wait."""
        return await self.result(await self.submit(function, arguments, lasts_s_max=lasts_s_max), timeout_s=timeout_s)

    async def close(self) -> None:
        """Nothing is held here; the queue stays."""

    async def work(self, pool: PoolJobs, *, concurrent: int = 1, stop: asyncio.Event | None = None) -> None:
        """Do jobs in the pool's processes until told to stop, or cancelled."""
        stop = stop or asyncio.Event()
        await asyncio.gather(*(self._work(pool, stop) for _ in range(max(1, concurrent))))

    async def _work(self, pool: PoolJobs, stop: asyncio.Event) -> None:
        subscription = await self._js.pull_subscribe_bind(WORKERS, STREAM)
        while not stop.is_set():
            try:
                messages = await subscription.fetch(1, timeout=1)
            except (TimeoutError, nats.errors.TimeoutError):
                continue
            except _TROUBLE as error:
                log.warning("the queue of jobs does not answer", error=repr(error))
                await asyncio.sleep(1)
                continue
            for message in messages:
                await self._do(message, pool)
        await subscription.unsubscribe()

    async def _do(self, message: Msg, pool: PoolJobs) -> None:
        deliveries = message.metadata.num_delivered or 1
        try:
            job = msgspec.msgpack.decode(message.data, type=Job)
        except msgspec.DecodeError:
            log.exception("a job cannot be read; it is taken out", subject=message.subject, code="job.malformed")
            await message.term()
            return
        try:
            if await self._kept(job.id) is None:
                await self._keep(await self._perform(message, job, pool, deliveries))
            await message.ack_sync(timeout=5)
        except (Unavailable, *_TROUBLE) as error:  # not acknowledged: it is delivered again
            log.warning("a job could not be finished now", job=job.id, error=repr(error))

    async def _perform(self, message: Msg, job: Job, pool: PoolJobs, deliveries: int) -> JobResult:
        if deliveries > DELIVERIES_MAX:
            words = f"Its worker died {deliveries - 1} times while doing it."
            return JobResult(job.id, code="job.crashed", message=words, attempts=deliveries)
        alive = asyncio.create_task(self._say_alive(message))
        try:
            # The pool knows jobs by id, and this may be the second time: the pool must not answer from memory.
            name = f"{job.id}-{deliveries}-{uuid.uuid4().hex[:8]}"
            inner = await pool.submit(job.function, job.arguments, job_id=name, lasts_s_max=job.lasts_s_max)
            done = await pool.result(inner)
        finally:
            alive.cancel()
        attempts = deliveries + (1 if done.attempts == ATTEMPTS_MAX else 0)
        return JobResult(job.id, done.value, done.code, done.message, attempts)

    async def _say_alive(self, message: Msg) -> None:
        while True:
            await asyncio.sleep(ACK_WAIT_S / 4)
            with contextlib.suppress(*_TROUBLE):
                await message.in_progress()

    async def _keep(self, result: JobResult) -> None:
        try:
            await self._ask(self._results.put(result.id, msgspec.msgpack.encode(result)))
        except nats.errors.MaxPayloadError:
            words = "Its result is over the bus's limit of 1 MiB; return a blob's name instead."
            told = JobResult(result.id, code="job.result_too_large", message=words)
            await self._ask(self._results.put(result.id, msgspec.msgpack.encode(told)))

    async def _kept(self, job_id: str) -> JobResult | None:
        value = await self._noted(job_id)
        return msgspec.msgpack.decode(value, type=JobResult) if value else None

    async def _noted(self, job_id: str) -> bytes | None:
        """What the store holds of a job: None for an unknown one, no bytes for one that is not done."""
        try:
            entry = await self._ask(self._results.get(identifier(job_id, "job")))
        except nats.js.errors.NotFoundError:
            return None
        return entry.value or b""

    async def _follow(self, job_id: str) -> JobResult:
        watcher = await self._results.watch(job_id)
        try:
            while True:
                with contextlib.suppress(TimeoutError, nats.errors.TimeoutError):
                    entry = await watcher.updates(timeout=2)  # type: ignore[no-untyped-call]
                    if entry is not None and entry.value:
                        return msgspec.msgpack.decode(entry.value, type=JobResult)
                # A watch says "nothing there" also when its first entry is still on the way, and it can be lost with
                # the connection: what is so is asked of the store itself.
                noted = await self._noted(job_id)
                if noted:
                    return msgspec.msgpack.decode(noted, type=JobResult)
                if noted is None:
                    raise NotFound("job.not_found", f"There is no job {job_id!r}, or its result has been forgotten.")
        finally:
            with contextlib.suppress(*_TROUBLE):
                await watcher.stop()  # type: ignore[no-untyped-call]

    async def _ask(self, question: Any) -> Any:
        try:
            async with asyncio.timeout(ANSWER_S):
                return await question
        except (nats.js.errors.NotFoundError, nats.js.errors.KeyWrongLastSequenceError, nats.errors.MaxPayloadError):
            raise
        except _TROUBLE as error:
            raise Unavailable("job.unavailable", f"The store of results does not answer: {error!r}") from error
