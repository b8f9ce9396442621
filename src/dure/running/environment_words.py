"""What `dure environment` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from dure.core.observations import Flag
from dure.services.environment.faults.diagnosis_finding import EXPLANATIONS
from dure.services.environment.grades.grading import TYPES, restored
from dure.services.environment.pages.calibration_words import SERIES, reason_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from dure.core.text import Text
    from dure.running.environment_desk import Assessment
    from dure.running.quality_file import Judged
    from dure.services.environment.alerting.alert_model import Alert
    from dure.services.environment.calibrating.calibration import Model
    from dure.services.environment.enrolling.enrolment_desk import Enrolled
    from dure.services.environment.faults.findings import Finding
    from dure.services.environment.watches.index_watch import Kept

SHOWN_MAX = 50
WHEN = "%Y-%m-%d %H:%M"
FLAG_NAMES = {
    Flag.GOOD: "good",
    Flag.NOT_EVALUATED: "not made",
    Flag.SUSPECT: "suspect",
    Flag.FAIL: "fail",
    Flag.MISSING: "missing",
}


def tell_assessments(found: Sequence[Assessment], out: Console, *, applied: bool) -> None:
    """Rows that change, by series and test."""
    checks = sorted({check for one in found for check in one.worse})
    table = Table("asset", "property", "rows", *checks, "good again", title="Rows that get another flag")
    changed = [one for one in found if one.changed]
    for one in changed[:SHOWN_MAX]:
        cells = [f"{one.worse.get(check, 0):,}" for check in checks]
        table.add_row(*one.key, f"{one.rows:,}", *cells, f"{one.better:,}")
    if changed:
        out.print(table)
    if len(changed) > SHOWN_MAX:
        out.print(f"… and {len(changed) - SHOWN_MAX:,} more series")
    rows, n = sum(one.rows for one in found), sum(one.changed for one in found)
    out.print(f"{len(found):,} series, {rows:,} rows: {n:,} {'got' if applied else 'would get'} another flag")
    if n and not applied:
        out.print("Nothing was changed; --apply keeps these flags.")


def tell_judged(judged: Judged, out: Console) -> None:
    """Flags of a file by test, and how fast they came."""
    table = Table("test", *FLAG_NAMES.values(), title="Rows by flag")
    for name, counts in judged.counts().items():
        table.add_row(name, *(f"{counts[flag]:,}" for flag in FLAG_NAMES))
    out.print(table)
    n, seconds = len(judged.time), max(judged.seconds, 1e-9)
    out.print(f"{n:,} rows, six tests in {seconds * 1e3:,.1f} ms: {n / seconds / 1e6:.2f} M rows/s")


def tell_indices(found: Sequence[Kept], out: Console) -> None:
    """Indices and grades by station."""
    table = Table("station", "name", "until (UTC)", "value", "grade", "decided by", "missing", title="Indices and grades")
    for one in found:
        if one.name in TYPES:
            table.add_row(one.asset, one.name, f"{one.at:{WHEN}}", *index_cells(one.name, one.result))
    if table.row_count:
        out.print(table)
    else:
        out.print("There is no index yet: no station has measured for long enough.")


def index_cells(name: str, content: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Value, grade, deciding items and missing items of a result."""
    found = restored(name, content)
    if name == "cai":
        deciding = ", ".join(found.step(item).short.en for item in found.deciding_all)
        missing = ", ".join(found.step(item).short.en for item in found.missing)
        return _said(found.index), _text(found.grade_name), deciding, missing
    if name == "rtwqi":
        value = "" if found.index is None else f"{found.index:.1f}"
        return value, found.grade or "", ", ".join(found.failed), ", ".join(found.missing)
    if name.startswith("noise"):
        verdict = "" if found.meets is None else "within the limit" if found.meets else f"{found.exceedance_db:.1f} dB above"
        missing = "" if found.leq_db is not None else f"only {found.coverage:.0%} of the readings"
        value = "" if found.leq_db is None else f"{found.leq_db:.1f} dB"
        return value, verdict, f"limit {found.limit_db:g} dB", missing
    grade = found.grade or (f"{found.grade_of_measured} or worse" if found.grade_of_measured else "")
    return "", grade, ", ".join(found.deciding), ", ".join(one.en for one in found.missing_names)


