"""Jobs in processes of this machine."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
import uuid
from collections import OrderedDict
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import structlog

from dure.core.errors import NotFound, Unavailable
from dure.engines.jobs.port import ATTEMPTS_MAX, Job, JobResult, decode_result, encode_job, overdue, perform

log = structlog.get_logger(__name__)

RESULTS_KEPT = 10_000


class PoolJobs:
    """The job port on processes of this machine, each of which does one job at a time.

    A process that dies (out of memory, killed) takes only its own job with it, which is tried once more in a new one. A job
    that takes longer than it may is ended with its process, even where it no longer listens to anybody.
    """

    def __init__(self, workers: int = 0) -> None:
        self._free: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()  # who worked last has what it needs loaded
        self._workers = [Worker() for _ in range(workers or os.cpu_count() or 1)]
        for worker in self._workers:
            self._free.put_nowait(worker)
        self._jobs: OrderedDict[str, asyncio.Task[JobResult]] = OrderedDict()
        self._closed = False

    async def submit(
        self, function: str, arguments: dict[str, Any], *, job_id: str | None = None, lasts_s_max: float | None = None
    ) -> str:
        """Id of the job; the same id again is the same job."""
        if self._closed:
            raise Unavailable("job.closed", "Dure is stopping and takes no more jobs.")
        job_id = job_id or uuid.uuid4().hex
        if job_id not in self._jobs:
            job = Job(job_id, function, arguments, lasts_s_max)
            self._jobs[job_id] = asyncio.create_task(self._do(job, encode_job(job)))
            self._forget_old()
        return job_id

    async def result(self, job_id: str, *, timeout_s: float | None = None) -> JobResult:
        """Wait for the result of a job."""
        task = self._jobs.get(job_id)
        if task is None:
            raise NotFound("job.not_found", f"There is no job {job_id!r}, or its result has been forgotten.")
        try:
            async with asyncio.timeout(timeout_s):  # not `wait_for`: until Python 3.12 it may lose a cancellation
                return await asyncio.shield(task)
        except TimeoutError as error:
            raise Unavailable("job.timeout", f"The job {job_id} has no result after {timeout_s} s; it goes on.") from error

    async def run(
        self, function: str, arguments: dict[str, Any], *, timeout_s: float | None = None, lasts_s_max: float | None = None
    ) -> JobResult:
        """Submit and wait."""
        return await self.result(await self.submit(function, arguments, lasts_s_max=lasts_s_max), timeout_s=timeout_s)

    async def close(self) -> None:
        """Take no more; what runs is ended."""
        self._closed = True
        for task in self._jobs.values():
            task.cancel()
        await asyncio.gather(*self._jobs.values(), return_exceptions=True)
        await asyncio.gather(*(asyncio.to_thread(worker.end) for worker in self._workers))

    async def _do(self, job: Job, data: bytes) -> JobResult:
        worker = await self._free.get()
        try:
            for attempt in range(1, ATTEMPTS_MAX + 1):
                try:
                    async with asyncio.timeout(job.lasts_s_max):
                        done = decode_result(await worker.perform(data))
                except TimeoutError:
                    await asyncio.to_thread(worker.end)
                    log.error("a job took too long and was ended", job=job.id, function=job.function, code="job.overdue")  # noqa: TRY400  # the result tells it
                    return overdue(job)
                except BrokenProcessPool:
                    await asyncio.to_thread(worker.end)
                    log.warning("a worker process died", job=job.id, function=job.function, attempt=attempt)
                else:
                    return JobResult(done.id, done.value, done.code, done.message, attempt)
        finally:
            self._free.put_nowait(worker)
        words = "The worker process died twice while doing it."
        return JobResult(job.id, code="job.crashed", message=words, attempts=ATTEMPTS_MAX)

    def _forget_old(self) -> None:
        while len(self._jobs) > RESULTS_KEPT:
            oldest = next(iter(self._jobs))
            if not self._jobs[oldest].done():
                return
            del self._jobs[oldest]


class Worker:
    """One process, begun with its first job, and anew with the first after its end."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    async def perform(self, data: bytes) -> bytes:
        """Do an encoded job; `BrokenProcessPool` when the process dies of it."""
        if self._pool is None:
            # Forking a process with threads and event loops is not safe; a server forked early is.
            context = multiprocessing.get_context("forkserver")
            self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_at_birth)
        return await asyncio.get_running_loop().run_in_executor(self._pool, perform, data)

    def end(self) -> None:
        """End the process, whatever it does. Blocks for a moment."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        processes = list((getattr(pool, "_processes", None) or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()
        for process in processes:
            process.join(5)


def _at_birth() -> None:
    """In a worker: Ctrl-C is for the parent, which ends its workers; when the parent was killed, they end themselves."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
