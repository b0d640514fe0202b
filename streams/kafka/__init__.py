"""Reading batches, writing records, topics."""
