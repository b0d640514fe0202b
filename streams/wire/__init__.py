"""Bytes to events and back: framing, Avro, columns of a batch."""
