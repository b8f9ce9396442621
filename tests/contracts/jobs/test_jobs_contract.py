"""What every place that does jobs promises."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest
from nats.js.kv import KeyValue

from dure.core.errors import InputError, NotFound, Unavailable
from dure.engines.bus.client import Bus
from dure.engines.bus.server import NatsServer
from dure.engines.bus.settings import BusSecrets, ServerOptions
from dure.engines.jobs.pool import PoolJobs
from dure.engines.jobs.queue import QueueJobs

DO = "dure.engines.jobs.rehearsal."
WORKER = """
import asyncio, sys
from dure.engines.bus.client import Bus
from dure.engines.jobs.pool import PoolJobs
from dure.engines.jobs.queue import QueueJobs

async def main():
    bus = await Bus.connect(sys.argv[1], sys.argv[2], sys.argv[3])
    queue = await QueueJobs.open(bus, ack_wait_s=1)
    await queue.work(PoolJobs(1))

if __name__ == "__main__":
    asyncio.run(main())
"""

BUSY = """
import asyncio, sys
from dure.engines.jobs.pool import PoolJobs

async def main():
    await PoolJobs(1).run("dure.engines.jobs.rehearsal.spin", {"marker": sys.argv[1]})

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.fixture
async def server(tmp_path):
    server = NatsServer(ServerOptions(data_dir=tmp_path), BusSecrets.generate())
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def bus(server):
    bus = await Bus.connect(server.url, server.secrets.user, server.secrets.password)
    yield bus
    await bus.close()


@pytest.fixture(params=["pool", "queue"])
async def jobs(request, bus):
    pool = PoolJobs(2)
    if request.param == "pool":
        yield pool
        await pool.close()
        return
    queue = await QueueJobs.open(bus)
    worker = asyncio.create_task(queue.work(pool, concurrent=2))
    yield queue
    worker.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await worker
    await pool.close()


async def test_a_job_gives_the_functions_value(jobs):
    result = await jobs.run(DO + "total", {"values": [1, 2.5]}, timeout_s=30)

    assert (result.done, result.value) == (True, 3.5)


@pytest.mark.parametrize("value", [None, True, -(2**63), 1.5, "두레", b"\x00\xff", [1, [2]], {"a": {"b": []}}])
async def test_plain_values_go_and_come_unchanged(jobs, value):
    assert (await jobs.run(DO + "echo", {"value": value}, timeout_s=30)).value == value


async def test_many_jobs_are_all_done(jobs):
    ids = [await jobs.submit(DO + "echo", {"value": n}) for n in range(40)]

    assert [(await jobs.result(each, timeout_s=30)).value for each in ids] == list(range(40))


async def test_a_job_of_the_same_id_is_done_once(jobs, tmp_path):
    marker = tmp_path / "begun"
    for _ in range(3):
        await jobs.submit(DO + "wait", {"seconds": 0, "marker": str(marker)}, job_id="only-once")

    await jobs.result("only-once", timeout_s=30)
    await jobs.run(DO + "echo", {"value": 1}, timeout_s=30)

    assert marker.read_text() == "begun\n"


async def test_an_exception_is_a_result_with_a_code(jobs):
    failed = await jobs.run(DO + "fail", {}, timeout_s=30)
    refused = await jobs.run(DO + "refuse", {}, timeout_s=30)

    assert (failed.done, failed.code) == (False, "job.failed")
    assert "ZeroDivisionError: on purpose" in failed.message
    assert refused.code == "rehearsal.refused"


async def test_wrong_arguments_are_a_result_with_a_code(jobs):
    assert (await jobs.run(DO + "total", {"figures": []}, timeout_s=30)).code == "job.failed"


async def test_an_unknown_function_of_dure_is_a_result_with_a_code(jobs):
    assert (await jobs.run("dure.core.nothing", {}, timeout_s=30)).code == "job.function"


async def test_a_function_outside_dure_is_refused(jobs):
    with pytest.raises(InputError) as refused:
        await jobs.submit("os.system", {"command": "true"})

    assert refused.value.code == "job.function"


async def test_arguments_that_are_no_plain_values_are_refused(jobs):
    with pytest.raises(InputError) as refused:
        await jobs.submit(DO + "echo", {"value": object()})

    assert refused.value.code == "job.arguments"


async def test_a_job_over_the_limit_is_refused(jobs):
    with pytest.raises(InputError) as refused:
        await jobs.submit(DO + "echo", {"value": b"x" * 1_000_001})

    assert refused.value.code == "job.too_large"


async def test_a_job_whose_worker_dies_is_tried_once_more(jobs, tmp_path):
    result = await jobs.run(DO + "die_once", {"marker": str(tmp_path / "died")}, timeout_s=60)

    assert (result.value, result.attempts) == ("answered", 2)


async def test_a_job_that_always_ends_its_worker_fails_and_others_go_on(jobs):
    bad = await jobs.submit(DO + "die", {})
    good = [await jobs.submit(DO + "echo", {"value": n}) for n in range(6)]

    assert (await jobs.result(bad, timeout_s=60)).code == "job.crashed"
    assert [(await jobs.result(each, timeout_s=60)).value for each in good] == list(range(6))


