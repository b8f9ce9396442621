"""How a house is put together, started, fed from files, backed up and proven; what the `dure` command calls."""
