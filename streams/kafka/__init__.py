"""Reading batches, writing records, topics; a registry of schemas, what sources say of themselves, lag."""
