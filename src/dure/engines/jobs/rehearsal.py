"""Jobs that only show that jobs are done: for `dure check` and the contract tests."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from dure.core.errors import InputError


def echo(value: Any) -> Any:
    """The value."""
    return value


def total(values: list[float]) -> float:
    """Sum of the values."""
    return float(sum(values))


def refuse() -> None:
    """Refuse, as a function does that gets input it cannot use."""
    raise InputError("rehearsal.refused", "This job always refuses.")


def fail() -> None:
    """Fail, as a function with a defect does."""
    raise ZeroDivisionError("on purpose")


def die() -> None:
    """End the worker process, as the system does when memory is out."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(marker: str) -> str:
    """End the worker process the first time, answer the second."""
    file = Path(marker)
    if not file.exists():
        file.touch()
        die()
    return "answered"


def wait(seconds: float, marker: str = "") -> float:
    """Take some time; `marker` names a file made when the work begins."""
    if marker:
        with Path(marker).open("a") as out:
            out.write("begun\n")
    time.sleep(seconds)
    return seconds


def spin(marker: str) -> None:
    """Never end, and listen to nobody, as a loop in compiled code does; `marker` names a file for the process's number."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    Path(marker).write_text(str(os.getpid()))
    while True:
        time.sleep(60)  # the loop is what never ends; asleep it costs the other tests nothing
