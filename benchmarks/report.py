"""What every benchmark prints and keeps: a row per figure, ours beside a peer or the physical limit, and the bar it must meet."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


def machine() -> str:
    """The machine in one line."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores {_processor()}, {memory_gb:.0f} GiB, {platform.system()} {platform.machine()},"
        f" CPython {platform.python_version()}"
    )


def _processor() -> str:
    """What the processor calls itself, where the system says."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor() or "unknown"
    )


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure. `peer` is the same question asked elsewhere in the same run, `limit` what the machine itself allows."""

    figure: str
    ours: float
    unit: str
    better: Literal["higher", "lower"]
    bar: float | None = None
    peer: float | None = None
    peer_name: str = ""
    limit: float | None = None
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    machine: str = field(default_factory=machine)

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None where there is no bar."""
        if self.bar is None:
            return None
        return self.ours >= self.bar if self.better == "higher" else self.ours <= self.bar


def tell(name: str, rows: Sequence[Row]) -> None:
    """Print the table."""
    table = Table(title=f"{name} · {machine()}")
    for title in ("figure", "ours", "bar", "met", "peer", "limit", "unit"):
        table.add_column(title, justify="left" if title in {"figure", "peer", "unit"} else "right")
    for row in rows:
        peer = "" if row.peer is None else f"{shown(row.peer)} {row.peer_name}"
        met = {True: "[green]yes", False: "[red]no", None: ""}[row.met]
        table.add_row(row.figure, shown(row.ours), shown(row.bar), met, peer, shown(row.limit), row.unit)
    Console(width=160).print(table)


def write(name: str, rows: Sequence[Row]) -> None:
    """Print the table and keep it as ``benchmarks/results/<name>.json``."""
    tell(name, rows)
    RESULTS.mkdir(exist_ok=True)
    kept = [asdict(row) | {"met": row.met} for row in rows]
    (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")


def kept(name: str) -> list[Row]:
    """The rows of a benchmark as they were kept, with their own dates and machines; none when it never ran."""
    file = RESULTS / f"{name}.json"
    rows = json.loads(file.read_bytes()) if file.exists() else []
    return [Row(**{key: value for key, value in row.items() if key != "met"}) for row in rows]


def shown(number: float | None) -> str:
    """A number for people: thousands apart, three figures below a hundred."""
    if number is None:
        return ""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
