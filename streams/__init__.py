"""Custody: chain of custody for messages."""
