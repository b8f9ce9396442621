"""Jobs in processes of this machine."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import uuid
from collections import OrderedDict
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import structlog

from dure.core.errors import NotFound, Unavailable
from dure.engines.jobs.port import ATTEMPTS_MAX, Job, JobResult, decode_result, encode_job, perform

log = structlog.get_logger(__name__)

RESULTS_KEPT = 10_000


class PoolJobs:
    """The job port on a pool of processes.

    A worker that dies (out of memory, killed) takes the pool with it: the pool is made anew, and every job that was in
    it is tried once more, alone if need be, so that one bad job cannot fail the others.
    """

    def __init__(self, workers: int = 0) -> None:
        self._workers = workers or os.cpu_count() or 1
        self._pool: ProcessPoolExecutor | None = None
        self._alone = asyncio.Lock()
        self._jobs: OrderedDict[str, asyncio.Task[JobResult]] = OrderedDict()
        self._closed = False

    async def submit(self, function: str, arguments: dict[str, Any], *, job_id: str | None = None) -> str:
        """Id of the job; the same id again is the same job."""
        if self._closed:
            raise Unavailable("job.closed", "Dure is stopping and takes no more jobs.")
        job_id = job_id or uuid.uuid4().hex
        if job_id not in self._jobs:
            data = encode_job(Job(job_id, function, arguments))
            self._jobs[job_id] = asyncio.create_task(self._do(job_id, data))
            self._forget_old()
        return job_id

    async def result(self, job_id: str, *, timeout_s: float | None = None) -> JobResult:
        """Wait for the result of a job."""
        task = self._jobs.get(job_id)
        if task is None:
            raise NotFound("job.not_found", f"There is no job {job_id!r}, or its result has been forgotten.")
        try:
            return await asyncio.wait_for(asyncio.shield(task), timeout_s)
        except TimeoutError as error:
            raise Unavailable("job.timeout", f"The job {job_id} has no result after {timeout_s} s; it goes on.") from error

    async def run(self, function: str, arguments: dict[str, Any], *, timeout_s: float | None = None) -> JobResult:
        """Submit and wait."""
        return await self.result(await self.submit(function, arguments), timeout_s=timeout_s)

    async def close(self) -> None:
        """Take no more; what runs is ended."""
        self._closed = True
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(_end, pool)
        for task in self._jobs.values():
            task.cancel()
        await asyncio.gather(*self._jobs.values(), return_exceptions=True)

    async def _do(self, job_id: str, data: bytes) -> JobResult:
        loop = asyncio.get_running_loop()
        pool = self._pool or self._new_pool()
        try:
            return decode_result(await loop.run_in_executor(pool, perform, data))
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = None
            log.warning("a worker process died; the job is tried once more", job=job_id)
        async with self._alone:  # its own process: who dies now is the culprit
            pool = self._make(1)
            try:
                result = decode_result(await loop.run_in_executor(pool, perform, data))
                return JobResult(result.id, result.value, result.code, result.message, ATTEMPTS_MAX)
            except BrokenProcessPool:
                log.error("a job ends its worker process", job=job_id, code="job.crashed")  # noqa: TRY400  # the result tells it
                return JobResult(
                    job_id, code="job.crashed", message="The worker process died twice while doing it.", attempts=ATTEMPTS_MAX
                )
            finally:
                pool.shutdown(wait=False)

    def _new_pool(self) -> ProcessPoolExecutor:
        self._pool = self._make(self._workers)
        return self._pool

    def _make(self, workers: int) -> ProcessPoolExecutor:
        # Forking a process with threads and event loops is not safe; a server forked early is.
        return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("forkserver"), initializer=_at_birth)

    def _forget_old(self) -> None:
        while len(self._jobs) > RESULTS_KEPT:
            oldest = next(iter(self._jobs))
            if not self._jobs[oldest].done():
                return
            del self._jobs[oldest]


def _at_birth() -> None:
    """In a worker: Ctrl-C is for the parent, which ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _end(pool: ProcessPoolExecutor) -> None:
    workers = list((getattr(pool, "_processes", None) or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.join(5)
