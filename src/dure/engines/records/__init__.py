"""Assets, devices, people, latest values, outbox and audit: SQLite on one machine, PostgreSQL when it grows."""
