"""How a rehearsal is told: tables on the terminal, the frontier as CSV and as a drawing."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from rich.box import SIMPLE_HEAD
from rich.table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from dure.running.rehearse_desk import Rehearsal
    from dure.services.waste.accounting.kpi import Figures
    from dure.services.waste.rehearsing.sizing import Size

COLUMNS = (
    "km_day",
    "hours_day",
    "visits_day",
    "fill_at_visit",
    "overflow",
    "wasted",
    "km_m3",
    "m3_day",
    "missed",
    "trucks_max",
)
WIDTH, HEIGHT, EDGE = 640, 400, 60


def tell(found: Rehearsal, out: Console) -> None:
    """Print everything; what the figures rest on is said first."""
    what = "simulated bins" if found.simulated else "bins of the history"
    out.print(f"{found.bins} {what}, {found.days} days counted; distances estimated as the crow flies.")
    if found.refused:
        out.print(f"[yellow]{found.refused} rows of the history could not be used.[/]")
    table = _table("policy", found.found[0].figures, "Policies")
    for one in found.found:
        table.add_row(one.policy, *(value for _, value in _shown(one.figures)))
    out.print(table)
    if found.trucks:
        out.print(_sizes(found.trucks, f"Trucks, {found.sized}", "trucks"))
    if found.sensors:
        out.print(_sizes(found.sensors, f"Share of bins with a sensor, {found.sized}", "sensors"))


def write(found: Rehearsal, folder: Path) -> None:
    """frontier.csv and frontier.svg."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "frontier.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("policy", *COLUMNS))
        for one in found.found:
            rows.writerow((one.policy, *(round(getattr(one.figures, name), 4) for name in COLUMNS)))
    (folder / "frontier.svg").write_text(drawing(found), "utf-8")


def drawing(found: Rehearsal) -> str:
    """Kilometres a day against overflow, a labelled dot for each policy; for print as for screens."""
    points = [(one.policy, one.figures.overflow, one.figures.km_day) for one in found.found]
    most_over = max(1.0, *(one[1] for one in points)) * 1.05
    most_km = max(1.0, *(one[2] for one in points)) * 1.05
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
            ' font-family="sans-serif" font-size="12">'
        ),
        "<title>Kilometres a day against overflow</title>",
        f'<path d="M{EDGE} {EDGE / 3} V{HEIGHT - EDGE} H{WIDTH - EDGE / 3}" fill="none" stroke="#333"/>',
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 16}" text-anchor="middle">overflow, bin-days per 1,000</text>',
        f'<text x="{EDGE}" y="14">km/day</text>',
    ]
    for step in range(5):
        over, km = most_over * step / 4, most_km * step / 4
        x, y = _at(over, km, most_over, most_km)
        parts.append(f'<text x="{x:.0f}" y="{HEIGHT - EDGE + 18}" text-anchor="middle">{over:.0f}</text>')
        parts.append(f'<text x="{EDGE - 8}" y="{y:.0f}" text-anchor="end">{km:.0f}</text>')
    for name, over, km in points:
        x, y = _at(over, km, most_over, most_km)
        colour = "#0b5fff" if name.startswith(("dial", "prize")) else "#555"
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
        parts.append(f'<text x="{x + 7:.1f}" y="{y - 5:.1f}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _at(over: float, km: float, most_over: float, most_km: float) -> tuple[float, float]:
    x = EDGE + (WIDTH - EDGE * 4 / 3) * over / most_over
    y = HEIGHT - EDGE - (HEIGHT - EDGE * 4 / 3) * km / most_km
    return x, y


def _shown(one: Figures) -> list[tuple[str, str]]:
    return [
        ("km a day", f"{one.km_day:,.1f}"),
        ("visits a day", f"{one.visits_day:,.0f}"),
        ("fill at visit", f"{one.fill_at_visit:.2f}"),
        ("overflow /1,000", f"{one.overflow:.1f}"),
        ("wasted", f"{one.wasted:.0%}"),
        ("km/m3", f"{one.km_m3:.2f}"),
        ("h a day", f"{one.hours_day:.1f}"),
        ("missed", f"{one.missed}"),
        ("trucks", f"{one.trucks_max}"),
    ]


def _table(first: str, figures: Figures, title: str) -> Table:
    """Narrow enough for a terminal of 80 columns."""
    table = Table(title=title, box=SIMPLE_HEAD, padding=0, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name, _ in _shown(figures):
        table.add_column(name, justify="right", min_width=max(map(len, name.split())))
    return table


def _sizes(sizes: list[Size], title: str, first: str) -> Table:
    table = _table(first, sizes[0].figures, title)
    for one in sizes:
        size = f"{one.trucks}" if first == "trucks" else f"{one.sensors:.0%}"
        table.add_row(size, *(value for _, value in _shown(one.figures)))
    return table
