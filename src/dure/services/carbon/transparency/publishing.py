"""The daily checkpoint: one of each local day, in the records and as a file in the archive, for years.

The file is named after its day and holds the signed note, nothing else; anyone may copy it. It also guards the log: a newest file
that is larger than the log means that the records came back from an old backup, and nothing may be signed until that is repaired.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from dure.core.errors import Corrupt
from dure.core.time import day_of
from dure.engines.archive.durable import settle
from dure.engines.records.store import Records
from dure.services.carbon.transparency import log_records, notes
from dure.services.carbon.transparency.checkpoint import Checkpoint, read_checkpoint
from dure.services.carbon.transparency.log_records import Day

FOLDER = "carbon-log"
FILES_AT_ONCE = 40  # days whose files are made up for when the archive was away


class DailyCheckpoints:
    """Checkpoints by day.

    Parameters
    ----------
    archive : the folder of the archive
    zone : whose days
    """

    def __init__(self, records: Records, archive: Path, zone: ZoneInfo) -> None:
        self._records = records
        self._folder = archive / FOLDER
        self._zone = zone

    def is_due(self, now: datetime) -> bool:
        """Whether today has no checkpoint yet. Only reads."""
        with self._records.read() as connection:
            return log_records.published_on(connection, self._day(now)) is None and log_records.head(connection) is not None

    def publish(self, now: datetime, kept_since: datetime) -> Day | None:
        """Publish the newest checkpoint as today's, once; older ones in between are let go. None when there is nothing to do."""
        with self._records.begin() as connection:
            newest = log_records.head(connection)
            if newest is None:
                return None
            day = Day(self._day(now), newest.size, now)
            if not log_records.publish(connection, day):
                return None
            log_records.forget_heads(connection, kept_since)
        return day

    def write_files(self) -> int:
        """Make the files of published days that have none; how many."""
        with self._records.read() as connection:
            found = log_records.published(connection, FILES_AT_ONCE)
        missing = [(day, head) for day, head in found if not self.file(day.day).exists()]
        for day, head in missing:
            file = self.file(day.day)
            file.parent.mkdir(parents=True, exist_ok=True)
            part = file.with_name(f".{file.name}.part")
            part.write_text(head.note, "utf-8")
            settle(part, file)
        return len(missing)

    def file(self, day: str) -> Path:
        """The file of a day."""
        return self._folder / day[:4] / f"{day}.txt"

    def require_not_behind(self) -> None:
        """The log is as large as the newest file says it was.

        Raises
        ------
        Corrupt
            ``log.behind``
        """
        last = self._newest_file()
        if last is None:
            return
        with self._records.read() as connection:
            state = log_records.state(connection)
            origin, size = ("", 0) if state is None else state
        if last.size > size and origin in {"", last.origin}:
            raise Corrupt(
                "log.behind",
                f"The log has {size} entries, but one of {last.size} was published: restore the newest backup of the records.",
            )

    def _newest_file(self) -> Checkpoint | None:
        for year in sorted(self._folder.glob("[0-9]" * 4), reverse=True):
            for file in sorted(year.glob("*.txt"), reverse=True):
                return read_checkpoint(notes.read_note(file.read_text("utf-8")).text)
        return None

    def _day(self, now: datetime) -> str:
        return day_of(now, self._zone).isoformat()
