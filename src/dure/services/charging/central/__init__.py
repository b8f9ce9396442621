"""The central system of chargers (CSMS): doors, identities, one call at a time each way, the journal, the log."""
