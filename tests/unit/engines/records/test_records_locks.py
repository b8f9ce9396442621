"""What one process does with its records must not cost another's."""

import subprocess
import sys
from datetime import UTC, datetime

from dure.engines.records import audit
from dure.engines.records.audit import By
from dure.engines.records.store import Records

OTHER = """
import sys
from dure.engines.records.store import Records
records = Records(sys.argv[1])
with records.begin() as connection:
    connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS other (n INTEGER)")
records.close()
"""


def test_another_process_that_comes_and_goes_leaves_the_log_of_this_one_alone(tmp_path):
    url = f"sqlite:///{tmp_path}/records.sqlite"
    records = Records(url)
    records.migrate()
    by = By("test", datetime(2026, 11, 24, tzinfo=UTC))
    with records.begin() as connection:
        audit.append(connection, by, "write", "asset", "one", {})
    with records.read() as first, records.read() as second:  # a second reader opens the file once more
        assert audit.head(first) == audit.head(second)

    subprocess.run([sys.executable, "-c", OTHER, url], check=True)

    assert (tmp_path / "records.sqlite-wal").exists()
    for number in range(3):
        with records.begin() as connection:
            audit.append(connection, by, "write", "asset", f"more-{number}", {})
    with records.read() as connection:
        assert audit.verify(connection) is None
    records.check(deep=True)
    records.close()
