"""The terminal: one file per command, file name = command."""

from streams.cli.app import main

__all__ = ["main"]
