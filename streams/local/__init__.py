"""The embedded stack: kafka, clickhouse, supervisor."""
