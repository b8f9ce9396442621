"""What Dure runs on: bus, records, telemetry, archive, blobs, jobs, identity, clock. Each behind one small port."""