async def test_a_result_that_does_not_come_in_time_is_told(jobs):
    slow = await jobs.submit(DO + "wait", {"seconds": 1})

    with pytest.raises(Unavailable) as late:
        await jobs.result(slow, timeout_s=0.05)

    assert late.value.code == "job.timeout"
    assert (await jobs.result(slow, timeout_s=30)).value == 1


async def test_a_job_that_takes_too_long_is_ended_with_its_process(jobs, tmp_path):
    marker = tmp_path / "pid"
    result = await jobs.run(DO + "spin", {"marker": str(marker)}, timeout_s=60, lasts_s_max=3)

    assert (result.done, result.code) == (False, "job.overdue")
    assert "3 s" in result.message
    with pytest.raises(ProcessLookupError):
        os.kill(int(marker.read_text()), 0)


async def test_jobs_that_take_too_long_cost_no_other_job_its_place(jobs, tmp_path):
    bad = [await jobs.submit(DO + "spin", {"marker": str(tmp_path / str(n))}, lasts_s_max=2) for n in range(2)]
    good = [await jobs.submit(DO + "echo", {"value": n}) for n in range(6)]

    results = [await jobs.result(each, timeout_s=60) for each in good]

    assert [(each.value, each.attempts) for each in results] == [(n, 1) for n in range(6)]
    assert {(await jobs.result(each, timeout_s=60)).code for each in bad} == {"job.overdue"}


async def test_waiting_for_a_place_is_no_part_of_the_time_a_job_may_take(jobs):
    await jobs.run(DO + "echo", {"value": 1}, timeout_s=30)
    ids = [await jobs.submit(DO + "wait", {"seconds": 1}, lasts_s_max=2.9) for _ in range(6)]

    assert [(await jobs.result(each, timeout_s=30)).value for each in ids] == [1] * 6


async def test_a_job_that_was_never_submitted_is_not_found(jobs):
    with pytest.raises(NotFound) as refused:
        await jobs.result("nobody-asked", timeout_s=10)

    assert refused.value.code == "job.not_found"


class Hasty:
    """A watch that says "nothing there" before its first entry, as the client does when that is still on its way."""

    def __init__(self, watcher):
        self.watcher, self.first = watcher, True

    async def updates(self, timeout):  # noqa: ASYNC109  # the client's own signature
        if self.first:
            self.first = False
            return None
        return await self.watcher.updates(timeout=timeout)

    async def stop(self):
        await self.watcher.stop()


async def test_a_watch_that_says_nothing_first_does_not_make_a_job_unknown(bus, monkeypatch):
    queue = await QueueJobs.open(bus)
    job = await queue.submit(DO + "echo", {"value": 1})
    watch = KeyValue.watch

    async def hasty(store, key):
        return Hasty(await watch(store, key))

    monkeypatch.setattr(KeyValue, "watch", hasty)
    waiting = asyncio.create_task(queue.result(job, timeout_s=30))
    await asyncio.sleep(0.2)
    pool = PoolJobs(1)
    worker = asyncio.create_task(queue.work(pool))

    try:
        assert (await waiting).value == 1
    finally:
        worker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await worker
        await pool.close()


async def test_a_killed_work_process_leaves_its_job_to_another(server, bus, tmp_path):
    queue = await QueueJobs.open(bus, ack_wait_s=1)
    script, marker = tmp_path / "worker.py", tmp_path / "begun"
    script.write_text(WORKER)
    command = [sys.executable, str(script), server.url, server.secrets.user, server.secrets.password]
    job = await queue.submit(DO + "wait", {"seconds": 1.5, "marker": str(marker)})

    first = await asyncio.create_subprocess_exec(*command, start_new_session=True)
    await asyncio.wait_for(_made(marker), 30)
    os.killpg(first.pid, signal.SIGKILL)
    await first.wait()
    second = await asyncio.create_subprocess_exec(*command, start_new_session=True)
    result = await queue.result(job, timeout_s=60)
    os.killpg(second.pid, signal.SIGKILL)
    await second.wait()

    assert (result.value, result.attempts) == (1.5, 2)
    assert marker.read_text() == "begun\nbegun\n"


async def _made(file: Path) -> None:
    while not file.exists():  # noqa: ASYNC110  # made by another process
        await asyncio.sleep(0.02)


async def test_a_worker_ends_when_the_program_it_works_for_is_killed(tmp_path):
    marker, script = tmp_path / "pid", tmp_path / "busy.py"
    script.write_text(BUSY)
    program = await asyncio.create_subprocess_exec(sys.executable, str(script), str(marker))
    async with asyncio.timeout(60):
        while not (marker.exists() and marker.read_text()):  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(0.05)
    worker = int(marker.read_text())  # a few bytes
    program.kill()
    await program.wait()
    try:
        async with asyncio.timeout(30):
            while Path(f"/proc/{worker}").exists():  # noqa: ASYNC110  # not our child: nobody tells of its end
                await asyncio.sleep(0.05)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
