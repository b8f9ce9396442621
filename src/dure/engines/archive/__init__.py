"""The archive: daily Parquet partitions, sorted, readable by anything."""