def tell_enrolled(found: Enrolled, out: Console, secrets: Path | None) -> None:
    """What became of the rows; each that was not simply taken by number."""
    out.print(
        f"{found.rows:,} rows: {found.new:,} new, {found.unchanged:,} unchanged, {found.changed:,} changed,"
        f" {found.differs:,} differ, {found.refused:,} refused" + ("  (looked at only, nothing is kept)" if found.check else "")
    )
    special = [one for one in found.items if one.state in {"refused", "differs", "changed"} or one.noticed]
    table = Table("row", "state", "device", "code", "why", title="Rows to look at")
    for one in special[:SHOWN_MAX]:
        why = [one.why.en or one.why.ko] if one.why else []
        why += [note.why.en or note.why.ko for note in one.noticed]
        table.add_row(str(one.row), one.state, one.device, one.code, "\n".join(why))
    if special:
        out.print(table)
    if len(special) > SHOWN_MAX:
        out.print(f"… and {len(special) - SHOWN_MAX:,} more")
    if found.uplinks.waiting:
        out.print(f"{found.uplinks.replayed:,} of {found.uplinks.waiting:,} readings that waited for these devices are in")
    fresh = [one for one in found.items if one.secret]
    if fresh and secrets is not None:
        out.print(f"{len(fresh):,} secrets are in {secrets}; they are kept nowhere else")
    for one in fresh if secrets is None else ():
        out.print(f"secret of {one.device}: [bold]{one.secret}[/]", soft_wrap=True)


def tell_model(model: Model, out: Console) -> None:
    """Scores of raw and corrected values on weeks the fit has not seen, and the verdict with its reasons."""
    table = Table("series", "hours", "RMSE", "slope", "bias", "R²", title=f"{model.asset} {model.property}, held-out weeks")
    for name, one in model.scores.items():
        label = SERIES[name].en if name in SERIES else name
        table.add_row(label, f"{one.n:,}", f"{one.rmse:.2f}", f"{one.slope:.3f}", f"{one.bias:+.2f}", f"{one.r2:.3f}")
    if model.scores:
        out.print(table)
    for reason in model.reasons:
        out.print(f"  {reason_text(reason, lambda value, decimals: f'{value:,.{decimals}f}').en}")
    verdicts = {
        "candidate": "A candidate: better than raw. Put it in force on its page, or with --activate.",
        "active": "In force from now on.",
        "rejected": "Not used: not better than raw.",
        "retired": "Ended.",
    }
    out.print(f"{model.id}: {verdicts[model.state]}")


def tell_findings(found: Sequence[Finding], out: Console) -> None:
    """Findings with what to do first."""
    if not found:
        out.print("Nothing was found.")
        return
    table = Table("found (UTC)", "asset", "property", "what", "state", "do first", title="Findings")
    for one in found:
        known = EXPLANATIONS.get(one.kind)  # type: ignore[call-overload]  # a kind of an older version may be unknown
        what, first = (known.title.en, known.first_step.en) if known else (one.kind, "")
        table.add_row(f"{one.found_at:{WHEN}}", one.asset, one.property or "all", what, one.state, first)
    out.print(table)


def tell_alerts(found: Sequence[Alert], out: Console) -> None:
    """Alerts with their level and who has seen them."""
    if not found:
        out.print("There is no alert.")
        return
    table = Table("since (UTC)", "alert", "rule", "place", "level", "state", "acknowledged", title="Alerts")
    for one in found:
        seen = f"{one.acknowledged_by} {one.acknowledged_at:{WHEN}}" if one.acknowledged_at else "nobody yet"
        place = one.facts.name.en or one.facts.name.ko
        table.add_row(f"{one.opened_at:{WHEN}}", one.id, one.rule, place, str(one.level), one.state, seen)
    out.print(table)


def _said(value: object) -> str:
    return "" if value is None else str(value)


def _text(text: Text | None) -> str:
    return "" if text is None else text.en or text.ko
